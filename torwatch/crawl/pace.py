"""Politeness: requests to one target are spaced out, whatever the number of connections."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

JITTER = 0.2  # a pause is longer by up to this share, never shorter: the budget of a minute holds


class Pace:
    """Hands out request slots of one target, at least `seconds_per_request` apart. Thread-safe; `clock` gives monotonic seconds."""

    def __init__(self, seconds_per_request: float, *, clock: Callable[[], float], rng: random.Random) -> None:
        self.seconds_per_request = seconds_per_request
        self._clock = clock
        self._rng = rng
        self._lock = threading.Lock()
        self._next_slot = clock()

    def wait(self, stop: threading.Event) -> bool:
        """Sleep until this request's slot; False when `stop` was set meanwhile."""
        with self._lock:
            now = self._clock()
            slot = max(now, self._next_slot)
            self._next_slot = slot + self.seconds_per_request * (1 + self._rng.uniform(0, JITTER))
        return not stop.wait(max(0.0, slot - now))

    def hold_back(self, seconds: float) -> None:
        """Let no request start for the given time: the market asked for it (`Retry-After`)."""
        with self._lock:
            self._next_slot = max(self._next_slot, self._clock() + seconds)
