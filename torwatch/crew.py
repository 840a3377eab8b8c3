"""The crew of a walk: threads that fetch and read the pages handed to them; every page handed out comes back as one result."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from torwatch.reading import Read
    from torwatch.store.frontier import Visit

GROUP_PAGES = 32  # pages of one commit at most
GROUP_SECONDS = 0.5  # and the longest that a page waits for its commit
LEAVE_SECONDS = 2.0  # what the end of a walk waits for a thread in the middle of a page


class Crew:
    """Fetch threads of one walk; a context manager.

    `wait` sleeps until a request may start, False when the walk is over; `over` is set when the crew leaves, and makes it leave;
    `stop` is the wish of others that it be quick about it.
    """

    def __init__(
        self,
        read: Callable[[Visit], Read],
        *,
        size: int,
        name: str,
        wait: Callable[[], bool],
        over: threading.Event,
        stop: threading.Event,
    ) -> None:
        self.size = size
        self._read = read
        self._wait = wait
        self._over = over
        self._stop = stop
        self._work: queue.Queue[Visit | None] = queue.Queue()
        self._results: queue.Queue[Read | Exception] = queue.Queue()
        self._threads = [threading.Thread(target=self._fetch, name=f"fetch-{name}-{number}", daemon=True) for number in range(size)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join(timeout=0.0 if self._stop.is_set() else LEAVE_SECONDS)

    def hand_over(self, visit: Visit) -> None:
        """Put a page at the end of what the threads have to do."""
        self._work.put(visit)

    def gather(self) -> list[Read]:
        """Wait for a page, then take what else is ready, at most one group; raises what a thread met."""
        group: list[Read] = []
        deadline = time.monotonic() + GROUP_SECONDS
        while len(group) < GROUP_PAGES:
            try:
                result = self._results.get(timeout=max(0.0, deadline - time.monotonic()) if not group else 0.0)
            except queue.Empty:
                break
            if isinstance(result, Exception):
                raise result
            group.append(result)
        return group

    def _fetch(self) -> None:
        while (visit := self._work.get()) is not None:
            if self._over.is_set() or not self._wait():
                return
            try:
                self._results.put(self._read(visit))
            except Exception as error:  # noqa: BLE001 - handed to the committing thread, which raises it: a dead thread would hang the walk
                self._results.put(error)
                return
