"""Canaries: onions known to be up, asked at once before a silence is called a market's; what they met is kept as a witness."""

from __future__ import annotations

import datetime as dt
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from torwatch.crawl.fetch import Fetcher, Route
from torwatch.errors import TorError
from torwatch.store.spending import Spent, add_spending_at
from torwatch.store.witnesses import is_answer, record_canary
from torwatch.tor.address import DEFAULT_PORTS

if TYPE_CHECKING:
    import sqlite3

    from torwatch.equipment import Tools, WalkSettings
    from torwatch.model import Fetched


@dataclass(frozen=True, slots=True)
class Asked:
    """One page asked for outside any snapshot: what came, and what that took."""

    base_url: str
    fetched: Fetched
    spent: Spent


def fetch_once(tools: Tools, settings: WalkSettings, base_url: str, identity: str, path: str = "/") -> Asked:
    """Fetch one page outside any snapshot, over an identity of its own."""
    host, port = tools.tor.socks_address
    user, password = tools.tor.credentials(identity)
    route = Route(base_url, host, port, user, password)
    requests, sizes = [path], list[int]()

    def follow() -> bool:
        requests.append("a redirect")
        return True

    with Fetcher(
        route,
        settings.limits,
        headers=settings.headers,
        explain=tools.explain,
        connections=1,
        now=tools.now,
        pause=follow,
        receive=sizes.append,
    ) as fetcher:
        fetched = fetcher.fetch(path)
    return Asked(base_url, fetched, Spent(len(requests), sum(sizes)))


def count_asked(connection: sqlite3.Connection, asked: Asked) -> None:
    """Count a page asked for against the budget of the target whose address it was asked of, if it is one's; inside the caller's transaction."""
    place = urlsplit(asked.base_url)
    day = asked.fetched.fetched_at.astimezone(dt.UTC).date()
    add_spending_at(connection, place.hostname or "", place.port or DEFAULT_PORTS[place.scheme], day, asked.spent)


def ask_canaries(tools: Tools, settings: WalkSettings) -> None:
    """Ask all canaries at the same time, and keep what they met; returns as soon as one answered, or when none did."""
    met: queue.SimpleQueue[tuple[str, Asked | None]] = queue.SimpleQueue()

    def ask(canary: str) -> None:
        asked = None
        try:
            asked = fetch_once(tools, settings, f"http://{canary}", f"canary-{canary}")
        except TorError:
            return  # tor itself is gone: no word on the network
        finally:
            met.put((canary, asked))

    for canary in settings.canaries:
        threading.Thread(target=ask, args=(canary,), name="canary", daemon=True).start()
    for _ in settings.canaries:
        canary, asked = met.get()
        if asked is None:
            continue
        with tools.store.write() as connection:
            record_canary(connection, canary, asked.fetched)
            count_asked(connection, asked)
        if is_answer(asked.fetched):
            return
