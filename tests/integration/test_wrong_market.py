"""An address that serves another market's front page is flagged and not crawled; it never counts as the market being down."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import threading

import pytest

from torwatch.archive.reader import read_page
from torwatch.demo.market import ENGINES, MarketServer
from torwatch.store.mirrors import quarantined_until, visits_of
from torwatch.store.signals import silences, strangers
from torwatch.store.targets import add_mirror, find_target

OTHER = "b" * 55 + "d.onion"


@pytest.fixture
def bazaar(watched):
    """A watch of the souk, and a bazaar beside it: gives (watch, its server, function that leads an address to the bazaar)."""
    watch = watched(listings=20, concurrency=1, page_attempts=1)
    engine = ENGINES["bazaar"]()
    with MarketServer(engine.world(9, listings=20), engine, watch.clock) as server:
        yield watch, server, lambda host: watch.lead(host, server.port)


def with_second_mirror(watch):
    add_mirror(watch.store, watch.target, OTHER, 80, "http", now=watch.clock())
    watch.target = find_target(watch.store, watch.target.market)
    return watch.target.mirrors


def flags(watch):
    return [
        json.loads(row["detail"])["host"] for row in watch.store.rows("SELECT detail FROM event WHERE kind = 'mirror_flagged' ORDER BY id")
    ]


def test_a_first_address_of_another_market_is_left_for_the_next_one(bazaar):
    watch, server, lead = bazaar
    first, second = with_second_mirror(watch)
    lead(first.host)
    _, ending = watch.look()
    assert ending.state == "complete"
    assert ending.listings.new == len(watch.world.truth(watch.clock()).listings)
    assert [request.target for request in server.requests] == ["/"]  # its front page, and nothing else
    [visit] = visits_of(watch.store, first.id)
    assert (visit.outcome, visit.verdict) == ("wrong_market", "unknown")
    assert visit.reason.startswith("the address serves the front page of bazaar, not of souk (")
    assert (quarantined_until([visit]) - watch.clock()).days == 1
    assert flags(watch) == [first.host]
    assert [row[:2] for row in strangers(watch.store)] == [("souk", first.host)]
    assert silences(watch.store) == []
    assert visits_of(watch.store, second.id)[-1].verdict == "up"


def test_an_only_address_of_another_market_ends_the_snapshot_without_calling_the_market_down(bazaar):
    watch, server, lead = bazaar
    lead(watch.target.mirrors[0].host)
    for _ in range(2):
        _, ending = watch.look()
        assert ending.state == "failed"
        assert "wrong_market" in ending.reason
    assert len(server.requests) == 2
    assert watch.store.value("SELECT count(*) FROM listing") == 0
    assert watch.store.value("SELECT count(*) FROM market_availability WHERE verdict = 'down'") == 0
    assert flags(watch) == [watch.target.mirrors[0].host]  # told once
    assert silences(watch.store) == []


def test_the_address_taken_when_one_fails_is_looked_at_before_anything_else_is_asked_there(bazaar):
    watch, server, lead = bazaar
    first, second = with_second_mirror(watch)
    lead(second.host)
    watch.look(progress=lambda step: watch.lose(first.host, 0xF0) if step.done > 1 else None)
    assert watch.store.value("SELECT count(*) FROM failure WHERE outcome = 'onion_not_found'") > 0
    assert [request.target for request in server.requests] == ["/"]
    assert visits_of(watch.store, second.id)[-1].outcome == "wrong_market"
    assert flags(watch) == [second.host]
    assert watch.store.value("SELECT count(*) FROM failure WHERE outcome = 'layout_changed'") == 0
    noted = json.loads(watch.store.value("SELECT detail FROM event WHERE kind = 'mirror_greeted'"))  # the evidence for the flag
    page = read_page(watch.config.archive_directory / "souk" / noted["warc"], noted["warc_offset"])
    assert (noted["host"], noted["outcome"], page.url) == (second.host, "wrong_market", f"http://{second.host}/")
    assert b"azaar" in page.body


def test_an_address_that_is_the_markets_again_is_used_and_flagged_anew_the_next_time(bazaar):
    watch, _, lead = bazaar
    host = watch.target.mirrors[0].host
    lead(host)
    watch.look()
    watch.lead(host, watch.server.port)
    assert watch.look()[1].state == "complete"
    assert strangers(watch.store) == []
    lead(host)
    watch.look()
    assert flags(watch) == [host, host]


def test_the_page_of_a_stranger_is_archived_and_told_by_a_replay_as_before(bazaar):
    watch, _, lead = bazaar
    lead(watch.target.mirrors[0].host)
    watch.look()
    index = (watch.config.archive_directory / "souk" / "00000001.cdxj").read_text(encoding="utf-8")
    assert '"outcome": "wrong_market"' in index
    with contextlib.suppress(ValueError):
        assert json.loads(index.split(" ", 2)[2].splitlines()[0])["offset"] is not None


def stopped(watch):
    """Begin a snapshot and stop it in the middle."""
    stop = threading.Event()
    snapshot, ending = watch.look(stop=stop, progress=lambda step: stop.set() if step.done > 5 else None)
    assert ending is None
    return snapshot


def test_a_walk_that_was_stopped_looks_at_the_front_page_before_it_goes_on(bazaar):
    watch, server, lead = bazaar
    first, second = with_second_mirror(watch)
    before = stopped(watch)
    lead(first.host)
    snapshot, ending = watch.look()
    assert (snapshot.id, ending.state) == (before.id, "complete")
    assert [request.target for request in server.requests] == ["/"]
    assert watch.store.value("SELECT mirror_id FROM snapshot") == second.id
    assert flags(watch) == [first.host]


def test_a_walk_that_was_stopped_ends_where_its_only_address_is_another_markets_by_then(bazaar):
    watch, server, lead = bazaar
    stopped(watch)
    watch.clock.advance(dt.timedelta(hours=1))
    host = watch.target.mirrors[0].host
    lead(host)
    _, ending = watch.look()
    assert ending.state == "partial"
    assert "serves the front page of bazaar" in ending.reason
    assert [request.target for request in server.requests] == ["/"]
    assert visits_of(watch.store, watch.target.mirrors[0].id)[-1].outcome == "wrong_market"
    assert flags(watch) == [host]


def test_what_is_left_of_a_days_budget_for_one_request_is_not_spent_on_a_look(bazaar):
    watch, _, _ = bazaar
    stopped(watch)
    asked = len(watch.server.requests)
    watch.look(requests_per_day=asked + 1)
    assert [request.target != "/" for request in watch.server.requests[asked:]] == [True]
