"""When a target is due, and which of those that are due begin: pure functions of stored state.

Named tuples, not dataclasses, for the start of `torwatch status`: as in ops.status.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, NamedTuple

from torwatch.units import back_off

if TYPE_CHECKING:
    from collections.abc import Iterable

BACK_OFF_START = dt.timedelta(minutes=10)
FIRST_REST, LONGEST_REST = dt.timedelta(seconds=5), dt.timedelta(minutes=10)
LONGEST_WAIT = dt.timedelta(days=1)  # a wait that ends later was written by a clock that ran ahead


class Past(NamedTuple):
    """What the store knows of a target's snapshots: start of the newest, and how many in a row failed until now."""

    last_started_at: dt.datetime | None = None
    last_ended_at: dt.datetime | None = None
    failures_in_a_row: int = 0
    running: bool = False
    rest_until: dt.datetime | None = None  # it is left alone until then: its day's budget is spent, or a fault stopped its walk


class Hours(NamedTuple):
    """The hours of a day (UTC) in which markets are visited: from `opens` until before `shuts`, over midnight where `shuts` is earlier."""

    opens: dt.time
    shuts: dt.time

    def hold(self, at: dt.datetime) -> bool:
        """Tell whether a moment lies within the hours."""
        clock = at.astimezone(dt.UTC).time()
        if self.opens < self.shuts:
            return self.opens <= clock < self.shuts
        return clock >= self.opens or clock < self.shuts

    def next_open(self, at: dt.datetime) -> dt.datetime:
        """Give the first moment from `at` on that lies within the hours, in UTC."""
        at = at.astimezone(dt.UTC)
        if self.hold(at):
            return at
        opening = at.replace(hour=self.opens.hour, minute=self.opens.minute, second=self.opens.second, microsecond=self.opens.microsecond)
        return opening if opening >= at else opening + dt.timedelta(days=1)


def rest_after(faults: int, seconds_per_request: float) -> dt.timedelta:
    """How long to leave a target alone after so many faults in a row (1 or more); no less than its distance of requests."""
    return back_off(faults, max(FIRST_REST, dt.timedelta(seconds=seconds_per_request)), LONGEST_REST)


def choose_due(due: Iterable[tuple[int, dt.datetime]], now: dt.datetime, free_places: int, hours: Hours | None = None) -> list[int]:
    """The targets to begin now, at most `free_places`: whoever has waited longest first, so that none is passed over for good.

    `due`: (target id, time it is due) of those that may begin; outside the `hours` none begins.
    """
    if hours is not None and not hours.hold(now):
        return []
    waiting = sorted((at, target_id) for target_id, at in due if at <= now)
    return [target_id for _, target_id in waiting[: max(0, free_places)]]


def due_at(
    target_id: int, every: dt.timedelta, past: Past, *, jitter: float, added_at: dt.datetime, now: dt.datetime | None = None
) -> dt.datetime:
    """The time at which the next snapshot of a target should begin, or the one that runs go on; never before its rest is over.

    Never looked at: at once. Running (left by a stop): at once. After failures: 10 minutes, doubled each time, at most the interval.
    Else the interval after the last start, moved by up to ± `jitter` of it; the move is fixed by target and last start, so that a
    restart plans the same time. A start that lies more than an interval after `now` was written by a clock that ran ahead: due at once,
    or a clock set right would silence the target for as long as the clock was wrong; so was a rest that ends more than a day after `now`.
    """
    due = planned_at(target_id, every, past, jitter=jitter, added_at=added_at, now=now)
    if past.rest_until is None or (now is not None and past.rest_until > now + LONGEST_WAIT):
        return due
    return max(due, past.rest_until)


def planned_at(
    target_id: int, every: dt.timedelta, past: Past, *, jitter: float, added_at: dt.datetime, now: dt.datetime | None = None
) -> dt.datetime:
    """As due_at, whatever rest the target was given."""
    if past.last_started_at is None:
        return added_at if now is None else min(added_at, now)
    if now is not None and past.last_started_at > now + every:
        return now
    if past.running:
        return past.last_started_at
    if past.failures_in_a_row:
        return (past.last_ended_at or past.last_started_at) + back_off(past.failures_in_a_row, BACK_OFF_START, every)
    return past.last_started_at + every * (1 + jitter * share_of(target_id, past.last_started_at))


def share_of(target_id: int, started_at: dt.datetime) -> float:
    """A share from -1 to 1 that looks random and is fixed by target and second: the same at every look, in every version of Python."""
    digest = hashlib.sha256(f"{target_id} {int(started_at.timestamp())}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**47 - 1
