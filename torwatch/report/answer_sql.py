"""The SQL of the answer: one row a listing of the period with its three bounds, and every figure as a count over it.

Parameters: `:country` (ISO 3166-1 alpha-2), `:regions` (JSON list of the regions that hold it), `:since` and `:until` (ISO 8601 UTC).
"""

from __future__ import annotations

CLAIMS = """
    SELECT market_id, raw, max(class) AS class, max(code = :country) AS names, sum(code <> '' AND code NOT LIKE 'region:%') AS countries,
           sum(code LIKE 'region:%') AS regions, sum(code IN (SELECT value FROM json_each(:regions))) AS holding, max(code) AS code
    FROM origin WHERE excluded = 0 GROUP BY market_id, raw"""
SCOPE = f"""
  WITH claim AS ({CLAIMS}),
  life AS (
    SELECT spell.entity_id, max(missed.started_at IS NULL OR missed.started_at > :until) AS standing, min(opened.started_at) AS opened
    FROM spell JOIN snapshot AS opened ON opened.id = spell.opened_snapshot_id
    LEFT JOIN snapshot AS missed ON missed.id = spell.first_missed_snapshot_id
    WHERE spell.entity = 'listing' AND opened.started_at <= :until AND (missed.started_at IS NULL OR missed.started_at >= :since)
    GROUP BY spell.entity_id)
  SELECT listing.id, listing.market_id, coalesce(listing.vendor_id, -listing.id) AS vendor_id,
         life.standing AND listing.market_id NOT IN (SELECT id FROM market WHERE closed <= :until) AS standing, life.opened,
         coalesce(substance.answer_group, 'unmapped') AS category, coalesce(substance.substance_group, 'unknown') AS substance_group,
         substance.is_drug IS 1 AND claim.class IS NOT 'digital' AND lower(coalesce(listing.listing_type, '')) <> 'digital' AS drug,
         coalesce(claim.names = 1 AND claim.countries = 1 AND claim.regions = 0, 0) AS only_here,
         coalesce(1.0 * claim.names / nullif(claim.countries, 0), 0.0) AS weight,
         coalesce(claim.countries > 0, 0) AS declared, CASE WHEN claim.countries = 1 AND claim.regions = 0 THEN claim.code END AS origin,
         coalesce(claim.names = 1 OR claim.class IN ('undeclared', 'world') OR (claim.countries = 0 AND claim.holding > 0),
                  listing.ship_from IS NULL) AS perhaps
  FROM life JOIN listing ON listing.id = life.entity_id
  LEFT JOIN claim ON claim.market_id = listing.market_id AND claim.raw = coalesce(listing.ship_from, '')
  LEFT JOIN substance ON substance.market_id = listing.market_id AND substance.title = coalesce(listing.title, '')
       AND substance.category = coalesce(listing.category, '')
  WHERE listing.market_id IN (SELECT market_id FROM snapshot WHERE state IN ('complete', 'partial') AND started_at BETWEEN :since AND :until)"""

