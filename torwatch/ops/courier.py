"""The courier: a process of its own that sends one message through Tor's SOCKS port, or not at all.

It reads a job (JSON) on standard input and answers with one JSON object. Before a line of the message library is loaded, every socket
it could open becomes one through the SOCKS port, and every name is left to Tor: a service that goes round that fails. Being a process,
it can hang, crash or be killed without anybody noticing in the daemon.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
from typing import Any

import socks


class TorSocket(socks.socksocket):  # type: ignore[misc]  # PySocks ships no types
    """A socket that reaches nothing but through the SOCKS port."""

    def __init__(self, family: int = socket.AF_INET, type: int = socket.SOCK_STREAM, *others: Any, **named: Any) -> None:  # noqa: A002 - socket's name
        if family not in {socket.AF_INET, socket.AF_INET6, -1} or type not in {socket.SOCK_STREAM, -1}:
            raise OSError("only TCP goes through Tor")
        super().__init__(socket.AF_INET, socket.SOCK_STREAM, *others, **named)


def leave_names_to_tor(host: Any, port: Any, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
    """Give what getaddrinfo gives, with the name itself in the place of its address."""
    name = host.decode() if isinstance(host, bytes) else host
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (name, int(port or 0)))]


def refuse_names(*_: Any, **__: Any) -> Any:
    """Look nothing up: a name that is looked up here is seen by others."""
    raise OSError("names are left to Tor")


def close_every_other_way(host: str, port: int, user: str, password: str) -> None:
    """Make the SOCKS port the only way out of this process."""
    socks.set_default_proxy(socks.SOCKS5, host, port, rdns=True, username=user, password=password)
    changes: dict[str, Any] = {"socket": TorSocket, "getaddrinfo": leave_names_to_tor}
    changes |= dict.fromkeys(("gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo", "fromfd"), refuse_names)
    changes["getfqdn"] = lambda *_: "localhost"  # mail says it in its greeting
    for name, value in changes.items():
        setattr(socket, name, value)


def deliver(job: dict[str, Any]) -> dict[str, str]:
    """Send the job's message to each of its addresses; gives "" or what went wrong, by number of the address."""
    import apprise  # noqa: PLC0415 - only once every other way is closed

    answers = {}
    for number, url in enumerate(job["urls"]):
        letter = apprise.Apprise(asset=apprise.AppriseAsset(app_id="torwatch", app_desc="torwatch", secure_logging=True, async_mode=False))
        if not letter.add(url):
            answers[str(number)] = "the message library does not know this kind of address"
            continue
        said: list[str] = []
        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as captured:  # type: ignore[no-untyped-call]  # apprise types a part of itself
            sent = letter.notify(body=job["body"], title=job["title"], body_format=apprise.NotifyFormat.TEXT)
            said += captured.getvalue().split("\n")[:1]
        answers[str(number)] = "" if sent else f"not sent: {said[0] or 'the service refused it'}"
    return answers


def main() -> None:
    """Do the job on standard input."""
    job = json.load(sys.stdin)
    close_every_other_way(*job["socks"])
    json.dump(deliver(job), sys.stdout)


if __name__ == "__main__":
    main()
