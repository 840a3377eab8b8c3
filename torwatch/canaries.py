"""Canaries: onions known to be up, asked at once before a silence is called a market's; what they met is kept as a witness."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from torwatch.crawl.fetch import Fetcher, Route
from torwatch.errors import TorError
from torwatch.store.witnesses import is_answer, record_canary

if TYPE_CHECKING:
    from torwatch.equipment import Tools, WalkSettings
    from torwatch.model import Fetched


def fetch_once(tools: Tools, settings: WalkSettings, base_url: str, identity: str, path: str = "/") -> Fetched:
    """Fetch one page outside any snapshot, over an identity of its own."""
    host, port = tools.tor.socks_address
    user, password = tools.tor.credentials(identity)
    route = Route(base_url, host, port, user, password)
    with Fetcher(route, settings.limits, headers=settings.headers, explain=tools.explain, connections=1, now=tools.now) as fetcher:
        return fetcher.fetch(path)


def ask_canaries(tools: Tools, settings: WalkSettings) -> None:
    """Ask all canaries at the same time, and keep what they met; returns as soon as one answered, or when none did."""
    met: queue.SimpleQueue[tuple[str, Fetched | None]] = queue.SimpleQueue()

    def ask(canary: str) -> None:
        fetched = None
        try:
            fetched = fetch_once(tools, settings, f"http://{canary}", f"canary-{canary}")
        except TorError:
            return  # tor itself is gone: no word on the network
        finally:
            met.put((canary, fetched))

    for canary in settings.canaries:
        threading.Thread(target=ask, args=(canary,), name="canary", daemon=True).start()
    for _ in settings.canaries:
        canary, fetched = met.get()
        if fetched is None:
            continue
        with tools.store.write() as connection:
            record_canary(connection, canary, fetched)
        if is_answer(fetched):
            return
