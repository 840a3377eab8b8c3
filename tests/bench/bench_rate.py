"""The rate limit over real tor at the markets' own logs: the worst minute of each, with kills, fail-over, retries, redirects and a tor that is held up."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path

from torwatch.demo.network import PrivateNetwork

RIG = Path(__file__).parent.parent / "tor" / "asked_markets.py"
SECONDS_PER_REQUEST = 1.0
MINUTE = 60
SECONDS = 180
HELD_UP_SECONDS = 8
LISTINGS = 60  # few, so that the walk comes to its single pages and to the second pass


def bench_no_minute_at_a_market_sees_more_than_its_budget_and_one():
    spec = importlib.util.spec_from_file_location("asked_markets", RIG)
    rig = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rig)
    with PrivateNetwork() as network, tempfile.TemporaryDirectory(prefix="torwatch-rate-") as directory:
        found = rig.crawl(
            network,
            Path(directory),
            seconds_per_request=SECONDS_PER_REQUEST,
            seconds=SECONDS,
            listings=LISTINGS,
            held_up_seconds=HELD_UP_SECONDS,
            kills=2,
        )
    budget = MINUTE / SECONDS_PER_REQUEST
    for market in found:
        sys.stdout.write(
            f"\n{market.market}: worst minute {market.worst(MINUTE)} requests, budget {budget:.0f}; {len(market.moments)} in all, {market.errors} failed,"
            f" {market.redirects} redirected, {market.second_pass_pages} pages of the second pass, {market.addresses} addresses\n"
        )
    assert all(market.worst(MINUTE) <= budget + 1 for market in found)
    first, second, calm = found
    assert all(market.errors for market in (first, second))
    assert first.redirects + second.redirects
    assert first.addresses == 2
    assert calm.worst(MINUTE) > budget / 2  # in spite of jitter, kills and a tor that is held up once a minute
    assert calm.second_pass_pages
