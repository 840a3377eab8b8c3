WITH RECURSIVE
  bound AS (
    SELECT coalesce(nullif(substr(:since, 1, 10), ''), '0') AS since, coalesce(nullif(substr(:until, 1, 10), ''), '9') AS until,
           upper(coalesce(nullif(:country, ''), 'NL')) AS country),
  complete AS MATERIALIZED (
    SELECT market_id, min(id) AS first_id, max(started_at) AS newest FROM snapshot, bound
    WHERE state = 'complete' AND date(started_at) BETWEEN since AND until GROUP BY market_id),
  claim AS MATERIALIZED (
    SELECT market_id, raw, max(code = country) AS here FROM origin, bound
    WHERE excluded = 0 AND code <> '' AND code NOT LIKE 'region:%' GROUP BY market_id, raw),
  home AS MATERIALIZED (
    SELECT listing.vendor_id, 2 * sum(claim.here) > count(*) AS here
    FROM listing JOIN claim ON claim.market_id = listing.market_id AND claim.raw = listing.ship_from
    WHERE listing.vendor_id IS NOT NULL GROUP BY listing.vendor_id),
  life AS MATERIALIZED (
    SELECT CASE WHEN home.here THEN bound.country ELSE 'other countries' END AS origin, missed.id IS NOT NULL AS died,
           julianday(coalesce(seen.started_at, CASE WHEN missed.id IS NULL THEN max(opened.started_at, complete.newest) ELSE opened.started_at END))
             - julianday(opened.started_at) AS seen,
           julianday(missed.started_at) - julianday(opened.started_at) AS missed
    FROM spell JOIN snapshot AS opened ON opened.id = spell.opened_snapshot_id JOIN bound
    JOIN complete ON complete.market_id = opened.market_id AND opened.id > complete.first_id AND date(opened.started_at) <= bound.until
    JOIN home ON home.vendor_id = spell.entity_id
    LEFT JOIN snapshot AS seen ON seen.id = spell.last_seen_snapshot_id AND date(seen.started_at) <= bound.until
    LEFT JOIN snapshot AS missed ON missed.id = spell.first_missed_snapshot_id AND date(missed.started_at) <= bound.until
    WHERE spell.entity = 'vendor'),
  over AS MATERIALIZED (
    SELECT origin, died, round(CASE WHEN died THEN (seen + missed) / 2 ELSE seen END, 4) AS age FROM life
    WHERE CASE WHEN died THEN (seen + missed) / 2 ELSE seen END > 0),
  step AS MATERIALIZED (
    SELECT origin, age, deaths, risk, row_number() OVER (PARTITION BY origin ORDER BY age) AS place
    FROM (SELECT origin, age, sum(died) AS deaths, sum(count(*)) OVER (PARTITION BY origin ORDER BY age DESC) AS risk FROM over GROUP BY 1, 2)
    WHERE deaths > 0),
  curve (origin, place, age, survival, greenwood, risk) AS (
    SELECT origin, 0, 0.0, 1.0, 0.0, (SELECT count(*) FROM over WHERE over.origin = step.origin) FROM step WHERE place = 1
    UNION ALL
    SELECT step.origin, step.place, step.age, curve.survival * (1 - 1.0 * step.deaths / step.risk),
           curve.greenwood + coalesce(1.0 * step.deaths / nullif(step.risk * (step.risk - step.deaths), 0), 0), step.risk
    FROM curve JOIN step ON step.origin = curve.origin AND step.place = curve.place + 1),
  last AS (SELECT origin, max(age) AS age FROM over GROUP BY origin),
  drawn AS (
    SELECT * FROM curve
    UNION ALL
    SELECT curve.origin, curve.place + 1, last.age, curve.survival, curve.greenwood,
           (SELECT count(*) FROM over WHERE over.origin = last.origin AND over.age = last.age)
    FROM curve JOIN last ON last.origin = curve.origin AND last.age > curve.age
    WHERE curve.place = (SELECT max(place) FROM step WHERE step.origin = curve.origin))
SELECT origin, round(age, 2) AS age_days, round(100 * survival, 2) AS percent,
       round(100 * CASE WHEN survival IN (0, 1) THEN survival ELSE pow(survival, exp(-1.959963984540054 * sqrt(greenwood) / ln(survival))) END, 2) AS low,
       round(100 * CASE WHEN survival IN (0, 1) THEN survival ELSE pow(survival, exp(1.959963984540054 * sqrt(greenwood) / ln(survival))) END, 2) AS high,
       risk AS at_risk
FROM drawn ORDER BY 1, 2
