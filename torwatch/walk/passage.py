"""The passage of one pass to a mirror: a fetcher over a SOCKS identity of its own, and over another one when its path is killed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

import structlog

from torwatch.crawl.fetch import Fetcher, Route
from torwatch.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from torwatch.equipment import Tools
    from torwatch.model import Fetched

KILLS_IN_A_ROW = 2  # connections broken or starved one after the other: the circuit they share is given up
# What a killed circuit, or streams cut off one by one, look like from here. An answer, be it 403 or 503, shows that the path works: the
# market's word is obeyed (Retry-After, slow-down), not evaded with another identity.
KILLS = frozenset({Outcome.RESET, Outcome.STALLED, Outcome.ONION_UNREACHABLE})

log = structlog.get_logger()


class Passage:
    """A context manager; safe to use from several threads. `open_fetcher` makes the fetcher of a route."""

    def __init__(self, tools: Tools, address: str, identity: str, open_fetcher: Callable[[Route], Fetcher]) -> None:
        self._tools = tools
        self._address = address
        self._identity = identity
        self._number = 0  # of the identity, counted up with each that was given up
        self._killed = 0  # in a row, over the present identity
        self._lock = threading.Lock()
        self._fetcher = open_fetcher(self._route())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._fetcher.__exit__(*exception)

    def fetch(self, ask: Callable[[Fetcher], Fetched]) -> Fetched:
        """Ask for one page, and take another identity when this one's path was killed."""
        number = self._number
        fetched = ask(self._fetcher)
        with self._lock:
            if number == self._number:  # what was under way over an identity given up says nothing of the present one
                self._killed = self._killed + 1 if fetched.outcome in KILLS and fetched.status is None else 0
                if self._killed >= KILLS_IN_A_ROW:
                    self._number, self._killed = self._number + 1, 0
                    self._fetcher.take(self._route())
                    log.info("path_changed", onion=self._address, outcome=fetched.outcome.value, reason=fetched.reason)
        return fetched

    def renew(self) -> None:
        """Take the way through tor's SOCKS port as it is now: tor was started again and listens elsewhere."""
        with self._lock:
            self._fetcher.take(self._route())

    def _route(self) -> Route:
        host, port = self._tools.tor.socks_address
        user, password = self._tools.tor.credentials(f"{self._identity}-{self._number}" if self._number else self._identity)
        return Route(self._address, host, port, user, password)