VENDOR_COUNTS = """
SELECT market_id, vendor_id, category, drug, sum(only_here) AS only_here, sum(weight) AS weight, sum(declared) AS declared,
       sum(perhaps) AS perhaps, count(*) AS every
FROM scope WHERE standing = 1 GROUP BY market_id, vendor_id, category, drug"""
EXTENT = """
SELECT category, sum(standing) AS standing, count(*) AS ever, sum(standing AND weight > 0) AS standing_here, sum(weight > 0) AS ever_here,
       count(DISTINCT CASE WHEN weight > 0 THEN vendor_id END) AS vendors_here, sum(drug) AS drugs
FROM scope GROUP BY category ORDER BY standing DESC, category"""
DESTINATIONS = """
SELECT CASE WHEN destination.code = '' THEN destination.class ELSE replace(destination.code, 'region:', '') END AS destination,
       count(DISTINCT scope.id) AS listings
FROM scope JOIN listing ON listing.id = scope.id
JOIN destination ON destination.market_id = listing.market_id AND destination.raw = coalesce(listing.ship_to, '') AND destination.excluded = 0
WHERE scope.standing = 1 AND scope.weight > 0 GROUP BY 1 ORDER BY 2 DESC, 1"""
SALES = """
WITH told AS (
  SELECT feedback.listing_id, count(*) AS feedback FROM feedback JOIN snapshot ON snapshot.id = feedback.first_snapshot_id
  WHERE snapshot.started_at BETWEEN :since AND :until GROUP BY 1),
shown AS (
  SELECT listing_id, coalesce(max(CASE WHEN snapshot.started_at >= :since THEN shown END), 0)
         - coalesce(max(CASE WHEN snapshot.started_at < :since THEN shown END), 0) AS more
  FROM feedback_shown JOIN snapshot ON snapshot.id = snapshot_id WHERE snapshot.started_at <= :until GROUP BY 1),
counter AS (
  SELECT listing_id, sales, lag(sales) OVER (PARTITION BY listing_id ORDER BY snapshot_id) AS before
  FROM listing_counter JOIN snapshot ON snapshot.id = snapshot_id
  WHERE sales IS NOT NULL AND snapshot.started_at BETWEEN :since AND :until),
counted AS (
  SELECT listing_id, sum(CASE WHEN before IS NULL THEN 0 WHEN sales >= before THEN sales - before ELSE sales END) AS rises
  FROM counter GROUP BY 1 HAVING count(*) > 1),
sold AS (
  SELECT scope.category, scope.vendor_id, coalesce(told.feedback, 0) AS first_seen, counted.rises,
         CASE WHEN shown.listing_id IS NULL THEN coalesce(told.feedback, 0) ELSE min(coalesce(told.feedback, 0), max(0, shown.more)) END AS at_once
  FROM scope LEFT JOIN told ON told.listing_id = scope.id LEFT JOIN shown ON shown.listing_id = scope.id
  LEFT JOIN counted ON counted.listing_id = scope.id WHERE scope.weight > 0)
SELECT category, sum(max(at_once, coalesce(rises, 0))) AS floor, sum(at_once) AS shown, sum(first_seen) AS feedback,
       sum(max(at_once / 0.88, coalesce(rises, 0))) AS low, sum(max(first_seen / 0.71, coalesce(rises, 0))) AS high,
       sum(rises) AS counted, count(DISTINCT CASE WHEN first_seen > 0 OR rises > 0 THEN vendor_id END) AS vendors
FROM sold GROUP BY category HAVING sum(first_seen) + coalesce(sum(rises), 0) > 0 ORDER BY 2 DESC, 1"""
SALES_SHOWN = """
WITH moved AS (
  SELECT snapshot.started_at, shown - lag(shown, 1, 0) OVER (PARTITION BY listing_id ORDER BY snapshot_id) AS shown, 0 AS first_seen, 0 AS sold
  FROM scope JOIN feedback_shown ON listing_id = scope.id JOIN snapshot ON snapshot.id = snapshot_id WHERE scope.weight > 0
  UNION ALL SELECT snapshot.started_at, 0, 1, 0
  FROM scope JOIN feedback ON feedback.listing_id = scope.id JOIN snapshot ON snapshot.id = feedback.first_snapshot_id WHERE scope.weight > 0
  UNION ALL SELECT snapshot.started_at, 0, 0, sales - lag(sales, 1, 0) OVER (PARTITION BY listing_id ORDER BY snapshot_id)
  FROM scope JOIN listing_counter ON listing_id = scope.id JOIN snapshot ON snapshot.id = snapshot_id
  WHERE scope.weight > 0 AND sales IS NOT NULL)
SELECT date(started_at) AS day, sum(sum(shown)) OVER before AS shown, sum(sum(first_seen)) OVER before AS first_seen, sum(sum(sold)) OVER before AS sold
FROM moved WHERE started_at <= :until GROUP BY 1 WINDOW before AS (ORDER BY date(started_at)) ORDER BY 1"""
PRICE_CHANGES = """
SELECT listing.id, change.snapshot_id, change.old, change.new, change.field FROM change
JOIN listing ON listing.market_id = change.market_id AND listing.key = change.key
WHERE change.entity = 'listing' AND change.field IN ('price', 'currency') ORDER BY change.id"""
# Before holding prices are passed over and rates are looked up: orders and what they were worth, in the currency of the listing.
SALES_MONEY = f"""
WITH point AS MATERIALIZED (SELECT row_number() OVER () AS place, * FROM ({PRICE_CHANGES.strip()}))
SELECT scope.category, listing.currency, count(*) AS orders,
       sum(CAST(coalesce((SELECT new FROM point WHERE point.id = listing.id AND field = 'price' AND snapshot_id <= feedback.first_snapshot_id
                          ORDER BY place DESC LIMIT 1),
                         (SELECT old FROM point WHERE point.id = listing.id AND field = 'price' ORDER BY place LIMIT 1), listing.price) AS REAL)) AS amount
FROM scope JOIN listing ON listing.id = scope.id JOIN feedback ON feedback.listing_id = scope.id
JOIN snapshot ON snapshot.id = feedback.first_snapshot_id
WHERE scope.weight > 0 AND snapshot.started_at BETWEEN :since AND :until AND listing.price_maximum IS NULL AND listing.price IS NOT NULL
  AND listing.currency IS NOT NULL AND lower(coalesce(listing.price_unit, 'order')) IN ('order', 'item', 'lot', 'listing')
  AND NOT EXISTS (SELECT 1 FROM point WHERE point.id = listing.id AND field = 'currency') GROUP BY 1, 2 ORDER BY 4 DESC"""
