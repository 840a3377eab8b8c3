"""The frontier asks for pages never seen first, then for those seen longest ago, and loses none."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path

from torwatch.model import Outcome, PageKind
from torwatch.store import frontier
from torwatch.store.frontier import Visit, VisitResult, add_visits, next_visits, own_pages, record_results
from torwatch.store.snapshots import begin_snapshot

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
take, a_target, NOW = builders.take, builders.a_target, builders.NOW

TEA = {"title": "Tea", "vendor": "leafhouse", "price": "12.50", "currency": "EUR"}


def begin(store, target):
    return begin_snapshot(store, target, mirror_id=target.mirrors[0].id, parser_digest="0" * 64, torwatch_version="test", now=NOW).id


def add(store, snapshot, visits, seed=1):
    with store.write() as connection:
        return add_visits(connection, snapshot, visits, random.Random(seed))


def see(store, snapshot, *paths, outcome=Outcome.OK, kind=PageKind.LISTING_INDEX):
    visits = [Visit(path, kind) for path in paths]
    add(store, snapshot, visits)
    results = [VisitResult(visit, outcome, "", 200, 10, NOW) for visit in visits]
    with store.write() as connection:
        record_results(connection, snapshot, results, random.Random(1))


def order(store, snapshot, limit=1000):
    return [visit.path for visit in next_visits(store, snapshot, limit)]


def lists(*names):
    return [Visit(f"/{name}", PageKind.LISTING_INDEX) for name in names]


def test_pages_never_seen_come_first_then_those_seen_longest_ago(store):
    target = a_target(store)
    see(store, begin(store, target), "/a", "/b")
    see(store, begin(store, target), "/b", "/c")
    now = begin(store, target)
    add(store, now, lists("a", "b", "c", "d"))
    assert order(store, now)[:2] == ["/d", "/a"]
    assert set(order(store, now)[2:]) == {"/b", "/c"}


def test_equals_come_in_random_order_that_stays_once_drawn(store):
    target = a_target(store)
    orders = set()
    for seed in range(5):
        snapshot = begin(store, target)
        add(store, snapshot, lists(*"abcdefgh"), seed)
        assert order(store, snapshot) == order(store, snapshot)
        orders.add(tuple(order(store, snapshot)))
    assert len(orders) > 1


def test_a_page_that_failed_counts_as_not_seen(store):
    target = a_target(store)
    first = begin(store, target)
    see(store, first, "/a")
    see(store, first, "/b", outcome=Outcome.STALLED)
    now = begin(store, target)
    add(store, now, lists("a", "b"))
    assert order(store, now) == ["/b", "/a"]


def test_own_pages_wait_behind_new_ones_when_they_are_merely_stale(store):
    target = a_target(store)
    take(store, target, {str(number): TEA for number in range(4)}, week=0)  # their own pages were read
    now = begin(store, target)
    own = [Visit(f"/listing/{number}", PageKind.LISTING, str(number), stale=number < 3) for number in range(4)]
    add(store, now, [*own, Visit("/listing/9", PageKind.LISTING, "9"), *lists("index")])
    paths = order(store, now)
    assert paths[:3] == ["/index", "/listing/9", "/listing/3"]
    assert set(paths[3:]) == {"/listing/0", "/listing/1", "/listing/2"}


def test_a_budget_that_is_too_small_sees_every_page_over_some_snapshots(store):
    target = a_target(store)
    everything = lists(*(f"page{number}" for number in range(50)))
    seen = []
    for week in range(5):
        snapshot = begin(store, target)
        add(store, snapshot, everything, seed=week)
        chosen = order(store, snapshot, limit=10)
        see(store, snapshot, *chosen)
        seen += chosen
    assert len(set(seen)) == 50


def test_another_market_s_pages_are_not_taken_for_ours(store):
    see(store, begin(store, a_target(store, "other", host=1)), "/a")
    now = begin(store, a_target(store))
    add(store, now, lists("a", "b"))
    assert store.value("SELECT max(seen) FROM visit WHERE snapshot_id = ?", (now,)) == 0


def test_own_pages_tell_when_they_were_read_and_forget_what_no_longer_stands(store):
    target = a_target(store)
    take(store, target, {"1": TEA, "2": TEA}, week=0)
    take(store, target, {"1": TEA}, week=1, gone=["2"])
    found = own_pages(store, "listing", target.market_id, ["1", "2", "3"])
    assert found == {"1": ((NOW + builders.WEEK).isoformat(), "same")} or set(found) == {"1"}


def test_a_retried_page_gets_a_new_place_and_an_excused_failure_costs_no_attempt(store):
    snapshot = begin(store, a_target(store))
    add(store, snapshot, lists("a", "b"))
    for excused, attempts in ((False, 1), (True, 1)):
        with store.write() as connection:
            result = VisitResult(Visit("/a", PageKind.LISTING_INDEX), Outcome.STALLED, "", None, 10, NOW, retry=True, excused=excused)
            record_results(connection, snapshot, [result], random.Random(2))
        assert store.value("SELECT attempts FROM visit WHERE path = '/a'") == attempts
    assert frontier.count_visits(store, snapshot) == (0, 2)
