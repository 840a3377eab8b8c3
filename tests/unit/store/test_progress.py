"""The progress of a snapshot adds up, while it runs and when it is over, and says about how long the rest takes."""

from __future__ import annotations

import datetime as dt
import importlib.util
import random
from pathlib import Path

import pytest

from torwatch.model import Outcome, PageKind
from torwatch.store.frontier import Visit, VisitResult, add_visits, record_results
from torwatch.store.progress import page_progress, page_totals, seconds_left
from torwatch.store.second_pass import plan_list
from torwatch.store.snapshots import begin_snapshot

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
NOW = builders.NOW


def running(store, done, left, *, seconds=7, outcome=Outcome.OK):
    target = builders.a_target(store)
    snapshot = begin_snapshot(store, target, mirror_id=target.mirrors[0].id, parser_digest="0", torwatch_version="test", now=NOW).id
    visits = [Visit(f"/{number}", PageKind.LISTING_INDEX) for number in range(done + left)]
    with store.write() as connection:
        add_visits(connection, snapshot, visits, random.Random(1))
        results = [
            VisitResult(visit, outcome, "", 200, 10, NOW + dt.timedelta(seconds=seconds * number))
            for number, visit in enumerate(visits[:done])
        ]
        record_results(connection, snapshot, results, random.Random(1))
    return snapshot


def page_progress_of(store, snapshot):
    return page_progress(page_totals(store, snapshot))


def time_left(store, snapshot):
    return seconds_left(store, snapshot, sum(line.left for line in page_progress_of(store, snapshot)), 5.0)


def test_a_running_snapshot_says_what_is_left_and_measures_the_time_by_its_own_pace(store):
    snapshot = running(store, done=40, left=100, seconds=7)
    (line,) = page_progress_of(store, snapshot)
    assert (line.planned, line.fetched, line.parsed, line.left) == (140, 40, 40, 100)
    assert time_left(store, snapshot) == pytest.approx(700)


def test_before_there_are_pages_the_configured_pace_counts_and_a_stop_is_no_pace(store):
    snapshot = running(store, done=5, left=10)
    assert time_left(store, snapshot) == pytest.approx(55)
    with store.write() as connection:
        connection.execute("UPDATE visit SET at = '2025-01-01T00:00:00+00:00' WHERE path = '/0'")
    assert time_left(store, snapshot) == pytest.approx(55)


def test_nothing_left_takes_no_time(store):
    snapshot = running(store, done=40, left=100, seconds=7)
    with store.write() as connection:
        connection.execute("DELETE FROM visit WHERE outcome IS NULL")
    assert time_left(store, snapshot) is None


def test_failures_and_the_second_pass_are_told_apart(store):
    snapshot = running(store, done=4, left=1, outcome=Outcome.STALLED)
    with store.write() as connection:
        plan_list(connection, snapshot, "/x?page={page}", 20, [(3, "/x?page=3", 0.4), (7, "/x?page=7", 0.9)])
    assert page_totals(store, snapshot) == [("listing-index", "left", 1), ("listing-index", "stalled", 4), ("second pass", "left", 2)]
    first, second = page_progress_of(store, snapshot)
    assert (first.kind, first.fetched, first.parsed, first.failed, first.left) == ("listing-index", 4, 0, 4, 1)
    assert (second.kind, second.planned, second.left) == ("second pass", 2, 2)


def test_an_ended_snapshot_adds_up_and_counts_what_was_spared(store):
    target = builders.a_target(store)
    tea = {"title": "Tea", "vendor": "leafhouse"}
    builders.take(store, target, {"1": tea, "2": tea}, week=0)
    second, _ = builders.take(store, target, {"1": tea, "2": tea}, week=1, gone=["2"], source=builders.Source.INDEX)
    lines = {line.kind: line for line in page_progress_of(store, second)}
    assert (lines["listing"].planned, lines["listing"].gone, lines["listing"].fresh) == (1, 1, 1)
    assert all(line.planned == line.fetched + line.skipped + line.left for line in lines.values())
    assert all(line.fetched == line.parsed + line.gone + line.failed for line in lines.values())
