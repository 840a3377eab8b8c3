"""The courtesy of a walk: how fast its target is asked, how much a day may take, and that both outlast the process."""

from __future__ import annotations

import datetime as dt
import threading
import time
from typing import TYPE_CHECKING

import structlog

from torwatch.crawl.pace import Pace
from torwatch.crawl.strain import Strain, recovered
from torwatch.model import Outcome
from torwatch.reading import MAX_RETRY_AFTER_SECONDS
from torwatch.store.spending import KeptPace, Rest, Spent, add_spending, agreed_with, end_rest, keep_pace, keep_rest, load_pace, spent_on
from torwatch.units import format_size

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from torwatch.equipment import Tools, WalkSettings
    from torwatch.reading import Read
    from torwatch.store.targets import Target

log = structlog.get_logger()

LONGEST_HOLD = dt.timedelta(seconds=MAX_RETRY_AFTER_SECONDS)


class Courtesy:
    """Spaces out the requests of one walk, both passes and all mirrors together, and counts them against the target's daily budget."""

    def __init__(self, tools: Tools, target: Target, settings: WalkSettings, over: threading.Event) -> None:
        self.agreed = agreed_with(target, settings)
        self._tools = tools
        self._target = target
        self._over = over
        self._lock = threading.Lock()
        self._requests, self._bytes = 0, 0  # not yet written down
        self._hold_until: dt.datetime | None = None
        kept, now = load_pace(tools.store, target.id), tools.now()
        age = now - kept.at if kept else dt.timedelta()
        self.strain = Strain(recovered(kept.slow_down, age.total_seconds()), kept.why) if kept else Strain()
        self.pace = Pace(self.agreed.seconds_per_request, clock=time.monotonic, rng=tools.rng)
        self.pace.slow_down = self.strain.slow_down
        if kept and -LONGEST_HOLD <= age < dt.timedelta():  # not yet: the market asked for it; further ahead, a clock was wrong
            self.hold_back(-age.total_seconds())
        if kept and abs(age) <= LONGEST_HOLD:  # a walk that was killed just now may have asked for a page that it wrote nothing of
            self.pace.hold_back(self.agreed.seconds_per_request)
        self._day = now.astimezone(dt.UTC).date()
        self._spent = spent_on(tools.store, target.id, self._day)

    def wait(self) -> bool:
        """Sleep until this thread's next request may start; False when the walk is over."""
        return self._count(may_start=self.pace.wait(self._over))

    def wait_first(self, stop: threading.Event) -> bool:
        """As `wait`, before all threads that wait; False when `stop` was set meanwhile."""
        return self._count(may_start=self.pace.wait_first(stop))

    def _count(self, *, may_start: bool) -> bool:
        with self._lock:
            self._requests += may_start
        return may_start

    def receive(self, size_bytes: int) -> None:
        """Count bytes that came, of whatever answer."""
        with self._lock:
            self._bytes += size_bytes

    def hold_back(self, seconds: float) -> None:
        """Let no request start for so long: the market asked for it."""
        self.pace.hold_back(seconds)
        until = self._tools.now() + dt.timedelta(seconds=seconds)
        with self._lock:
            self._hold_until = until if self._hold_until is None else max(until, self._hold_until)

    def change_address(self) -> None:
        """Let go of a slow-down that only the address left behind brought."""
        self.strain.change_address()
        self.pace.slow_down = self.strain.slow_down

    def begin(self, connection: sqlite3.Connection) -> None:
        """Note that the target is asked from now on, for a walk that begins after this one was killed; inside the caller's transaction."""
        self._keep_pace(connection, self._tools.now())

    def record(self, connection: sqlite3.Connection, group: Sequence[Read]) -> None:
        """Count what a group of pages took and feel how the market bears it; inside the caller's transaction."""
        now = self._tools.now()
        with self._lock:
            took = Spent(self._requests, self._bytes)
            self._requests, self._bytes = 0, 0
        self._turn_day(now)
        add_spending(connection, self._target.id, self._day, took)
        for read in group:
            self.strain.feel(read.outcome, read.fetched.elapsed_ms)
        self.pace.slow_down = self.strain.slow_down
        self._keep_pace(connection, now)
        self._spent = spent_on(self._tools.store, self._target.id, self._day)
        if any(read.outcome is not Outcome.TOR_DOWN for read in group):
            end_rest(connection, self._target.id)

    def room(self, in_flight: int) -> int | None:
        """How many more pages may be handed out today, beside those in flight; None: as many as you like."""
        self._turn_day(self._tools.now())
        if self._bytes_are_spent():
            return 0
        if not self.agreed.requests_per_day:
            return None
        return max(0, self.agreed.requests_per_day - self._spent.requests - in_flight)

    def rest_until_tomorrow(self) -> None:
        """Leave the target alone until the next day (UTC) begins, once there is no `room`."""
        budget = f"{self.agreed.requests_per_day} requests"
        if self._bytes_are_spent():
            budget = format_size(self.agreed.bytes_per_day)
        tomorrow = dt.datetime.combine(self._day + dt.timedelta(days=1), dt.time(), dt.UTC)
        log.info("budget_spent", market=self._target.market, budget=budget, until=tomorrow.isoformat())
        keep_rest(self._tools.store, self._target.id, Rest(tomorrow, f"the budget of {budget} a day is spent"))

    def _bytes_are_spent(self) -> bool:
        return bool(self.agreed.bytes_per_day) and self._spent.received_bytes >= self.agreed.bytes_per_day

    def _turn_day(self, now: dt.datetime) -> None:
        """Begin a new budget when a day is over."""
        today = now.astimezone(dt.UTC).date()
        if today != self._day:
            self._day, self._spent = today, spent_on(self._tools.store, self._target.id, today)

    def _keep_pace(self, connection: sqlite3.Connection, now: dt.datetime) -> None:
        with self._lock:
            held = self._hold_until if self._hold_until and self._hold_until > now else None
        keep_pace(connection, self._target.id, KeptPace(self.strain.slow_down, self.strain.why, held or now))
