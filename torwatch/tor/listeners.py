"""The SOCKS ports that a tor listens on, with the flags that matter: read from what its control port answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DEFAULT_PORT: Final = 9050  # where tor listens when its torrc has no SocksPort line
_LISTENER: Final = re.compile(r'"(\[[0-9a-fA-F:.]+\]|[0-9.]+):(\d+)"')
_LOOPBACK_OF_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class SocksListener:
    """One open TCP SOCKS port."""

    host: str  # as a client connects to it
    port: int
    line: str = ""  # its SocksPort line without the keyword; "" where none matches
    extended_errors: bool = False
    isolates_socks_auth: bool = True  # tor's default

    @property
    def advice(self) -> str:
        """The torrc line that would make this port right, "" where it is right."""
        if self.extended_errors and self.isolates_socks_auth:
            return ""
        words = [word for word in (self.line or f"{self.host}:{self.port}").split() if word.lower() != "noisolatesocksauth"]
        return " ".join(["SocksPort", *words, *([] if self.extended_errors else ["ExtendedErrors"])])


def read_listeners(listeners: str, lines: Sequence[str]) -> tuple[SocksListener, ...]:
    """Join `GETINFO net/listeners/socks` with the values of `GETCONF SocksPort`; unix sockets are left out, PySocks cannot use them."""
    known = [line for line in lines if line.strip()] or [str(DEFAULT_PORT)]
    found = []
    for host, port in _LISTENER.findall(listeners):
        bare = host.strip("[]")
        line = _line_of(bare, int(port), known)
        flags = {word.lower() for word in line.split()[1:]}
        found.append(
            SocksListener(
                _LOOPBACK_OF_ANY.get(bare, bare),
                int(port),
                line,
                extended_errors="extendederrors" in flags,
                isolates_socks_auth="noisolatesocksauth" not in flags,
            )
        )
    return tuple(found)


def choose_listener(listeners: Iterable[SocksListener], wanted: tuple[str, int] | None) -> SocksListener | None:
    """Return the listener at `wanted`, else the best one: ExtendedErrors first, isolation second; None where there is none."""
    fitting = [one for one in listeners if wanted is None or (_same_host(one.host, wanted[0]) and one.port == wanted[1])]
    return max(fitting, key=lambda one: (one.extended_errors, one.isolates_socks_auth), default=None)


def _line_of(host: str, port: int, lines: Sequence[str]) -> str:
    automatic = ""
    for line in lines:
        address = line.split()[0]
        line_host, _, line_port = address.rpartition(":")
        if line_port == "auto":
            automatic = automatic or line
        elif line_port == str(port) and (not line_host or _same_host(line_host.strip("[]"), host)):
            return line
    return automatic


def _same_host(one: str, other: str) -> bool:
    names = {"localhost": "127.0.0.1"} | _LOOPBACK_OF_ANY
    return names.get(one, one) == names.get(other, other)
