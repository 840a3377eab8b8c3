"""A snapshot goes on at another mirror when an address fails, and stays when it is the market that refuses."""

from __future__ import annotations

import hashlib
import json
import threading

import pytest

from torwatch.archive.reader import read_page, read_pages
from torwatch.crawl.pace import Pace
from torwatch.crawl.strain import STEP
from torwatch.demo.market import Fault, FaultKind
from torwatch.model import Outcome
from torwatch.store.mirrors import quarantined_until, visits_of
from torwatch.store.spending import load_pace
from torwatch.store.targets import add_mirror, find_target
from torwatch.walk.ways import ADDRESS_FAILURES

NO_DESCRIPTOR, REFUSED, NO_CONNECTION = 0xF0, 0x05, 0x06
OTHERS = ["b" * 55 + "d.onion", "c" * 55 + "d.onion"]


def with_mirrors(watch, others):
    for host in others:
        add_mirror(watch.store, watch.target, host, 80, "http", now=watch.clock())
    watch.target = find_target(watch.store, watch.target.market)
    return watch.target.mirrors


@pytest.mark.parametrize(
    ("code", "outcome"),
    [(NO_DESCRIPTOR, Outcome.ONION_NOT_FOUND), (REFUSED, Outcome.ONION_REFUSED), (NO_CONNECTION, Outcome.TIMEOUT_CONNECT)],
)
def test_an_address_that_is_dead_from_the_start_costs_no_page(watched, code, outcome):
    watch = watched(listings=20, page_attempts=1)
    first, second = with_mirrors(watch, OTHERS[:1])
    watch.lose(first.host, code)
    _, ending = watch.look()
    assert ending.state == "complete"
    assert watch.store.value("SELECT mirror_id FROM snapshot") == second.id
    assert watch.store.value("SELECT count(*) FROM failure") == 0
    assert [visit.outcome for visit in visits_of(watch.store, first.id)] == [outcome]
    assert [visit.outcome for visit in visits_of(watch.store, second.id)] == ["ok"]


def test_an_address_that_dies_in_the_middle_is_left_and_rests(watched):
    watch = watched(listings=30, page_attempts=1)
    first, second = with_mirrors(watch, OTHERS[:1])
    _, ending = watch.look(progress=lambda step: watch.lose(first.host, NO_DESCRIPTOR) if step.done > 20 else None)
    assert ending.state == "complete"
    assert watch.store.value("SELECT count(*) FROM failure") == 0
    assert quarantined_until(visits_of(watch.store, first.id)) > watch.clock()
    index = (watch.config.archive_directory / "souk" / "00000001.cdxj").read_text()
    assert first.host in index
    assert second.host in index


def greeted(watch):
    """What was noted of front pages that no visit asked for, each with its archived page."""
    found = [json.loads(row["detail"]) for row in watch.store.rows("SELECT detail FROM event WHERE kind = 'mirror_greeted' ORDER BY id")]
    return [(one, read_page(watch.config.archive_directory / "souk" / one["warc"], one["warc_offset"])) for one in found]


def test_the_front_page_of_the_address_taken_is_archived_and_noted(watched):
    watch = watched(listings=30, page_attempts=1)
    first, second = with_mirrors(watch, OTHERS[:1])
    snapshot, ending = watch.look(progress=lambda step: watch.lose(first.host, NO_DESCRIPTOR) if step.done > 20 else None)
    assert ending.state == "complete"
    [(noted, page)] = greeted(watch)
    assert (noted["snapshot"], noted["host"], noted["outcome"], noted["status"]) == (snapshot.id, second.host, "ok", 200)
    assert page.url == noted["url"] == f"http://{second.host}/"
    assert hashlib.sha256(page.body).hexdigest() == noted["digest"]


