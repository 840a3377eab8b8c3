"""The views that people and reports read: shares, prices a unit, converted prices, and what was not understood."""

from __future__ import annotations

# A rate older than this at the time of a price is no rate; the same bound as normalise.rates.MAXIMUM_AGE, a test holds them together.
RATE_AGE_DAYS = 7

CLAIM_VIEWS = """
CREATE VIEW listing_origin AS
  SELECT listing.id AS listing_id, listing.market_id, origin.class, origin.code AS country,
         1.0 / (SELECT count(*) FROM origin AS other WHERE other.market_id = origin.market_id AND other.raw = origin.raw
                AND other.excluded = 0 AND other.code <> '' AND other.code NOT LIKE 'region:%') AS weight
  FROM listing JOIN origin ON origin.market_id = listing.market_id AND origin.raw = coalesce(listing.ship_from, '')
  WHERE origin.excluded = 0 AND origin.code <> '' AND origin.code NOT LIKE 'region:%';
CREATE VIEW listing_destination AS
  SELECT listing.id AS listing_id, listing.market_id, destination.class, nullif(destination.code, '') AS code, destination.excluded
  FROM listing JOIN destination ON destination.market_id = listing.market_id AND destination.raw = coalesce(listing.ship_to, '');
CREATE VIEW standing_listing AS
  SELECT listing.*, market.name AS market, CAST(listing.price AS REAL) AS price_number
  FROM listing JOIN market ON market.id = listing.market_id WHERE listing.standing = 1;
CREATE VIEW change_readable AS
  SELECT change.id, snapshot.started_at AS at, market.name AS market, change.entity, change.key, change.field, change.old, change.new,
         change.cause, change.snapshot_id
  FROM change JOIN snapshot ON snapshot.id = change.snapshot_id JOIN market ON market.id = change.market_id;
CREATE VIEW origin_share AS
  SELECT market.name AS market, coalesce(nullif(listing.claimed_origin, ''), 'undeclared') AS claimed_origin, count(*) AS listings,
         round(100.0 * count(*) / sum(count(*)) OVER (PARTITION BY market.id), 2) AS percent
  FROM listing JOIN market ON market.id = listing.market_id WHERE listing.standing = 1 GROUP BY market.id, 2;
CREATE VIEW default_origin_suspect AS
  SELECT market, default_origin, declared, same, round(100.0 * same / declared, 2) AS percent, 2 * same > declared AS flagged
  FROM (SELECT market.name AS market, market.default_origin, count(*) AS declared,
               sum(lower(trim(listing.ship_from)) = lower(trim(market.default_origin))) AS same
        FROM market JOIN listing ON listing.market_id = market.id
        WHERE listing.standing = 1 AND market.default_origin IS NOT NULL
          AND coalesce(listing.claimed_origin, 'undeclared') NOT IN ('undeclared', 'unparseable', 'digital')
        GROUP BY market.id);
"""

GOODS_VIEWS = """
CREATE VIEW group_share AS
  SELECT market.name AS market, coalesce(substance.answer_group, 'unmapped') AS answer_group,
         coalesce(substance.substance_group, 'unknown') AS substance_group, count(*) AS listings,
         round(100.0 * count(*) / sum(count(*)) OVER (PARTITION BY market.id), 2) AS percent
  FROM listing JOIN market ON market.id = listing.market_id
  LEFT JOIN substance ON substance.market_id = listing.market_id AND substance.title = coalesce(listing.title, '')
       AND substance.category = coalesce(listing.category, '')
  WHERE listing.standing = 1 GROUP BY market.id, 2, 3;
CREATE VIEW unmapped AS
  SELECT market, listings, no_group, round(100.0 * no_group / listings, 2) AS no_group_percent,
         no_amount, round(100.0 * no_amount / listings, 2) AS no_amount_percent,
         no_origin, round(100.0 * no_origin / listings, 2) AS no_origin_percent
  FROM (SELECT market.name AS market, count(*) AS listings, sum(coalesce(listing.substance_group, 'unknown') = 'unknown') AS no_group,
               sum(quantity.amount IS NULL) AS no_amount, sum(listing.claimed_origin IS 'unparseable') AS no_origin
        FROM listing JOIN market ON market.id = listing.market_id
        LEFT JOIN quantity ON quantity.market_id = listing.market_id AND quantity.title = coalesce(listing.title, '')
             AND quantity.category = coalesce(listing.category, '')
        WHERE listing.standing = 1 GROUP BY market.id);
CREATE VIEW listing_unit_price AS
  SELECT listing.id AS listing_id, market.name AS market, listing.title, listing.substance_group, listing.claimed_origin, listing.standing,
         CAST(listing.price AS REAL) AS price, listing.currency, CAST(quantity.amount AS REAL) AS amount, quantity.unit,
         CASE WHEN listing.currency IS NOT NULL AND listing.price_maximum IS NULL AND CAST(quantity.amount AS REAL) > 0
                   AND lower(coalesce(listing.price_unit, 'order')) IN ('order', 'item', 'lot', 'listing')
              THEN CAST(listing.price AS REAL) / CAST(quantity.amount AS REAL) END AS unit_price,
         quantity.method, quantity.confidence
  FROM listing JOIN market ON market.id = listing.market_id
  LEFT JOIN quantity ON quantity.market_id = listing.market_id AND quantity.title = coalesce(listing.title, '')
       AND quantity.category = coalesce(listing.category, '');
"""

