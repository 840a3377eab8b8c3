"""Health of mirrors: verdicts, quarantine, which address is next, and the availability that people query."""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.model import Outcome
from torwatch.store.mirrors import LONGEST_QUARANTINE, MirrorVisit, judge_visit, next_mirror, quarantined_until, record_visit, visits_of
from torwatch.store.targets import Mirror, add_target

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
NOW = builders.NOW
MINUTE = dt.timedelta(minutes=1)
PAIR = (Mirror(1, "one.onion", 80, "http"), Mirror(2, "two.onion", 80, "http"))


def seen(*outcomes, at=NOW, verdict="down"):
    return [MirrorVisit(at.isoformat(), "probe", outcome.value, "", 10, "up" if outcome is Outcome.OK else verdict) for outcome in outcomes]


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.LOGIN, Outcome.CAPTCHA, Outcome.QUEUE, Outcome.BANNED, Outcome.LAYOUT_CHANGED])
def test_an_address_that_answers_is_up_whatever_it_says(outcome):
    assert judge_visit(outcome, works=False) == "up"


@pytest.mark.parametrize("outcome", [Outcome.TIMEOUT_CONNECT, Outcome.ONION_UNKNOWN])
def test_a_silence_is_down_only_when_our_own_network_works(outcome):
    assert judge_visit(outcome, works=False) == "unknown"
    assert judge_visit(outcome, works=True) == "down"


@pytest.mark.parametrize("outcome", [Outcome.TOR_DOWN, Outcome.ONION_NEEDS_KEY, Outcome.ONION_BAD_KEY])
def test_what_our_own_side_lacks_says_nothing_of_the_market(outcome):
    assert judge_visit(outcome, works=True) == "unknown"


def test_the_quarantine_doubles_with_each_failure_in_a_row_and_ends_with_success():
    rests = [quarantined_until(seen(*[Outcome.ONION_NOT_FOUND] * count)) - NOW for count in (1, 2, 3)]
    assert rests == [10 * MINUTE, 20 * MINUTE, 40 * MINUTE]
    assert quarantined_until(seen(Outcome.ONION_NOT_FOUND, Outcome.OK)) is None


@given(st.integers(1, 500))
def test_a_quarantine_is_never_longer_than_a_day(count):
    assert quarantined_until(seen(*[Outcome.ONION_UNREACHABLE] * count)) - NOW <= LONGEST_QUARANTINE


def test_obstacles_and_our_own_network_put_no_mirror_to_rest():
    assert quarantined_until(seen(Outcome.CAPTCHA, Outcome.LOGIN, verdict="up")) is None
    assert quarantined_until(seen(Outcome.TIMEOUT_CONNECT, verdict="unknown")) is None
    assert quarantined_until(seen(Outcome.MAINTENANCE)) is None


def test_the_next_mirror_is_the_last_used_until_it_rests():
    assert next_mirror(PAIR, {}, 2, NOW) is PAIR[1]
    resting = {2: seen(Outcome.ONION_REFUSED)}
    assert next_mirror(PAIR, resting, 2, NOW) is PAIR[0]
    assert next_mirror(PAIR, resting, 2, NOW + 10 * MINUTE) is PAIR[1]


def test_when_all_mirrors_rest_the_one_that_wakes_first_is_used():
    visits = {1: seen(*[Outcome.ONION_REFUSED] * 3), 2: seen(Outcome.ONION_REFUSED)}
    assert next_mirror(PAIR, visits, 1, NOW) is PAIR[1]


def test_another_market_that_answered_tells_a_dead_market_from_a_dead_network(store):
    quiet = builders.a_target(store, "teahouse").mirrors[0].id
    other = add_target(store, "cheese", [("b" * 55 + "d.onion", 80, "http")], parser="souk", every_seconds=60, now=NOW).mirrors[0].id
    with store.write() as connection:
        assert record_visit(connection, quiet, Outcome.TIMEOUT_CONNECT, "", source="probe", now=NOW) == "unknown"
        record_visit(connection, other, Outcome.OK, "", source="probe", now=NOW + MINUTE)
        assert record_visit(connection, quiet, Outcome.TIMEOUT_CONNECT, "", source="probe", now=NOW + 2 * MINUTE) == "down"
        assert record_visit(connection, quiet, Outcome.TIMEOUT_CONNECT, "", source="probe", now=NOW + 60 * MINUTE) == "unknown"
    assert [visit.verdict for visit in visits_of(store, quiet)] == ["unknown", "down", "unknown"]


def test_availability_over_time_says_up_down_and_why(store):
    target = builders.a_target(store)
    builders.take(store, target, {"1": {"title": "Assam"}}, week=0)
    with store.write() as connection:
        record_visit(connection, target.mirrors[0].id, Outcome.ONION_NOT_FOUND, "no descriptor", source="probe", now=NOW + MINUTE)
    rows = store.rows("SELECT market, verdict, why FROM market_availability ORDER BY at")
    assert [tuple(row) for row in rows] == [("teahouse", "up", "ok"), ("teahouse", "down", "onion_not_found: no descriptor")]