SHOWN = "SELECT listing_id, snapshot_id, shown FROM feedback_shown ORDER BY listing_id, snapshot_id"
COUNTERS = """
SELECT listing_id, snapshot_id, sales FROM listing_counter WHERE sales IS NOT NULL ORDER BY listing_id, snapshot_id"""
# The charts' rule (charts/parts/weeks.sql): up to and with the day `ends` a market's listings count: its last good look and a week, or its rhythm
# where that is longer, and not from the day on which it closed (a year or a month: from its first day).
WATCHED = """
  SELECT snapshot.market_id, date(min(snapshot.started_at)) AS begins, date(max(snapshot.started_at)) AS last_good,
         min(date(max(snapshot.started_at), '+' || max(7, coalesce(target.every_seconds / 86400, 0)) || ' days'),
             coalesce(date(substr(market.closed || '-01-01', 1, 10), '-1 day'), '9')) AS ends
  FROM snapshot JOIN market ON market.id = snapshot.market_id LEFT JOIN target ON target.market_id = snapshot.market_id
  WHERE snapshot.state IN ('complete', 'partial') AND snapshot.started_at BETWEEN :since AND :until GROUP BY snapshot.market_id"""
TREND = f"""
WITH watched AS ({WATCHED})
SELECT scope.market_id, date(opened.started_at) AS opened, date(missed.started_at) AS missed, watched.ends, sum(scope.weight) AS here,
       sum(scope.declared) AS declared, count(*) AS every
FROM spell JOIN scope ON scope.id = spell.entity_id JOIN watched ON watched.market_id = scope.market_id
JOIN snapshot AS opened ON opened.id = spell.opened_snapshot_id
LEFT JOIN snapshot AS missed ON missed.id = spell.first_missed_snapshot_id
WHERE spell.entity = 'listing' AND opened.started_at <= :until GROUP BY 1, 2, 3"""
CATEGORY_DESTINATIONS = """
SELECT scope.category, CASE WHEN destination.code = '' THEN destination.class ELSE replace(destination.code, 'region:', '') END AS destination,
       count(DISTINCT scope.id) AS listings
FROM scope JOIN listing ON listing.id = scope.id
JOIN destination ON destination.market_id = listing.market_id AND destination.raw = coalesce(listing.ship_to, '') AND destination.excluded = 0
WHERE scope.standing = 1 AND scope.weight > 0 GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2"""
MARKETS = """
SELECT market.name AS market, sum(scope.standing) AS standing, sum(scope.standing AND scope.weight > 0) AS standing_here,
       count(DISTINCT CASE WHEN scope.standing AND scope.weight > 0 THEN scope.vendor_id END) AS vendors_here,
       CASE WHEN market.closed <= :until THEN market.closed END AS closed
FROM scope JOIN market ON market.id = scope.market_id GROUP BY market.id ORDER BY market.name"""
HELD = """
SELECT market.name AS market, date(snapshot.started_at) AS day, snapshot.state, hold.reason
FROM snapshot JOIN market ON market.id = snapshot.market_id LEFT JOIN hold ON hold.snapshot_id = snapshot.id
WHERE snapshot.state IN ('held', 'rejected') AND snapshot.started_at BETWEEN :since AND :until ORDER BY 1, snapshot.id"""
AMOUNTS = """
SELECT scope.category, quantity.unit,
       CASE WHEN CAST(quantity.amount AS REAL) <= 1 THEN 1 WHEN CAST(quantity.amount AS REAL) <= 10 THEN 2
            WHEN CAST(quantity.amount AS REAL) <= 100 THEN 3 WHEN CAST(quantity.amount AS REAL) <= 1000 THEN 4 ELSE 5 END AS size,
       count(*) AS listings
FROM scope JOIN listing ON listing.id = scope.id
JOIN quantity ON quantity.market_id = listing.market_id AND quantity.title = coalesce(listing.title, '')
     AND quantity.category = coalesce(listing.category, '')
WHERE scope.standing = 1 AND scope.weight > 0 AND scope.drug AND quantity.amount IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
VARIETY = """
SELECT count(DISTINCT CASE WHEN weight > 0 THEN substance_group END) AS here, count(DISTINCT substance_group) AS everywhere
FROM scope WHERE standing = 1 AND drug AND substance_group <> 'unknown'"""
CONCENTRATION = """
SELECT scope.vendor_id, coalesce(vendor.name, vendor.key, '?') AS vendor, market.name AS market, sum(scope.standing) AS listings,
       sum(scope.standing AND scope.opened >= :since) AS fresh, sum(NOT scope.standing) AS gone
