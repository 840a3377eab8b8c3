WITH RECURSIVE
  /*part weeks*/,
  claim AS MATERIALIZED (
    SELECT market_id, raw, origin, 1.0 / count(*) OVER (PARTITION BY market_id, raw) AS weight FROM (
      SELECT DISTINCT market_id, raw, CASE WHEN country THEN code ELSE class END AS origin, country,
             max(country) OVER (PARTITION BY market_id, raw) AS countries
      FROM (SELECT *, code <> '' AND code NOT LIKE 'region:%' AS country FROM origin WHERE excluded = 0)) WHERE country = countries),
  life AS MATERIALIZED (
    SELECT coalesce(claim.origin, 'undeclared') AS origin, stood.market_id, date(opened.started_at) AS opened, date(missed.started_at) AS missed,
           sum(stood.listings * coalesce(claim.weight, 1)) AS listings
    FROM (
      SELECT listing.market_id, listing.ship_from, spell.opened_snapshot_id, spell.first_missed_snapshot_id, count(*) AS listings
      FROM spell JOIN listing ON listing.id = spell.entity_id WHERE spell.entity = 'listing' GROUP BY 1, 2, 3, 4) AS stood
    JOIN snapshot AS opened ON opened.id = stood.opened_snapshot_id
    LEFT JOIN snapshot AS missed ON missed.id = stood.first_missed_snapshot_id
    LEFT JOIN claim ON claim.market_id = stood.market_id AND claim.raw = coalesce(stood.ship_from, '')
    GROUP BY 1, 2, 3, 4),
  top AS (
    SELECT origin, row_number() OVER (ORDER BY origin = upper(coalesce(nullif(:country, ''), 'NL')) DESC, sum(listings) DESC, origin) AS place
    FROM life WHERE length(origin) = 2 GROUP BY origin),
  line AS (
    SELECT origin, place FROM top WHERE place <= 7
    UNION ALL SELECT 'other countries', 8 WHERE EXISTS (SELECT 1 FROM top WHERE place > 7)
    UNION ALL SELECT 'no country', 9 WHERE EXISTS (SELECT 1 FROM life WHERE length(origin) <> 2)),
  placed AS MATERIALIZED (
    SELECT CASE WHEN length(life.origin) <> 2 THEN 'no country' WHEN top.place > 7 THEN 'other countries' ELSE life.origin END AS origin,
           life.market_id, life.opened, life.missed, life.listings
    FROM life LEFT JOIN top ON top.origin = life.origin),
  total AS MATERIALIZED (
    SELECT week.day, placed.origin, sum(placed.listings) AS listings
    FROM week JOIN placed ON placed.opened <= week.day AND (placed.missed IS NULL OR placed.missed > week.day)
    JOIN watched ON watched.market_id = placed.market_id AND watched.ends >= week.day GROUP BY 1, 2)
SELECT week.day AS week, line.origin, CASE WHEN week.day IN (SELECT day FROM gap) THEN NULL ELSE round(coalesce(total.listings, 0), 2) END AS listings
FROM week JOIN line LEFT JOIN total ON total.day = week.day AND total.origin = line.origin ORDER BY week.day, line.place
