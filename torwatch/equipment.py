"""What a walk works with: its settings, its tools, and what it needs of Tor."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from torwatch.crawl.fetch import Explain, Limits
from torwatch.store.judgement import HoldRule

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torwatch.model import MarketFacts
    from torwatch.reading import Workers
    from torwatch.store.database import Store
    from torwatch.store.derived import Normaliser


class Tor(Protocol):
    """What a walk needs of Tor."""

    @property
    def socks_address(self) -> tuple[str, int]:
        """Host and port of the SOCKS port."""

    @property
    def version(self) -> str:
        """Version of tor, "" when it does not answer."""

    def credentials(self, identity: str) -> tuple[str, str]:
        """SOCKS user and password that isolate this identity's circuits."""

    def ensure(self) -> bool:
        """Bring Tor back when it is down, telling whether it was; TorError when it cannot be."""

    def use_client_keys(self, keys: Mapping[str, str]) -> None:
        """Hold these client keys (onion → base64) and no others; TorError where Tor refuses one."""


@dataclass(frozen=True, slots=True)
class WalkSettings:
    """How a walk behaves; durations in seconds."""

    limits: Limits = field(default_factory=Limits)
    seconds_per_request: float = 5.0
    connections: int = 1
    page_attempts: int = 3
    pages_per_snapshot: int = 0  # 0: no limit
    pages_per_list: int = 0  # of one list; 0: no limit
    requests_per_day: int = 0  # of one target; 0: no limit but the pace
    bytes_per_day: int = 0
    second_pass: float = 0.0  # share of the announced list pages that a second, independent pass draws
    detail_max_age: dt.timedelta = dt.timedelta(days=28)
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: HoldRule = field(default_factory=HoldRule)
    canaries: tuple[str, ...] = ()  # onions known to be up
    configuration: str = ""  # digest of the configuration that all this comes from


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a walk is: pages done and left in the frontier, and the page just read."""

    done: int
    left: int
    path: str = ""


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything a walk works with; made once by the daemon or the command line."""

    store: Store
    tor: Tor
    workers: Workers
    explain: Explain
    archive_directory: Path
    sessions_directory: Path
    client_keys_directory: Path
    rng: random.Random
    now: Callable[[], dt.datetime]
    normalisers: Callable[[MarketFacts], Sequence[Normaliser]]
    session_credential: Path | None = None  # cookies that systemd hands over, for targets that nobody lent a session
