"""A passage keeps its identity while pages come, and takes another when its path is killed, not when the market says no."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from torwatch.crawl.fetch import Fetcher, Limits
from torwatch.model import Fetched, Outcome
from torwatch.walk.passage import Passage

NOW = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)


class Tor:
    def __init__(self):
        self.socks_address = ("127.0.0.1", 9)

    def credentials(self, identity):
        return identity, "x"


@pytest.fixture
def passage():
    tools = SimpleNamespace(tor=Tor())
    opened = lambda route: Fetcher(route, Limits(), headers={}, explain=lambda _: None, connections=1, now=lambda: NOW)  # noqa: E731 - one line
    with Passage(tools, "http://tea.onion", "target-1", opened) as opened_passage:
        yield opened_passage


def used(passage, outcome, status=None):
    """Over which identity a page was asked for that met this."""
    seen = []

    def ask(fetcher):
        seen.append(fetcher.route.user)
        return Fetched("http://tea.onion/", outcome, NOW, 1, status)

    passage.fetch(ask)
    return seen[0]


def test_pages_that_come_change_nothing(passage):
    assert {used(passage, Outcome.OK, 200) for _ in range(10)} == {"target-1"}


@pytest.mark.parametrize("outcome", [Outcome.RESET, Outcome.STALLED, Outcome.ONION_UNREACHABLE])
def test_after_two_killed_connections_in_a_row_the_next_goes_another_way(passage, outcome):
    assert [used(passage, outcome) for _ in range(5)] == ["target-1", "target-1", "target-1-1", "target-1-1", "target-1-2"]


def test_a_page_between_two_broken_ones_shows_that_the_path_lives(passage):
    for _ in range(5):
        assert used(passage, Outcome.RESET) == "target-1"
        assert used(passage, Outcome.OK, 200) == "target-1"


@pytest.mark.parametrize(
    ("outcome", "status"), [(Outcome.HTTP_ERROR, 403), (Outcome.HTTP_ERROR, 503), (Outcome.BANNED, 403), (Outcome.STALLED, 200)]
)
def test_what_the_market_answers_is_not_evaded(passage, outcome, status):
    assert {used(passage, outcome, status) for _ in range(10)} == {"target-1"}


def test_failures_still_under_way_over_an_identity_given_up_do_not_count_against_the_next(passage):
    def ask(fetcher):
        if len(waiting) < 4:
            waiting.append(fetcher.route.user)
            passage.fetch(ask)
        return Fetched("http://tea.onion/", Outcome.RESET, NOW, 1)

    waiting = []
    passage.fetch(ask)
    assert set(waiting) == {"target-1"}
    assert used(passage, Outcome.OK, 200) == "target-1-1"
