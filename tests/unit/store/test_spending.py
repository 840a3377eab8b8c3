"""What a day took adds up by target and day; pauses and paces outlast the process."""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path

from torwatch.store.spending import (
    Agreed,
    KeptPace,
    Rest,
    Spent,
    add_spending,
    agreed_with,
    end_rest,
    keep_pace,
    keep_rest,
    load_pace,
    rests,
    spent_on,
)
from torwatch.store.targets import edit_target, find_target

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
NOW = builders.NOW


def test_a_day_adds_up_and_another_day_or_target_is_another_account(store):
    target, other = builders.a_target(store), builders.a_target(store, "other", host=1)
    for requests, size in ((3, 100), (4, 50)):
        with store.write() as connection:
            add_spending(connection, target.id, NOW.date(), Spent(requests, size))
    assert spent_on(store, target.id, NOW.date()) == Spent(7, 150)
    assert spent_on(store, target.id, NOW.date() + dt.timedelta(days=1)) == Spent()
    assert spent_on(store, other.id, NOW.date()) == Spent()


def test_a_pace_is_kept_as_it_was(store):
    target = builders.a_target(store)
    assert load_pace(store, target.id) is None
    with store.write() as connection:
        keep_pace(connection, target.id, KeptPace(2.25, "stalled", NOW))
        keep_pace(connection, target.id, KeptPace(1.5, "http_error", NOW))
    assert load_pace(store, target.id) == KeptPace(1.5, "http_error", NOW)


def test_the_last_rest_of_each_target_holds_until_it_is_ended(store):
    target, other = builders.a_target(store), builders.a_target(store, "other", host=1)
    keep_rest(store, target.id, Rest(NOW, "tor is down", 1))
    keep_rest(store, target.id, Rest(NOW + dt.timedelta(minutes=1), "tor is down", 2))
    keep_rest(store, other.id, Rest(NOW, "the budget of 5 requests a day is spent"))
    assert rests(store)[target.id] == Rest(NOW + dt.timedelta(minutes=1), "tor is down", 2)
    with store.write() as connection:
        end_rest(connection, target.id)
    assert rests(store) == {other.id: Rest(NOW, "the budget of 5 requests a day is spent", 0)}


def test_a_target_s_own_limits_go_before_those_for_all_and_none_is_a_limit_too(store):
    target, general = builders.a_target(store), Agreed(5.0, 1000, 10**9)
    assert agreed_with(target, general) == general
    edit_target(store, target, {"seconds_per_request": 0.5, "requests_per_day": 0, "bytes_per_day": 7}, now=NOW)
    assert agreed_with(find_target(store, target.market), general) == Agreed(0.5, 0, 7)
