"""Snapshots: begun, resumed and ended in one transaction that diffs what was staged."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torwatch.errors import UsageError
from torwatch.store import diff, mirrors, staging
from torwatch.store.agreement import note_fall
from torwatch.store.entities import LISTING, VENDOR
from torwatch.store.judgement import HoldRule, Signs, judge
from torwatch.store.progress import FRESH, count_fresh
from torwatch.store.rates import write_market_rates
from torwatch.store.second_pass import settle_second_pass
from torwatch.store.targets import Target, stamp

if TYPE_CHECKING:
    import datetime as dt
    import sqlite3
    from collections.abc import Mapping

    from torwatch.store.database import Store
    from torwatch.store.precedence import Coverage


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
    cut_short: str = ""
    second_pass: float = 0.0  # share of the announced list pages that the second pass draws


@dataclass(frozen=True, slots=True)
class Ending:
    """How a snapshot ended: its state, why, and what the diff wrote."""

    state: str
    reason: str
    listings: diff.Tally = field(default_factory=diff.Tally)
    vendors: diff.Tally = field(default_factory=diff.Tally)
    new_feedback: int = 0


# A number that a snapshot had is not given again when it is forgotten: its manifest keeps it.
NEXT_NUMBER = "(SELECT 1 + max(coalesce((SELECT max(id) FROM snapshot), 0), coalesce((SELECT max(snapshot_id) FROM manifest), 0)))"
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


def parser_of(store: Store, snapshot_id: int) -> tuple[str, str]:
    """Name and digest of the parser that read a snapshot."""
    row = store.rows("SELECT parser, parser_digest FROM snapshot WHERE id = ?", (snapshot_id,))[0]
    return row["parser"], row["parser_digest"]


def running_snapshot(store: Store, target_id: int) -> Snapshot | None:
    """The snapshot of a target that was begun and not ended, to be resumed."""
    row = store.row(f"{SELECT} WHERE target_id = ? AND state = 'running' ORDER BY snapshot.id DESC LIMIT 1", (target_id,))
    return None if row is None else from_row(row)


def unfinished_snapshots(store: Store, market_id: int) -> list[Snapshot]:
    """The snapshots of a market that were begun and not ended, oldest first."""
    rows = store.rows(f"{SELECT} WHERE snapshot.market_id = ? AND state = 'running' ORDER BY snapshot.id", (market_id,))
    return [from_row(row) for row in rows]


def ended_snapshots(store: Store, market_id: int, since: int = 0) -> list[Snapshot]:
    """The snapshots of a market that ended and have an archive, oldest first, from number `since` on."""
    rows = store.rows(
        f"{SELECT} WHERE snapshot.market_id = ? AND snapshot.id >= ? AND state <> 'running' AND warc IS NOT NULL ORDER BY snapshot.id",
        (market_id, since),
    )
    return [from_row(row) for row in rows]


def begin_snapshot(
    store: Store,
    target: Target,
    *,
    mirror_id: int,
    parser_digest: str,
    torwatch_version: str,
    now: dt.datetime,
    second_pass: float = 0.0,
) -> Snapshot:
    """Begin a snapshot of a target."""
    with store.write() as connection:
        snapshot_id = connection.execute(
            "INSERT INTO snapshot (id, market_id, target_id, mirror_id, state, started_at, parser, parser_digest, torwatch_version, second_pass)"
            f" VALUES ({NEXT_NUMBER}, ?, ?, ?, 'running', ?, ?, ?, ?, ?)",
            (target.market_id, target.id, mirror_id, stamp(now), target.parser, parser_digest, torwatch_version, second_pass),
        ).lastrowid
    return find_snapshot(store, int(snapshot_id or 0))


def end_snapshot(
    store: Store,
    snapshot: Snapshot,
    *,
    coverage: Mapping[str, Coverage],
    rule: HoldRule,
    now: dt.datetime,
    warc: str | None,
    signs: Signs,
) -> Ending:
    """End a walk in one transaction: settle what was staged, and write where it lies in the archive.

    `coverage` says for "listing" and "vendor" which claims each source can show.
    """
    with store.write() as connection:
        connection.execute(
            "UPDATE snapshot SET ended_at = ?, warc = ?, cut_short = ? WHERE id = ?", (stamp(now), warc, signs.cut_short, snapshot.id)
        )
        mirrors.record_snapshot(connection, snapshot.id, now)
        return settle(connection, snapshot, coverage=coverage, rule=rule, signs=signs, now=now)


def settle(
    connection: sqlite3.Connection,
    snapshot: Snapshot,
    *,
    coverage: Mapping[str, Coverage],
    rule: HoldRule,
    signs: Signs,
    now: dt.datetime,
    judged: tuple[str, str] | None = None,
) -> Ending:
    """Judge a snapshot, diff what was staged unless it failed or is held, write its totals and clear its working rows.

    A person's decision on a hold is kept: an accepted snapshot is diffed, a rejected one never. Inside the caller's transaction; used when
    a walk ends and when the archive is replayed. `judged`: state and reason of a snapshot of which something was forgotten since.
    """
    decision = connection.execute("SELECT decision FROM hold WHERE snapshot_id = ?", (snapshot.id,)).fetchone()
    decided = decision["decision"] if decision else None
    state, reason, fell = judge(connection, snapshot.id, snapshot.market_id, rule, signs, accepted=decided == "accepted")
    if judged is not None:
        state, reason = judged
    if decided == "rejected":
        state, reason = "rejected", snapshot.reason
    write_totals(connection, snapshot.id)
    ending = Ending(state, reason)
    if state in {"complete", "partial"}:
        ending = apply_diff(connection, snapshot, state, reason, coverage, rule)
        write_market_rates(connection, snapshot)
        settle_second_pass(connection, snapshot.id, snapshot.market_id)
    if state == "held":
        figures: dict[str, object] = {**staged_counts(connection, snapshot.id)}
        if fell:
            figures["agrees_with"] = note_fall(connection, snapshot.id, snapshot.market_id)
        connection.execute(
            "INSERT INTO hold (snapshot_id, reason, figures, held_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (snapshot_id) DO UPDATE SET reason = excluded.reason, figures = excluded.figures",
            (snapshot.id, reason, json.dumps(figures), stamp(now)),
        )
    elif decided is None:
        connection.execute("DELETE FROM hold WHERE snapshot_id = ?", (snapshot.id,))  # a mended parser read it after all
    close_row(connection, snapshot, ending, rule)
    return ending


def staged_counts(connection: sqlite3.Connection, snapshot_id: int) -> dict[str, int]:
    """Distinct listings and vendors that are staged."""
    return {entity.name: staging.count_staged(connection, entity, snapshot_id) for entity in (LISTING, VENDOR)}


def close_row(connection: sqlite3.Connection, snapshot: Snapshot, ending: Ending, rule: HoldRule) -> None:
    """Write a snapshot's state, totals and the rule it was judged by into its row, and clear its working rows."""
    count = staged_counts(connection, snapshot.id)
    announced = connection.execute("SELECT sum(total) FROM stage_total WHERE snapshot_id = ?", (snapshot.id,)).fetchone()[0]
    pages, size = connection.execute(
        "SELECT count(*), coalesce(sum(size), 0) FROM visit WHERE snapshot_id = ? AND outcome IS NOT NULL", (snapshot.id,)
    ).fetchone()
    connection.execute(
        "UPDATE snapshot SET state = ?, reason = ?, announced_listings = ?, listings = ?, vendors = ?, new_feedback = ?, pages = ?,"
        " received_bytes = ?, max_fall = ?, confirm_misses = ? WHERE id = ?",
        (
            ending.state,
            ending.reason,
            announced,
            count["listing"],
            count["vendor"],
            ending.new_feedback,
            pages,
            size,
            rule.max_fall,
            rule.confirm_misses,
            snapshot.id,
        ),
    )
    staging.clear(connection, snapshot.id)
    connection.execute("DELETE FROM visit WHERE snapshot_id = ?", (snapshot.id,))


