"""The overview: what the store, the disk and the daemon's pulse say, put together into one status."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from torwatch.crawl.schedule import Hours, Past, due_at
from torwatch.ops.status import SessionStatus, Status, TargetStatus, judge_status, read_pulse
from torwatch.store.database import free_bytes, is_locked
from torwatch.store.sessions import list_sessions
from torwatch.store.spending import rests, spent_on
from torwatch.store.targets import Target, list_targets

if TYPE_CHECKING:
    from pathlib import Path

    from torwatch.store.database import Store

PULSE_NAME = "pulse.json"


def past_of(store: Store, target: Target) -> Past:
    """What the store knows of a target's snapshots."""
    rest = rests(store).get(target.id)
    until = rest.until if rest else None
    rows = store.rows("SELECT state, started_at, ended_at FROM snapshot WHERE target_id = ? ORDER BY id DESC LIMIT 20", (target.id,))
    if not rows:
        return Past(rest_until=until)
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
        rest_until=until,
    )


def due_of(store: Store, target: Target, *, jitter: float, now: dt.datetime) -> dt.datetime:
    """When the next snapshot of a target is due: what the daemon plans by and the status shows."""
    return due_at(
        target.id,
        dt.timedelta(seconds=target.every_seconds),
        past_of(store, target),
        jitter=jitter,
        added_at=dt.datetime.fromisoformat(target.added_at),
        now=now,
    )


def gather_status(store: Store, data_directory: Path, *, jitter: float, now: dt.datetime, hours: Hours | None) -> Status:
    """Look at everything that one screen shows; reads only, whether the daemon runs or not."""
    return judge_status(
        now=now,
        locked=is_locked(store.path),
        pulse=read_pulse(data_directory / PULSE_NAME),
        targets=tuple(target_status(store, target, jitter, now, hours) for target in list_targets(store)),
        holds=store.value("SELECT count(*) FROM hold WHERE decision IS NULL"),
        sessions=tuple(SessionStatus(one.market, one.state, one.expected_until, one.lost_at) for one in list_sessions(store)),
        disk_free_bytes=free_bytes(store.path),
        database_bytes=store.path.stat().st_size,
    )


def target_status(store: Store, target: Target, jitter: float, now: dt.datetime, hours: Hours | None) -> TargetStatus:
    """One target's line; outside the `hours` its snapshot waits until they begin."""
    row = store.row(
        "SELECT id, state, reason, started_at, listings, announced_listings FROM snapshot WHERE target_id = ? ORDER BY id DESC LIMIT 1",
        (target.id,),
    )
    announced = row["announced_listings"] if row else None
    spent, rest = spent_on(store, target.id, now.astimezone(dt.UTC).date()), rests(store).get(target.id)
    due = due_of(store, target, jitter=jitter, now=now)
    if hours is not None:
        due = hours.next_open(due)
    return TargetStatus(
        market=target.market,
        state=target.state,
        last_snapshot=row["id"] if row else None,
        last_state=row["state"] if row else None,
        last_reason=row["reason"] if row else "",
        last_started_at=row["started_at"] if row else None,
        next_due_at=due.isoformat(timespec="seconds") if target.state == "active" else None,
        listings=row["listings"] if row else None,
        coverage=round(row["listings"] / announced, 4) if row and announced and row["listings"] is not None else None,
        requests_today=spent.requests,
        received_bytes_today=spent.received_bytes,
        waits_for=rest.why if rest is not None and rest.until > now else "",
    )
