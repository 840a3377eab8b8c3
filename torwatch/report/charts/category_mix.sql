WITH
  /*part standing*/,
  claim AS MATERIALIZED (
    SELECT market_id, raw, sum(code = country) > 0 AS here FROM origin, bound
    WHERE excluded = 0 AND code <> '' AND code NOT LIKE 'region:%' GROUP BY market_id, raw),
  place AS MATERIALIZED (SELECT DISTINCT substance_group, answer_group FROM substance),
  counted AS (
    SELECT coalesce(place.answer_group, 'unmapped') AS category, CASE WHEN claim.here THEN bound.country ELSE 'other countries' END AS origin,
           sum(stood.listings) AS listings
    FROM stood JOIN bound JOIN claim ON claim.market_id = stood.market_id AND claim.raw = coalesce(stood.ship_from, '')
    LEFT JOIN place ON place.substance_group = stood.substance_group GROUP BY 1, 2)
SELECT category, origin, listings, round(100.0 * listings / sum(listings) OVER (PARTITION BY origin), 2) AS percent
FROM counted ORDER BY sum(listings) OVER (PARTITION BY category) DESC, category, origin
