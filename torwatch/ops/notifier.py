"""The notifier: who is told of alerts, when, in which words; the courier carries it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from torwatch.errors import ConfigError
from torwatch.units import back_off

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

COURIER_SECONDS: Final = 180.0
FIRST_RETRY: Final = dt.timedelta(minutes=10)
LONGEST_RETRY: Final = dt.timedelta(hours=6)
MOST_LINES: Final = 40
LINE_CHARACTERS: Final = 300
KEPT_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")  # no proxy variable, no credential


class Letter(Protocol):
    """One alert that is to be told."""

    @property
    def title(self) -> str:
        """One line."""

    @property
    def body(self) -> str:
        """More, or what to do."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One address that alerts go to. `name`: what the database knows it by, which tells nothing of the address."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Socks:
    """Tor's SOCKS port, with the credentials that give alerts circuits of their own."""

    host: str
    port: int
    user: str
    password: str


def read_destinations(path: Path, *, credential: bool = False) -> tuple[Destination, ...]:
    """The addresses of a file, one a line; # begins a comment.

    Raises ConfigError when it cannot be read, or others may read it; a `credential` of systemd is guarded by its folder.
    """
    try:
        mode = path.stat().st_mode
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"alerts.destinations {path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if mode & 0o077 and not credential:
        raise ConfigError(f"alerts.destinations {path} may be read by other users, and holds passwords: chmod 600 {path}")
    urls = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return tuple(Destination(hashlib.sha256(url.encode()).hexdigest()[:12], url) for url in dict.fromkeys(urls))


def is_due(now: dt.datetime, *, attempts: int, tried_at: str | None) -> bool:
    """Whether to try (again): at once at first, after a failure in 10 minutes, doubled each time, at most 6 hours."""
    if not attempts or tried_at is None:
        return True
    return now >= dt.datetime.fromisoformat(tried_at) + back_off(attempts, FIRST_RETRY, LONGEST_RETRY)


def compose(letters: Sequence[Letter], *, reveal: bool, show: Callable[[str], str]) -> tuple[str, str]:
    """Title and body of one message; `show` makes what a page said harmless; nothing is cut without saying so.

    `reveal` False: only how many, for services that should not learn what is watched.
    """
    count = "1 alert" if len(letters) == 1 else f"{len(letters)} alerts"
    if not reveal:
        return f"torwatch: {count}", "See `torwatch alert list`."
    lines = [
        one
        for letter in letters
        for one in (f"- {_short(letter.title, show)}", *([f"  {_short(letter.body, show)}"] if letter.body else []))
    ]
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"… and {len(lines) - MOST_LINES} lines more: torwatch alert list"]
    return f"torwatch: {count}" if len(letters) > 1 else f"torwatch: {_short(letters[0].title, show)}", "\n".join(lines)


def _short(text: str, show: Callable[[str], str]) -> str:
    plain = show(" ".join(text.split()))
    return plain if len(plain) <= LINE_CHARACTERS else f"{plain[:LINE_CHARACTERS]}… (cut)"


def send(destinations: Sequence[Destination], title: str, body: str, socks: Socks, environ: Mapping[str, str]) -> dict[str, str]:
    """Send one message to each destination through the SOCKS port; gives "" or what went wrong, by name. Never raises for what a service does."""
    job = {
        "urls": [one.url for one in destinations],
        "title": title,
        "body": body,
        "socks": (socks.host, socks.port, socks.user, socks.password),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "torwatch.ops.courier"],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=COURIER_SECONDS,
            env={name: environ[name] for name in KEPT_ENVIRONMENT if name in environ},
            check=False,
        )
        answers = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {one.name: f"no answer within {COURIER_SECONDS:.0f} seconds" for one in destinations}
    except (OSError, ValueError):
        return {one.name: "the courier failed: is the extra [alerts] installed?" for one in destinations}
    return {one.name: _without_secrets(answers[str(number)], one) for number, one in enumerate(destinations)}


def _without_secrets(error: str, destination: Destination) -> str:
    """An error as it may be stored: no part of the address longer than a few letters is in it."""
    for part in sorted(_parts(destination.url), key=len, reverse=True):
        error = error.replace(part, "…")
    return error[:LINE_CHARACTERS]


def _parts(url: str) -> set[str]:
    _, _, rest = url.partition("://")
    separated = re.split(r"[/?&=:@]", rest)
    return {url, rest, *(part for part in separated if len(part) > 3)}  # noqa: PLR2004 - shorter ones are words of any sentence
