"""A deadline on whole requests: the socket is shut when the time is over, whatever a peer drips to keep the read timeout at bay."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.contrib.socks import SOCKSConnection, SOCKSHTTPConnectionPool, SOCKSHTTPSConnection, SOCKSHTTPSConnectionPool

if TYPE_CHECKING:
    from collections.abc import Iterator


class DeadlineAdapter(HTTPAdapter):
    """An adapter of requests that knows which connection each thread waits on, so that it can be cut off."""

    def __init__(self, connections: int) -> None:
        self._waiting: dict[int, Any] = {}  # thread → its connection
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0, pool_block=False)

    def proxy_manager_for(self, proxy: str, **facts: Any) -> Any:
        """Give the SOCKS manager, with connections that say when they are used."""
        manager = super().proxy_manager_for(proxy, **facts)
        manager.pool_classes_by_scheme = self._pools()
        return manager

    def _pools(self) -> dict[str, type[Any]]:
        """Pools whose connections note the thread that waits on them."""
        waiting = self._waiting

        class Connection(SOCKSConnection):
            def request(self, *args: Any, **facts: Any) -> None:
                waiting[threading.get_ident()] = self
                super().request(*args, **facts)

        class SecureConnection(SOCKSHTTPSConnection):
            def request(self, *args: Any, **facts: Any) -> None:
                waiting[threading.get_ident()] = self
                super().request(*args, **facts)

        class Pool(SOCKSHTTPConnectionPool):
            ConnectionCls = Connection

        class SecurePool(SOCKSHTTPSConnectionPool):
            ConnectionCls = SecureConnection

        return {"http": Pool, "https": SecurePool}

    @contextlib.contextmanager
    def cut_off_after(self, seconds: float) -> Iterator[None]:
        """Shut the socket on which this thread waits, should the block last longer."""
        thread = threading.get_ident()
        timer = threading.Timer(seconds, self._shut, (thread,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self._waiting.pop(thread, None)

    def _shut(self, thread: int) -> None:
        found = getattr(self._waiting.get(thread), "sock", None)
        if found is not None:
            with contextlib.suppress(OSError):  # it may be closed by now
                found.shutdown(socket.SHUT_RDWR)
