"""A walk keeps to its budgets and its pace, over days, stops and a market that struggles."""

from __future__ import annotations

import datetime as dt
import itertools
import threading

from torwatch.demo.market import Fault, FaultKind
from torwatch.equipment import WalkSettings
from torwatch.model import Outcome
from torwatch.overview import due_of
from torwatch.store.snapshots import find_snapshot
from torwatch.store.spending import KeptPace, keep_pace, load_pace, rests, spent_on
from torwatch.store.targets import find_target
from torwatch.walk.courtesy import Courtesy

DAY = dt.timedelta(days=1)


def look_for_days(watch, **crawl):
    """Take one snapshot, going on each day; gives its ending and what each day took of the market."""
    days = []
    for _ in range(60):
        before = len(watch.server.requests)
        snapshot, ending = watch.look(**crawl)
        days.append(watch.server.requests[before:])
        if ending is not None:
            return snapshot, ending, days
        rest = rests(watch.store)[watch.target.id]
        assert find_snapshot(watch.store, snapshot.id).state == "running"
        assert rest.until == dt.datetime.combine(watch.clock().date() + DAY, dt.time(), dt.UTC)
        one = watch.target
        assert due_of(watch.store, one.id, one.every_seconds, one.added_at, jitter=0.1, now=watch.clock()) == rest.until
        watch.last_rest = rest
        watch.clock.advance(DAY)
    raise AssertionError("it never ends")


def test_a_budget_of_requests_ends_the_day_and_the_same_snapshot_goes_on_the_next(watched):
    watch = watched(listings=30)
    _, ending, days = look_for_days(watch, requests_per_day=12)
    assert ending.state == "complete"
    assert len(days) > 3
    assert all(len(day) == 12 for day in days[:-1])
    assert watch.last_rest.why == "the budget of 12 requests a day is spent"
    assert watch.store.value("SELECT sum(requests) FROM spending") == len(watch.server.requests)
    assert watch.store.value("SELECT count(*) FROM snapshot") == 1
    assert rests(watch.store) == {}


def test_a_budget_of_bytes_ends_the_day_too(watched):
    watch = watched(listings=30)
    _, ending, days = look_for_days(watch, bytes_per_day=20_000)
    assert ending.state == "complete"
    assert watch.last_rest.why == "the budget of 20kB a day is spent"
    assert all(sum(request.size_bytes for request in day) < 80_000 for day in days)


def test_a_target_has_budgets_of_its_own_and_none_is_no_budget(watched):
    watch = watched(listings=10)
    with watch.store.write() as connection:
        connection.execute("UPDATE target SET requests_per_day = 0")
    watch.target = find_target(watch.store, "souk")
    _, ending = watch.look(requests_per_day=5)
    assert ending.state == "complete"


def test_a_request_that_is_redirected_counts_as_often_as_it_is_sent(watched):
    watch = watched(listings=10, page_attempts=1)
    watch.server.faults.add(Fault(FaultKind.REDIRECT_LOOP, path="^/item/"))
    watch.look()
    assert spent_on(watch.store, watch.target.id, watch.clock().date()).requests == len(watch.server.requests)


def test_endless_lists_are_left_by_themselves_and_the_snapshot_says_so(watched):
    watch = watched(listings=40)
    watch.server.faults.add(Fault(FaultKind.ENDLESS))
    _, ending = watch.look()
    assert ending.state == "partial"
    assert "goes on without an end: 5 of its pages repeat others" in ending.reason
    assert len(watch.server.requests) < 400


def test_a_market_that_errs_is_asked_ever_more_slowly_and_the_pace_outlasts_a_stop(watched):
    watch = watched(listings=20, concurrency=1)
    watch.server.faults.add(Fault(FaultKind.SERVER_ERROR, path="^/(item|shop)/"))
    stop = threading.Event()
    watch.look(stop=stop, progress=lambda step: stop.set() if step.done > 15 else None)
    kept = load_pace(watch.store, watch.target.id)
    assert kept.slow_down > 2
    assert kept.why == "http_error"
    settings = WalkSettings(seconds_per_request=5.0)
    resumed = Courtesy(watch.tools, watch.target, settings, threading.Event())
    assert resumed.pace.slow_down == kept.slow_down
    watch.clock.advance(dt.timedelta(hours=3))
    assert Courtesy(watch.tools, watch.target, settings, threading.Event()).pace.slow_down < 1.01


def test_the_distance_to_the_last_request_and_retry_after_hold_over_a_stop(watched):
    watch = watched(listings=10)
    settings, over = WalkSettings(seconds_per_request=30.0), threading.Event()
    for kept_at, low, high in (
        (watch.clock() - dt.timedelta(seconds=10), 29, 30.1),  # what a walk that was killed asked for last may be written nowhere
        (watch.clock() - dt.timedelta(hours=2), 0, 0.1),
        (watch.clock() + dt.timedelta(seconds=900), 899, 900.1),
        (watch.clock() + dt.timedelta(days=1), 0, 0.1),  # a clock was wrong
    ):
        with watch.store.write() as connection:
            keep_pace(connection, watch.target.id, KeptPace(1.0, "", kept_at))
        assert low - 0.1 <= Courtesy(watch.tools, watch.target, settings, over).pace.pause() <= high


def test_what_the_market_asked_for_is_kept_with_the_pages(watched):
    watch = watched(listings=10)
    stop = threading.Event()
    watch.server.faults.add(Fault(FaultKind.TOO_MANY, path="^/item/", seconds=600))

    def stop_when_held(step):
        kept = load_pace(watch.store, watch.target.id)
        if kept is not None and kept.at > watch.clock():
            stop.set()

    timer = threading.Timer(20, stop.set)
    timer.start()
    watch.look(stop=stop, progress=stop_when_held)
    timer.cancel()
    assert load_pace(watch.store, watch.target.id).at == watch.clock() + dt.timedelta(seconds=600)


def test_requests_keep_their_distance_in_the_market_s_own_log_both_passes_together(watched):
    watch = watched(listings=10, concurrency=4)
    stop = threading.Event()
    watch.look(stop=stop, seconds_per_request=0.2, second_pass=1.0, progress=lambda step: stop.set() if step.done > 15 else None)
    moments = sorted(request.monotonic for request in watch.server.requests)
    assert len(moments) > 10
    assert all(moments[place + 10] - moments[place] >= 10 * 0.2 - 0.1 for place in range(len(moments) - 10))
    assert sum(later - earlier < 0.1 for earlier, later in itertools.pairwise(moments)) <= 2


def test_tor_s_own_fault_is_no_strain_of_the_market(watched):
    watch = watched(listings=10)
    courtesy = Courtesy(watch.tools, watch.target, WalkSettings(), threading.Event())
    courtesy.strain.feel(Outcome.TOR_DOWN, 5)
    assert courtesy.strain.slow_down == 1
