"""The leak trial: work is done while every socket of this process is watched, and whatever left another way than allowed is named."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOKUPS: Final = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})
SENDS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class Watcher:
    """What was seen while it watched."""

    def __init__(self, allowed: tuple[str, int]) -> None:
        self.allowed = allowed
        self.leaks: list[str] = []

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note a look-up of a name, or a packet to any other address than the allowed one."""
        if event in LOOKUPS and arguments and arguments[0] not in {self.allowed[0], None}:
            self.leaks.append(f"the name {str(arguments[0])[:80]} was looked up here")
        elif event in SENDS and isinstance(arguments[1], tuple) and arguments[1][:2] != self.allowed:
            self.leaks.append(f"a socket went to {arguments[1][0]} port {arguments[1][1]}")


_watchers: list[Watcher] = []  # an audit hook can never be taken away: one is added, and sees only while somebody watches
_hooked = [False]


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watchers and (event in LOOKUPS or event in SENDS):
        for watcher in _watchers:
            watcher.see(event, arguments)


@contextlib.contextmanager
def watch_sockets(allowed: tuple[str, int]) -> Iterator[Watcher]:
    """Watch every socket of this process while the block runs; only `allowed` (host, port) may be reached."""
    if not _hooked[0]:
        sys.addaudithook(_hook)
        _hooked[0] = True
    watcher = Watcher(allowed)
    _watchers.append(watcher)
    try:
        yield watcher
    finally:
        _watchers.remove(watcher)
