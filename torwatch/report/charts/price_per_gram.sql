WITH
  /*part standing*/,
  claim AS MATERIALIZED (
    SELECT market_id, raw, max(code = country) AS here, sum(code <> '' AND code NOT LIKE 'region:%') AS countries,
           sum(code LIKE 'region:%') AS regions FROM origin, bound WHERE excluded = 0 GROUP BY market_id, raw),
  offer AS MATERIALIZED (
    SELECT listing.substance_group || ', ' || listing.currency AS goods, CASE WHEN claim.here THEN bound.country ELSE 'other countries' END AS origin,
           CAST(listing.price AS REAL) / CAST(quantity.amount AS REAL) AS price
    FROM listing JOIN bound JOIN claim ON claim.market_id = listing.market_id AND claim.raw = listing.ship_from
    JOIN quantity ON quantity.market_id = listing.market_id AND quantity.title = coalesce(listing.title, '')
         AND quantity.category = coalesce(listing.category, '')
    WHERE quantity.unit = 'g' AND CAST(quantity.amount AS REAL) > 0 AND listing.price_maximum IS NULL AND listing.price IS NOT NULL
      AND listing.currency IS NOT NULL AND listing.substance_group IN (SELECT substance_group FROM substance WHERE is_drug = 1)
      AND lower(coalesce(listing.price_unit, 'order')) IN ('order', 'item', 'lot', 'listing') AND claim.countries > 0
      AND (NOT claim.here OR (claim.countries = 1 AND claim.regions = 0))
      AND listing.id IN (SELECT id FROM stands)),
  ranked AS (
    SELECT goods, origin, price, row_number() OVER (PARTITION BY goods, origin ORDER BY price) AS place,
           count(*) OVER (PARTITION BY goods, origin) AS listings
    FROM offer)
SELECT goods, origin, listings, round(max(CASE WHEN place = (listings + 3) / 4 THEN price END), 2) AS quarter,
       round(max(CASE WHEN place = (listings + 1) / 2 THEN price END), 2) AS median,
       round(max(CASE WHEN place = (3 * listings + 3) / 4 THEN price END), 2) AS three_quarters
FROM ranked WHERE listings >= 3
  AND goods IN (SELECT goods FROM offer GROUP BY goods ORDER BY sum(origin <> 'other countries') DESC, count(*) DESC, goods LIMIT 15)
GROUP BY goods, origin ORDER BY goods, origin
