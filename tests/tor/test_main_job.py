"""The main job on real tor: add, snapshot, parse, diff; what is stored equals the simulated market's truth."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import random
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial

import pytest

from torwatch.archive.index import read_index
from torwatch.archive.reader import read_page, read_pages
from torwatch.assembly import offline_tools, open_tools
from torwatch.claims import digest
from torwatch.config import load_config
from torwatch.config_sections import TOR_BROWSER_HEADERS, TOR_BROWSER_USER_AGENT
from torwatch.daemon import snapshot_target
from torwatch.demo.market import ENGINES, EPOCH, Fault, FaultKind, MarketServer, SimulatedClock
from torwatch.demo.market.truth import remember
from torwatch.demo.verdict import compare_changes, compare_state
from torwatch.errands import probe_mirror, propose
from torwatch.model import Outcome
from torwatch.store.database import open_store
from torwatch.store.history import present_state, replay
from torwatch.store.targets import add_target, find_target
from torwatch.tor.reasons import explain

WEEK = dt.timedelta(days=7)
START = EPOCH + dt.timedelta(days=90)


class Bench:
    """One simulated market behind an onion, and torwatch looking at it through a tor of its own, or through one that is shared."""

    def __init__(self, network, stack, directory, engine, seed=5, listings=40, tor=None, **crawl):
        self.clock = SimulatedClock(START)
        drawn_as = ENGINES[engine]()
        self.world = drawn_as.world(seed, listings=listings)
        self.server = stack.enter_context(MarketServer(self.world, drawn_as, self.clock))
        self.onion = network.add_onion(target_port=self.server.port)
        stack.callback(network.remove_onion, self.onion.address)
        config = load_config(None, {"STATE_DIRECTORY": str(directory)})
        lines = tuple(f"{name} {value}" for name, value in network.torrc_options)
        quick = {"seconds_per_request": 0.0, "concurrency": 8, "detail_max_age": dt.timedelta(0)} | crawl
        self.config = config.model_copy(
            update={"tor": config.tor.model_copy(update={"torrc": lines}), "crawl": config.crawl.model_copy(update=quick)}
        )
        self.store = stack.enter_context(open_store(self.config.database_path))
        self.target = add_target(
            self.store, engine, [(self.onion.address, 80, "http")], parser=engine, every_seconds=604800, now=self.clock()
        )
        if tor is None:
            self.tools = stack.enter_context(open_tools(self.config, self.store, now=self.clock, rng=random.Random(3)))
        else:
            tools = stack.enter_context(offline_tools(self.config, self.store, now=self.clock))
            self.tools = replace(tools, tor=tor, rng=random.Random(3), explain=partial(explain, extended_errors=tor.extended_errors))

    def look(self, stop=None, progress=lambda _: None, **walk):
        config = self.config.model_copy(update={"crawl": self.config.crawl.model_copy(update=walk)})
        return snapshot_target(self.tools, config, self.target, stop=stop or threading.Event(), progress=progress)

    def changes(self, snapshot):
        return [
            tuple(row)
            for row in self.store.rows(
                "SELECT entity, key, field, old, new, cause FROM change WHERE snapshot_id = ? AND entity <> 'feedback'", (snapshot.id,)
            )
        ]


@pytest.fixture
def bench(network, tmp_path, known_market):
    """Give a function that begins to watch a market through the tor of the known one: each its own would cost three seconds a test."""
    with contextlib.ExitStack() as stack:
        yield lambda engine, **options: Bench(network, stack, tmp_path / engine, engine, tor=known_market.tools.tor, **options)


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_state_and_changes_equal_the_markets_truth_week_after_week(bench, engine):
    watch = bench(engine)
    before = known = None
    for _ in range(3):
        snapshot, ending = watch.look()
        assert (ending.state, ending.reason) == ("complete", "")
        truth = watch.world.truth(watch.clock())
        state = compare_state(truth, present_state(watch.store, watch.target.market_id), digest)
        assert (state.missing, state.invented) == ((), ())
        assert state.compared > 200
        sent = {request.headers[1:] for request in watch.server.requests}  # all but the Host
        assert sent == {(("User-Agent", TOR_BROWSER_USER_AGENT), *TOR_BROWSER_HEADERS.items())}
        changes = compare_changes(before, truth, known, watch.changes(snapshot), digest)
        assert (changes.missing, changes.invented) == ((), ())
        assert changes.compared > 0
        assert replay(watch.store, watch.target.market_id, snapshot.id) == present_state(watch.store, watch.target.market_id)
        seen = set(truth.feedback) | (set(known.feedback) if known else set())
        assert watch.store.value("SELECT count(*) FROM feedback") == len(seen)
        before, known = truth, remember(known, truth)
        watch.clock.advance(WEEK)


def test_an_unchanged_market_gives_no_change_although_every_page_differs(bench):
    watch = bench("souk")
    watch.look()
    snapshot, _ = watch.look()
    assert watch.changes(snapshot) == []
    pages = [
        row["pages"]
        for row in watch.store.rows("SELECT sum(pages) AS pages FROM snapshot_page WHERE outcome <> 'fresh' GROUP BY snapshot_id")
    ]
    assert pages[0] == pages[1]


def test_every_page_is_archived_with_its_digest_and_found_through_the_index(bench):
    watch = bench("bazaar", listings=15)
    snapshot, _ = watch.look()
    archive = watch.config.archive_directory / watch.target.market
    entries = list(read_index(archive / f"{snapshot.id:08d}.cdxj"))
    assert len(entries) == watch.store.value("SELECT pages FROM snapshot")
    stored = [entry for entry in entries if entry.offset is not None]
    assert len(stored) == len(list(read_pages(archive / f"{snapshot.id:08d}.warc.gz")))
    for entry in stored:
        assert read_page(archive / entry.filename, entry.offset).url == entry.url
    raw = (archive / f"{snapshot.id:08d}.warc.gz").read_bytes()
    assert b"Set-Cookie" not in raw


def test_a_stopped_snapshot_resumes_and_ends_as_if_it_had_never_stopped(bench):
    watch = bench("souk")
    stop = threading.Event()
    first, ending = watch.look(stop=stop, progress=lambda _: stop.set())  # after its first group of pages, however quick the machine
    assert ending is None
    second, ending = watch.look()
    assert first.id == second.id
    assert ending.state == "complete"
    state = compare_state(watch.world.truth(watch.clock()), present_state(watch.store, watch.target.market_id), digest)
    assert (state.missing, state.invented) == ((), ())


def test_a_redesign_is_held_and_nothing_is_called_removed(bench):
    watch = bench("bazaar")
    watch.look()
    watch.clock.advance(WEEK)
    watch.server.faults.add(Fault(FaultKind.REDESIGN))
    snapshot, ending = watch.look()
    assert ending.state in {"held", "failed"}
    assert watch.changes(snapshot) == []
    assert len(present_state(watch.store, watch.target.market_id)) > 10


@pytest.fixture(scope="module")
def known_market(network, tmp_path_factory):
    """A market that was seen once, for tests that leave no trace but a failed snapshot."""
    with contextlib.ExitStack() as stack:
        watch = Bench(network, stack, tmp_path_factory.mktemp("door"), "souk", listings=8, page_attempts=1)
        assert watch.look()[1].state == "complete"
        yield watch


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (FaultKind.QUEUE, Outcome.QUEUE),
        (FaultKind.CAPTCHA, Outcome.CAPTCHA),
        (FaultKind.LOGIN, Outcome.LOGIN),
        (FaultKind.MAINTENANCE, Outcome.MAINTENANCE),
        (FaultKind.SEIZED, Outcome.SEIZED),
        (FaultKind.BANNED, Outcome.BANNED),
        (FaultKind.PHISHING_CHECK, Outcome.PHISHING_CHECK),
        (FaultKind.SERVER_ERROR, Outcome.HTTP_ERROR),
        (FaultKind.REDIRECT_LOOP, Outcome.HTTP_ERROR),
        (FaultKind.STALLED, Outcome.STALLED),
        (FaultKind.DRIP, Outcome.TIMEOUT_TOTAL),
        (FaultKind.ENDLESS_BODY, Outcome.TOO_LARGE),
        (FaultKind.RESET, Outcome.RESET),
        (FaultKind.TRUNCATED, Outcome.RESET),
        (FaultKind.HUGE, Outcome.TOO_LARGE),
        (FaultKind.BOMB, Outcome.TOO_LARGE),
        (FaultKind.DEEP, Outcome.PARSE_LIMIT),
        (FaultKind.IMAGE, Outcome.NOT_TEXT),
        (FaultKind.REDIRECT_OFF, Outcome.OFF_ONION_REDIRECT),
        (FaultKind.EMPTY, Outcome.EMPTY),
    ],
)
def test_a_market_that_shuts_its_door_fails_with_the_reason_and_removes_nothing(known_market, kind, outcome):
    watch = known_market
    standing = present_state(watch.store, watch.target.market_id)
    size = 50_000 if kind is FaultKind.DEEP else 5_000_000
    watch.server.faults.add(Fault(kind, seconds=20, size_bytes=size))
    second = dt.timedelta(seconds=2)
    slow = {"read_timeout": second, "page_deadline": second * 1.5} if kind in {FaultKind.STALLED, FaultKind.DRIP} else {}
    snapshot, ending = watch.look(**slow)
    watch.server.faults.clear()
    assert ending.state == "failed", ending
    outcomes = {row["outcome"] for row in watch.store.rows("SELECT outcome FROM failure WHERE snapshot_id = ?", (snapshot.id,))}
    assert outcomes == {outcome.value}
    assert present_state(watch.store, watch.target.market_id) == standing


def test_an_onion_that_is_gone_is_told_from_a_market_that_answers(bench, network):
    watch = bench("souk", listings=15)
    target = find_target(watch.store, "souk")
    assert probe_mirror(watch.tools, watch.config, target, target.mirrors[0]).fetched.outcome is Outcome.OK
    never = network.add_onion(target_port=1)  # nothing listens there
    refused = probe_mirror(watch.tools, watch.config, target, replace(target.mirrors[0], host=never.address)).fetched
    network.remove_onion(never.address)
    assert refused.outcome is Outcome.ONION_REFUSED
    unknown = replace(target.mirrors[0], host="a" * 55 + "d.onion")
    assert probe_mirror(watch.tools, watch.config, target, unknown).fetched.outcome is Outcome.ONION_BAD_ADDRESS


def test_no_request_leaves_but_through_the_socks_port_and_hostile_links_are_not_followed(bench):
    watch = bench("bazaar", listings=15)
    watch.server.faults.add(Fault(FaultKind.REFRESH_OFF, probability=0.3))
    watch.look()
    hosts = {row["path"].split("/")[0] for row in watch.store.rows("SELECT path FROM failure")}
    assert hosts <= {""}


@pytest.mark.soak  # test_rate.py measures it over tor with all that makes bursts, tests/integration/test_courtesy.py without tor
def test_the_rate_of_a_target_is_kept(bench):
    watch = bench("souk", listings=12)
    stop = threading.Event()
    timer = threading.Timer(4.0, stop.set)
    timer.start()
    watch.look(stop=stop, seconds_per_request=0.5)
    timer.join()
    time.sleep(0.1)
    assert 4 <= len(watch.server.requests) <= 9


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_a_parser_is_proposed_from_the_front_page(bench, engine):
    watch = bench(engine, listings=12)
    found = propose(watch.tools, watch.config, {"address": watch.target.mirrors[0].address})
    assert found["name"] == engine
    assert 0 < found["confidence"] <= 1
    assert found["why"]


def test_no_parser_is_proposed_for_an_onion_that_does_not_answer(bench):
    watch = bench("souk", listings=12)
    found = propose(watch.tools, watch.config, {"address": "http://" + "a" * 55 + "d.onion"})
    assert (found["name"], found["outcome"]) == (None, "onion_bad_address")


def test_adding_without_a_parser_proposes_one_and_asks_when_it_is_not_sure(bench, tmp_path):
    watch = bench("souk", listings=12)
    config = tmp_path / "config.toml"
    lines = [f"{name} {value}" for name, value in (line.split(" ", 1) for line in watch.config.tor.torrc)]
    config.write_text(f"data_directory = '{tmp_path / 'other'}'\n[tor]\ntorrc = {json.dumps(lines)}\n", encoding="utf-8")
    command = [sys.executable, "-m", "torwatch", "--config", str(config), "add", watch.onion.address, "--market", "teahouse"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL, check=False)
    assert "Proposed parser: souk" in done.stderr
    if "not sure" in done.stderr:
        assert done.returncode == 2
        assert "--parser" in done.stderr
    else:
        assert done.returncode == 0
        assert "with parser souk" in done.stdout
