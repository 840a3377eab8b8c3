"""The second pass is independent of the first, and what it saw is what stood on the pages that it drew."""

from __future__ import annotations

import datetime as dt
import re
import threading
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from torwatch.archive.index import index_path, read_index
from torwatch.claims import rules_of
from torwatch.demo.market import Fault, FaultKind
from torwatch.demo.market.engine import LISTINGS_PER_PAGE
from torwatch.measure.abundance import chapman
from torwatch.normalise.price import normalise_price
from torwatch.parsing.registry import load_parser
from torwatch.replay.history import replay_market
from torwatch.store.captures import capture_histories, second_pass_pages
from torwatch.store.history import present_state
from torwatch.store.judgement import HoldRule

NUMBERS = {
    "bazaar": re.compile(r"id=(\d+)(?:&page=(\d+))?&sort=price_asc"),
    "souk": re.compile(r"^/aisle/(\d+)(?:/(\d+))?\?sort=price_asc"),
}


def rows_of(watch, path):
    """The keys in the rows of an index page, from the market's own truth."""
    aisle, page = NUMBERS[watch.engine].search(path).groups()
    start = (int(page or 1) - 1) * LISTINGS_PER_PAGE
    return {listing.key for listing in watch.server.view().aisle(int(aisle), "price_asc")[start : start + LISTINGS_PER_PAGE]}


def caught(watch, pass_name, snapshot_id=1):
    """The keys seen at the occasion of a pass; a listing that the history does not know is its negative id."""
    histories = capture_histories(watch.store, watch.target.market_id, "listing")
    place = next(p for p, one in enumerate(histories.occasions) if (one.snapshot_id, one.pass_name) == (snapshot_id, pass_name))
    ids = {entity_id for entity_id, bits in histories.seen.items() if bits >> place & 1}
    known = {row["id"]: row["key"] for row in watch.store.rows("SELECT id, key FROM listing")}
    return {known.get(entity_id, entity_id) for entity_id in ids}


def drawn(watch):
    return watch.store.rows("SELECT * FROM second_pass_page ORDER BY moment")


