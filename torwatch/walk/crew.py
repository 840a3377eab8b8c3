"""The crew of a walk: threads that fetch the pages handed to them, and threads that read them; every page handed out comes back as one result.

A connection never waits for a page to be read: while it is, the next one is on its way.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from torwatch.model import Fetched
    from torwatch.reading import Read
    from torwatch.store.frontier import Visit

GROUP_PAGES = 32  # pages of one commit at most
GROUP_SECONDS = 0.5  # and the longest that a page waits for its commit
READERS = 2  # one page in the parser, and one that comes from it or goes there
HANDED_OUT = (
    4  # pages for each connection that are handed out at most: on their way, being read, waiting for their commit, or for a connection
)
LEAVE_SECONDS = 2.0  # what the end of a walk waits for a thread in the middle of a page


class Crew:
    """Threads of one walk, `size` of them fetching; a context manager.

    `wait` sleeps until a request may start, False when the walk is over; `over` is set when the crew leaves, and makes it leave;
    `stop` is the wish of others that it be quick about it.
    """

    def __init__(
        self,
        fetch: Callable[[Visit], Fetched],
        read: Callable[[Visit, Fetched], Read],
        *,
        size: int,
        name: str,
        wait: Callable[[], bool],
        over: threading.Event,
        stop: threading.Event,
    ) -> None:
        self.most = size * HANDED_OUT
        self.few = self.most - size  # handed out and not yet back: then it is time for more
        self._fetch = fetch
        self._read = read
        self._wait = wait
        self._over = over
        self._stop = stop
        self._work: queue.Queue[Visit | None] = queue.Queue()
        self._unread: queue.Queue[tuple[Visit, Fetched] | None] = queue.Queue()
        self._results: queue.Queue[Read | Exception] = queue.Queue()
        self._fetchers = [threading.Thread(target=self._fetch_pages, name=f"fetch-{name}-{number}", daemon=True) for number in range(size)]
        self._readers = [threading.Thread(target=self._read_pages, name=f"read-{name}-{number}", daemon=True) for number in range(READERS)]

    def __enter__(self) -> Self:
        for thread in (*self._fetchers, *self._readers):
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        for _ in self._fetchers:
            self._work.put(None)
        for _ in self._readers:
            self._unread.put(None)
        for thread in (*self._fetchers, *self._readers):
            thread.join(timeout=0.0 if self._stop.is_set() else LEAVE_SECONDS)

    def hand_over(self, visit: Visit) -> None:
        """Put a page at the end of what the threads have to do."""
        self._work.put(visit)

    def gather(self) -> list[Read]:
        """Wait for a page and for those that follow it, at most one group; raises what a thread met.

        No longer than the connections have enough to do: what they do next may be known only once this group is committed.
        """
        group: list[Read] = []
        deadline = time.monotonic() + GROUP_SECONDS
        while len(group) < GROUP_PAGES:
            waits = not group or self._work.qsize() >= len(self._fetchers)
            try:
                result = self._results.get(timeout=max(0.0, deadline - time.monotonic()) if waits else 0.0)
            except queue.Empty:
                break
            if isinstance(result, Exception):
                raise result
            group.append(result)
        return group

    def _fetch_pages(self) -> None:
        while (visit := self._work.get()) is not None:
            if self._over.is_set() or not self._wait():
                return
            try:
                self._unread.put((visit, self._fetch(visit)))
            except Exception as error:  # noqa: BLE001 - handed to the committing thread, which raises it: a dead thread would hang the walk
                self._results.put(error)
                return

    def _read_pages(self) -> None:
        while (page := self._unread.get()) is not None:
            try:
                self._results.put(self._read(*page))
            except Exception as error:  # noqa: BLE001 - as above
                self._results.put(error)
                return
