bound AS (SELECT coalesce(nullif(substr(:until, 1, 10), ''), '9') AS until, upper(coalesce(nullif(:country, ''), 'NL')) AS country),
  stood AS MATERIALIZED (
    SELECT listing.market_id, listing.ship_from, listing.ship_to, listing.substance_group, count(DISTINCT listing.id) AS listings
    FROM spell JOIN listing ON listing.id = spell.entity_id JOIN snapshot AS opened ON opened.id = spell.opened_snapshot_id
    LEFT JOIN snapshot AS missed ON missed.id = spell.first_missed_snapshot_id, bound
    WHERE spell.entity = 'listing' AND date(opened.started_at) <= until AND (missed.started_at IS NULL OR date(missed.started_at) > until)
      AND listing.market_id NOT IN (SELECT id FROM market, bound WHERE substr(closed, 1, 10) <= until)
    GROUP BY 1, 2, 3, 4)
