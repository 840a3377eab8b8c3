"""Canned queries: the questions analysts ask most, each a named SQL text with parameters; every parameter may stay empty."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """One question: its title, what the answer means, and the SQL (`:name` are parameters)."""

    name: str
    title: str
    description: str
    sql: str


QUERIES = (
    Query(
        "listings_by_origin",
        "Standing listings by claimed origin",
        "Listings that stand now, by the country or class of country that the vendor claims as origin. A claim is a claim. Unit: listings.",
        "SELECT market, claimed_origin, listings, percent FROM origin_share ORDER BY listings DESC, market",
    ),
    Query(
        "listings_from",
        "Dutch listings by category",
        "Listings that stand now and claim to come from one country (ISO 3166-1 alpha-2; empty: NL), alone or among others, by the market's category.",
        "SELECT market.name AS market, listing.id AS listing, listing.title, listing.category, listing.price, listing.currency,"
        " listing.ship_from, listing.ship_to FROM listing JOIN market ON market.id = listing.market_id"
        " JOIN listing_origin ON listing_origin.listing_id = listing.id AND listing_origin.country = upper(coalesce(nullif(:country, ''), 'NL'))"
        " WHERE listing.standing = 1 ORDER BY listing.category, listing.title",
    ),
    Query(
        "listings_to",
        "Standing listings that ship to one country",
        "Listings that stand now and name the country (ISO 3166-1 alpha-2; empty: AU) as a destination; 'world' and regions are not expanded.",
        "SELECT market.name AS market, listing.id AS listing, listing.title, listing.ship_from, listing.ship_to FROM listing"
        " JOIN market ON market.id = listing.market_id JOIN listing_destination AS d ON d.listing_id = listing.id"
        " AND d.code = upper(coalesce(nullif(:country, ''), 'AU')) AND d.excluded = 0 WHERE listing.standing = 1 ORDER BY market.name, listing.title",
    ),
    Query(
        "listings_to_australia_or_new_zealand",
        "Standing listings that ship to Australia or New Zealand",
        "Listings that stand now and name AU or NZ as a destination. 'World' is not counted: see claimed destinations of class world. Unit: listings.",
        "SELECT market.name AS market, group_concat(DISTINCT d.code) AS destinations, listing.id AS listing, listing.title,"
        " listing.substance_group, listing.claimed_origin, listing.ship_to FROM listing JOIN market ON market.id = listing.market_id"
        " JOIN listing_destination AS d ON d.listing_id = listing.id AND d.code IN ('AU', 'NZ') AND d.excluded = 0"
        " WHERE listing.standing = 1 GROUP BY listing.id ORDER BY market.name, listing.title",
    ),
    Query(
        "from_by_category",
        "Dutch listings counted by category of the answer",
        "Listings that stand now and claim one country (ISO 3166-1 alpha-2; empty: NL) as origin, alone or among others, by category of the"
        " answer. `weight` splits a listing equally over its origins. Unit: listings.",
        "SELECT coalesce(g.answer_group, 'unmapped') AS answer_group, count(*) AS listings, round(sum(o.weight), 2) AS weight,"
        " count(DISTINCT listing.vendor_id) AS vendors FROM listing"
        " JOIN listing_origin AS o ON o.listing_id = listing.id AND o.country = upper(coalesce(nullif(:country, ''), 'NL'))"
        " LEFT JOIN substance AS g ON g.market_id = listing.market_id AND g.title = coalesce(listing.title, '')"
        " AND g.category = coalesce(listing.category, '') WHERE listing.standing = 1 GROUP BY 1 ORDER BY 2 DESC",
    ),
    Query(
        "vendors_on_several_markets",
        "Vendor names that stand on several markets",
        "Accounts whose name, as ever shown, in letters and digits only, is on more than one market. The same name is a candidate only: names can be"
        " taken by impersonators.",
        "SELECT vendor_handle.handle, count(DISTINCT vendor.market_id) AS markets,"
        " group_concat(market.name || ': ' || vendor_handle.name, ', ') AS accounts,"
        " group_concat(DISTINCT vendor.claimed_origin) AS claimed_origins FROM vendor_handle JOIN vendor ON vendor.id = vendor_handle.vendor_id"
        " JOIN market ON market.id = vendor.market_id GROUP BY 1 HAVING count(DISTINCT vendor.market_id) > 1 ORDER BY 2 DESC, 1",
    ),
    Query(
        "price_over_time",
        "Prices of one kind of goods over time",
        "Every price that a listing of the substance group (for instance cannabis-flower; empty: the one with most standing listings) has had, in its"
        " own currency, with the amount that its title gives: the first price at the listing's first snapshot, then each change. Holding prices are"
        " not left out.",
        "WITH asked AS MATERIALIZED (SELECT coalesce(nullif(:group, ''), (SELECT substance_group FROM listing WHERE standing = 1"
        " AND substance_group <> 'unknown' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1)) AS goods)"
        " SELECT snapshot.started_at AS at, market.name AS market, listing.id AS listing, listing.title,"
        " CASE change.cause WHEN 'new' THEN json_extract(change.new, '$.price') ELSE change.new END AS price, listing.currency,"
        " quantity.amount, quantity.unit FROM asked JOIN listing ON listing.substance_group = asked.goods"
        " JOIN market ON market.id = listing.market_id JOIN change ON change.market_id = listing.market_id"
        " AND change.entity = 'listing' AND change.key = listing.key JOIN snapshot ON snapshot.id = change.snapshot_id"
        " LEFT JOIN quantity ON quantity.market_id = listing.market_id AND quantity.title = coalesce(listing.title, '')"
        " AND quantity.category = coalesce(listing.category, '')"
        " WHERE (change.cause = 'new' OR change.field = 'price') AND CASE change.cause WHEN 'new' THEN json_extract(change.new, '$.price')"
        " ELSE change.new END IS NOT NULL ORDER BY 1, 2, 3",
    ),
    Query(
        "markets_down",
        "Markets that did not answer, and why",
        "Visits of addresses that were found down, newest first; 'unknown' means that our own network may have been at fault.",
        "SELECT at, market, mirror, verdict, why FROM market_availability WHERE verdict <> 'up' ORDER BY at DESC",
    ),
    Query(
        "new_since",
        "Listings first seen since a day",
        "Listings whose first snapshot began on or after the day (2026-01-31; empty: a week before the newest snapshot).",
        "SELECT snapshot.started_at AS first_seen, market.name AS market, listing.id AS listing, listing.title, listing.claimed_origin"
        " FROM listing JOIN snapshot ON snapshot.id = listing.first_snapshot_id JOIN market ON market.id = listing.market_id"
        " WHERE snapshot.started_at >= coalesce(nullif(:day, ''), (SELECT date(max(started_at), '-7 days') FROM snapshot)) ORDER BY snapshot.started_at DESC, listing.id",
    ),
    Query(
        "changes_in_snapshot",
        "What changed in one snapshot",
        "Every change row of a snapshot, by its number (empty: the newest that changed anything).",
        "SELECT entity, key, field, old, new, cause FROM change"
        " WHERE snapshot_id = CAST(coalesce(nullif(:snapshot, ''), (SELECT max(snapshot_id) FROM change)) AS INTEGER) ORDER BY id",
    ),
    Query(
        "vendor_history",
        "All that was seen of one vendor",
        "Changes to the account and to its listings, oldest first; the vendor by its key or name (empty: the one with most listings). The same name on"
        " another market is another account: see the markets.",
        "WITH who AS MATERIALIZED (SELECT id, market_id, key FROM vendor WHERE :vendor <> '' AND (key = :vendor OR name = :vendor)"
        " UNION ALL SELECT id, market_id, key FROM vendor WHERE :vendor = ''"
        " AND id = (SELECT vendor_id FROM listing WHERE vendor_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1)),"
        " its AS MATERIALIZED (SELECT market_id, 'vendor' AS entity, key FROM who"
        " UNION ALL SELECT listing.market_id, 'listing', listing.key FROM who JOIN listing ON listing.vendor_id = who.id)"
        " SELECT snapshot.started_at AS at, market.name AS market, change.entity, change.key, change.field, change.old, change.new, change.cause"
        " FROM its JOIN change ON change.market_id = its.market_id AND change.entity = its.entity AND change.key = its.key"
        " JOIN snapshot ON snapshot.id = change.snapshot_id JOIN market ON market.id = change.market_id ORDER BY change.id",
    ),
    Query(
        "undeclared",
        "Standing listings without a declared origin",
        "Physical or digital listings that name no origin, by market and type. Unit: listings.",
        "SELECT market.name AS market, listing.listing_type, count(*) AS listings FROM listing JOIN market ON market.id = listing.market_id"
        " WHERE listing.standing = 1 AND listing.ship_from IS NULL GROUP BY 1, 2 ORDER BY 3 DESC",
    ),
    Query(
        "not_understood",
        "Claimed origins that were not understood",
        "Raw texts that no rule could read, with the number of listings: the work list for the alias table.",
        "SELECT origin.raw, market.name AS market, count(listing.id) AS listings FROM origin JOIN market ON market.id = origin.market_id"
        " LEFT JOIN listing ON listing.market_id = origin.market_id AND listing.ship_from = origin.raw"
        " WHERE origin.class = 'unparseable' GROUP BY 1, 2 ORDER BY 3 DESC",
    ),
    Query(
        "not_understood_destinations",
        "Claimed destinations that were not understood",
        "Raw texts that no rule could read, with the number of listings: the work list for the alias table.",
        "SELECT destination.raw, market.name AS market, count(listing.id) AS listings FROM destination"
        " JOIN market ON market.id = destination.market_id"
        " LEFT JOIN listing ON listing.market_id = destination.market_id AND listing.ship_to = destination.raw"
        " WHERE destination.class = 'unparseable' GROUP BY 1, 2 ORDER BY 3 DESC",
    ),
    Query(
        "goods",
        "Standing listings by group of goods",
        "Listings that stand now by category of the answer and substance group, over all markets. Unit: listings.",
        "SELECT answer_group, substance_group, sum(listings) AS listings FROM group_share GROUP BY 1, 2 ORDER BY 3 DESC",
    ),
    Query(
        "unit_prices",
        "Price of one gram, ml or piece, by group",
        "Median price of one unit of standing listings, in the listings' own currency. Holding prices are not left out; the median bears them.",
        "SELECT substance_group, unit, currency, listings, median_price FROM (SELECT substance_group, unit, currency, unit_price AS median_price,"
        " row_number() OVER sorted AS place, count(*) OVER (PARTITION BY substance_group, unit, currency) AS listings"
        " FROM listing_unit_price WHERE standing = 1 AND unit_price IS NOT NULL"
        " WINDOW sorted AS (PARTITION BY substance_group, unit, currency ORDER BY unit_price))"
        " WHERE place = (listings + 1) / 2 ORDER BY listings DESC",
    ),
    Query(
        "no_group",
        "Standing listings of no known group",
        "Titles that neither the category nor a name places: the work list for the table of names.",
        "SELECT market.name AS market, listing.category, listing.title FROM listing JOIN market ON market.id = listing.market_id"
        " WHERE listing.standing = 1 AND coalesce(listing.substance_group, 'unknown') = 'unknown' ORDER BY market.name, listing.category, listing.title",
    ),
    Query(
        "search",
        "Listings whose title or description holds a text",
        "Any part of a word, of three letters or more, in any case; present and past listings.",
        "SELECT market.name AS market, listing.id AS listing, listing.title, listing.claimed_origin, listing.standing FROM listing_search"
        " JOIN listing ON listing.id = listing_search.rowid JOIN market ON market.id = listing.market_id"
        " WHERE listing_search MATCH '\"' || replace(:text, '\"', '\"\"') || '\"' ORDER BY listing_search.rank LIMIT 500",
    ),
    Query(
        "linked_vendors",
        "Accounts that share a key or a handle",
        "Same fingerprint: linked; same handle on two markets: a candidate only. Keys can be copied by impersonators.",
        "SELECT vendor_link.evidence, vendor_link.strength, vendor_link.shared, mine.name AS market, a.name AS account, its.name AS other_market,"
        " b.name AS other_account FROM vendor_link JOIN vendor AS a ON a.id = vendor_id JOIN vendor AS b ON b.id = other_vendor_id"
        " JOIN market AS mine ON mine.id = a.market_id JOIN market AS its ON its.id = b.market_id WHERE vendor_id < other_vendor_id ORDER BY 1 DESC, 3",
    ),
    Query(
        "failures",
        "Pages that failed, and why",
        "The newest thousand pages that were not ok.",
        "SELECT snapshot.started_at AS at, market.name AS market, failure.kind, failure.outcome, failure.reason, failure.path FROM failure"
        " JOIN snapshot ON snapshot.id = failure.snapshot_id JOIN market ON market.id = snapshot.market_id ORDER BY failure.id DESC LIMIT 1000",
    ),
)
