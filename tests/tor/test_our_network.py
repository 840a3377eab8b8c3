"""Our own network or their market: all relays gone, and one service dead, told apart on real tor by canaries and by other targets."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import signal
import threading
import time

import pytest

from torwatch.assembly import open_tools
from torwatch.config import load_config
from torwatch.crawl.schedule import LONGEST_REST
from torwatch.daemon import snapshot_target
from torwatch.demo.control import ControlConnection
from torwatch.demo.market import ENGINES, EPOCH, MarketServer, SimulatedClock
from torwatch.demo.network import PrivateNetwork
from torwatch.demo.onion import offer
from torwatch.errands import probe
from torwatch.errors import TorError
from torwatch.store.database import open_store
from torwatch.store.mirrors import quarantined_until, visits_of
from torwatch.store.targets import add_target
from torwatch.tor.service import open_tor
from torwatch.tor.settings import TorSettings, cookie_file

HOUR_SECONDS = 3600


class Post:
    """A network of its own, two markets and a canary on it, and torwatch that watches them; `canary=False`: only the other market is a witness."""

    def __init__(self, network, stack, folder, *, canary=True, own_service=False):
        self.network = network
        config = load_config(None, {"STATE_DIRECTORY": str(folder)})
        crawl = {
            "seconds_per_request": 0.05,
            "page_attempts": 1,
            "connect_timeout": dt.timedelta(seconds=4),
            "read_timeout": dt.timedelta(seconds=2),
            "page_deadline": dt.timedelta(seconds=5),
            "detail_max_age": dt.timedelta(0),
        }
        self.servers, onions = [], []
        for seed in (5, 6):
            engine = ENGINES["souk"]()
            server = stack.enter_context(MarketServer(engine.world(seed, listings=15), engine, SimulatedClock(EPOCH)))
            self.servers.append(server)
            onions.append(self.network.add_onion(target_port=server.port).address)
        if own_service:
            onions[0] = self.serve_alone(stack, folder / "service")
        spare = self.network.add_onion(target_port=self.servers[1].port).address
        tor = {
            "torrc": tuple(f"{name} {value}" for name, value in self.network.torrc_options),
            "socks_timeout": dt.timedelta(seconds=3),
            "canaries": (spare,) if canary else (),
        }
        self.config = config.model_copy(update={"tor": config.tor.model_copy(update=tor), "crawl": config.crawl.model_copy(update=crawl)})
        self.store = stack.enter_context(open_store(self.config.database_path))
        self.targets = [
            add_target(self.store, name, [(onion, 80, "http")], parser="souk", every_seconds=3600, now=dt.datetime.now(dt.UTC))
            for name, onion in zip(("tea", "coffee"), onions, strict=True)
        ]
        self.tools = stack.enter_context(open_tools(self.config, self.store, rng=random.Random(3)))

    def serve_alone(self, stack, folder):
        """The first market behind a tor of its own, which can be killed; gives its address."""
        settings = TorSettings(data_directory=folder, extra_options=self.network.torrc_options, bootstrap_timeout_seconds=60)
        self.service = stack.enter_context(open_tor(settings))
        control = stack.enter_context(
            ControlConnection("service", next(folder.glob("control-*.sock")), cookie_file(folder), timeout_seconds=30)
        )
        port = self.servers[0].port
        return offer(control, target_port=port, virtual_port=80, private_key=None, client_auth_public=None, timeout_seconds=60).address

    def kill_service(self):
        if self.service.process_id is not None:
            os.kill(self.service.process_id, signal.SIGKILL)

    def look(self, target, progress=lambda _: None):
        return snapshot_target(self.tools, self.config, target, stop=threading.Event(), progress=progress)

    def all_relays_gone(self):
        return relays_paused(self.network)

    def visits(self, target):
        return visits_of(self.store, target.mirrors[0].id)


@contextlib.contextmanager
def relays_paused(network):
    relays = [node for name, node in network.nodes.items() if name != "service"]
    for node in relays:
        node.pause()
    try:
        yield
    finally:
        for node in relays:
            node.resume()


@pytest.fixture(scope="module")
def own_network():
    """Not the session's: its relays are paused here, and tors remember that for a while."""
    with PrivateNetwork(client=False) as network:
        yield network


@pytest.fixture
def post(own_network, tmp_path):
    with contextlib.ExitStack() as stack:
        yield lambda **options: Post(own_network, stack, tmp_path, **options)


