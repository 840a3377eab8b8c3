"""What the columns and tables of the database mean, beyond what is said beside each: names that mean the same everywhere, titles and sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MARKET = "what the market's pages show, as its parser read them"
PERSON = "what people entered or decided with torwatch"
WATCH = "what torwatch itself did and met"
NORMALISED = "made from the displayed text by torwatch's normalisers, anew when they get better"
HISTORY = "made by comparing snapshots"
SOURCES: Mapping[str, str] = {
    **dict.fromkeys(
        ("listing", "vendor", "feedback", "feedback_shown", "text", "listing_counter", "vendor_counter", "vendor_key", "vendor_handle"),
        MARKET,
    ),
    **dict.fromkeys(("listing_counter_series", "vendor_counter_series", "standing_listing"), MARKET),
    **dict.fromkeys(("market", "target", "mirror", "hold", "session"), PERSON),
    **dict.fromkeys(("origin", "destination", "quantity", "substance", "listing_origin", "listing_destination"), NORMALISED),
    **dict.fromkeys(("listing_unit_price", "group_share", "unmapped", "origin_share", "default_origin_suspect"), NORMALISED),
    **dict.fromkeys(("change", "spell", "change_readable", "claim_version", "standing_version", "spell_readable", "listing_seen"), HISTORY),
    "vendor_link": "the keys and names that accounts showed",
    **dict.fromkeys(
        ("rate", "rate_either_way", "conversion", "converted_price"), "imported rates, and double quotes on the market's own pages"
    ),
}

# The same in every table; what is said beside a table goes before it.
COLUMNS: Mapping[str, str] = {
    "id": "number of the row",
    "key": "the market's own id, else a digest of named fields",
    "market": "name of the market",
    "market_id": "the market",
    "target_id": "the target: a market that is watched",
    "mirror_id": "the mirror: one address of the target",
    "vendor_id": "the vendor's account",
    "listing_id": "the listing",
    "snapshot_id": "the snapshot",
    "alert_id": "the alert",
    "spell_id": "the spell",
    "other_vendor_id": "the account that shares it",
    "first_snapshot_id": "snapshot that saw it first",
    "opened_snapshot_id": "snapshot that opened the spell: the first that saw it",
    "last_seen_snapshot_id": "snapshot that saw it last; empty: it stands, or is being missed for the first time",
    "first_missed_snapshot_id": "the first complete snapshot that missed it; empty: none",
    "from_snapshot_id": "snapshot from which on it holds",
    "entity": "listing or vendor",
    "entity_id": "id in the table of that entity",
    "title": "title as displayed",
    "name": "name as displayed",
    "path": "path of the page, relative to the market's address",
    "at": "moment, UTC",
    "started_at": "beginning, UTC",
    "ended_at": "end, UTC; empty: it runs",
    "added_at": "when a person added it, UTC",
    "changed_at": "when it was last changed, UTC",
    "removed_at": "when a person removed it, UTC; empty: in use",
    "opened_at": "beginning of the snapshot that opened the spell, UTC",
    "last_seen_at": "beginning of the snapshot that saw it last, UTC; empty: it stands",
    "first_missed_at": "beginning of the first complete snapshot that missed it, UTC; empty: none",
    "seen_at": "beginning of the snapshot that last saw it, UTC",
    "rate_at": "time of the rate, UTC",
    "state": "state",
    "kind": "kind",
    "outcome": "what the visit met",
    "reason": "why, in words",
    "why": "why",
    "verdict": "up, down, or unknown: our own network may have been at fault",
    "status": "HTTP status; empty: no answer",
    "elapsed_ms": "time that the visit took, in milliseconds",
    "attempts": "how often it was tried",
    "digest": "SHA-256 of the contents, hexadecimal",
    "sha256": "SHA-256, hexadecimal",
    "warc": "archive file, relative to the archive folder",
    "warc_offset": "place of the record in the archive file, in bytes",
    "warc_length": "length of the record in the archive file, in bytes",
    "source": "where it comes from",
    "method": "rule or table that gave it",
    "listings": "number of listings",
    "vendors": "number of vendors' accounts",
    "percent": "per cent",
    "price": "exact decimal, in the currency beside it",
    "currency": "ISO 4217 code, or BTC, XMR and the like; empty where the page does not say",
    "price_unit": "what the price is for, where it is per unit",
    "standing": "1: offered as far as is known; 0: went",
    "sources": "bits: 4 own page, 2 list, 1 another page's table",
    "vendor": "the market's own id of the vendor's account, else its name",
    "class": "widest thing the claim says: country, region, world, digital, undeclared, unparseable",
    "country": "ISO 3166-1 alpha-2 code",
    "code": "ISO 3166-1 alpha-2 code, or region: and a region's name; empty where none is named",
    "excluded": "1: ruled out",
    "weight": "1 split equally over the countries of the listing",
    "claimed_origin": "short form of the claimed origin: ISO codes, or world, digital, undeclared, unparseable",
    "substance_group": "substance group as normalised now",
    "answer_group": "category of the printed answer; unmapped for an unknown group",
    "unit": "g, ml or unit (pieces)",
    "base": "currency of which one unit is worth the rate",
    "quote": "currency in which the rate is given",
    "rate": "units of quote for one unit of base",
    "inverse": "1: the stored rate turned round",
    "field": "claim that it is about",
    "old": "value before",
    "new": "value after",
    "cause": "new, changed, refined, back, gone_explicit or missed",
    "evidence": "pgp: the same key; handle: the same name",
    "stock": "stock as displayed",
    "sales": "orders that the market counts",
    "views": "views that the market counts",
    "vendor_level": "vendor level as displayed",
    "trust_level": "trust level as displayed",
    "positive_percent": "per cent of positive feedback, as displayed",
    "rating": "rating as displayed",
    "orders": "orders as displayed",
    "disputes": "disputes as displayed",
    "positive": "number of positive feedback, as the market counts",
    "neutral": "number of neutral feedback, as the market counts",
    "negative": "number of negative feedback, as the market counts",
    "last_seen": "last activity as displayed",
    "subject": "what it is about",
    "detail": "facts, as JSON",
    "mirror": "address of the mirror",
    "moment": "moment, UTC",
    "error": "why it could not be told; empty: no failure",
    "parser": "parser that reads it",
    "dose_unit": "unit of the dose: mg or ug",
    "default_origin": "first option of the form in which vendors choose where they ship from",
    "flagged": "1: most declared origins equal it, so they say nothing",
    "usd_source": "source of the rate to USD",
    "usd_rate_at": "time of the rate to USD, UTC",
    "eur_source": "source of the rate to EUR",
    "eur_rate_at": "time of the rate to EUR, UTC",
    "no_group_percent": "per cent of the standing listings",
    "no_amount_percent": "per cent of the standing listings",
    "no_origin_percent": "per cent of the standing listings",
    "price_number": "the price as a number, in the currency beside it",
}
OWN: Mapping[str, Mapping[str, str]] = {
    "market": {
        "name": "name by which torwatch knows it",
        "title": "name as people write it",
        "aliases": "other names, as a JSON list",
        "engine": "software that its pages come from",
        "opened": "day on which it opened, as far as is known",
        "closed": "day on which it closed; empty: open as far as is known",
        "source": "who says so",
    },
    "target": {
        "every_seconds": "time from one snapshot to the next, in seconds",
        "state": "active, paused or removed",
        "note": "note of the person who added it",
        "legal_basis": "on which legal basis it is watched",
        "seconds_per_request": "own pause between requests, in seconds; empty: that of the configuration",
    },
    "mirror": {"host": "onion address", "port": "port", "scheme": "http or https"},
    "session": {
        "imported_at": "when it was lent, UTC",
        "lost_at": "when it was lost, UTC; empty: it was not",
        "lost_why": "what showed that it was lost",
    },
    "snapshot": {
        "reason": "why it ended as it did",
        "cut_short": "why it ended before all pages were asked for; empty: it did not",
        "parser_digest": "digest of the parser's source",
        "torwatch_version": "version of torwatch that took it",
        "new_feedback": "number of feedback entries seen for the first time",
        "pages": "number of pages fetched",
    },
    "snapshot_page": {"kind": "kind of page: list, listing, vendor and so on"},
    "listing": {"path": "path of its page, as linked", "id": "number of the listing, for ever"},
    "vendor": {"path": "path of its profile, as linked", "id": "number of the account, for ever"},
    "feedback": {
        "listing_key": "the market's own id of the listing it is about",
        "product": "title of what was bought, as displayed",
        "buyer_hash": "digest of the masked name of the buyer",
        "body": "text as displayed",
        "stars": "stars as displayed",
        "price_text": "price as displayed",
        "date": "date as displayed",
        "age": "age as displayed",
        "delivery": "what is said of the delivery, as displayed",
    },
    "text": {"body": "the text"},
    "spell": {"why": "why it ended; empty: it stands"},
    "failure": {"kind": "kind of page", "at": "time of the last try, UTC; empty where it is not kept"},
    "hold": {
        "reason": "why it is held",
        "figures": "figures that led to it, as JSON",
        "held_at": "since when, UTC",
        "decision": "accepted or rejected; empty: it waits",
        "decided_at": "when, UTC",
        "why": "the reason that the person gave",
    },
    "manifest": {"path": "the manifest's file, relative to the archive folder", "sealed_at": "when it was written, UTC"},
    "alert": {"at": "when it was found, UTC", "title": "what happened, in one line"},
    "alert_delivery": {"tried_at": "last try, UTC"},
    "event": {"kind": "what was done"},
    "fill_rate": {
        "kind": "kind of page",
        "field": "field of the record",
        "filled": "records in which it was filled",
        "records": "records read",
    },
    "change": {"id": "number of the change, in order of time"},
}
SAME = {
    "standing_listing": "listing",
    "listing_counter": "listing",
    "listing_counter_series": "listing",
    "vendor_counter": "vendor",
    "vendor_counter_series": "vendor",
    "change_readable": "change",
    "spell_readable": "spell",
}  # views whose columns are those of a table


def describe_column(table: str, column: str, said: Mapping[str, Mapping[str, str]]) -> str:
    """What a column means; `said`: table → column → description from beside the tables; "" where nobody says."""
    for words in (said.get(table, {}), OWN.get(table, {})):
        if words.get(column):
            return words[column]
    if table in SAME and (found := describe_column(SAME[table], column, said)):
        return found
    return COLUMNS.get(column, "")


def describe_tables(tables: Mapping[str, Mapping[str, Any]], said: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """What is said beside the tables and beside the entities, as one: table → column → description."""
    return {name: {**said.get(name, {}), **facts.get("columns", {})} for name, facts in tables.items()}
