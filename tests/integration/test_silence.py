"""Silences in a walk: our own network's interrupt it and cost nothing, a market's are its own."""

from __future__ import annotations

import pytest

from torwatch.demo.market import Fault, FaultKind
from torwatch.errands import probe
from torwatch.errors import TorError
from torwatch.store.mirrors import quarantined_until, visits_of
from torwatch.store.spending import spent_on
from torwatch.store.targets import add_target

NO_CONNECTION, NO_DESCRIPTOR = 0x06, 0xF0
CANARY = "c" * 55 + "d.onion"


def with_canary(watch):
    watch.config = watch.config.model_copy(update={"tor": watch.config.tor.model_copy(update={"canaries": (CANARY,)})})


def silent(watch, *hosts):
    for host in hosts:
        watch.lose(host, NO_CONNECTION)


@pytest.mark.parametrize("attempts", [1, 3])
def test_when_the_canaries_are_silent_too_the_walk_is_interrupted_and_goes_on_without_loss(watched, attempts):
    watch = watched(listings=30, concurrency=1, page_attempts=attempts)
    with_canary(watch)
    host = watch.target.mirrors[0].host
    with pytest.raises(TorError, match="our own Tor network does not work"):
        watch.look(progress=lambda step: silent(watch, host, CANARY) if step.done > 2 else None)
    [visit] = visits_of(watch.store, watch.target.mirrors[0].id)
    assert (visit.verdict, visit.outcome) == ("unknown", "timeout_connect")
    assert visit.reason.startswith("our own network does not work: SOCKS 0x06")
    assert quarantined_until([visit]) is None
    assert watch.store.value("SELECT state FROM snapshot") == "running"
    assert watch.store.value("SELECT count(*) FROM visit WHERE outcome IN ('timeout_connect', 'reset')") == 0
    assert watch.store.value("SELECT sum(answered) FROM canary_visit") == 0
    watch.find(host)
    watch.find(CANARY)
    snapshot, ending = watch.look()
    assert (snapshot.id, ending.state) == (1, "complete")
    assert watch.store.value("SELECT count(*) FROM failure") == 0
    assert ending.listings.new == len(watch.world.truth(watch.clock()).listings)


def test_a_network_gone_from_the_start_ends_no_snapshot(watched):
    watch = watched(listings=5, page_attempts=1)
    with_canary(watch)
    silent(watch, watch.target.mirrors[0].host, CANARY)
    for _ in range(3):
        with pytest.raises(TorError, match="our own Tor network does not work"):
            watch.look()
    assert watch.store.value("SELECT count(*) FROM snapshot WHERE state = 'running'") == 1
    assert {visit.verdict for visit in visits_of(watch.store, watch.target.mirrors[0].id)} == {"unknown"}


@pytest.mark.parametrize("code", [NO_CONNECTION, NO_DESCRIPTOR])
def test_a_market_that_is_silent_while_a_canary_answers_is_down(watched, code):
    watch = watched(listings=30, concurrency=1)
    with_canary(watch)
    mirror = watch.target.mirrors[0]
    _, ending = watch.look(progress=lambda step: watch.lose(mirror.host, code) if step.done > 2 else None)
    assert ending.state == "partial"
    assert watch.store.value("SELECT min(answered) FROM canary_visit") == 1
    watch.look()
    newest = visits_of(watch.store, mirror.id)[-1]
    assert newest.verdict == "down"
    assert quarantined_until(visits_of(watch.store, mirror.id)) is not None


def test_absence_is_not_counted_by_a_walk_that_our_network_cut_off(watched):
    watch = watched(listings=20)
    with_canary(watch)
    watch.look()
    host = watch.target.mirrors[0].host
    silent(watch, host, CANARY)
    with pytest.raises(TorError):
        watch.look()
    assert watch.store.value("SELECT count(*) FROM change WHERE snapshot_id = 2") == 0
    assert watch.store.value("SELECT count(*) FROM spell WHERE first_missed_snapshot_id IS NOT NULL") == 0


def spent(watch, target):
    return spent_on(watch.store, target.id, watch.clock().date())


def test_a_probe_is_counted_in_what_the_day_took_of_its_target(watched):
    watch = watched(listings=5)
    [line] = probe(watch.tools, watch.config, {"target": "souk"})["mirrors"]
    assert (spent(watch, watch.target).requests, spent(watch, watch.target).received_bytes) == (1, line["bytes"])
    watch.lose(watch.target.mirrors[0].host, NO_DESCRIPTOR)
    probe(watch.tools, watch.config, {"target": "souk"})
    assert spent(watch, watch.target).requests == 2  # one that comes to nothing, too, as in a walk


def test_every_redirect_that_a_probe_follows_is_a_request(watched):
    watch = watched(listings=5)
    watch.server.faults.add(Fault(FaultKind.REDIRECT_LOOP))
    probe(watch.tools, watch.config, {"target": "souk"})
    assert spent(watch, watch.target).requests == len(watch.server.requests) > 1


def test_a_canary_that_is_the_address_of_a_target_is_counted_there(watched):
    watch = watched(listings=5)
    with_canary(watch)
    other = add_target(watch.store, "tea", [(CANARY, 80, "http")], parser="souk", every_seconds=3600, now=watch.clock())
    watch.lose(watch.target.mirrors[0].host, NO_CONNECTION)
    probe(watch.tools, watch.config, {"target": "souk"})
    assert len(watch.server.requests) == spent(watch, other).requests == 1
