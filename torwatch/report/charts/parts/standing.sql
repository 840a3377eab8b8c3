bound AS (
    SELECT coalesce(nullif(substr(:since, 1, 10), ''), '0') AS since, coalesce(nullif(substr(:until, 1, 10), ''), '9') AS until,
           upper(coalesce(nullif(:country, ''), 'NL')) AS country),
  offering AS MATERIALIZED (
    SELECT DISTINCT snapshot.market_id FROM snapshot JOIN market ON market.id = snapshot.market_id, bound
    WHERE snapshot.state IN ('complete', 'partial') AND date(snapshot.started_at) BETWEEN since AND until
      AND (market.closed IS NULL OR substr(market.closed, 1, 10) > until)),
  stands AS MATERIALIZED (
    SELECT DISTINCT spell.entity_id AS id
    FROM spell JOIN snapshot AS opened ON opened.id = spell.opened_snapshot_id
    LEFT JOIN snapshot AS missed ON missed.id = spell.first_missed_snapshot_id, bound
    WHERE spell.entity = 'listing' AND date(opened.started_at) <= until AND (missed.started_at IS NULL OR date(missed.started_at) > until)
      AND opened.market_id IN (SELECT market_id FROM offering)),
  stood AS MATERIALIZED (
    SELECT listing.market_id, listing.ship_from, listing.ship_to, listing.substance_group, count(*) AS listings
    FROM stands JOIN listing ON listing.id = stands.id GROUP BY 1, 2, 3, 4)
