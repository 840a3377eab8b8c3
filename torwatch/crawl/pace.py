"""Politeness: requests to one target are spaced out, whatever the number of connections and however long answers take."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

JITTER = 0.2  # a pause is longer by up to this share, never shorter: the budget of a minute holds
MINUTE = 60.0
LOOK_SECONDS = 0.25  # how often a thread looks whether a request without an answer has got one


class Pace:
    """Lets requests of one target start at least `seconds_per_request` apart, `slow_down` times as far while the market is under strain.

    A request reaches the market some time between its start and its answer. So that no minute at the market's own clock sees more than the
    budget of a minute and one, however long Tor holds requests up, all that were started or still without an answer within the last minute count.
    Thread-safe, one request of a thread at a time; `clock` gives monotonic seconds.
    """

    def __init__(
        self, seconds_per_request: float, *, clock: Callable[[], float], rng: random.Random, thread: Callable[[], int] = threading.get_ident
    ) -> None:
        self.seconds_per_request = seconds_per_request
        self.slow_down = 1.0
        self._per_minute = int(MINUTE / seconds_per_request + 1e-9) if seconds_per_request else None  # None: no limit
        self._clock = clock
        self._rng = rng
        self._thread = thread
        self._lock = threading.Lock()
        self._next_start = clock()
        self._first: int | None = None  # the thread that may go before all others
        self._asking: set[int] = set()  # threads whose request has no answer yet
        self._answered: deque[float] = deque()  # when those of the last minute had theirs

    def wait(self, stop: threading.Event) -> bool:
        """Sleep until this thread's next request may start; False when `stop` was set meanwhile."""
        self.answered()
        while not stop.is_set():
            with self._lock:
                pause = self._pause()
                if self._first not in {None, self._thread()}:
                    pause = max(pause, LOOK_SECONDS)
                if pause <= 0:
                    self._next_start = self._clock() + self.seconds_per_request * self.slow_down * (1 + self._rng.uniform(0, JITTER))
                    if self._per_minute is not None:
                        self._asking.add(self._thread())
                    return True
            stop.wait(pause)
        return False

    def wait_first(self, stop: threading.Event) -> bool:
        """As `wait`, with the next turn before all threads that wait; for one thread at a time."""
        with self._lock:
            self._first = self._thread()
        try:
            return self.wait(stop)
        finally:
            with self._lock:
                self._first = None

    def answered(self) -> None:
        """This thread's request is over: it was answered, or it failed."""
        with self._lock:
            thread = self._thread()
            if thread in self._asking:
                self._asking.discard(thread)
                self._answered.append(self._clock())

    def hold_back(self, seconds: float) -> None:
        """Let no request start for the given time: the market asked for it (`Retry-After`)."""
        with self._lock:
            self._next_start = max(self._next_start, self._clock() + seconds)

    def pause(self) -> float:
        """Seconds until a request may start, as far as that is known now; 0 or less: at once."""
        with self._lock:
            return self._pause()

    def _pause(self) -> float:
        now = self._clock()
        while self._answered and self._answered[0] <= now - MINUTE:
            self._answered.popleft()
        until_next = self._next_start - now
        if self._per_minute is None or len(self._asking) + len(self._answered) <= self._per_minute:
            return until_next
        until_room = self._answered[0] + MINUTE - now if self._answered else LOOK_SECONDS
        return max(until_next, min(until_room, LOOK_SECONDS) if self._asking else until_room)
