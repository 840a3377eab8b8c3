"""The simulated clock: it stands still until it is told to move."""

from __future__ import annotations

import datetime as dt
import threading


class SimulatedClock:
    """A clock for a simulated market; calling it gives the simulated moment (aware UTC). Safe to share between threads."""

    def __init__(self, start: dt.datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a simulated clock needs an aware moment: give start a time zone")
        self._lock = threading.Lock()
        self._now = start.astimezone(dt.UTC)

    def __call__(self) -> dt.datetime:
        """The simulated moment."""
        with self._lock:
            return self._now

    def set(self, moment: dt.datetime) -> None:
        """Put the clock to an aware moment, forward or back."""
        if moment.tzinfo is None:
            raise ValueError("a simulated clock needs an aware moment: give it a time zone")
        with self._lock:
            self._now = moment.astimezone(dt.UTC)

    def advance(self, by: dt.timedelta) -> dt.datetime:
        """Move the clock by a span and give the new moment."""
        with self._lock:
            self._now += by
            return self._now
