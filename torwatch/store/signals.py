"""Signals: what a snapshot, an event or a silence has to tell, as the rules of alerts look at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.store.targets import stamp

if TYPE_CHECKING:
    import datetime as dt
    import sqlite3
    from collections.abc import Collection

    from torwatch.store.database import Store


@dataclass(frozen=True, slots=True)
class Scannable:
    """A snapshot that has not been looked through; `quiet`: its changes are no news (first, imported, held)."""

    id: int
    market_id: int
    market: str
    quiet: bool


@dataclass(frozen=True, slots=True)
class SeenListing:
    """A listing as a snapshot left it: what rules look at. `countries`: claimed origins that the text names, as ISO codes."""

    key: str
    title: str
    vendor: str
    category: str
    price: str | None
    currency: str | None
    group: str
    description: str
    countries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A listing that came or changed in a snapshot, and how it was before; None when it was not there."""

    listing: SeenListing
    before: SeenListing | None
    listing_id: int


@dataclass(frozen=True, slots=True)
class Link:
    """An account that a snapshot linked to one of another market."""

    vendor: str
    vendor_id: int
    market: str
    other: str
    other_id: int
    other_market: str
    evidence: str
    strength: str


@dataclass(frozen=True, slots=True)
class Silence:
    """A market whose addresses have not answered since a time; `seized`: the last thing seen was a page of the authorities."""

    market: str
    since: str
    seized: bool


def unscanned(store: Store, busy_targets: Collection[int] = ()) -> list[Scannable]:
    """Snapshots that ended and have not been looked through, oldest first, but those of targets still at work (their values are derived last).

    Quiet are an import, the first walk over a market, and what is or was held: a redesign must not become a thousand alerts.
    """
    rows = store.rows(
        "SELECT snapshot.id, snapshot.market_id, market.name, snapshot.target_id, snapshot.source <> 'crawl'"
        " OR snapshot.state NOT IN ('complete', 'partial') OR EXISTS (SELECT 1 FROM hold WHERE hold.snapshot_id = snapshot.id)"
        " OR NOT EXISTS (SELECT 1 FROM snapshot AS earlier WHERE earlier.market_id = snapshot.market_id AND earlier.id < snapshot.id"
        " AND earlier.source = 'crawl' AND earlier.state IN ('complete', 'partial')) AS quiet"
        " FROM snapshot JOIN market ON market.id = snapshot.market_id WHERE snapshot.state <> 'running'"
        " AND snapshot.id NOT IN (SELECT snapshot_id FROM alert_scan) ORDER BY snapshot.id"
    )
    return [Scannable(row[0], row[1], row[2], bool(row[4])) for row in rows if row[3] not in busy_targets]


def mark_scanned(store: Store, snapshot_id: int, *, now: dt.datetime) -> None:
    """Note that a snapshot was looked through; a replay of it is no news."""
    with store.write() as connection:
        connection.execute("INSERT OR IGNORE INTO alert_scan (snapshot_id, at) VALUES (?, ?)", (snapshot_id, stamp(now)))


def take_as_told(connection: sqlite3.Connection) -> None:
    """Count every ended snapshot as told, where nothing says what was; inside the caller's transaction."""
    connection.execute(
        "INSERT OR IGNORE INTO alert_scan (snapshot_id, at) SELECT id, coalesce(ended_at, started_at) FROM snapshot WHERE state <> 'running'"
    )


BEFORE = ("title", "vendor", "category", "price", "currency", "ship_from", "description")  # claims that rules look at


def changed_listings(store: Store, snapshot: Scannable) -> list[Match]:
    """The listings that came, came back or changed in a snapshot, as they are and as they were."""
    fields: dict[str, dict[str, str | None]] = {}
    new: set[str] = set()
    for row in store.rows(
        "SELECT key, cause, field, old FROM change WHERE snapshot_id = ? AND entity = 'listing'"
        " AND cause IN ('new', 'back', 'changed', 'refined') ORDER BY id DESC",
        (snapshot.id,),
    ):
        old = fields.setdefault(row["key"], {})
        if row["cause"] in {"new", "back"}:
            new.add(row["key"])
        elif row["field"] in BEFORE:
            old[row["field"]] = row["old"]
    found = []
    for key, old in fields.items():
        known = store.row(
            f"SELECT id, {', '.join(BEFORE)}, coalesce(substance_group, '') AS substance FROM listing WHERE market_id = ? AND key = ?",
            (snapshot.market_id, key),
        )
        if known is not None and (key in new or old):
            claims = {name: known[name] for name in BEFORE}
            present = seen_listing(store, snapshot.market_id, key, claims, known["substance"])
            before = None if key in new else seen_listing(store, snapshot.market_id, key, claims | old, known["substance"])
            found.append(Match(present, before, known["id"]))
    return sorted(found, key=lambda match: match.listing_id)