# When a listing was last seen: its spell's end, else the market's newest complete snapshot (a standing listing was in it or is being
# missed for the first time), else the snapshot that opened the spell. Rates are looked up for that moment: the nearest at or before it,
# not older than RATE_AGE_DAYS, quoted either way round, imported or from the market's own double quotes (imported first of the same
# time); where none is direct, one cross over USD, EUR or BTC, in this order. Another market's quotes are never used.
PRICE_VIEWS = f"""
CREATE VIEW listing_seen AS
  WITH newest AS MATERIALIZED (SELECT market_id, max(id) AS snapshot_id FROM snapshot WHERE state = 'complete' GROUP BY market_id)
  SELECT listing.id AS listing_id, listing.market_id, snapshot.id AS snapshot_id, snapshot.started_at AS at
  FROM listing
  JOIN spell ON spell.id = (SELECT max(s.id) FROM spell AS s WHERE s.entity = 'listing' AND s.entity_id = listing.id)
  LEFT JOIN newest ON newest.market_id = listing.market_id
  JOIN snapshot ON snapshot.id = coalesce(spell.last_seen_snapshot_id, max(spell.opened_snapshot_id, coalesce(newest.snapshot_id, 0)));
CREATE VIEW rate_either_way AS
  SELECT base, quote, at, CAST(rate AS REAL) AS rate, source, market_id, 0 AS inverse FROM rate
  UNION ALL
  SELECT quote, base, at, 1.0 / CAST(rate AS REAL), source, market_id, 1 FROM rate;
CREATE VIEW conversion AS
  WITH wanted AS MATERIALIZED (
    SELECT DISTINCT listing.market_id, listing.currency, seen.at FROM listing JOIN listing_seen AS seen ON seen.listing_id = listing.id
    WHERE listing.price IS NOT NULL AND listing.currency IS NOT NULL),
  moment AS MATERIALIZED (SELECT DISTINCT market_id, at FROM wanted),
  goal (quote) AS (VALUES ('USD'), ('EUR')),
  pivot (code, place) AS (VALUES ('USD', 2), ('EUR', 3), ('BTC', 4)),
  every_leg AS (
    SELECT moment.market_id, moment.at, r.base, r.quote, r.rate, r.source, r.at AS rate_at,
           row_number() OVER (PARTITION BY moment.market_id, moment.at, r.base, r.quote
                              ORDER BY r.at DESC, r.market_id IS NOT NULL, r.inverse, r.source) AS place
    FROM moment JOIN rate_either_way AS r ON r.at <= moment.at
         AND r.at >= strftime('%Y-%m-%dT%H:%M:%S+00:00', moment.at, '-{RATE_AGE_DAYS} days')
         AND (r.market_id IS NULL OR r.market_id = moment.market_id)),
  leg AS MATERIALIZED (SELECT market_id, at, base, quote, rate, source, rate_at FROM every_leg WHERE place = 1),
  way AS (
    SELECT wanted.market_id, wanted.at, wanted.currency, goal.quote, 0 AS place, 1.0 AS rate, 'same currency' AS source, wanted.at AS rate_at
    FROM wanted JOIN goal ON goal.quote = wanted.currency
    UNION ALL
    SELECT wanted.market_id, wanted.at, wanted.currency, goal.quote, 1, leg.rate, leg.source, leg.rate_at
    FROM wanted JOIN goal JOIN leg ON leg.market_id = wanted.market_id AND leg.at = wanted.at AND leg.base = wanted.currency
         AND leg.quote = goal.quote
    UNION ALL
    SELECT wanted.market_id, wanted.at, wanted.currency, goal.quote, pivot.place, first.rate * second.rate,
           first.source || ' (' || first.base || '/' || first.quote || ') and ' || second.source || ' (' || second.base || '/' || second.quote || ')',
           min(first.rate_at, second.rate_at)
    FROM wanted JOIN goal JOIN pivot ON pivot.code NOT IN (wanted.currency, goal.quote)
    JOIN leg AS first ON first.market_id = wanted.market_id AND first.at = wanted.at AND first.base = wanted.currency
         AND first.quote = pivot.code
    JOIN leg AS second ON second.market_id = wanted.market_id AND second.at = wanted.at AND second.base = pivot.code
         AND second.quote = goal.quote),
  best AS (SELECT *, row_number() OVER (PARTITION BY market_id, at, currency, quote ORDER BY place) AS choice FROM way)
  SELECT market_id, at, currency, quote, rate, source, rate_at FROM best WHERE choice = 1;
CREATE VIEW converted_price AS
  WITH pair AS MATERIALIZED (
    SELECT market_id, at, currency,
           max(CASE quote WHEN 'USD' THEN rate END) AS usd_rate, max(CASE quote WHEN 'USD' THEN source END) AS usd_source,
           max(CASE quote WHEN 'USD' THEN rate_at END) AS usd_rate_at,
           max(CASE quote WHEN 'EUR' THEN rate END) AS eur_rate, max(CASE quote WHEN 'EUR' THEN source END) AS eur_source,
           max(CASE quote WHEN 'EUR' THEN rate_at END) AS eur_rate_at
    FROM conversion GROUP BY market_id, at, currency)
  SELECT listing.id AS listing_id, market.name AS market, listing.title, listing.standing, listing.price, listing.currency, listing.price_unit,
         seen.at AS seen_at, CAST(listing.price AS REAL) * pair.usd_rate AS usd, pair.usd_rate, pair.usd_source, pair.usd_rate_at,
         CAST(listing.price AS REAL) * pair.eur_rate AS eur, pair.eur_rate, pair.eur_source, pair.eur_rate_at
  FROM listing JOIN market ON market.id = listing.market_id JOIN listing_seen AS seen ON seen.listing_id = listing.id
  LEFT JOIN pair ON pair.market_id = listing.market_id AND pair.at = seen.at AND pair.currency = listing.currency
  WHERE listing.price IS NOT NULL;
"""

VIEWS = CLAIM_VIEWS + GOODS_VIEWS + PRICE_VIEWS
