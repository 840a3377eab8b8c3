"""The frontier of a running snapshot: every page to visit, kept so that a crash loses nothing.

Stages come one after another; within a stage the pages never seen come first, then those seen longest ago (by the snapshot that saw them),
and in random order among equals: a market too large for one snapshot's budget is seen whole over several.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.model import GOOD_OUTCOMES, Outcome, PageKind
from torwatch.store.targets import stamp
from torwatch.store.witnesses import SILENCES

if TYPE_CHECKING:
    import datetime as dt
    import random
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    from torwatch.store.database import Store

# Lists first, then single pages that are new or whose row changed, then those that are merely stale, then pages of those that no list showed.
INDEX_STAGE, DETAIL_STAGE, STALE_STAGE, CHECK_STAGE = 0, 1, 2, 3
STAGE_OF = {PageKind.HOME: INDEX_STAGE, PageKind.LISTING_INDEX: INDEX_STAGE}
OWN_VISITS = {PageKind.LISTING: "listing", PageKind.VENDOR: "vendor"}  # kinds whose visits are kept with the entity, not in page_seen
LAST_SEEN = " ".join(
    f"WHEN '{kind.value}' THEN (SELECT seen.snapshot_id FROM {name} AS e JOIN {name}_visit AS seen ON seen.{name}_id = e.id"
    " WHERE e.market_id = :market AND e.key = :key)"
    for kind, name in OWN_VISITS.items()
)
MAX_DRAW = 2**31


@dataclass(frozen=True, slots=True)
class Visit:
    """One page to fetch. `kind` may be unknown to the market's URL patterns: then it is OTHER."""

    path: str
    kind: PageKind
    key: str | None = None
    attempts: int = 0
    stale: bool = False  # seen before and unchanged since, as far as is known: it can wait
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
    excused: bool = False  # it costs the page no attempt: the fault was our own, or that of an address that is left
    mirror_id: int | None = None  # which address gave it

    def met(self) -> tuple[object, ...]:
        """The values that MET writes."""
        return (
            None if self.retry else self.outcome.value,
            self.reason,
            self.status,
            self.elapsed_ms,
            self.at.isoformat(timespec="seconds"),
            self.digest,
            self.size,
            self.warc,
            self.warc_offset,
            self.warc_length,
            self.mirror_id,
            int(not self.excused),
        )


MET = (  # what became of a visit, in SQL: the same in both passes, but for the name of the column of bytes
    "outcome = ?, reason = ?, status = ?, elapsed_ms = ?, at = ?, digest = ?, {size} = ?, warc = ?, warc_offset = ?, warc_length = ?, mirror_id = ?,"
    " attempts = attempts + ?"
)


def add_visits(
    connection: sqlite3.Connection, snapshot_id: int, visits: Iterable[Visit], rng: random.Random, stage: int | None = None
) -> int:
    """Add pages not yet in the frontier, each at a random place among those of its stage seen as long ago. Gives how many were new."""
    market_id = connection.execute("SELECT market_id FROM snapshot WHERE id = ?", (snapshot_id,)).fetchone()[0]
    rows = [
        {
            "snapshot": snapshot_id,
            "market": market_id,
            "path": visit.path,
            "kind": visit.kind.value,
            "key": visit.key,
            "stage": stage if stage is not None else STALE_STAGE if visit.stale else STAGE_OF.get(visit.kind, DETAIL_STAGE),
            "draw": rng.randrange(MAX_DRAW),
        }
        for visit in visits
    ]
    return connection.executemany(
        "INSERT INTO visit (snapshot_id, path, kind, key, stage, draw, seen) VALUES (:snapshot, :path, :kind, :key, :stage, :draw,"
        f" coalesce(CASE :kind {LAST_SEEN} ELSE (SELECT snapshot_id FROM page_seen WHERE market_id = :market AND path = :path) END, 0))"
        " ON CONFLICT DO NOTHING",
        rows,
    ).rowcount


def next_visits(store: Store, snapshot_id: int, limit: int) -> list[Visit]:
    """The next pages to fetch: by stage, then those never or longest ago seen, then in the order drawn."""
    rows = store.rows(
        "SELECT path, kind, key, attempts FROM visit WHERE snapshot_id = ? AND outcome IS NULL ORDER BY stage, seen, draw LIMIT ?",
        (snapshot_id, limit),
    )
    return [Visit(row["path"], PageKind(row["kind"]), row["key"], row["attempts"]) for row in rows]


def record_results(connection: sqlite3.Connection, snapshot_id: int, results: Sequence[VisitResult], rng: random.Random) -> None:
    """Write what became of a group of visits; a retried one gets a new place in the order."""
    connection.executemany(
        f"UPDATE visit SET {MET.format(size='size')}, draw = CASE WHEN ? THEN ? ELSE draw END WHERE snapshot_id = ? AND path = ?",
        [(*result.met(), result.retry, rng.randrange(MAX_DRAW), snapshot_id, result.visit.path) for result in results],
    )
    connection.executemany(
        "INSERT INTO page_seen (market_id, path, snapshot_id) SELECT market_id, ?, id FROM snapshot WHERE id = ?"
        " ON CONFLICT DO UPDATE SET snapshot_id = excluded.snapshot_id",
        [(result.visit.path, snapshot_id) for result in results if result.outcome in GOOD_OUTCOMES and result.visit.kind not in OWN_VISITS],
    )


def forgive_silences(connection: sqlite3.Connection, snapshot_id: int, since: dt.datetime) -> None:
    """Take back the attempts that met nothing but silence since a moment, in both passes: it was our own network, they are made again."""
    silences = ", ".join(f"'{outcome}'" for outcome in sorted(SILENCES))
    for table in ("visit", "second_pass_page"):
        connection.execute(
            f"UPDATE {table} SET outcome = NULL, attempts = max(0, attempts - 1)"
            f" WHERE snapshot_id = ? AND at >= ? AND status IS NULL AND (outcome IS NULL OR outcome IN ({silences}))",
            (snapshot_id, stamp(since)),
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


def own_pages(store: Store, entity: str, market_id: int, keys: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """Those of `keys` ("listing" or "vendor") that stand and whose own page was read: when, and the digest of their index row then."""
    rows = store.rows(  # CROSS JOIN keeps SQLite from reading the whole market for every page
        f"SELECT e.key, seen.at, seen.row_digest FROM json_each(?) AS wanted CROSS JOIN {entity} AS e ON e.market_id = ? AND e.key = wanted.value"
        f" CROSS JOIN {entity}_visit AS seen ON seen.{entity}_id = e.id WHERE e.standing = 1",
        (json.dumps(list(keys)), market_id),
    )
    return {row["key"]: (row["at"], row["row_digest"]) for row in rows}
