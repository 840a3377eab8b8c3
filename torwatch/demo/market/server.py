"""The web server of a simulated market: HTTP/1.1 with keep-alive on loopback, its own log of requests, and faults in how answers travel.

It speaks HTTP itself because no server meant for good behaviour will truncate, drip, stall or reset an answer on request.
"""

from __future__ import annotations

import itertools
import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from torwatch.demo.market.answers import Response, answer
from torwatch.demo.market.engine import Engine, MarketView, Visit
from torwatch.demo.market.faults import Fault, FaultKind, Faults

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from io import IOBase
    from pathlib import Path
    from types import TracebackType

    from torwatch.demo.market.world import World

LINE_LIMIT_BYTES = 16_384
DRIPS = 40
KEPT_VIEWS = 3


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """One line of the market's own log."""

    monotonic: float  # seconds, when the request had been read
    at: dt.datetime  # the simulated moment
    method: str
    target: str
    status: int  # 0: reset before any answer
    size_bytes: int  # of the body meant to be sent
    faults: tuple[FaultKind, ...]
    connection: int  # which connection brought it: says nothing about who is behind it
    host: str
    cookie: str = ""  # what the visitor showed
    headers: tuple[tuple[str, str], ...] = ()  # as they came, in their order


class MarketServer:
    """Serve one world as one engine draws it, until the context ends.

    The clock is any callable that gives aware UTC (one that flows should move in steps: each moment is worked out anew); `faults` may be changed while it runs. `page_bytes` pads every page to that size. `still`
    holds nonces, rates and view counters as well: then the bytes of a page depend on the simulated moment only.
    `log_path` also gets each request as a line of tab-separated text. After the context no thread and no socket is left.
    """

    def __init__(
        self,
        world: World,
        engine: Engine,
        clock: Callable[[], dt.datetime],
        faults: Faults | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        page_bytes: int = 0,
        still: bool = False,
        log_path: Path | None = None,
    ) -> None:
        self.world = world
        self.engine = engine
        self.clock = clock
        self.faults = faults if faults is not None else Faults()
        self.host = host
        self.port = port
        self.page_bytes = page_bytes
        self.still = still
        self._log_path = log_path
        self._log: list[ServedRequest] = []
        self._lock = threading.Lock()
        self._view_lock = threading.Lock()
        self._views: dict[tuple[dt.datetime, tuple[Fault, ...]], MarketView] = {}
        self._serials = itertools.count(1)
        self._stopping = threading.Event()
        self._open: dict[int, tuple[socket.socket, threading.Thread]] = {}
        self._listener: socket.socket | None = None
        self._accepting: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._listener = socket.create_server((self.host, self.port), backlog=512)
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,), name=f"market-{self.port}", daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopping.set()
        if self._listener is not None:
            shut(self._listener)  # wakes accept()
            self._listener.close()
        if self._accepting is not None:
            self._accepting.join()
        with self._lock:
            left = list(self._open.values())
        for connection, thread in left:
            shut(connection)
            thread.join(timeout=5)

    @property
    def url(self) -> str:
        """Address of the front page."""
        return f"http://{self.host}:{self.port}/"

    @property
    def requests(self) -> list[ServedRequest]:
        """The log so far, oldest first."""
        with self._lock:
            return list(self._log)

    def view(self) -> MarketView:
        """What stands now, as pages need it; worked out once for each moment."""
        at = self.clock()
        hiding = self.faults.hiding(at)
        with self._view_lock:
            kept = self._views.get((at, hiding))
            if kept is None:
                truth = self.world.truth(at)
                keys = (key for key in truth.listings for fault in hiding if self.faults.hides(fault, key, self.engine.listing_path(key)))
                kept = MarketView(truth, frozenset(keys))
                while len(self._views) >= KEPT_VIEWS:
                    self._views.pop(next(iter(self._views)))
                self._views[at, hiding] = kept
            return kept

    # Connections

    def _accept(self, listener: socket.socket) -> None:
        for number in itertools.count(1):
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed: the context ends
            thread = threading.Thread(target=self._serve, args=(connection, number), name=f"market-{self.port}-{number}", daemon=True)
            with self._lock:
                self._open[number] = (connection, thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection.makefile("rb", buffering=65_536) as stream:
                while not self._stopping.is_set() and self._serve_one(connection, stream, number):
                    pass
        except OSError:
            pass  # the other side left: nothing to tell anyone
        finally:
            connection.close()
            with self._lock:
                self._open.pop(number, None)

    def _serve_one(self, connection: socket.socket, stream: IOBase, number: int) -> bool:
        """Answer one request; False when the connection is to be closed."""
        request = stream.readline(LINE_LIMIT_BYTES).decode("latin-1").split()
        if len(request) != 3:  # noqa: PLR2004  # method, target, version
            return False
        method, target, version = request
        lines: list[tuple[str, str]] = []
        while line := stream.readline(LINE_LIMIT_BYTES).strip():
            name, _, value = line.decode("latin-1").partition(":")
            lines.append((name, value.strip()))
        headers = {name.lower(): value for name, value in lines}
        keep_alive = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        read_at, host = time.monotonic(), headers.get("host", "")
        serial = 0 if self.still else next(self._serials)
        view = self.view()
        met = {fault.kind: fault for fault in self.faults.strike(target, view.at)}
        if FaultKind.RESET in met:
            self._note(ServedRequest(read_at, view.at, method, target, 0, 0, tuple(met), number, host))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() then sends RST
            return False
        if FaultKind.SLOW in met and self._stopping.wait(met[FaultKind.SLOW].seconds):
            return False
        visit = Visit(serial, nonce_of(self.world.seed, serial), endless=FaultKind.ENDLESS in met)
        if method in {"GET", "HEAD"}:
            response = answer(self.engine, view, target, visit, met, page_bytes=self.page_bytes)
        else:
            response = Response(405, b"", (("Allow", "GET, HEAD"),))
            keep_alive = False  # a body that nobody read may follow
        size, cookie = len(response.body), headers.get("cookie", "")
        self._note(ServedRequest(read_at, view.at, method, target, response.status, size, tuple(met), number, host, cookie, tuple(lines)))
        return self._send(connection, response, met, with_body=method != "HEAD", keep_alive=keep_alive)

    def _send(
        self, connection: socket.socket, response: Response, met: dict[FaultKind, Fault], *, with_body: bool, keep_alive: bool
    ) -> bool:
        head, body = response.head(keep_alive=keep_alive), response.body if with_body else b""
        if FaultKind.TRUNCATED in met:
            connection.sendall(head + body[: len(body) // 2])
            return False
        if FaultKind.STALLED in met:
            connection.sendall(head + body[: len(body) // 2])
            self._stopping.wait(met[FaultKind.STALLED].seconds)
            return False
        if FaultKind.ENDLESS_BODY in met:
            connection.sendall(head.replace(b"Content-Length: ", b"X-Length: "))  # without a length the end of the connection is the end
            while not self._stopping.is_set():
                connection.sendall(body)
            return False
        if FaultKind.DRIP in met:
            connection.sendall(head)
            size = max(1, len(body) // DRIPS)
            for start in range(0, len(body), size):
                connection.sendall(body[start : start + size])
                if self._stopping.wait(met[FaultKind.DRIP].seconds / DRIPS):
                    return False
            return keep_alive
        connection.sendall(head + body)
        return keep_alive

    def _note(self, served: ServedRequest) -> None:
        with self._lock:
            self._log.append(served)
            if self._log_path is not None:
                fields = (
                    f"{served.monotonic:.3f}",
                    served.at.isoformat(),
                    served.method,
                    served.target,
                    str(served.status),
                    str(served.size_bytes),
                )
                with self._log_path.open("a", encoding="utf-8") as log:
                    log.write("\t".join((*fields, ",".join(served.faults))) + "\n")


def shut(connection: socket.socket) -> None:
    """Shut a socket both ways, so that whoever waits on it wakes; one that is not connected any more is no fault."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def nonce_of(seed: int, serial: int) -> str:
    """A token that is different at every request and costs nothing to make."""
    mixed = (serial * 0x9E3779B97F4A7C15F39CC0605CEDC835 + seed * 0xD1B54A32D192ED03) & (2**128 - 1)
    return f"{mixed ^ (mixed >> 31):032x}"