def seen_listing(store: Store, market_id: int, key: str, claims: dict[str, str | None], substance: str) -> SeenListing:
    """A listing of these claims, with its description in words and its claimed origins as codes."""
    countries = store.rows(
        "SELECT code FROM origin WHERE market_id = ? AND raw = ? AND excluded = 0 AND code <> '' ORDER BY code",
        (market_id, claims["ship_from"] or ""),
    )
    return SeenListing(
        key=key,
        title=claims["title"] or "",
        vendor=claims["vendor"] or "",
        category=claims["category"] or "",
        price=claims["price"],
        currency=claims["currency"],
        group=substance,
        description=store.value("SELECT body FROM text WHERE digest = ?", (claims["description"],)) or "",
        countries=tuple(row["code"] for row in countries),
    )


def converted_prices(store: Store, listing_id: int) -> dict[str, float]:
    """A listing's price in USD and EUR, as far as rates are known."""
    row = store.row("SELECT usd, eur FROM converted_price WHERE listing_id = ?", (listing_id,))
    return {} if row is None else {code: row[code.lower()] for code in ("USD", "EUR") if row[code.lower()] is not None}


def new_links(store: Store, snapshot: Scannable) -> list[Link]:
    """Accounts that a snapshot linked, by a key or handle that it was the first to show, to an account of another market."""
    rows = store.rows(
        "SELECT coalesce(mine.name, mine.key), mine.id, market.name, coalesce(other.name, other.key), other.id, elsewhere.name,"
        " link.evidence, link.strength FROM"
        " (SELECT vendor_id, 'pgp' AS evidence, fingerprint AS shared FROM vendor_key WHERE first_snapshot_id = ?1"
        " UNION SELECT vendor_id, 'handle', handle FROM vendor_handle WHERE first_snapshot_id = ?1)"
        " AS fresh JOIN vendor AS mine ON mine.id = fresh.vendor_id JOIN market ON market.id = mine.market_id"
        " JOIN vendor_link AS link ON link.vendor_id = mine.id AND link.evidence = fresh.evidence AND link.shared = fresh.shared"
        " JOIN vendor AS other ON other.id = link.other_vendor_id"
        " AND other.market_id <> mine.market_id JOIN market AS elsewhere ON elsewhere.id = other.market_id ORDER BY mine.id, other.id",
        (snapshot.id,),
    )
    return [Link(*row) for row in rows]


def silences(store: Store) -> list[Silence]:
    """The active targets none of whose addresses answered since they last did; an unknown verdict changes nothing."""
    rows = store.rows(
        "WITH seen AS (SELECT market.name AS market, v.id, v.at, v.verdict, v.outcome FROM mirror_visit AS v JOIN mirror ON mirror.id = v.mirror_id"
        " JOIN target ON target.id = mirror.target_id JOIN market ON market.id = target.market_id WHERE target.state = 'active'),"
        " last_up AS (SELECT market, max(id) AS id FROM seen WHERE verdict = 'up' GROUP BY market)"
        " SELECT market, min(at) AS since, (SELECT outcome = 'seized' FROM seen AS newest WHERE newest.market = seen.market ORDER BY id DESC LIMIT 1)"
        " FROM seen WHERE verdict = 'down' AND id > coalesce((SELECT id FROM last_up WHERE last_up.market = seen.market), 0) GROUP BY market"
    )
    return [Silence(row[0], row[1], bool(row[2])) for row in rows]


def strangers(store: Store) -> list[tuple[str, str, str]]:
    """(market, onion, since) of the addresses that served another market's front page when they were last visited."""
    rows = store.rows(
        "SELECT market.name, mirror.host, (SELECT max(at) FROM event WHERE kind = 'mirror_flagged' AND json_extract(detail, '$.host') = host)"
        " FROM mirror JOIN target ON target.id = target_id JOIN market ON market.id = market_id"
        " WHERE removed_at IS NULL AND target.state = 'active'"
        " AND (SELECT outcome FROM mirror_visit WHERE mirror_id = mirror.id ORDER BY id DESC LIMIT 1) = 'wrong_market'"
    )
    return [(market, host, since or "") for market, host, since in rows]