def test_all_relays_gone_is_our_own_network_and_costs_the_market_nothing(post):
    watch = post()
    tea = watch.targets[0]
    with contextlib.ExitStack() as outage:
        broken = []

        def break_it(step):
            if step.done > 10 and not broken:
                broken.append(outage.enter_context(watch.all_relays_gone()))

        with pytest.raises(TorError, match="our own Tor network does not work"):
            watch.look(tea, progress=break_it)
        [visit] = watch.visits(tea)
        assert visit.verdict == "unknown"
        assert visit.reason.startswith("our own network does not work")
        assert quarantined_until([visit]) is None
        [line] = probe(watch.tools, watch.config, {"target": "tea"})["mirrors"]
        assert line["verdict"] == "unknown"
        assert watch.store.value("SELECT count(*) FROM canary_visit WHERE answered") == 0
    give_up = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)
    while True:  # tor needs a while to trust its guards again
        try:
            snapshot, ending = watch.look(tea)
            break
        except TorError:
            assert dt.datetime.now(dt.UTC) < give_up
    assert (snapshot.id, ending.state, ending.reason) == (1, "complete", "")
    assert ending.listings.new == len(watch.servers[0].view().truth.listings)
    assert watch.store.value("SELECT count(*) FROM failure") == 0
    assert watch.store.value("SELECT count(*) FROM market_availability WHERE verdict = 'down'") == 0


@pytest.mark.soak
def test_two_markets_silent_at_once_are_our_own_network_where_there_is_no_canary(post):
    watch = post(canary=False)
    ends = {}

    def look(target):
        try:
            ends[target.market] = watch.look(target, progress=note)
        except TorError as error:
            ends[target.market] = error

    gone, barrier = threading.Event(), threading.Barrier(2)

    def note(step):
        if step.done > 5 and not gone.is_set():
            with contextlib.suppress(threading.BrokenBarrierError):
                if barrier.wait(20) == 0:
                    outage.enter_context(watch.all_relays_gone())
                    gone.set()
            gone.wait(20)

    with contextlib.ExitStack() as outage:
        threads = [threading.Thread(target=look, args=(target,)) for target in watch.targets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert gone.is_set()
    assert all("our own Tor network does not work" in str(end) for end in ends.values()), ends
    assert watch.store.value("SELECT count(*) FROM market_availability WHERE verdict = 'down'") == 0


@pytest.mark.soak
def test_one_service_dead_is_that_market_and_not_our_network(post):
    watch = post(own_service=True)
    tea = watch.targets[0]
    _, ending = watch.look(tea, progress=lambda step: watch.kill_service() if step.done > 10 else None)
    assert ending.state == "partial"
    assert watch.store.value("SELECT count(*) FROM canary_visit WHERE answered") >= 1
    assert watch.store.value("SELECT count(*) FROM canary_visit WHERE NOT answered") == 0
    [line] = probe(watch.tools, watch.config, {"target": "tea"})["mirrors"]
    assert line["verdict"] == "down"
    assert "our own network" not in line["reason"]
    assert quarantined_until(watch.visits(tea)) is not None
    assert watch.look(watch.targets[1])[1].state == "complete"


@pytest.mark.soak
@pytest.mark.fault
def test_a_network_gone_for_an_hour_costs_no_page_and_no_market_its_name(own_network, a_watch, tmp_path, record_fault):
    with a_watch.func(own_network, tmp_path) as watch:
        watch.give_a_clock()
        watch.add_market("teahouse", seconds_per_request=0.15)
        watch.add_market("coffeehouse", seconds_per_request=0.15)
        canary = own_network.add_onion(target_port=watch.servers["teahouse"].port)
        watch.stack.callback(own_network.remove_onion, canary.address)
        watch.configure(
            extra="connect_timeout = '4s'\nread_timeout = '3s'\npage_deadline = '5s'",
            tor=f"{watch.own_tor}\nsocks_timeout = '3s'\ncanaries = ['{canary.address}']",
        )
        watch.start()
        watch.wait_until_under_way("teahouse")
        watch.wait_until_under_way("coffeehouse")
        began, ahead = time.monotonic(), 0
        with relays_paused(own_network):
            while ahead < HOUR_SECONDS:
                tries = len(interruptions(watch))
                watch.wait_for(lambda tries=tries: len(interruptions(watch)) >= tries + 2, 60)
                ahead += LONGEST_REST.total_seconds()
                watch.set_clock(ahead)
            assert watch.daemon.poll() is None
        while {watch.snapshots(name)[-1][1] for name in watch.servers} != {"complete"}:
            time.sleep(2)
            ahead += LONGEST_REST.total_seconds()  # tor needs a while to trust its guards again
            watch.set_clock(ahead)
            assert time.monotonic() - began < 300, watch.log_path.read_text(encoding="utf-8")[-3000:]
        assert [len(watch.snapshots(name)) for name in watch.servers] == [1, 1]
        assert watch.rows("SELECT count(*) FROM failure") == [(0,)]
        assert watch.rows("SELECT count(*) FROM market_availability WHERE verdict = 'down'") == [(0,)]
        assert not [event for event in interruptions(watch) if "\n" in event["error"]]
        assert "Traceback" not in watch.log_path.read_text(encoding="utf-8")
        lost = sum(watch.losses(name) for name in watch.servers)
        assert watch.stop()[0] == 0
    record_fault(
        "over tor: network gone for an hour (of the daemon's clock) within the snapshots of two markets",
        "one line a try; no market is called down; the same snapshots go on once it is back; complete",
        lost,
    )


def interruptions(watch):
    return [event for event in watch.events() if event["event"] == "snapshot_interrupted"]
