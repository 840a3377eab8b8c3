"""Snapshots: begun, resumed and ended in one transaction that diffs what was staged."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torwatch.errors import UsageError
from torwatch.store import diff, staging
from torwatch.store.entities import LISTING, VENDOR
from torwatch.store.targets import Target, stamp

if TYPE_CHECKING:
    import datetime as dt
    import sqlite3
    from collections.abc import Mapping

    from torwatch.store.database import Store

LAYOUT_SHARE = 0.1  # of the pages of one kind: fewer that differ are single odd pages, more are a redesign
COMPLETE_SHARE = 0.98  # distinct rows of the market's own count that a complete list must reach (design: architecture, "Store")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One walk over one market."""

    id: int
    market: str
    market_id: int
    state: str
    reason: str
    started_at: str
    ended_at: str | None
    parser: str
    announced_listings: int | None
    listings: int | None
    vendors: int | None
    new_feedback: int | None
    pages: int | None
    received_bytes: int | None
    warc: str | None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a snapshot ended: its state, why, and what the diff wrote."""

    state: str
    reason: str
    listings: diff.Tally = field(default_factory=diff.Tally)
    vendors: diff.Tally = field(default_factory=diff.Tally)
    new_feedback: int = 0


@dataclass(frozen=True, slots=True)
class HoldRule:
    """When a snapshot is held instead of diffed, and how many complete misses end a spell."""

    max_fall: float = 0.4
    confirm_misses: int = 2


SELECT = "SELECT snapshot.*, market.name AS market FROM snapshot JOIN market ON market.id = snapshot.market_id"


def from_row(row: sqlite3.Row) -> Snapshot:
    """A snapshot from a row of SELECT."""
    return Snapshot(**{name: row[name] for name in Snapshot.__dataclass_fields__})


def list_snapshots(store: Store, market: str | None = None, limit: int = 50) -> list[Snapshot]:
    """The newest snapshots first, of one market or all."""
    rows = store.rows(f"{SELECT} WHERE ?1 IS NULL OR market.name = ?1 ORDER BY snapshot.id DESC LIMIT ?2", (market, limit))
    return [from_row(row) for row in rows]


def find_snapshot(store: Store, snapshot_id: int) -> Snapshot:
    """One snapshot. Raises UsageError when there is none of that id."""
    row = store.row(f"{SELECT} WHERE snapshot.id = ?", (snapshot_id,))
    if row is None:
        raise UsageError(f"there is no snapshot {snapshot_id}: see `torwatch snapshot list`")
    return from_row(row)


def running_snapshot(store: Store, target_id: int) -> Snapshot | None:
    """The snapshot of a target that was begun and not ended, to be resumed."""
    row = store.row(f"{SELECT} WHERE target_id = ? AND state = 'running' ORDER BY snapshot.id DESC LIMIT 1", (target_id,))
    return None if row is None else from_row(row)


def begin_snapshot(
    store: Store, target: Target, *, mirror_id: int, parser_digest: str, torwatch_version: str, now: dt.datetime
) -> Snapshot:
    """Begin a snapshot of a target."""
    with store.write() as connection:
        snapshot_id = connection.execute(
            "INSERT INTO snapshot (market_id, target_id, mirror_id, state, started_at, parser, parser_digest, torwatch_version)"
            " VALUES (?, ?, ?, 'running', ?, ?, ?, ?)",
            (target.market_id, target.id, mirror_id, stamp(now), target.parser, parser_digest, torwatch_version),
        ).lastrowid
    return find_snapshot(store, int(snapshot_id or 0))


def judge(connection: sqlite3.Connection, snapshot: Snapshot, rule: HoldRule) -> tuple[str, str]:
    """(state, reason) of a snapshot whose walk is over: complete, partial, failed or held.

    Complete: every page of every list is `ok` and the distinct rows reach COMPLETE_SHARE of the market's own count where it prints one.
    Held: more than LAYOUT_SHARE of the pages of one kind lost their layout, or the listings seen fall more than `rule.max_fall` below those that stood (a redesign must never become thousands of "removed").
    """
    index = "snapshot_id = ? AND kind IN ('home', 'listing-index')"
    total, good = connection.execute(
        f"SELECT count(*), coalesce(sum(outcome IN ('ok', 'unchanged')), 0) FROM visit WHERE {index}",
        (snapshot.id,),
    ).fetchone()
    seen = connection.execute("SELECT count(DISTINCT key) FROM stage_listing WHERE snapshot_id = ?", (snapshot.id,)).fetchone()[0]
    changed = changed_layout(connection, snapshot.id)
    if changed:
        return "held", changed
    if not good:
        return "failed", "no page of the list could be read" + worst_outcome(connection, snapshot.id)
    known = connection.execute("SELECT count(*) FROM listing WHERE market_id = ? AND standing = 1", (snapshot.market_id,)).fetchone()[0]
    if good == total and known and seen < known * (1 - rule.max_fall):
        return "held", f"{seen} listings seen, {known} stood before: a fall of more than {rule.max_fall:.0%}"
    if good < total:
        return "partial", f"{total - good} of {total} pages of the list could not be read" + worst_outcome(connection, snapshot.id)
    short = connection.execute(
        "SELECT t.scope, t.total, count(s.key) AS seen FROM stage_total AS t LEFT JOIN stage_scope AS s"
        " ON s.snapshot_id = t.snapshot_id AND s.scope = t.scope WHERE t.snapshot_id = ? AND t.total > 0"
        " GROUP BY t.scope HAVING count(s.key) < t.total * ? ORDER BY t.total DESC LIMIT 1",
        (snapshot.id, COMPLETE_SHARE),
    ).fetchone()
    if short:
        return "partial", f"the market counts {short['total']} listings in {short['scope'] or 'its list'}, {short['seen']} were seen"
    return "complete", ""


def changed_layout(connection: sqlite3.Connection, snapshot_id: int) -> str:
    """Which kind of page lost its layout in more than LAYOUT_SHARE of its pages, and how it shows; "" when none did."""
    row = connection.execute(
        "SELECT kind, sum(outcome = 'layout_changed') AS changed, count(*) AS pages,"
        " max(CASE WHEN outcome = 'layout_changed' THEN reason END) AS reason FROM visit WHERE snapshot_id = ? AND outcome IS NOT NULL"
        " GROUP BY kind HAVING changed > pages * ? ORDER BY changed DESC LIMIT 1",
        (snapshot_id, LAYOUT_SHARE),
    ).fetchone()
    return f"the layout of {row['kind']} pages changed on {row['changed']} of {row['pages']}: {row['reason']}" if row else ""


def worst_outcome(connection: sqlite3.Connection, snapshot_id: int) -> str:
    """The commonest failure of a snapshot with its reason, as the end of a sentence."""
    row = connection.execute(
        "SELECT outcome, max(reason) AS reason, count(*) AS pages FROM visit WHERE snapshot_id = ? AND outcome NOT IN ('ok', 'unchanged', 'gone')"
        " GROUP BY outcome ORDER BY pages DESC LIMIT 1",
        (snapshot_id,),
    ).fetchone()
    if row is None:
        return ""
    return f": {row['outcome']}" + (f" ({row['reason']})" if row["reason"] else "")


def end_snapshot(
    store: Store,
    snapshot: Snapshot,
    *,
    coverage: Mapping[str, diff.Coverage],
    rule: HoldRule,
    now: dt.datetime,
    warc: str | None,
    cut_short: str = "",
) -> Ending:
    """End a snapshot in one transaction: judge it, diff what was staged unless it failed or is held, write its totals, clear the working rows.

    `coverage` says for "listing" and "vendor" which claims each source can show; `cut_short` makes it partial at best (a budget, a wall);
    """
    with store.write() as connection:
        state, reason = judge(connection, snapshot, rule)
        if cut_short and state == "complete":
            state, reason = "partial", cut_short
        elif cut_short and state != "held":
            reason = f"{cut_short}; {reason}" if reason else cut_short
        write_totals(connection, snapshot.id)
        ending = Ending(state, reason)
        if state in {"complete", "partial"}:
            ending = apply_diff(connection, snapshot, state, reason, coverage, rule)
        seen = connection.execute("SELECT count(DISTINCT key) FROM stage_listing WHERE snapshot_id = ?", (snapshot.id,)).fetchone()[0]
        vendors = connection.execute("SELECT count(DISTINCT key) FROM stage_vendor WHERE snapshot_id = ?", (snapshot.id,)).fetchone()[0]
        announced = connection.execute("SELECT sum(total) FROM stage_total WHERE snapshot_id = ?", (snapshot.id,)).fetchone()[0]
        pages, size = connection.execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM visit WHERE snapshot_id = ? AND outcome IS NOT NULL", (snapshot.id,)
        ).fetchone()
        connection.execute(
            "UPDATE snapshot SET state = ?, reason = ?, ended_at = ?, announced_listings = ?, listings = ?, vendors = ?, new_feedback = ?,"
            " pages = ?, received_bytes = ?, warc = ? WHERE id = ?",
            (state, ending.reason, stamp(now), announced, seen, vendors, ending.new_feedback, pages, size, warc, snapshot.id),
        )
        if state == "held":
            connection.execute(
                "INSERT INTO hold (snapshot_id, reason, figures, held_at) VALUES (?, ?, ?, ?)",
                (snapshot.id, reason, json.dumps({"listings_seen": seen}), stamp(now)),
            )
        else:
            staging.clear(connection, snapshot.id)
        connection.execute("DELETE FROM visit WHERE snapshot_id = ?", (snapshot.id,))
    return ending


def apply_diff(
    connection: sqlite3.Connection, snapshot: Snapshot, state: str, reason: str, coverage: Mapping[str, diff.Coverage], rule: HoldRule
) -> Ending:
    """Diff vendors, listings and feedback of a snapshot inside the caller's transaction."""
    tallies = {
        entity.name: diff.diff_entity(
            connection,
            entity,
            snapshot=snapshot.id,
            market=snapshot.market_id,
            coverage=coverage[entity.name],
            complete=state == "complete",
            confirm_misses=rule.confirm_misses,
        )
        for entity in (VENDOR, LISTING)
    }
    diff.link_vendors(connection, snapshot=snapshot.id, market=snapshot.market_id)
    feedback = diff.diff_feedback(connection, snapshot=snapshot.id, market=snapshot.market_id)
    return Ending(state, reason, listings=tallies["listing"], vendors=tallies["vendor"], new_feedback=feedback)