def test_a_noted_front_page_stays_in_the_archive_when_nothing_behind_it_was_committed(watched):
    watch = watched(listings=30, page_attempts=1, concurrency=1)
    first, second = with_mirrors(watch, OTHERS[:1])
    stop = threading.Event()

    def lose_both(step):
        if step.done > 5:
            watch.lose(first.host, NO_DESCRIPTOR)
        if greeted(watch):
            stop.set()

    _, ending = watch.look(stop=stop, progress=lose_both)
    assert ending is None
    _, ending = watch.look()
    assert ending.state == "complete"
    assert [page.url for _, page in greeted(watch)] == [f"http://{second.host}/"]


def test_the_look_at_the_front_page_before_a_walk_goes_on_stores_no_page_twice(watched):
    watch = watched(listings=30)
    stop = threading.Event()
    watch.look(stop=stop, progress=lambda step: stop.set() if step.done > 5 else None)
    _, ending = watch.look()
    assert ending.state == "complete"
    urls = [page.url for page in read_pages(watch.config.archive_directory / "souk" / "00000001.warc.gz")]
    assert len(urls) == len(set(urls))
    assert greeted(watch) == []
    assert [request.target for request in watch.server.requests].count("/") == 2


def test_a_dead_address_does_not_slow_down_the_next_one_and_nobody_counts_as_asking_there(watched, monkeypatch):
    watch = watched(listings=5, concurrency=2)
    paces, slow_downs = [], []
    monkeypatch.setattr("torwatch.walk.courtesy.Pace", lambda *arguments, **facts: paces.append(Pace(*arguments, **facts)) or paces[-1])
    first, second = with_mirrors(watch, OTHERS[:1])
    watch.lose(first.host, NO_CONNECTION)
    watch.look(seconds_per_request=0.01, progress=lambda _: slow_downs.append(load_pace(watch.store, watch.target.id).slow_down))
    assert watch.store.value("SELECT mirror_id FROM snapshot") == second.id
    assert slow_downs[-1] == 1
    assert max(slow_downs) <= STEP**ADDRESS_FAILURES
    assert paces[0]._asking == set()  # noqa: SLF001 - nothing else tells before a minute is full


def test_a_stop_is_heeded_while_another_address_is_about_to_be_asked(watched, monkeypatch):
    watch = watched(listings=30)
    first, _ = with_mirrors(watch, OTHERS[:1])
    stop, wait_first = threading.Event(), Pace.wait_first

    def long_wait(pace, until):
        pace.hold_back(600)  # the market asked for it meanwhile
        threading.Timer(0.2, stop.set).start()
        return wait_first(pace, until)

    monkeypatch.setattr(Pace, "wait_first", long_wait)
    _, ending = watch.look(stop=stop, progress=lambda step: watch.lose(first.host, NO_CONNECTION) if step.done > 2 else None)
    assert stop.is_set()
    assert ending is None
    assert watch.store.value("SELECT mirror_id FROM snapshot") == first.id


def test_when_every_address_is_dead_the_snapshot_ends_and_says_why(watched):
    watch = watched(listings=10)
    mirrors = with_mirrors(watch, OTHERS)
    for mirror in mirrors:
        watch.lose(mirror.host, NO_CONNECTION)
    _, ending = watch.look()
    assert ending.state == "failed"
    assert "timeout_connect" in ending.reason
    assert all(visits_of(watch.store, mirror.id) for mirror in mirrors)


@pytest.mark.parametrize("kind", [FaultKind.CAPTCHA, FaultKind.LOGIN, FaultKind.QUEUE, FaultKind.NOT_FOUND, FaultKind.REDESIGN])
def test_what_means_the_market_changes_no_address(watched, kind):
    watch = watched(listings=20)
    first, second = with_mirrors(watch, OTHERS[:1])
    watch.server.faults.add(Fault(kind, path="^/(aisle|item)"))
    watch.look()
    assert watch.store.value("SELECT mirror_id FROM snapshot") == first.id
    assert not visits_of(watch.store, second.id)
