"""When a target is due: a pure function of stored state."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

BACK_OFF_START = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Past:
    """What the store knows of a target's snapshots: start of the newest, and how many in a row failed until now."""

    last_started_at: dt.datetime | None = None
    last_ended_at: dt.datetime | None = None
    failures_in_a_row: int = 0
    running: bool = False


def due_at(target_id: int, every: dt.timedelta, past: Past, *, jitter: float, added_at: dt.datetime) -> dt.datetime:
    """The time at which the next snapshot of a target should begin.

    Never looked at: at once. Running (left by a stop): at once. After failures: 10 minutes, doubled each time, at most the interval.
    Else the interval after the last start, moved by up to ± `jitter` of it; the move is fixed by target and last start, so that a
    restart plans the same time.
    """
    if past.last_started_at is None:
        return added_at
    if past.running:
        return past.last_started_at
    if past.failures_in_a_row:
        pause: dt.timedelta = min(every, BACK_OFF_START * 2 ** min(past.failures_in_a_row - 1, 20))
        return (past.last_ended_at or past.last_started_at) + pause
    digest = hashlib.sha256(f"{target_id} {past.last_started_at.isoformat()}".encode()).digest()
    share = int.from_bytes(digest[:4], "big") / 2**32 * 2 - 1
    return past.last_started_at + every * (1 + jitter * share)
