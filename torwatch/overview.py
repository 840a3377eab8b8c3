"""The overview: what the store, the disk and the daemon's pulse say, put together into one status."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from torwatch.crawl.schedule import Hours, Past, due_at
from torwatch.ops.status import SessionStatus, Status, TargetStatus, judge_status, read_pulse
from torwatch.store.database import free_bytes, is_locked

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from torwatch.store.database import Store

PULSE_NAME = "pulse.json"
FORGETTING_NAME = "forgetting.json"  # there from the beginning of a request to forget to its end
# Asked here rather than through store.targets, store.sessions and store.spending, whose loading costs a fifth of what a look may take.
TARGETS = (
    "SELECT target.id, market.name AS market, target.state, every_seconds, target.added_at FROM target"
    " JOIN market ON market.id = market_id WHERE target.state <> 'removed' ORDER BY market.name"
)
SESSIONS = (
    "SELECT market.name, session.state, expected_until, lost_at FROM session JOIN target ON target.id = target_id"
    " JOIN market ON market.id = market_id WHERE session.state <> 'dropped' ORDER BY market.name"
)
SPENT = "SELECT requests, received_bytes FROM spending WHERE target_id = ? AND day = ?"


def past_of(store: Store, target_id: int) -> Past:
    """What the store knows of a target's snapshots."""
    until = store.value("SELECT until FROM rest WHERE target_id = ?", (target_id,))
    rest_until = None if until is None else dt.datetime.fromisoformat(until)
    rows = store.rows("SELECT state, started_at, ended_at FROM snapshot WHERE target_id = ? ORDER BY id DESC LIMIT 20", (target_id,))
    if not rows:
        return Past(rest_until=rest_until)
    failures = 0
    for row in rows:
        if row["state"] != "failed":
            break
        failures += 1
    ended = rows[0]["ended_at"]
    return Past(
        last_started_at=dt.datetime.fromisoformat(rows[0]["started_at"]),
        last_ended_at=dt.datetime.fromisoformat(ended) if ended else None,
        failures_in_a_row=failures,
        running=rows[0]["state"] == "running",
        rest_until=rest_until,
    )


def due_of(store: Store, target_id: int, every_seconds: int, added_at: str, *, jitter: float, now: dt.datetime) -> dt.datetime:
    """When the next snapshot of a target is due: what the daemon plans by and the status shows."""
    return due_at(
        target_id,
        dt.timedelta(seconds=every_seconds),
        past_of(store, target_id),
        jitter=jitter,
        added_at=dt.datetime.fromisoformat(added_at),
        now=now,
    )


def gather_status(store: Store, data_directory: Path, *, jitter: float, now: dt.datetime, hours: Hours | None) -> Status:
    """Look at everything that one screen shows; reads only, whether the daemon runs or not."""
    return judge_status(
        now=now,
        locked=is_locked(store.path),
        pulse=read_pulse(data_directory / PULSE_NAME),
        targets=tuple(target_status(store, target, jitter, now, hours) for target in store.rows(TARGETS)),
        holds=store.value("SELECT count(*) FROM hold WHERE decision IS NULL"),
        sessions=tuple(SessionStatus(*row) for row in store.rows(SESSIONS)),
        forgetting=(data_directory / FORGETTING_NAME).exists(),
        disk_free_bytes=free_bytes(store.path),
        database_bytes=store.path.stat().st_size,
    )


def target_status(store: Store, target: sqlite3.Row, jitter: float, now: dt.datetime, hours: Hours | None) -> TargetStatus:
    """One target's line; outside the `hours` its snapshot waits until they begin."""
    row = store.row(
        "SELECT id, state, reason, started_at, listings, announced_listings FROM snapshot WHERE target_id = ? ORDER BY id DESC LIMIT 1",
        (target["id"],),
    )
    announced = row["announced_listings"] if row else None
    spent = store.row(SPENT, (target["id"], now.astimezone(dt.UTC).date().isoformat()))
    rest = store.row("SELECT until, why FROM rest WHERE target_id = ?", (target["id"],))
    due = due_of(store, target["id"], target["every_seconds"], target["added_at"], jitter=jitter, now=now)
    if hours is not None:
        due = hours.next_open(due)
    return TargetStatus(
        market=target["market"],
        state=target["state"],
        last_snapshot=row["id"] if row else None,
        last_state=row["state"] if row else None,
        last_reason=row["reason"] if row else "",
        last_started_at=row["started_at"] if row else None,
        next_due_at=due.isoformat(timespec="seconds") if target["state"] == "active" else None,
        listings=row["listings"] if row else None,
        coverage=round(row["listings"] / announced, 4) if row and announced and row["listings"] is not None else None,
        requests_today=spent["requests"] if spent else 0,
        received_bytes_today=spent["received_bytes"] if spent else 0,
        waits_for=rest["why"] if rest and dt.datetime.fromisoformat(rest["until"]) > now else "",
    )
