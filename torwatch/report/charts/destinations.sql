WITH
  /*part standing*/,
  leaves AS MATERIALIZED (
    SELECT DISTINCT market_id, raw, code FROM origin WHERE excluded = 0 AND code <> '' AND code NOT LIKE 'region:%'),
  arrives AS MATERIALIZED (
    SELECT DISTINCT market_id, raw, CASE WHEN code = '' THEN class ELSE replace(code, 'region:', '') END AS code
    FROM destination WHERE excluded = 0),
  pair AS MATERIALIZED (
    SELECT leaves.code AS origin, arrives.code AS destination, sum(stood.listings) AS listings
    FROM stood JOIN leaves ON leaves.market_id = stood.market_id AND leaves.raw = coalesce(stood.ship_from, '')
    JOIN arrives ON arrives.market_id = stood.market_id AND arrives.raw = coalesce(stood.ship_to, '') GROUP BY 1, 2),
  origins AS (
    SELECT pair.origin AS code, row_number() OVER (ORDER BY pair.origin = bound.country DESC, sum(listings) DESC, pair.origin) AS place
    FROM pair, bound GROUP BY 1),
  destinations AS (
    SELECT destination AS code, row_number() OVER (ORDER BY destination IN ('AU', 'NZ', 'world') DESC, sum(listings) DESC, destination) AS place
    FROM pair GROUP BY 1)
SELECT pair.origin, pair.destination, pair.listings
FROM pair JOIN origins ON origins.code = pair.origin AND origins.place <= 12
JOIN destinations ON destinations.code = pair.destination AND destinations.place <= 12
ORDER BY origins.place, destinations.place
