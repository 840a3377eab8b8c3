"""The metadata datasette reads: every table and column described, foreign keys labelled, working tables hidden."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torwatch.report.queries import QUERIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SETTINGS = {
    "sql_time_limit_ms": 20_000,
    "max_returned_rows": 5_000,
    "default_page_size": 50,
    "allow_download": "off",
    "facet_time_limit_ms": 2_000,
}

TABLES: Mapping[str, Mapping[str, Any]] = {
    "market": {"description": "Markets known, also those not watched.", "label_column": "name"},
    "target": {"description": "Markets watched: parser, rhythm and legal basis."},
    "mirror": {"description": "Onion addresses of a target.", "label_column": "host"},
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
            "warc": "archive file, relative to the archive folder",
        },
    },
    "snapshot_page": {"description": "Pages of a snapshot by kind and outcome.", "columns": {"pages": "number of pages"}},
    "listing": {
        "description": "Every listing ever seen, with its claims as last read. standing = 1: offered as far as is known.",
        "facets": ["market_id", "claimed_origin", "standing"],
        "label_column": "title",
        "columns": {
            "claimed_origin": "short form of the claimed origin: ISO codes, or world, digital, undeclared, unparseable",
            "sources": "bits: 4 own page, 2 list, 1 vendor's table",
        },
    },
    "vendor": {
        "description": "Vendor accounts. An account is not a seller: one seller may hold several.",
        "facets": ["market_id", "standing"],
        "label_column": "name",
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
        "description": "Claimed origins as normalised: one row for each country, region or class of a raw text.",
        "facets": ["class", "code"],
    },
    "destination": {"description": "Claimed destinations as normalised; excluded = 1: ruled out.", "facets": ["class", "code", "excluded"]},
    "failure": {"description": "Pages that were not ok, with the reason.", "facets": ["outcome", "kind"]},
    "hold": {"description": "Snapshots that wait for a person, and what was decided."},
    "event": {"description": "What people and the daemon did.", "sort_desc": "id", "facets": ["kind"]},
    "fill_rate": {"description": "How often a field was filled, by page kind and snapshot: the raw matter of drift."},
    "rate": {"description": "Exchange rates with source and time."},
    "listing_counter": {"description": "Counters of listings (views, sales, stock), one row a snapshot in which one moved."},
    "vendor_counter": {"description": "Counters of vendors, one row a snapshot in which one moved."},
    "standing_listing": {
        "description": "Listings that stand now, with market and price as a number.",
        "facets": ["market", "claimed_origin"],
    },
    "listing_origin": {
        "description": "Country of origin of each listing; a listing weighs 1, split over its countries.",
        "facets": ["country"],
    },
    "listing_destination": {"description": "Destination of each listing.", "facets": ["code", "class"]},
    "change_readable": {"description": "The table change with market and time.", "facets": ["market", "entity", "cause"]},
    "origin_share": {"description": "Standing listings by market and claimed origin. Unit: listings, per cent of the market's listings."},
}


def build_metadata(columns: Mapping[str, Mapping[str, str]], hidden: Sequence[str]) -> dict[str, Any]:
    """Metadata for a database called "torwatch"; `columns`: table → column → description, `hidden`: working tables."""
    tables: dict[str, dict[str, Any]] = {}
    for name, facts in TABLES.items():
        merged = dict(facts)
        merged["columns"] = {**columns.get(name, {}), **facts.get("columns", {})}
        tables[name] = merged
    for name in hidden:
        tables[name] = {"hidden": True}
    return {
        "title": "torwatch",
        "description": "Claims read from anonymous marketplaces. A claim is a claim: nothing here proves who ships what from where.",
        "databases": {
            "torwatch": {
                "tables": tables,
                "queries": {query.name: {"sql": query.sql, "title": query.title, "description": query.description} for query in QUERIES},
            }
        },
        "extra_css_urls": ["/static-torwatch/torwatch.css"],
    }


def command_line(database: str, metadata: str, host: str, port: int) -> list[str]:
    """Arguments of datasette for the live file; never immutable: that would miss the write-ahead log."""
    arguments = ["serve", database, "--metadata", metadata, "--host", host, "--port", str(port)]
    arguments += ["--static", f"static-torwatch:{Path(__file__).with_name('static')}"]
    for name, value in SETTINGS.items():
        arguments += ["--setting", name, str(value)]
    return arguments
