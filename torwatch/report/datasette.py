"""The metadata datasette reads: every table and column described, foreign keys labelled, working tables hidden."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from torwatch.report.columns import SOURCES, WATCH, describe_column, describe_tables
from torwatch.report.crawl_tables import CRAWL_TABLES
from torwatch.report.dashboards import build_dashboards
from torwatch.report.datasette_command import SHOWN_ROWS
from torwatch.report.queries import QUERIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torwatch.report.chart import Chart

NORMALISED_COLUMNS = {
    "confidence": "0 to 1; orders answers, it is no probability",
    "version": "version of the normaliser and of the market facts that steer it",
}
SHIPPING_COLUMNS = {
    "raw": "text as displayed; empty: nothing declared",
    **NORMALISED_COLUMNS,
}

TABLES: Mapping[str, Mapping[str, Any]] = {
    "market": {
        "description": "Markets known, also those not watched.",
        "label_column": "name",
        "columns": {
            "default_origin": "first option of the form in which vendors choose where they ship from: most declared origins equal to it say nothing"
        },
    },
    **CRAWL_TABLES,
    "market_availability": {
        "description": "Whether a market answered, at which mirror, when, and why not.",
        "facets": ["market", "verdict"],
        "columns": {"why": "outcome and reason of the visit"},
    },
    "session": {
        "description": "Sessions of a person's browser that were lent to torwatch. The cookies themselves are never in the database.",
        "facets": ["state"],
        "columns": {
            "state": "good; lost: the market shows its login page again; dropped: taken back",
            "cookies": "number of cookies",
            "expected_until": "when it will be lost, by the median life of the target's earlier sessions; empty: not known yet",
        },
    },
    "snapshot": {
        "description": "One walk over one market: complete, partial, failed or held, with its totals.",
        "sort_desc": "id",
        "facets": ["market_id", "state"],
        "label_column": "started_at",
        "columns": {
            "state": "complete: every list page was read and the market's own count was reached; partial: not all; held: waits for a person",
            "announced_listings": "sum of the totals that the market prints on its lists",
            "listings": "distinct listings seen",
            "received_bytes": "bytes of page bodies, decoded",
            "max_fall": "share of listings that could be missing before it was held, as configured when it was judged",
            "confirm_misses": "complete snapshots in a row that had to miss a listing, as configured when it was judged",
            "second_pass": "share of the list pages that a second, independent pass drew; 0: none",
            "source": "crawl: torwatch walked the market itself; import: loaded from a data set that others published",
        },
    },
    "snapshot_page": {
        "description": "Pages of a snapshot by kind and outcome.",
        "columns": {
            "outcome": "what the pages met; skipped: planned and never asked for; fresh: not planned, because nothing says that they changed",
            "pages": "number of pages",
        },
    },
    "listing": {
        "description": "Every listing ever seen, with its claims as last read. standing = 1: offered as far as is known.",
        "facets": ["market_id", "claimed_origin", "substance_group", "standing"],
        "label_column": "title",
        "fts_table": "listing_search",
        "fts_pk": "id",
        "columns": {
            "substance_group": "group as normalised now; method and confidence are in table substance",
            "sources": "bits: 4 own page, 2 list, 1 vendor's table",
        },
    },
    "vendor": {
        "description": "Vendor accounts. An account is not a seller: one seller may hold several.",
        "facets": ["market_id", "claimed_origin", "standing"],
        "label_column": "name",
        "columns": {"claimed_origin": "short form of the origin claimed on the profile; empty where the profile claims none"},
    },
    "feedback": {
        "description": "Feedback entries ever seen; buyers are stored as a digest of their masked name.",
        "facets": ["market_id", "rating"],
        "label_column": "product",
    },
    "change": {
        "description": "What changed, field by field. Replaying it gives the state at any snapshot.",
        "sort_desc": "id",
        "facets": ["market_id", "entity", "cause", "field"],
        "columns": {
            "field": "claim that changed; empty where the whole thing came, went or returned",
            "new": "new value; for cause 'new' the whole first state as JSON",
            "cause": "new, changed, refined (first read from a better source), back, gone_explicit (its page says so), missed (not in two complete snapshots)",
        },
    },
    "text": {"description": "Descriptions, profiles and key blocks, each stored once under its digest."},
    "spell": {
        "description": "When a listing or vendor stood. It went after last_seen and before first_missed.",
        "facets": ["entity", "why"],
    },
    "origin": {
        "description": "Claimed origins as normalised: one row for each country, region or class of a raw text, by market.",
        "facets": ["market_id", "class", "code"],
        "columns": SHIPPING_COLUMNS,
    },
    "destination": {
        "description": "Claimed destinations as normalised, like origins; excluded = 1: ruled out.",
        "facets": ["market_id", "class", "code", "excluded"],
        "columns": SHIPPING_COLUMNS,
    },
    "quantity": {
        "description": "Total amount of one order as read from a title, by market; empty where the title gives no single sure amount.",
        "facets": ["market_id", "unit", "method"],
        "columns": {
            "title": "title as displayed; empty: none shown",
            "category": "the market's own category path; empty: none shown",
            "amount": "exact decimal, in unit",
            "dose": "dose of one piece, in dose_unit (mg, ug)",
            "pack_count": "packs that make up the amount",
            "method": "what gave the amount, or why there is none",
            **NORMALISED_COLUMNS,
        },
    },
    "substance": {
        "description": "Substance group of a title and category, by market.",
        "facets": ["market_id", "substance_group", "answer_group", "is_drug", "method"],
        "columns": {
            "title": "title as displayed; empty: none shown",
            "category": "the market's own category path; empty: none shown",
            "substance_group": "unknown: neither title nor category tells",
            "is_drug": "1: the goods count as drugs; empty: not known",
            "method": "what gave the group: category, title, both, or none",
            **NORMALISED_COLUMNS,
        },
    },
    "failure": {"description": "Pages that were not ok, with the reason.", "facets": ["outcome", "kind"]},
    "hold": {"description": "Snapshots that wait for a person, and what was decided."},
    "manifest": {"description": "Which manifest in the archive vouches for a snapshot.", "columns": {"sequence": "place in the chain"}},
    "alert": {
        "description": "What somebody should hear of, kept once, whether or not anybody is told.",
        "sort_desc": "id",
        "facets": ["kind", "rule", "subject"],
        "columns": {
            "key": "what makes it one, however often it is noticed",
            "kind": "change: of listings and vendors, from a snapshot; health: of a market or of torwatch",
            "rule": "rule of the configuration that found it",
            "subject": "market, or what of this machine",
            "body": "more, or what to do",
        },
    },
    "alert_delivery": {
        "description": "To whom an alert is to be told, and whether it was.",
        "facets": ["destination"],
        "columns": {"destination": "digest of the address, which stands in the configuration only", "sent_at": "empty: waiting"},
    },
    "event": {"description": "What people and the daemon did.", "sort_desc": "id", "facets": ["kind"]},
    "fill_rate": {"description": "How often a field was filled, by page kind and snapshot: the raw matter of drift."},
    "rate": {
        "description": "Exchange rates with source and time: imported, or the median of a market's own double quotes in one snapshot.",
        "facets": ["base", "quote", "source"],
        "columns": {
            "rate": "units of quote for one unit of base, exact decimal",
            "at": "from when on it holds, UTC",
            "market_id": "market whose quotes it comes from, used for its own prices only; empty: imported",
        },
    },
    "listing_counter": {"description": "Counters of listings (views, sales, stock), one row a snapshot in which one moved."},
    "vendor_counter": {"description": "Counters of vendors, one row a snapshot in which one moved."},
    "feedback_shown": {
        "description": "How many entries of feedback the pages showed of each listing, one row a snapshot in which the number moved. Unit: entries.",
        "columns": {"shown": "entries that this snapshot read, all at once: what was edited counts once, what scrolled off not at all"},
    },
    "standing_listing": {
        "description": "Listings that stand now, with market and price as a number.",
        "facets": ["market", "claimed_origin"],
    },
    "listing_origin": {
        "description": "Country of origin of each listing; a listing weighs 1, split over its countries.",
        "facets": ["country"],
    },
    "listing_destination": {"description": "Destination of each listing.", "facets": ["code", "class"]},
    "listing_unit_price": {
        "description": "Price of one g, ml or piece in the listing's own currency; empty where price or amount is not a single sure one.",
        "facets": ["market", "unit", "currency", "substance_group"],
        "columns": {
            "amount": "total amount of one order, in unit",
            "unit_price": "price divided by amount, currency for one unit; empty for ranges, for prices that are per something, without a sure amount",
            "confidence": "of the amount",
        },
    },
    "converted_price": {
        "description": "Price of one order in USD and EUR with the rate, its source and time: the nearest rate at or before the listing was last"
        " seen, at most 7 days old, imported or quoted by the market itself; crossed over USD, EUR or BTC where no direct one is there.",
        "facets": ["market", "currency"],
        "columns": {
            "seen_at": "beginning of the snapshot that last saw the listing, UTC",
            "usd": "price in USD; empty without a rate",
            "usd_rate": "USD for one unit of currency",
            "eur": "price in EUR; empty without a rate",
            "eur_rate": "EUR for one unit of currency",
        },
    },
    "conversion": {"description": "Rates that converted_price uses: one for each market, moment, currency and target currency."},
    "rate_either_way": {"description": "Rates as stored and turned round (inverse = 1)."},
    "listing_seen": {"description": "Snapshot that last saw each listing, and when it began."},
    "group_share": {
        "description": "Standing listings by market and substance group. Unit: listings, per cent of the market's listings.",
        "facets": ["market", "answer_group"],
    },
    "unmapped": {
        "description": "What the normalisers could not place, by market. Unit: standing listings, per cent of them.",
        "columns": {
            "no_group": "listings of no known substance group: the unmapped share",
            "no_amount": "listings whose title gives no single sure amount",
            "no_origin": "listings whose claimed origin was not understood",
        },
    },
    "default_origin_suspect": {
        "description": "Markets whose form has a known first option, and how many declared origins equal it. flagged = 1: most do, so they say nothing.",
        "columns": {"declared": "standing listings that declare an origin", "same": "of these, equal to the first option"},
    },
    "claim_version": {
        "description": "Every value a claim ever had, and in which snapshots it was in force: from from_snapshot_id on, until before until_snapshot_id.",
        "facets": ["market_id", "entity", "field"],
        "columns": {"until_snapshot_id": "empty: still", "value": "empty: the page showed that there is none"},
    },
    "standing_version": {
        "description": "When each listing and vendor counted as standing: from from_snapshot_id on, until before until_snapshot_id.",
        "facets": ["market_id", "entity"],
        "columns": {"until_snapshot_id": "snapshot in which it was found to be removed; empty: it stands"},
    },
    "spell_readable": {
        "description": "The table spell with market, key and times. It went after last_seen_at and at the latest at first_missed_at.",
        "facets": ["market", "entity", "why"],
    },
    "listing_counter_series": {
        "description": "Counters of listings over time, as displayed.",
        "columns": {"sales_since": "sales more than at the point before"},
    },
    "vendor_counter_series": {
        "description": "Counters of vendors over time, as displayed.",
        "columns": {"sales_since": "sales more than at the point before"},
    },
    "vendor_key": {
        "description": "OpenPGP keys that an account ever showed. A key can be copied by an impersonator.",
        "columns": {
            "fingerprint": "of the primary key, upper case hexadecimal",
            "key_id": "last 16 digits of the fingerprint",
            "created": "time of creation as the key says, UTC",
            "expires": "UTC; empty: never",
            "revoked": "1: the key carries its own revocation",
            "user_id": "first user id in the key, as its maker wrote it",
        },
    },
    "vendor_handle": {
        "description": "Names that an account ever showed, with the form that is compared between markets.",
        "columns": {"handle": "letters and digits only, case folded", "name": "as displayed when first seen"},
    },
    "vendor_link": {
        "description": "Accounts that share a key (linked) or, on different markets, a handle (candidate only).",
        "facets": ["evidence"],
        "columns": {"shared": "the fingerprint or handle that both have", "strength": "linked or candidate"},
    },
    "change_readable": {"description": "The table change with market and time.", "facets": ["market", "entity", "cause"]},
    "origin_share": {"description": "Standing listings by market and claimed origin. Unit: listings, per cent of the market's listings."},
}


LIMITED = re.compile(r" LIMIT \d+$")


def cut(sql: str) -> str:
    """The query with a LIMIT of one row more than datasette shows: it still says that there are more, and SQLite sorts no more than these."""
    return sql if LIMITED.search(sql) else f"{sql} LIMIT {SHOWN_ROWS + 1}"


def build_metadata(
    said: Mapping[str, Mapping[str, str]],
    hidden: Sequence[str],
    charts: Sequence[Chart] = (),
    present: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Metadata for a database called "torwatch"; `said`: table → column → description, `hidden`: working tables.

    Each of `charts` is a canned query and a chart of a dashboard. `present`: the columns of each table and view, as they are there; all of
    them are described.
    """
    described = describe_tables(TABLES, said)
    tables: dict[str, dict[str, Any]] = {}
    for name, facts in TABLES.items():
        meanings = {column: describe_column(name, column, described) for column in (present or described).get(name, ())}
        titles = {"title": name.replace("_", " ").capitalize(), "source": SOURCES.get(name, WATCH)}
        tables[name] = {**titles, **facts, "columns": meanings}
    for name in hidden:
        tables[name] = {"hidden": True}
    queries = {query.name: {"sql": cut(query.sql), "title": query.title, "description": query.description} for query in QUERIES}
    queries |= {f"chart_{chart.name}": {"sql": chart.sql, "title": chart.title, "description": chart.description} for chart in charts}
    return {
        "title": "torwatch",
        "description": "Claims read from anonymous marketplaces. A claim is a claim: nothing here proves who ships what from where.",
        "databases": {
            "torwatch": {
                "tables": tables,
                "queries": queries,
            }
        },
        **({"plugins": {"datasette-dashboards": build_dashboards(charts)}} if charts else {}),
        "extra_css_urls": ["/static-torwatch/torwatch.css"],
    }
