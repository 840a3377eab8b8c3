"""When a target is due, and which of those that are due begin: pure functions of stored state."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.units import back_off

if TYPE_CHECKING:
    from collections.abc import Iterable

BACK_OFF_START = dt.timedelta(minutes=10)
FIRST_REST, LONGEST_REST = dt.timedelta(seconds=5), dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Past:
    """What the store knows of a target's snapshots: start of the newest, and how many in a row failed until now."""

    last_started_at: dt.datetime | None = None
    last_ended_at: dt.datetime | None = None
    failures_in_a_row: int = 0
    running: bool = False


@dataclass(frozen=True, slots=True)
class Hours:
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


class Rests:
    """Targets left alone after a fault cut their walk off, twice as long after each further one in a row; a restart forgets them.

    Such a snapshot is still running and so due at once: without a rest it would be tried again, and its market asked, every half second.
    """

    def __init__(self) -> None:
        self._faults: dict[int, tuple[int, dt.datetime]] = {}  # how many in a row, and until when the target rests

    def add(self, target_id: int, now: dt.datetime, seconds_per_request: float) -> None:
        """Note a fault; no market is asked more often by trying again than its rate allows."""
        faults = self._faults[target_id][0] + 1 if target_id in self._faults else 1
        rest = back_off(faults, max(FIRST_REST, dt.timedelta(seconds=seconds_per_request)), LONGEST_REST)
        self._faults[target_id] = (faults, now + rest)

    def end(self, target_id: int) -> None:
        """Note a walk that no fault cut off."""
        self._faults.pop(target_id, None)

    def hold(self, target_id: int, now: dt.datetime) -> bool:
        """Whether the target rests now; a clock that was set back ends the rest."""
        until = self._faults[target_id][1] if target_id in self._faults else now
        return until - LONGEST_REST <= now < until


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
    """The time at which the next snapshot of a target should begin.

    Never looked at: at once. Running (left by a stop): at once. After failures: 10 minutes, doubled each time, at most the interval.
    Else the interval after the last start, moved by up to ± `jitter` of it; the move is fixed by target and last start, so that a
    restart plans the same time. A start that lies more than an interval after `now` was written by a clock that ran ahead: due at once,
    or a clock set right would silence the target for as long as the clock was wrong.
    """
    if past.last_started_at is None:
        return added_at if now is None else min(added_at, now)
    if now is not None and past.last_started_at > now + every:
        return now
    if past.running:
        return past.last_started_at
    if past.failures_in_a_row:
        return (past.last_ended_at or past.last_started_at) + back_off(past.failures_in_a_row, BACK_OFF_START, every)
    fixed = random.Random(f"{target_id} {past.last_started_at.isoformat()}")  # noqa: S311 - the same at every look, not a secret
    share = fixed.uniform(-1, 1)
    return past.last_started_at + every * (1 + jitter * share)
