"""The directory a private network lives in: who uses it, what is kept in it, and whether a later network may start warm from it."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from torwatch.demo.torrc import Authority
from torwatch.errors import TorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FORMAT = 1
_MANIFEST = "network.json"
_LOCK = "network.lock"
_NODES = "nodes"
_CONSENSUSES = ("cached-microdesc-consensus", "cached-consensus")
_VALID_UNTIL = re.compile(r"^valid-until (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)$", re.MULTILINE)
WARM_MARGIN = dt.timedelta(minutes=15)  # a consensus about to end is of no use: relays refuse it before the next vote may have come


@dataclass(frozen=True, slots=True)
class Layout:
    """The ports and the authority of a network: what must stay as it was for its keys to be of use again."""

    relays: int
    relay_or_ports: tuple[int, ...]
    socks_port: int
    authority: Authority

    @property
    def ports(self) -> tuple[int, ...]:
        """All ports of the network."""
        return (*self.relay_or_ports, self.socks_port, self.authority.or_port, self.authority.dir_port)


@dataclass(frozen=True, slots=True)
class NetworkDirectory:
    """A directory of our own; nothing in it but `network.json`, `network.lock` and `nodes/` is ever touched."""

    path: Path

    @property
    def nodes(self) -> Path:
        """Where the nodes' data directories are."""
        return self.path / _NODES

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Hold the directory against other networks and give the lock's file descriptor; TorError when another one uses it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise TorError(f"the private network's directory cannot be used: {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield descriptor
        except BlockingIOError as error:
            raise TorError(f"the private network's directory is in use by another network: {self.path}") from error
        finally:
            os.close(descriptor)

    def warm_layout(self, relays: int, now: dt.datetime) -> Layout | None:
        """Return the layout of the network kept here if it has as many relays and a consensus that is valid for a while yet."""
        try:
            kept = json.loads((self.path / _MANIFEST).read_text(encoding="utf-8"))
            layout = Layout(relays, tuple(kept["relay_or_ports"]), kept["socks_port"], Authority(**kept["authority"]))
            if kept["format"] != _FORMAT or kept["relays"] != relays or len(layout.relay_or_ports) != relays:
                return None
        except (OSError, ValueError, KeyError, TypeError):
            return None  # none, or one from another version: a cold start writes a new one
        return layout if self._consensus_valid_until() - now > WARM_MARGIN else None

    def keep(self, layout: Layout) -> None:
        """Note that the network kept here came up and may be started warm."""
        partial = self.path / f"{_MANIFEST}.partial"
        partial.write_text(json.dumps({"format": _FORMAT, **asdict(layout)}, indent=2) + "\n", encoding="utf-8")
        partial.replace(self.path / _MANIFEST)

    def clear(self) -> None:
        """Forget the network kept here; TorError when `nodes/` is there but not from us."""
        manifest, ours = self.path / _MANIFEST, self.nodes / ".torwatch"
        if self.nodes.exists() and not ours.exists():
            raise TorError(f"{self.nodes} exists and is not of a private network: choose another directory")
        manifest.unlink(missing_ok=True)
        shutil.rmtree(self.nodes, ignore_errors=True)
        self.nodes.mkdir(mode=0o700, parents=True)
        ours.touch()

    def _consensus_valid_until(self) -> dt.datetime:
        for name in _CONSENSUSES:
            try:
                text = (self.nodes / "authority" / name).read_text(encoding="ascii", errors="replace")
            except OSError:
                continue
            if (found := _VALID_UNTIL.search(text)) is not None:
                return dt.datetime.fromisoformat(found.group(1)).replace(tzinfo=dt.UTC)
        return dt.datetime.min.replace(tzinfo=dt.UTC)
