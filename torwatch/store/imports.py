"""Imported snapshots: written like a crawl's, in the caller's transaction, and marked as what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torwatch.errors import UsageError
from torwatch.store.snapshots import NEXT_NUMBER, SELECT, Ending, Snapshot, apply_diff, close_row, from_row
from torwatch.store.targets import add_event, stamp

if TYPE_CHECKING:
    import datetime as dt
    import sqlite3
    from collections.abc import Mapping

    from torwatch.store.judgement import HoldRule
    from torwatch.store.precedence import Coverage


def find_or_add_market(connection: sqlite3.Connection, name: str, *, source: str, now: dt.datetime) -> int:
    """The id of a market; one that was not known is noted as known, not as watched."""
    row = connection.execute("SELECT id FROM market WHERE name = ?", (name,)).fetchone()
    if row:
        return int(row["id"])
    return int(
        connection.execute("INSERT INTO market (name, source, added_at) VALUES (?, ?, ?)", (name, source, stamp(now))).lastrowid or 0
    )


def refuse_loaded(connection: sqlite3.Connection, market_id: int, file: str, digest: str) -> None:
    """Raise UsageError when this very file was loaded into the market before."""
    found = connection.execute(
        "SELECT 1 FROM event JOIN market ON market.name = event.subject WHERE event.kind = 'imported' AND market.id = ?"
        " AND json_extract(event.detail, '$.sha256') = ?",
        (market_id, digest),
    ).fetchone()
    if found:
        raise UsageError(f"{file} was loaded into this market before: nothing was written")


def begin_import(connection: sqlite3.Connection, market_id: int, *, at: dt.datetime, parser: str, digest: str, version: str) -> Snapshot:
    """Begin a snapshot without a crawl. Raises UsageError when the market has one at or after that moment, or a crawl."""
    later = connection.execute(
        "SELECT id, started_at, source FROM snapshot WHERE market_id = ? AND (started_at >= ? OR source = 'crawl') ORDER BY id DESC LIMIT 1",
        (market_id, stamp(at)),
    ).fetchone()
    if later:
        what = "was crawled" if later["source"] == "crawl" else "was loaded"
        raise UsageError(
            f"snapshot {later['id']} of this market, of {later['started_at'][:16]}, {what} already: data is loaded oldest first and before"
            " the first crawl; load this file into a market of its own"
        )
    number = connection.execute(
        "INSERT INTO snapshot (id, market_id, state, source, started_at, ended_at, parser, parser_digest, torwatch_version)"
        f" VALUES ({NEXT_NUMBER}, ?, 'running', 'import', ?, ?, ?, ?, ?)",
        (market_id, stamp(at), stamp(at), parser, digest, version),
    ).lastrowid
    return from_row(connection.execute(f"{SELECT} WHERE snapshot.id = ?", (number,)).fetchone())


def end_import(
    connection: sqlite3.Connection, snapshot: Snapshot, *, coverage: Mapping[str, Coverage], rule: HoldRule, complete: bool
) -> Ending:
    """Diff what was staged. `complete`: the file holds all that the market showed, so that what it lacks was not there."""
    state, reason = ("complete", "") if complete else ("partial", "loaded as a part of the market")
    ending = apply_diff(connection, snapshot, state, reason, coverage, rule)
    close_row(connection, snapshot, ending, rule)
    return ending


def note_import(connection: sqlite3.Connection, market: str, *, now: dt.datetime, detail: Mapping[str, Any]) -> None:
    """Write in the event log what was loaded, with the rows that were broken."""
    add_event(connection, now, "imported", market, detail)
