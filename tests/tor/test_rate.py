"""Over real tor, with all that makes requests come in bursts, no market is asked more often than was agreed: measured at its own log."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("asked_markets", Path(__file__).with_name("asked_markets.py"))
asked_markets = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # its dataclass looks itself up there
spec.loader.exec_module(asked_markets)

SECONDS_PER_REQUEST = 1.0
WINDOW_SECONDS = 10


@pytest.fixture(scope="module")
def asked(network, directory):
    return asked_markets.crawl(network, directory, seconds_per_request=SECONDS_PER_REQUEST, seconds=36)


def test_no_ten_seconds_see_more_requests_than_they_may_and_one(asked):
    assert len(asked) == 3
    for market in asked:
        assert len(market.moments) >= 8, asked
        assert market.worst(WINDOW_SECONDS) <= WINDOW_SECONDS / SECONDS_PER_REQUEST + 1, market


@pytest.mark.soak  # chance decides when errors slow a market down, and so how long it takes to leave a dead address
def test_all_that_makes_bursts_did_happen(asked):
    assert sum(market.errors for market in asked), asked
    assert {market.market: market.addresses for market in asked} == {"first": 2, "second": 1, "calm": 1}