def apply_diff(
    connection: sqlite3.Connection, snapshot: Snapshot, state: str, reason: str, coverage: Mapping[str, Coverage], rule: HoldRule
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
    diff.count_shown(connection, snapshot=snapshot.id, market=snapshot.market_id)
    return Ending(state, reason, listings=tallies["listing"], vendors=tallies["vendor"], new_feedback=feedback)


def write_totals(connection: sqlite3.Connection, snapshot_id: int) -> None:
    """Keep of the fetch log what SQLite needs: pages per kind and outcome, those spared, every failure, the fill rates."""
    connection.execute(
        "INSERT INTO snapshot_page (snapshot_id, kind, outcome, pages) SELECT snapshot_id, kind, coalesce(outcome, 'skipped'), count(*)"
        " FROM visit WHERE snapshot_id = ? GROUP BY kind, coalesce(outcome, 'skipped')",
        (snapshot_id,),
    )
    connection.executemany(
        "INSERT INTO snapshot_page (snapshot_id, kind, outcome, pages) VALUES (?, ?, ?, ?)",
        [(snapshot_id, kind, FRESH, pages) for kind, pages in count_fresh(connection, snapshot_id)],
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


def usual_fill(store: Store, market_id: int, before: int, snapshots: int = 5) -> list[tuple[str, str, int, int]]:
    """(page kind, field, filled, records) summed over the newest good snapshots of a market before the one of id `before`."""
    rows = store.rows(
        "SELECT kind, field, sum(filled) AS filled, sum(records) AS records FROM fill_rate WHERE snapshot_id IN"
        " (SELECT id FROM snapshot WHERE market_id = ? AND id < ? AND state IN ('complete', 'partial') ORDER BY id DESC LIMIT ?)"
        " GROUP BY kind, field",
        (market_id, before, snapshots),
    )
    return [(row["kind"], row["field"], row["filled"], row["records"]) for row in rows]


def present_fill(store: Store, snapshot_id: int) -> list[tuple[str, str, int, int]]:
    """(page kind, field, filled, records) of a snapshot whose pages are staged."""
    rows = store.rows("SELECT kind, field, filled, records FROM stage_fill WHERE snapshot_id = ?", (snapshot_id,))
    return [(row["kind"], row["field"], row["filled"], row["records"]) for row in rows]
