WITH
  bound AS (SELECT coalesce(nullif(substr(:since, 1, 10), ''), '0') AS since, coalesce(nullif(substr(:until, 1, 10), ''), '9') AS until),
  met AS (
    SELECT market.name AS market, date(mirror_visit.at) AS day, mirror_visit.verdict, mirror_visit.outcome, count(*) AS visits
    FROM mirror_visit JOIN mirror ON mirror.id = mirror_visit.mirror_id JOIN target ON target.id = mirror.target_id
    JOIN market ON market.id = target.market_id, bound WHERE date(mirror_visit.at) BETWEEN since AND until GROUP BY 1, 2, 3, 4),
  ranked AS (
    SELECT market, day, CASE WHEN verdict = 'up' THEN 'up' ELSE verdict || ': ' || replace(outcome, '_', ' ') END AS state,
           row_number() OVER (PARTITION BY market, day ORDER BY verdict = 'up' DESC, visits DESC, verdict, outcome) AS place,
           sum(visits) OVER (PARTITION BY market, day) AS visits
    FROM met),
  daily AS (
    SELECT market, day, state, visits, row_number() OVER (PARTITION BY market ORDER BY day)
           - row_number() OVER (PARTITION BY market, state ORDER BY day) AS run
    FROM ranked WHERE place = 1)
SELECT market, state, state NOT LIKE 'unknown%' AS sure, min(day) AS first, date(max(day), '+1 day') AS before, sum(visits) AS visits
FROM daily GROUP BY market, state, run ORDER BY state <> 'up', sure DESC, state, market, first