@pytest.mark.parametrize("engine", ["bazaar", "souk"])
def test_the_occasions_equal_the_truth(watched, engine):
    watch = watched(engine, listings=300)
    snapshot, ending = watch.look(second_pass=0.4)
    assert ending.state == "complete"
    pages = drawn(watch)
    lists = watch.store.rows("SELECT * FROM second_pass_list")
    assert sum(row["pages"] for row in lists) == sum(
        max(1, -(-len(watch.server.view().aisle(number)) // LISTINGS_PER_PAGE)) for number in range(1, len(lists) + 1)
    )
    assert len(pages) == sum(row["drawn"] for row in lists) > 3
    assert {row["outcome"] for row in pages} == {"ok"}
    assert caught(watch, "B") == set().union(*(rows_of(watch, row["path"]) for row in pages))
    assert caught(watch, "A") == set(watch.world.truth(watch.clock()).listings)
    assert [len(page) for page in second_pass_pages(watch.store, watch.target.market_id, snapshot.id)] == [
        row["size"] for row in watch.store.rows("SELECT size FROM second_pass_page ORDER BY scope, page")
    ]


def test_the_first_pass_is_the_same_with_and_without_a_second(watched):
    watch = watched(listings=120, still=True)
    watch.look()
    alone = watch.dump()
    watch.begin_again()
    watch.look(second_pass=0.5)
    assert len(drawn(watch)) > 2
    assert watch.dump() == alone


def test_what_only_the_second_pass_saw_does_not_enter_the_history(watched):
    watch = watched(listings=300, page_attempts=1)
    watch.server.faults.add(Fault(FaultKind.SERVER_ERROR, path=r"^/aisle/\d+/[2-9]$"))  # the first pass sees first pages alone
    _, ending = watch.look(second_pass=0.5)
    assert ending.state == "partial"
    truth = set().union(*(rows_of(watch, row["path"]) for row in drawn(watch)))
    known = {key for _, key in present_state(watch.store, watch.target.market_id)}
    second = caught(watch, "B")
    assert truth - known
    assert {key for key in second if isinstance(key, str)} == truth & known
    assert sum(isinstance(key, int) and key < 0 for key in second) == len(truth - known)
    watch.server.faults.clear()
    watch.clock.advance(dt.timedelta(hours=1))
    watch.look()
    assert {key for key in caught(watch, "B") if isinstance(key, str)} >= truth & set(watch.world.truth(watch.clock()).listings)


def test_a_list_whose_announcement_was_missed_is_drawn_from_by_what_an_earlier_snapshot_read(watched):
    watch = watched(listings=120, page_attempts=1)
    watch.look(second_pass=1.0)
    lists = "SELECT scope, pages, announced_snapshot_id FROM second_pass_list WHERE snapshot_id = ? ORDER BY scope"
    told = {row["scope"]: row["pages"] for row in watch.store.rows(lists, (1,))}
    lost = min(told)
    watch.server.faults.add(Fault(FaultKind.SERVER_ERROR, path=re.escape(lost.replace("{page}", "1")) + "$"))
    for number in range(2, 6):
        watch.look(second_pass=1.0)
        announced = {row["scope"]: row["announced_snapshot_id"] for row in watch.store.rows(lists, (number,))}
        remembered = {lost: 1} if number <= 4 else {}  # after three snapshots without a word the list is taken for gone
        assert announced == dict.fromkeys(told.keys() - {lost}, number) | remembered
    drawn_again = watch.store.rows("SELECT outcome FROM second_pass_page WHERE snapshot_id = 2 AND scope = ?", (lost,))
    assert [row["outcome"] for row in drawn_again] == ["ok"] * told[lost]


def test_the_estimate_comes_near_the_truth_when_pages_are_missed(watched):
    watch = watched(listings=400, page_attempts=1)
    watch.server.faults.add(Fault(FaultKind.SERVER_ERROR, path=r"^/aisle/\d+/\d+$", probability=0.25))
    ratios, states = [], set()
    for number in range(1, 9):
        _, ending = watch.look(second_pass=0.6, detail_max_age=dt.timedelta(days=90))
        states.add(ending.state)
        first, second = caught(watch, "A", number), caught(watch, "B", number)
        ratios.append(chapman(len(first), len(second), len(first & second))[0] / len(watch.world.truth(watch.clock()).listings))
        watch.clock.advance(dt.timedelta(hours=6))
    assert "partial" in states
    assert 0.85 < sum(ratios) / len(ratios) < 1.15, ratios


def test_pages_of_the_second_pass_are_spread_over_the_first_and_use_an_identity_of_their_own(watched):
    watch = watched(listings=250, concurrency=1)
    identities = []
    lend = watch.tools.tor.credentials
    watch.tools.tor.credentials = lambda identity: identities.append(identity) or lend(identity)
    watch.look(second_pass=0.8)
    assert sorted(identities) == [f"target-{watch.target.id}", f"target-{watch.target.id}-B"]
    served = [request.target for request in watch.server.requests]
    places = [place / len(served) for place, target in enumerate(served) if "sort=price_asc" in target]
    thirds = [sum(third <= place * 3 < third + 1 for place in places) for third in range(3)]
    assert len(places) == len(drawn(watch)) > 8
    assert min(thirds) >= 1, thirds


def test_a_stopped_snapshot_draws_no_second_time_and_ends_as_if_never_stopped(watched):
    watch = watched(listings=200, still=True)
    watch.look(second_pass=0.5)
    whole = [(row["path"], row["size"], row["ids"], row["strays"]) for row in drawn(watch)]
    dump = watch.dump()
    watch.begin_again()
    for stop_after in (5, 20, 40, 60):
        stop = threading.Event()
        _, ending = watch.look(
            stop=stop, second_pass=0.5, progress=lambda step, stop=stop, at=stop_after: stop.set() if step.done > at else None
        )
        assert ending is None
    _, ending = watch.look(second_pass=0.0)  # the share is that of the snapshot, not of today's configuration
    assert ending.state == "complete"
    assert [(row["path"], row["size"], row["ids"], row["strays"]) for row in drawn(watch)] == whole
    assert watch.dump() == dump


def test_a_target_has_a_share_of_its_own(watched):
    watch = watched(listings=100)
    watch.target = replace(watch.target, second_pass=0.5)
    watch.look()
    assert drawn(watch)
    assert watch.store.value("SELECT second_pass FROM snapshot") == 0.5


def test_a_page_that_fails_is_tried_again_and_then_kept_as_failed(watched):
    watch = watched(listings=200)
    watch.server.faults.add(Fault(FaultKind.SERVER_ERROR, path="sort=price_asc"))
    watch.look(second_pass=0.5)
    assert {(row["outcome"], row["attempts"]) for row in drawn(watch)} == {("http_error", 3)}
    assert not watch.store.value("SELECT count(*) FROM capture WHERE pass = 'B'")
    assert not watch.store.value("SELECT count(*) FROM failure")  # of the first pass


def test_a_replay_of_the_archive_gives_the_same_second_pass_and_leaves_it_out_of_the_history(watched):
    watch = watched(listings=200, still=True)
    watch.look(second_pass=0.5)
    watch.clock.advance(dt.timedelta(days=7))
    watch.look(second_pass=0.5)
    entries = list(read_index(index_path(watch.config.archive_directory / "souk" / "00000001.warc.gz")))
    assert sum(entry.second_pass is not None for entry in entries) == watch.store.value(
        "SELECT count(*) FROM second_pass_page WHERE snapshot_id = 1"
    )
    before, dump = [(row["path"], row["outcome"], row["size"]) for row in drawn(watch)], watch.dump()
    histories = capture_histories(watch.store, watch.target.market_id, "listing")
    parser = load_parser("souk")
    replay_market(watch.tools, watch.target.market_id, parser, rules_of(parser.market, normalise_price), HoldRule())
    assert [(row["path"], row["outcome"], row["size"]) for row in drawn(watch)] == before
    after = capture_histories(watch.store, watch.target.market_id, "listing")
    assert [one.pass_name for one in after.occasions] == [one.pass_name for one in histories.occasions] == ["A", "B", "A", "B"]
    assert sorted(after.seen.values()) == sorted(histories.seen.values())
    assert watch.dump()["snapshot"] == dump["snapshot"]


def test_a_replay_tells_of_archived_pages_that_were_never_drawn(watched):
    watch = watched(listings=200)
    watch.look(second_pass=0.5)
    with watch.store.write() as connection:
        connection.execute("DELETE FROM second_pass_page WHERE page = (SELECT min(page) FROM second_pass_page)")
    before = drawn(watch)
    parser = load_parser("souk")
    with capture_logs() as told:
        replay_market(watch.tools, watch.target.market_id, parser, rules_of(parser.market, normalise_price), HoldRule())
    assert [(line["event"], line["snapshot"]) for line in told] == [("second_pass_pages_unknown", 1)]
    assert [tuple(row) for row in drawn(watch)] == [tuple(row) for row in before]
