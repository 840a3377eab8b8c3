"""Loopback ports held for as long as their user needs them, so that no neighbour is given one in between."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence


class HeldPorts:
    """TCP ports of 127.0.0.1, bound with SO_REUSEADDR and never listened on.

    Tor binds its listeners with SO_REUSEADDR too, so on Linux it can listen on a port that is held here, while the kernel gives that port
    neither to a bind to port 0 nor to an outgoing connection of anybody else. The hold therefore lasts as long as the network, and a
    node that was killed finds its port free when it comes back.
    """

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def hold(self, ports: Sequence[int]) -> tuple[int, ...]:
        """Hold these ports, 0 meaning any free one; OSError when one is listened on by somebody else (then none is held)."""
        taken: list[socket.socket] = []
        try:
            for port in ports:
                holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                taken.append(holder)
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                holder.bind(("127.0.0.1", port))
        except OSError:
            for holder in taken:
                holder.close()
            raise
        self._sockets += taken
        return tuple(int(holder.getsockname()[1]) for holder in taken)

    def close(self) -> None:
        """Give the ports back."""
        while self._sockets:
            with suppress(OSError):
                self._sockets.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
