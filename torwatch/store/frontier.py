"""The frontier of a running snapshot: every page to visit, drawn in random order, kept so that a crash loses nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.model import Outcome, PageKind

if TYPE_CHECKING:
    import datetime as dt
    import random
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    from torwatch.store.database import Store

INDEX_STAGE, DETAIL_STAGE, CHECK_STAGE = 0, 1, 2  # lists first, then single pages, then pages of those that no list showed
STAGE_OF = {PageKind.HOME: INDEX_STAGE, PageKind.LISTING_INDEX: INDEX_STAGE}
MAX_DRAW = 2**31


@dataclass(frozen=True, slots=True)
class Visit:
    """One page to fetch. `kind` may be unknown to the market's URL patterns: then it is OTHER."""

    path: str
    kind: PageKind
    key: str | None = None
    attempts: int = 0
    second: bool = False  # of the second pass: fetched over an identity of its own, and leads nowhere


@dataclass(frozen=True, slots=True)
class VisitResult:
    """What became of a visit; `retry` puts it back for another attempt."""

    visit: Visit
    outcome: Outcome
    reason: str
    status: int | None
    elapsed_ms: int
    at: dt.datetime
    digest: str = ""
    size: int = 0
    warc: str = ""
    warc_offset: int | None = None
    warc_length: int | None = None
    retry: bool = False
    mirror_id: int | None = None  # which address gave it


def add_visits(
    connection: sqlite3.Connection, snapshot_id: int, visits: Iterable[Visit], rng: random.Random, stage: int | None = None
) -> int:
    """Add pages not yet in the frontier, each at a random place of its stage. Gives how many were new."""
    rows = [
        (
            snapshot_id,
            visit.path,
            visit.kind.value,
            visit.key,
            STAGE_OF.get(visit.kind, DETAIL_STAGE) if stage is None else stage,
            rng.randrange(MAX_DRAW),
        )
        for visit in visits
    ]
    return connection.executemany(
        "INSERT INTO visit (snapshot_id, path, kind, key, stage, draw) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", rows
    ).rowcount


def next_visits(store: Store, snapshot_id: int, limit: int) -> list[Visit]:
    """The next pages to fetch, in the order drawn."""
    rows = store.rows(
        "SELECT path, kind, key, attempts FROM visit WHERE snapshot_id = ? AND outcome IS NULL ORDER BY stage, draw LIMIT ?",
        (snapshot_id, limit),
    )
    return [Visit(row["path"], PageKind(row["kind"]), row["key"], row["attempts"]) for row in rows]


def record_results(connection: sqlite3.Connection, snapshot_id: int, results: Sequence[VisitResult], rng: random.Random) -> None:
    """Write what became of a group of visits; a retried one gets a new place in the order."""
    connection.executemany(
        "UPDATE visit SET outcome = ?, reason = ?, status = ?, elapsed_ms = ?, at = ?, digest = ?, size = ?, warc = ?, warc_offset = ?,"
        " warc_length = ?, mirror_id = ?, attempts = attempts + ?, draw = CASE WHEN ? THEN ? ELSE draw END WHERE snapshot_id = ? AND path = ?",
        [
            (
                None if result.retry else result.outcome.value,
                result.reason,
                result.status,
                result.elapsed_ms,
                result.at.isoformat(timespec="seconds"),
                result.digest,
                result.size,
                result.warc,
                result.warc_offset,
                result.warc_length,
                result.mirror_id,
                int(result.outcome is not Outcome.TOR_DOWN),  # our own fault costs the page no attempt
                result.retry,
                rng.randrange(MAX_DRAW),
                snapshot_id,
                result.visit.path,
            )
            for result in results
        ],
    )


def record_reread(connection: sqlite3.Connection, snapshot_id: int, results: Sequence[VisitResult]) -> None:
    """Write the visits of an ended snapshot whose pages were read again from the archive."""
    connection.executemany(
        "INSERT OR REPLACE INTO visit (snapshot_id, path, kind, key, stage, draw, attempts, outcome, reason, status, elapsed_ms, at, digest, size)"
        " VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                snapshot_id,
                result.visit.path,
                result.visit.kind.value,
                result.visit.key,
                result.visit.attempts,
                result.outcome.value,
                result.reason,
                result.status,
                result.elapsed_ms,
                result.at.isoformat(timespec="seconds"),
                result.digest,
                result.size,
            )
            for result in results
        ],
    )


def count_visits(store: Store, snapshot_id: int) -> tuple[int, int]:
    """(pages done, pages left) of a running snapshot."""
    row = store.row("SELECT sum(outcome IS NOT NULL), sum(outcome IS NULL) FROM visit WHERE snapshot_id = ?", (snapshot_id,))
    return (row[0] or 0, row[1] or 0) if row else (0, 0)


def lists_complete(store: Store, snapshot_id: int) -> bool:
    """Whether every list page so far was read: only then does it mean something that a listing was on none of them."""
    return not store.value(
        "SELECT 1 FROM visit WHERE snapshot_id = ? AND stage = ? AND outcome NOT IN ('ok', 'unchanged') LIMIT 1", (snapshot_id, INDEX_STAGE)
    )


def add_checks(connection: sqlite3.Connection, snapshot_id: int, market_id: int, kinds: Collection[PageKind], rng: random.Random) -> int:
    """Add the own page of every standing listing and vendor that no page of this snapshot showed; gives how many were added.

    So the market itself says whether they are gone. Only for a snapshot whose lists were all read: else most of them were merely not reached.
    """
    added = 0
    for name in (kind.value for kind in (PageKind.LISTING, PageKind.VENDOR) if kind in kinds):
        rows = connection.execute(
            f"SELECT e.path, e.key FROM {name} AS e WHERE e.market_id = ? AND e.standing = 1 AND e.path IS NOT NULL AND NOT EXISTS"
            f" (SELECT 1 FROM stage_{name} AS s WHERE s.snapshot_id = ? AND s.key = e.key)",
            (market_id, snapshot_id),
        ).fetchall()
        added += add_visits(connection, snapshot_id, (Visit(row[0], PageKind(name), row[1]) for row in rows), rng, CHECK_STAGE)
    return added


def known_visits(store: Store, entity: str, market_id: int, keys: Iterable[str], fresh_since: str) -> dict[str, str | None]:
    """Those of `keys` ("listing" or "vendor") whose own page was read at or after `fresh_since`, with the digest of their index row then."""
    wanted = json.dumps(list(keys))
    rows = store.rows(
        f"SELECT e.key, seen.row_digest FROM json_each(?) AS wanted JOIN {entity} AS e ON e.market_id = ? AND e.key = wanted.value"
        f" JOIN {entity}_visit AS seen ON seen.{entity}_id = e.id WHERE e.standing = 1 AND seen.at > ?",
        (wanted, market_id, fresh_since),
    )
    return {row["key"]: row["row_digest"] for row in rows}
