bound AS (
    SELECT coalesce(nullif(substr(:since, 1, 10), ''), '0') AS since, coalesce(nullif(substr(:until, 1, 10), ''), '9') AS until,
           upper(coalesce(nullif(:country, ''), 'NL')) AS country),
  look AS (
    SELECT market_id, state, date(started_at) AS day FROM snapshot, bound
    WHERE state IN ('complete', 'partial', 'held', 'rejected') AND date(started_at) BETWEEN since AND until),
  week (day) AS (
    SELECT day FROM (SELECT max(day) AS day FROM look WHERE state IN ('complete', 'partial')) WHERE day IS NOT NULL
    UNION ALL SELECT date(day, '-7 days') FROM week
    WHERE date(day, '-7 days') >= (SELECT min(day) FROM look WHERE state IN ('complete', 'partial'))),
  gap AS (
    SELECT DISTINCT week.day FROM week JOIN look ON look.day > date(week.day, '-7 days') AND look.day <= week.day
    JOIN watched ON watched.market_id = look.market_id AND watched.begins <= look.day
    WHERE look.state IN ('held', 'rejected') AND NOT EXISTS (
      SELECT 1 FROM look AS good WHERE good.market_id = look.market_id AND good.state IN ('complete', 'partial')
      AND good.day > date(week.day, '-7 days') AND good.day <= week.day)),
  watched AS (
    SELECT snapshot.market_id, date(min(snapshot.started_at)) AS begins,
           min(date(max(snapshot.started_at), '+' || max(7, coalesce(target.every_seconds / 86400, 0)) || ' days'),
               coalesce(date(substr(market.closed || '-01-01', 1, 10), '-1 day'), '9')) AS ends
    FROM snapshot JOIN market ON market.id = snapshot.market_id LEFT JOIN target ON target.market_id = snapshot.market_id, bound
    WHERE snapshot.state IN ('complete', 'partial') AND date(snapshot.started_at) BETWEEN since AND until GROUP BY snapshot.market_id)
