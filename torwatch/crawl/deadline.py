"""A deadline on whole requests: the socket is shut when the time is over, whatever a peer drips to keep the read timeout at bay."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.contrib.socks import SOCKSConnection, SOCKSHTTPConnectionPool, SOCKSHTTPSConnection, SOCKSHTTPSConnectionPool

if TYPE_CHECKING:
    from collections.abc import Iterator


class DeadlineAdapter(HTTPAdapter):
    """An adapter of requests that knows which connection each thread waits on, so that it can be cut off.

    One thread watches all of them: a timer for each request would be a thread for each request.
    """

    def __init__(self, connections: int) -> None:
        self._waiting: dict[int, Any] = {}  # thread → its connection
        self._deadlines: dict[int, float] = {}  # thread → monotonic seconds
        self._changed = threading.Condition()
        self._watcher: threading.Thread | None = None
        self._wakes_at = math.inf
        self._closed = False
        self._pools = self._make_pools()
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0, pool_block=False)

    def send(self, *args: Any, **facts: Any) -> Any:
        """Send a request and acknowledge the head of its answer."""
        response = super().send(*args, **facts)
        self.acknowledge()
        return response

    def proxy_manager_for(self, proxy: str, **facts: Any) -> Any:
        """Give the SOCKS manager, with connections that say when they are used."""
        manager = super().proxy_manager_for(proxy, **facts)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def _make_pools(self) -> dict[str, type[Any]]:
        """Pools whose connections note the thread that waits on them."""
        waits_on = self.waits_on

        class Connection(SOCKSConnection):
            def request(self, *args: Any, **facts: Any) -> None:
                waits_on(self)
                super().request(*args, **facts)

        class SecureConnection(SOCKSHTTPSConnection):
            def request(self, *args: Any, **facts: Any) -> None:
                waits_on(self)
                super().request(*args, **facts)

        class Pool(SOCKSHTTPConnectionPool):
            ConnectionCls = Connection

        class SecurePool(SOCKSHTTPSConnectionPool):
            ConnectionCls = SecureConnection

        return {"http": Pool, "https": SecurePool}

    def waits_on(self, connection: Any) -> None:
        """Note that this thread waits on a connection."""
        self._waiting[threading.get_ident()] = connection

    def acknowledge(self) -> None:
        """Acknowledge now what came to this thread: tor sends a page in small pieces, each held back until the one before is acknowledged.

        The kernel would wait up to 40 ms with that; over eight connections of the private network a page takes a tenth longer.
        """
        sock = getattr(self._waiting.get(threading.get_ident()), "sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):  # it may be shut by now
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    @contextlib.contextmanager
    def cut_off_after(self, seconds: float) -> Iterator[None]:
        """Shut the socket on which this thread waits, should the block last longer."""
        thread, deadline = threading.get_ident(), time.monotonic() + seconds
        with self._changed:
            self._deadlines[thread] = deadline
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="page-deadlines", daemon=True)
                self._watcher.start()
            if deadline < self._wakes_at:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._deadlines.pop(thread, None)
                self._waiting.pop(thread, None)

    def close(self) -> None:
        """Close the connections, and let the watcher go."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        super().close()

    def _watch(self) -> None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                for thread in [thread for thread, deadline in self._deadlines.items() if deadline <= now]:
                    del self._deadlines[thread]
                    self._shut(thread)
                self._wakes_at = min(self._deadlines.values(), default=math.inf)
                self._changed.wait(None if math.isinf(self._wakes_at) else self._wakes_at - now)

    def _shut(self, thread: int) -> None:
        found = getattr(self._waiting.get(thread), "sock", None)
        if found is not None:
            with contextlib.suppress(OSError):  # it may be closed by now
                found.shutdown(socket.SHUT_RDWR)