FROM scope JOIN market ON market.id = scope.market_id LEFT JOIN vendor ON vendor.id = scope.vendor_id
WHERE scope.weight > 0 GROUP BY 1 HAVING sum(scope.standing) > 0 ORDER BY 4 DESC, 2"""
DUTCH = ("voor", "gratis", "verzending", "uit", "stuks", "wiet", "zuivere", "van")
# The index finds the letters anywhere in a title; the patterns then ask for whole words.
DUTCH_TITLES = f"""
SELECT listing.id FROM listing_search JOIN listing ON listing.id = listing_search.rowid
WHERE listing_search MATCH 'title : ({" OR ".join(DUTCH[:4])}' || ' OR {" OR ".join(DUTCH[4:])})'
  AND ({" OR ".join(f"' ' || listing.title || ' ' LIKE '% {word} %'" for word in DUTCH)})"""
AT_HOME = f"""
SELECT (SELECT count(DISTINCT scope.id) FROM scope JOIN listing ON listing.id = scope.id
        JOIN destination ON destination.market_id = listing.market_id AND destination.raw = coalesce(listing.ship_to, '')
             AND destination.code = :country AND destination.excluded = 0
        WHERE scope.standing = 1 AND scope.weight > 0) AS at_home,
       count(*) AS dutch, coalesce(sum(scope.weight > 0), 0) AS dutch_here
FROM scope WHERE scope.standing = 1 AND scope.id IN ({DUTCH_TITLES.strip()})"""
COMPLAINS = " OR ".join(
    f"coalesce(feedback.{column}, '') LIKE '%{words}%'"
    for column in ("body", "delivery")
    for words in ("scam", "never arrived", "not received", "no show")
)
FEEDBACK = f"SELECT coalesce(feedback.listing_id, 0), feedback.first_snapshot_id, {COMPLAINS} FROM feedback"
SIGNS = """
SELECT (SELECT count(*) FROM vendor WHERE banned = 1) AS banned, (SELECT count(*) FROM failure JOIN snapshot AS met ON met.id = failure.snapshot_id
        WHERE failure.outcome = 'phishing_check' AND met.started_at BETWEEN :since AND :until) AS phishing,
       (SELECT count(*) FROM market WHERE closed >= substr(:since, 1, length(closed)) AND closed <= :until) AS closed,
       (SELECT count(*) FROM event AS list, json_each(list.detail, '$.not_on_list') WHERE list.kind = 'mirrors_imported' AND list.at <= :until
        AND NOT EXISTS (SELECT 1 FROM event AS newer WHERE newer.kind = list.kind AND newer.subject = list.subject AND newer.at <= :until
                        AND newer.id > list.id)) AS not_on_list,
       (SELECT count(DISTINCT mirror_id) FROM mirror_visit WHERE outcome = 'wrong_market' AND at BETWEEN :since AND :until) AS wrong_market"""
SCAMS = f"""
SELECT count(*) AS feedback, coalesce(sum({COMPLAINS}), 0) AS complaints, coalesce(sum(scope.weight > 0), 0) AS feedback_here,
       coalesce(sum(scope.weight > 0 AND ({COMPLAINS})), 0) AS complaints_here, {SIGNS.strip().removeprefix("SELECT ")}
FROM feedback JOIN snapshot ON snapshot.id = feedback.first_snapshot_id LEFT JOIN scope ON scope.id = feedback.listing_id
WHERE snapshot.started_at BETWEEN :since AND :until"""
PRICES = """
WITH price AS (
  SELECT scope.substance_group, scope.origin, offer.currency, offer.unit_price AS gram
  FROM scope JOIN listing_unit_price AS offer ON offer.listing_id = scope.id
  WHERE scope.standing = 1 AND scope.drug AND scope.origin IS NOT NULL AND offer.unit = 'g' AND offer.unit_price IS NOT NULL),
ranked AS (
  SELECT *, row_number() OVER (PARTITION BY substance_group, currency, origin ORDER BY gram) AS place,
         count(*) OVER (PARTITION BY substance_group, currency, origin) AS listings
  FROM price)
