"""The service manager's protocol: ready, reloading, alive, stopping; nothing where nobody listens."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping


class Notifier:
    """Sends states to the socket that systemd named, see sd_notify(3). A manager that does not listen never breaks a run."""

    def __init__(self, address: str = "") -> None:
        self.address = "\0" + address[1:] if address.startswith("@") else address

    def send(self, *states: str) -> bool:
        """Send lines such as READY=1; whether they were sent."""
        if not self.address:
            return False
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)  # noqa: FBT003 - the socket library's signature
            sender.sendto("\n".join(states).encode(), self.address)
            return True
        return False

    def send_reloading(self) -> bool:
        """Say that the configuration is being read again; READY=1 must follow."""
        return self.send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def take_notifier(environ: MutableMapping[str, str]) -> Notifier:
    """The notifier of this process; the variables are taken out, so that tor and the workers do not speak in our name."""
    environ.pop("WATCHDOG_USEC", None)
    environ.pop("WATCHDOG_PID", None)
    return Notifier(environ.pop("NOTIFY_SOCKET", ""))
