"""The door of a market: what became of each page asked for, whether it is asked for again, and when the market has shut for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.model import GOOD_OUTCOMES, OBSTACLE_OUTCOMES, Outcome
from torwatch.store.frontier import VisitResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torwatch.reading import Read

RETRIED = frozenset(
    {
        Outcome.HTTP_ERROR,
        Outcome.TIMEOUT_CONNECT,
        Outcome.TIMEOUT_TOTAL,
        Outcome.STALLED,
        Outcome.RESET,
        Outcome.ONION_NOT_FOUND,
        Outcome.ONION_UNREACHABLE,
        Outcome.ONION_REFUSED,
        Outcome.ONION_UNKNOWN,
        Outcome.EMPTY,
        Outcome.QUEUE,
    }
)
ONION_OUTCOMES = frozenset(
    {
        Outcome.ONION_NOT_FOUND,
        Outcome.ONION_UNREACHABLE,
        Outcome.ONION_REFUSED,
        Outcome.ONION_UNKNOWN,
        Outcome.ONION_NEEDS_KEY,
        Outcome.ONION_BAD_KEY,
        Outcome.TIMEOUT_CONNECT,
    }
)
WALL_PAGES = 5  # pages in a row that are an obstacle: the market has shut its door, going on would be rude and useless


class Door:
    """Watches the pages that come back, in the order of their commits. `shut`: why the market lets nobody in; "" while it does."""

    def __init__(self) -> None:
        self.shut = ""
        self._in_a_row = 0

    def open_again(self) -> None:
        """Count from the start: the pages are asked for at another address."""
        self._in_a_row = 0

    def watch(self, group: Iterable[Read]) -> None:
        """Count pages that are an obstacle or brought no answer, until one is good again."""
        for read in group:
            if read.outcome in OBSTACLE_OUTCOMES or read.outcome in ONION_OUTCOMES:
                self._in_a_row += 1
            elif read.outcome in GOOD_OUTCOMES or read.outcome is Outcome.GONE:
                self._in_a_row = 0
            if self._in_a_row >= WALL_PAGES and not self.shut:
                self.shut = f"{read.outcome} on {self._in_a_row} pages in a row" + (f": {read.reason}" if read.reason else "")


def result_of(
    read: Read,
    warc: str,
    place: tuple[int, int] | None,
    *,
    page_attempts: int,
    has_session: bool,
    mirror_id: int | None = None,
    excused: bool = False,
) -> VisitResult:
    """What is written of one visit (`place`: offset and length in the WARC); a passing failure is tried again while attempts are left.

    `excused`: the failure was that of an address that was left or will be: the page is asked for again, and it costs no attempt.
    """
    excused = excused or read.outcome is Outcome.TOR_DOWN  # our own fault
    retry = excused or (read.outcome in RETRIED and read.visit.attempts + 1 < page_attempts)
    if read.outcome is Outcome.LOGIN and has_session:  # asked for again once the session is renewed
        retry = True
    return VisitResult(
        visit=read.visit,
        outcome=read.outcome,
        reason=read.reason,
        status=read.fetched.status,
        elapsed_ms=read.fetched.elapsed_ms,
        at=read.fetched.fetched_at,
        digest=read.fetched.digest,
        size=len(read.fetched.body),
        warc=warc if place else "",
        warc_offset=place[0] if place else None,
        warc_length=place[1] if place else None,
        retry=retry,
        excused=excused,
        mirror_id=mirror_id,
    )