def write_totals(connection: sqlite3.Connection, snapshot_id: int) -> None:
    """Keep of the fetch log what SQLite needs: pages per kind and outcome, every failure, the fill rates."""
    connection.execute(
        "INSERT INTO snapshot_page (snapshot_id, kind, outcome, pages) SELECT snapshot_id, kind, coalesce(outcome, 'skipped'), count(*)"
        " FROM visit WHERE snapshot_id = ? GROUP BY kind, coalesce(outcome, 'skipped')",
        (snapshot_id,),
    )
    connection.execute(
        "INSERT INTO failure (snapshot_id, path, kind, outcome, reason, status, elapsed_ms, attempts, at)"
        " SELECT snapshot_id, path, kind, outcome, reason, status, elapsed_ms, attempts, at FROM visit"
        " WHERE snapshot_id = ? AND outcome NOT IN ('ok', 'unchanged', 'gone') ORDER BY path",
        (snapshot_id,),
    )
    connection.execute(
        "INSERT INTO fill_rate (snapshot_id, kind, field, filled, records)"
        " SELECT snapshot_id, kind, field, filled, records FROM stage_fill WHERE snapshot_id = ?",
        (snapshot_id,),
    )


def page_totals(store: Store, snapshot_id: int) -> list[tuple[str, str, int]]:
    """(page kind, outcome, pages) of a snapshot, ended or running."""
    rows = store.rows("SELECT kind, outcome, pages FROM snapshot_page WHERE snapshot_id = ? ORDER BY kind, outcome", (snapshot_id,))
    if not rows:
        rows = store.rows(
            "SELECT kind, coalesce(outcome, 'planned') AS outcome, count(*) AS pages FROM visit WHERE snapshot_id = ? GROUP BY 1, 2 ORDER BY 1, 2",
            (snapshot_id,),
        )
    return [(row["kind"], row["outcome"], row["pages"]) for row in rows]
