WITH RECURSIVE
  /*part weeks*/,
  region AS (SELECT 'region:' || key AS code FROM json_each(/*regions*/'{}'), bound WHERE instr(value, country)),
  claim AS MATERIALIZED (
    SELECT market_id, raw, max(class) AS class, sum(code = country) AS named, sum(code <> '' AND code NOT LIKE 'region:%') AS countries,
           sum(code LIKE 'region:%') AS regions, sum(code IN (SELECT code FROM region)) AS holding
    FROM origin, bound WHERE excluded = 0 GROUP BY market_id, raw),
  drug AS MATERIALIZED (SELECT DISTINCT substance_group FROM substance WHERE is_drug = 1),
  life AS MATERIALIZED (
    SELECT stood.market_id, date(opened.started_at) AS opened, date(missed.started_at) AS missed, sum(stood.listings) AS every,
           sum(stood.listings * coalesce(claim.named AND claim.countries = 1 AND NOT claim.regions, 0)) AS only_here,
           sum(stood.listings * coalesce(1.0 * claim.named / nullif(claim.countries, 0), 0)) AS weight,
           sum(stood.listings * coalesce(claim.countries > 0, 0)) AS declared,
           sum(stood.listings * coalesce(claim.named OR claim.class IN ('undeclared', 'world') OR (NOT claim.countries AND claim.holding),
                                   stood.ship_from IS NULL)) AS perhaps
    FROM (
      SELECT listing.market_id, listing.ship_from, spell.opened_snapshot_id, spell.first_missed_snapshot_id, count(*) AS listings
      FROM spell JOIN listing ON listing.id = spell.entity_id
      WHERE spell.entity = 'listing' AND listing.substance_group IN (SELECT substance_group FROM drug)
            AND lower(coalesce(listing.listing_type, '')) <> 'digital' GROUP BY 1, 2, 3, 4) AS stood
    JOIN snapshot AS opened ON opened.id = stood.opened_snapshot_id
    LEFT JOIN snapshot AS missed ON missed.id = stood.first_missed_snapshot_id
    LEFT JOIN claim ON claim.market_id = stood.market_id AND claim.raw = coalesce(stood.ship_from, '')
    WHERE claim.class IS NOT 'digital' GROUP BY 1, 2, 3),
  share AS (
    SELECT week.day AS week, round(100.0 * sum(only_here) / sum(every), 2) AS low,
           round(100.0 * sum(weight) / nullif(sum(declared), 0), 2) AS declared, round(100.0 * sum(perhaps) / sum(every), 2) AS high
    FROM week JOIN life ON life.opened <= week.day AND (life.missed IS NULL OR life.missed > week.day)
    JOIN watched ON watched.market_id = life.market_id AND watched.ends >= week.day
    WHERE week.day NOT IN (SELECT day FROM gap) GROUP BY 1)
SELECT * FROM (
  SELECT week.day AS week, share.low, share.declared, share.high, NULL AS baseline, NULL AS source
  FROM week LEFT JOIN share ON share.week = week.day WHERE EXISTS (SELECT 1 FROM share)
  UNION ALL
  SELECT NULL, NULL, NULL, NULL, baseline.value, baseline.source
  FROM (SELECT 6.52 AS value, '2012 low: Christin, items' AS source UNION ALL SELECT 7.79, '2012 declared: Christin, items'
        UNION ALL SELECT 22.81, '2012 high: Christin, items' UNION ALL SELECT 7.0, '2016: RAND RR1607, drug revenue') AS baseline, bound
  WHERE bound.country = 'NL' AND EXISTS (SELECT 1 FROM share)
) ORDER BY week IS NULL, week, baseline