SELECT substance_group, origin, currency, avg(gram) AS median, listings FROM ranked
WHERE place IN ((listings + 1) / 2, listings / 2 + 1) AND listings >= 3 GROUP BY 1, 2, 3 ORDER BY 1, 3, 2"""
LIVES = """
SELECT market.name AS market, spell.entity, opened.started_at AS opened, last.started_at AS last_seen, missed.started_at AS first_missed,
       count(*) AS number
FROM spell JOIN snapshot AS opened ON opened.id = spell.opened_snapshot_id JOIN market ON market.id = opened.market_id
LEFT JOIN snapshot AS last ON last.id = spell.last_seen_snapshot_id LEFT JOIN snapshot AS missed ON missed.id = spell.first_missed_snapshot_id
WHERE opened.started_at <= :until GROUP BY 1, 2, 3, 4, 5"""
# Who was seen at a look: the spells that hold a complete one, less the misses inside them; for others the packed sets of table capture.
LOOKS = """
SELECT market.name AS market, snapshot.id AS snapshot, snapshot.started_at AS at, snapshot.state,
       (SELECT count(*) FROM spell JOIN listing ON listing.id = spell.entity_id AND listing.market_id = market.id
        WHERE snapshot.state = 'complete' AND spell.entity = 'listing' AND spell.opened_snapshot_id <= snapshot.id
          AND (spell.first_missed_snapshot_id IS NULL OR spell.first_missed_snapshot_id > snapshot.id)
          AND NOT EXISTS (SELECT 1 FROM miss WHERE miss.spell_id = spell.id AND miss.snapshot_id = snapshot.id)) AS complete_seen,
       first.size AS partial_seen, second.size AS second_pass_seen
FROM snapshot JOIN market ON market.id = snapshot.market_id
LEFT JOIN capture AS first ON first.snapshot_id = snapshot.id AND first.entity = 'listing' AND first.pass = 'A'
LEFT JOIN capture AS second ON second.snapshot_id = snapshot.id AND second.entity = 'listing' AND second.pass = 'B'
WHERE snapshot.state IN ('complete', 'partial') AND snapshot.started_at BETWEEN :since AND :until ORDER BY 1, 2"""
SNAPSHOTS = """
SELECT market.name AS market, sum(snapshot.state = 'complete') AS complete, sum(snapshot.state = 'partial') AS partial,
       sum(snapshot.state = 'failed') AS failed, sum(snapshot.state = 'held') AS held, count(DISTINCT snapshot.parser_digest) AS parsers,
       sum(coalesce(snapshot.pages, 0)) AS pages, sum(coalesce(snapshot.received_bytes, 0)) / 1e6 AS megabytes,
       sum(snapshot.source = 'import') AS imported, max(CASE WHEN snapshot.state IN ('complete', 'partial') THEN date(snapshot.started_at) END) AS last_good,
       CASE WHEN market.closed <= :until THEN market.closed END AS closed, market.id AS market_id
FROM snapshot JOIN market ON market.id = snapshot.market_id WHERE snapshot.started_at BETWEEN :since AND :until
GROUP BY market.id ORDER BY market.name"""
# Empty: that of the configuration.
BUDGETS = """
SELECT market.name AS market, target.requests_per_day, target.bytes_per_day, max(spending.requests) AS most_requests,
       max(spending.received_bytes) / 1e6 AS most_megabytes, target.legal_basis
FROM target JOIN market ON market.id = target.market_id
LEFT JOIN spending ON spending.target_id = target.id AND spending.day BETWEEN date(:since) AND date(:until)
WHERE target.added_at <= :until GROUP BY target.id ORDER BY 1"""
PARSERS = """
SELECT market.name AS market, snapshot.parser, substr(snapshot.parser_digest, 1, 12) AS version, min(date(snapshot.started_at)) AS since
FROM snapshot JOIN market ON market.id = snapshot.market_id WHERE snapshot.started_at BETWEEN :since AND :until
GROUP BY market.id, snapshot.parser_digest ORDER BY market.name, 4 DESC"""
FRAME = """
SELECT (SELECT count(*) FROM market) AS known, (SELECT count(DISTINCT market_id) FROM snapshot
        WHERE state IN ('complete', 'partial') AND started_at BETWEEN :since AND :until) AS watched"""


HEAD = f"WITH scope AS MATERIALIZED ({SCOPE})"


def standalone(sql: str) -> str:
    """A figure's SQL that runs on the database as it is: the scope in front of it."""
    text = sql.strip()
    if " scope" not in text:
        return text
    return f"{HEAD},\n{text.removeprefix('WITH ')}" if text.startswith("WITH ") else f"{HEAD}\n{text}"
