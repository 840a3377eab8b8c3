"""Circuits on real tor: no two targets share one, nor do the two passes of a target; a path that was killed is not used again."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import re
import threading

import pytest

from torwatch.assembly import open_tools
from torwatch.config import load_config
from torwatch.daemon import snapshot_target
from torwatch.demo.market import ENGINES, EPOCH, Fault, FaultKind, MarketServer, SimulatedClock
from torwatch.store.database import open_store
from torwatch.store.targets import add_target

NOW = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)


class Lookout:
    """Markets behind onions, torwatch that watches them, and which circuit each stream was on: (onion, SOCKS user, circuit) in order."""

    def __init__(self, network, stack, folder, names):
        config = load_config(None, {"STATE_DIRECTORY": str(folder)})
        lines = tuple(f"{name} {value}" for name, value in network.torrc_options)
        crawl = config.crawl.model_copy(update={"seconds_per_request": 0.0, "detail_max_age": dt.timedelta(0)})
        self.config = config.model_copy(update={"tor": config.tor.model_copy(update={"torrc": lines}), "crawl": crawl})
        self.store = stack.enter_context(open_store(self.config.database_path))
        self.targets, self.servers, self.streams = [], [], []
        for seed, name in enumerate(names, 5):
            engine = ENGINES["souk"]()
            clock = SimulatedClock(EPOCH + dt.timedelta(days=90))
            server = stack.enter_context(MarketServer(engine.world(seed, listings=30), engine, clock))
            onion = network.add_onion(target_port=server.port).address
            stack.callback(network.remove_onion, onion)
            self.servers.append(server)
            self.targets.append(add_target(self.store, name, [(onion, 80, "http")], parser="souk", every_seconds=3600, now=NOW))
        self.tools = stack.enter_context(open_tools(self.config, self.store, rng=random.Random(3)))
        self.controller = self.tools.tor._known_control()._controller  # noqa: SLF001 - which circuit a stream is on is no concern of torwatch's
        self.controller.add_event_listener(self.note, "STREAM")

    def note(self, event):
        user = re.search(r'SOCKS_USERNAME="([^"]*)"', str(event))
        if event.status == "SUCCEEDED" and user:
            self.streams.append((event.target_address, user[1], event.circ_id))

    def look(self, target, progress=lambda _: None, **crawl):
        config = self.config.model_copy(update={"crawl": self.config.crawl.model_copy(update=crawl)})
        return snapshot_target(self.tools, config, target, stop=threading.Event(), progress=progress)

    def close_circuits(self, target):
        for circuit in self.controller.get_circuits():
            if circuit.rend_query and f"{circuit.rend_query}.onion" == target.mirrors[0].host:
                self.controller.close_circuit(circuit.id)


@pytest.fixture
def lookout(network, tmp_path):
    with contextlib.ExitStack() as stack:
        yield lambda *names: Lookout(network, stack, tmp_path, names)


def test_no_two_targets_and_no_two_passes_share_a_circuit(lookout):
    watch = lookout("tea", "coffee")
    threads = [
        threading.Thread(target=watch.look, args=(target,), kwargs={"concurrency": 3, "second_pass": 1.0}) for target in watch.targets
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert watch.store.value("SELECT count(*) FROM snapshot WHERE state = 'complete'") == 2
    assert watch.store.value("SELECT count(*) FROM second_pass_page WHERE outcome = 'ok'") > 0
    onions = {target.mirrors[0].host for target in watch.targets}
    assert {onion for onion, _, _ in watch.streams} == onions
    users = {onion: {user for host, user, _ in watch.streams if host == onion} for onion in onions}
    assert [len(used) for used in users.values()] == [2, 2]  # one identity for each pass
    assert not set.intersection(*users.values())
    owners = {}
    for onion, user, circuit in watch.streams:
        owners.setdefault(circuit, set()).add((onion, user))
    assert len(owners) >= 4
    assert all(len(users_of_circuit) == 1 for users_of_circuit in owners.values())


def test_after_streams_were_cut_off_the_next_attempt_takes_another_circuit(lookout):
    watch = lookout("tea")
    watch.servers[0].faults.add(Fault(FaultKind.RESET, path="^/item", times=2))
    _, ending = watch.look(watch.targets[0], page_attempts=5)
    assert ending.state == "complete"
    assert watch.store.value("SELECT count(*) FROM failure") == 0
    circuits = list(dict.fromkeys(circuit for _, _, circuit in watch.streams))
    assert len({user for _, user, _ in watch.streams}) == 2
    assert len(circuits) == 2
    first = [circuit for _, _, circuit in watch.streams].index(circuits[1])
    assert circuits[0] not in {circuit for _, _, circuit in watch.streams[first:]}  # the old one is not used again


@pytest.mark.soak
def test_a_circuit_destroyed_under_a_walk_costs_no_page(lookout):
    watch = lookout("tea")
    destroyed = []

    def destroy(step):
        if step.done > 5 and not destroyed:
            destroyed.append(step.done)
            watch.close_circuits(watch.targets[0])

    _, ending = watch.look(watch.targets[0], progress=destroy, page_attempts=3)
    assert destroyed
    assert ending.state == "complete"
    assert watch.store.value("SELECT count(*) FROM failure") == 0
    assert len({circuit for _, _, circuit in watch.streams}) >= 2
