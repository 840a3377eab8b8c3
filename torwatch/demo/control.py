"""One connection to the control socket of a tor of the private network, every call of which has a deadline.

The protocol is spoken directly (control-spec): stem's `msg()` has no timeout and hangs for ever on a stopped tor, and each of its controllers
polls in two threads, which seven nodes would add to every measurement made on this network.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from torwatch.errors import TorError

if TYPE_CHECKING:
    from pathlib import Path

ASYNCHRONOUS = "650"
_CODE_LENGTH = 3


@dataclass(frozen=True, slots=True)
class Reply:
    """What tor answered: the status code and the texts of its lines (a data block is joined to its line with newlines)."""

    code: str
    lines: tuple[str, ...]

    @property
    def is_ok(self) -> bool:
        """Whether tor did what it was asked."""
        return self.code.startswith("2")


class ControlConnection:
    """An authenticated control connection; every fault, a missed deadline included, is a TorError of one line."""

    def __init__(self, name: str, path: Path, cookie_path: Path, *, timeout_seconds: float = 10) -> None:
        """Prepare to talk to the node `name`; nothing is opened before the context is entered."""
        self._name = name
        self._path = path
        self._cookie_path = cookie_path
        self._timeout_seconds = timeout_seconds
        self._socket: socket.socket | None = None
        self._buffer = b""
        self._events: list[str] = []

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(self._timeout_seconds)
            self._socket.connect(str(self._path))
            self.ask(f"AUTHENTICATE {self._cookie_path.read_bytes().hex()}")
        except OSError as error:
            self.close()
            raise self._fault(error) from error
        except TorError:
            self.close()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; tor goes on."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(self, command: str, *, timeout_seconds: float | None = None) -> Reply:
        """Send one command line and return tor's reply; TorError when it is refused or does not come in time."""
        deadline = time.monotonic() + (self._timeout_seconds if timeout_seconds is None else timeout_seconds)
        try:
            self._connected().settimeout(max(deadline - time.monotonic(), 0.001))
            self._connected().sendall(command.encode("ascii") + b"\r\n")
            reply = self._reply(deadline)
            while reply.code == ASYNCHRONOUS:
                self._events += reply.lines
                reply = self._reply(deadline)
        except OSError as error:
            raise self._fault(error) from error
        if not reply.is_ok:
            raise TorError(f"tor node {self._name} refused {command.split(' ', 1)[0]}: {reply.code} {' '.join(reply.lines)}")
        return reply

    def value(self, keyword: str) -> str:
        """Return what GETINFO says of one keyword."""
        text = self.ask(f"GETINFO {keyword}").lines[0]
        return text.partition("=")[2].removeprefix("\n")

    def event(self, timeout_seconds: float) -> str | None:
        """Return the next event, for example `HS_DESC UPLOADED …`, or None when none comes in time."""
        if not self._events:
            deadline = time.monotonic() + timeout_seconds
            try:
                self._events += self._reply(deadline).lines
            except TimeoutError:
                return None
            except OSError as error:
                raise self._fault(error) from error
        return self._events.pop(0)

    def _reply(self, deadline: float) -> Reply:
        lines: list[str] = []
        while True:
            line = self._line(deadline)
            code, kind, text = line[:_CODE_LENGTH], line[_CODE_LENGTH : _CODE_LENGTH + 1], line[_CODE_LENGTH + 1 :]
            if kind == "+":
                block = [text]
                while (data := self._line(deadline)) != ".":
                    block.append(data.removeprefix("."))
                text = "\n".join(block)
            lines.append(text)
            if kind == " ":
                return Reply(code, tuple(lines))

    def _line(self, deadline: float) -> str:
        while b"\r\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("no answer in time")
            self._connected().settimeout(left)
            chunk = self._connected().recv(65536)
            if not chunk:
                raise ConnectionError("closed by tor")
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line.decode("utf-8", "replace")

    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise ConnectionError("not connected")
        return self._socket

    def _fault(self, error: OSError) -> TorError:
        reason = "no answer in time" if isinstance(error, TimeoutError) else (error.strerror or str(error))
        return TorError(f"the control socket of tor node {self._name} does not work: {reason}")
