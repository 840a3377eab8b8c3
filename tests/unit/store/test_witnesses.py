"""Whether our own network worked, by the newest word of its witnesses."""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path

import pytest

from torwatch.model import Fetched, Outcome
from torwatch.store.database import open_store
from torwatch.store.mirrors import quarantined_until, record_visit, visits_of
from torwatch.store.witnesses import is_answer, is_silence, network_works, record_canary

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
NOW = builders.NOW
MINUTE = dt.timedelta(minutes=1)
CANARY, SECOND = "c" * 55 + "d.onion", "e" * 55 + "d.onion"


def met(outcome, minutes, status=None):
    return Fetched("http://canary", outcome, NOW + minutes * MINUTE, 10, status)


def page(store, snapshot_id, path, minutes, outcome, status):
    with store.write() as connection:
        connection.execute(
            "INSERT INTO visit (snapshot_id, path, kind, stage, draw, outcome, status, at) VALUES (?, ?, 'home', 0, 0, ?, ?, ?)",
            (snapshot_id, path, outcome, status, (NOW + minutes * MINUTE).isoformat()),
        )


@pytest.fixture
def watch(tmp_path):
    """A target, and another one with a snapshot under way: (store, id of the first, id of the snapshot of the other)."""
    with open_store(tmp_path / "torwatch.db") as store:
        target = builders.a_target(store, "teahouse")
        other = builders.a_target(store, "cheese", host=2)
        with store.write() as connection:
            row = connection.execute(
                "INSERT INTO snapshot (target_id, market_id, started_at, state, parser, parser_digest, torwatch_version)"
                " VALUES (?, ?, ?, 'running', 'souk', '', '')",
                (other.id, other.market_id, NOW.isoformat()),
            )
        yield store, target, row.lastrowid


def works(watch, minutes=10):
    store, target, _ = watch
    return network_works(store.connection, target.id, NOW, NOW + minutes * MINUTE)


def canary(watch, outcome, minutes, status=None, host=CANARY):
    with watch[0].write() as connection:
        record_canary(connection, host, met(outcome, minutes, status))


def test_without_a_witness_nobody_can_tell(watch):
    assert works(watch) is None


def test_a_canary_that_answers_shows_that_the_network_works_and_one_that_does_not_that_it_fails(watch):
    canary(watch, Outcome.TIMEOUT_CONNECT, 1)
    assert works(watch) is False
    canary(watch, Outcome.OK, 1, status=200, host=SECOND)
    assert works(watch) is True
    canary(watch, Outcome.TIMEOUT_CONNECT, 5)
    assert works(watch) is False  # the newest word counts


def test_a_page_of_another_market_is_a_witness_and_one_of_the_market_itself_is_none(watch):
    store, _, other = watch
    page(store, other, "/", 2, "ok", 200)
    assert works(watch) is True
    assert works(watch, minutes=1) is None  # not yet
    assert network_works(store.connection, 2, NOW, NOW + 10 * MINUTE) is None


def test_silences_of_others_tell_only_where_no_canary_was_asked(watch):
    store, _, other = watch
    page(store, other, "/", 3, "timeout_connect", None)
    assert works(watch) is False
    canary(watch, Outcome.OK, 2, status=200)
    assert works(watch) is True  # two markets may be down at once


def test_a_silence_while_our_network_fails_blames_nobody(watch):
    store, target, _ = watch
    mirror = target.mirrors[0].id
    canary(watch, Outcome.TIMEOUT_CONNECT, 1)
    with store.write() as connection:
        for outcome in (Outcome.TIMEOUT_CONNECT, Outcome.RESET, Outcome.STALLED, Outcome.ONION_UNREACHABLE):
            assert record_visit(connection, mirror, outcome, "so it was", source="probe", now=NOW + 2 * MINUTE) == "unknown"
    visits = visits_of(store, mirror)
    assert {visit.reason for visit in visits} == {"our own network does not work: so it was"}
    assert quarantined_until(visits) is None


def test_what_is_an_answer_and_what_may_be_our_own_fault():
    assert is_answer(met(Outcome.HTTP_ERROR, 0, 500))
    assert is_answer(met(Outcome.ONION_REFUSED, 0))
    assert not is_answer(met(Outcome.ONION_NOT_FOUND, 0))
    assert is_silence(met(Outcome.RESET, 0))
    assert not is_silence(met(Outcome.STALLED, 0, 200))  # its head came
    assert not is_silence(met(Outcome.TOR_DOWN, 0))
