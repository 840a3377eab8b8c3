WITH bound AS (SELECT coalesce(nullif(substr(:since, 1, 10), ''), '0') AS since, coalesce(nullif(substr(:until, 1, 10), ''), '9') AS until)
SELECT snapshot.started_at AS at, market.name AS market, snapshot.state, snapshot.listings AS seen, snapshot.announced_listings AS announced,
       round(100.0 * snapshot.listings / nullif(snapshot.announced_listings, 0), 1) AS percent
FROM snapshot JOIN market ON market.id = snapshot.market_id, bound
WHERE snapshot.state <> 'running' AND date(snapshot.started_at) BETWEEN since AND until ORDER BY 1, 2
