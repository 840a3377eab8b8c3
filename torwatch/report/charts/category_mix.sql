WITH
  bound AS (SELECT coalesce(nullif(substr(:until, 1, 10), ''), '9') AS until, upper(coalesce(nullif(:country, ''), 'NL')) AS country),
  claim AS MATERIALIZED (
    SELECT market_id, raw, sum(code = country) > 0 AS here FROM origin, bound
    WHERE excluded = 0 AND code <> '' AND code NOT LIKE 'region:%' GROUP BY market_id, raw),
  place AS MATERIALIZED (SELECT DISTINCT substance_group, answer_group FROM substance),
  stood AS MATERIALIZED (
    SELECT listing.market_id, listing.ship_from, listing.substance_group, count(DISTINCT listing.id) AS listings
    FROM spell JOIN listing ON listing.id = spell.entity_id JOIN snapshot AS opened ON opened.id = spell.opened_snapshot_id
    LEFT JOIN snapshot AS missed ON missed.id = spell.first_missed_snapshot_id, bound
    WHERE spell.entity = 'listing' AND date(opened.started_at) <= until AND (missed.started_at IS NULL OR date(missed.started_at) > until)
    GROUP BY 1, 2, 3),
  counted AS (
    SELECT coalesce(place.answer_group, 'unmapped') AS category, CASE WHEN claim.here THEN bound.country ELSE 'other countries' END AS origin,
           sum(stood.listings) AS listings
    FROM stood JOIN bound JOIN claim ON claim.market_id = stood.market_id AND claim.raw = coalesce(stood.ship_from, '')
    LEFT JOIN place ON place.substance_group = stood.substance_group GROUP BY 1, 2)
SELECT category, origin, listings, round(100.0 * listings / sum(listings) OVER (PARTITION BY origin), 2) AS percent
FROM counted ORDER BY sum(listings) OVER (PARTITION BY category) DESC, category, origin
