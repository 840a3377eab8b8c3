"""The timeline tells what happened to one listing, also in the odd cases that a market brings."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from torwatch.errors import UsageError
from torwatch.model import Source
from torwatch.store.timeline import absences_of, changes_of, find_subjects

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
take, a_target = builders.take, builders.a_target
TEA = {"title": "Sencha", "vendor": "leafhouse", "price": "12", "currency": "EUR", "ship_from": "Netherlands"}
COFFEE = {"title": "Coffee", "vendor": "beanery", "price": "20", "currency": "EUR", "ship_from": "Germany"}


@pytest.fixture
def target(store):
    return a_target(store)


def told(store, key, entity="listing"):
    (subject,) = find_subjects(store, entity, key)
    return [(one.what, one.old, one.new) for one in changes_of(store, subject) if one.cause != "new"]


def looks(store, key):
    (subject,) = find_subjects(store, "listing", key)
    return [one.what for one in absences_of(store, subject)]


def test_each_of_the_five_states_is_told(store, target):
    take(store, target, {"1": TEA, "2": COFFEE}, week=0)
    take(store, target, {"1": TEA}, week=1)
    take(store, target, {"1": TEA}, week=2, complete=False)
    take(store, target, {}, week=3, readable=False)
    take(store, target, {"1": TEA}, week=4, drift="a redesign")
    take(store, target, {"1": TEA}, week=5, gone=["2"])
    assert looks(store, "2") == ["seen", "not_seen_complete", "not_seen_partial", "fetch_failed", "gone_explicit"]


def test_a_redesign_is_held_and_leaves_no_trace_in_the_timeline(store, target):
    take(store, target, {"1": TEA, "2": COFFEE}, week=0)
    take(store, target, {}, week=1, max_fall=0.4)
    take(store, target, {"1": TEA, "2": COFFEE}, week=2)
    assert told(store, "2") == []
    assert looks(store, "2") == ["seen", "seen"]


def test_half_failed_crawls_never_remove(store, target):
    take(store, target, {"1": TEA, "2": COFFEE}, week=0)
    for week in range(1, 5):
        take(store, target, {"1": TEA}, week=week, complete=False)
    assert told(store, "2") == []
    assert looks(store, "2") == ["seen"] + ["not_seen_partial"] * 4


def test_a_hidden_listing_that_returns_is_missed_once_and_back_with_its_own_history(store, target):
    take(store, target, {"1": TEA, "2": COFFEE}, week=0)
    for week in (1, 2):
        take(store, target, {"1": TEA}, week=week)
    take(store, target, {"1": TEA, "2": COFFEE}, week=3)
    assert told(store, "2") == [("missed", None, None), ("back", None, None)]
    rows = store.rows(
        "SELECT last_seen_at, first_missed_at, why FROM spell_readable WHERE entity = 'listing' AND key = '2' ORDER BY spell_id"
    )
    assert [
        (row["last_seen_at"] and row["last_seen_at"][:10], row["first_missed_at"] and row["first_missed_at"][:10], row["why"])
        for row in rows
    ] == [
        ("2026-01-05", "2026-01-12", "missed"),
        (None, None, None),
    ]


def test_a_listing_id_that_is_used_again_is_one_history_with_every_claim_that_differs(store, target):
    take(store, target, {"1": TEA, "2": COFFEE}, week=0)
    take(store, target, {"1": TEA}, week=1, gone=["2"])
    take(store, target, {"1": TEA, "2": TEA | {"title": "Matcha"}}, week=2)
    assert [one for one in told(store, "2") if one[0] in {"gone_explicit", "title", "vendor", "back"}] == [
        ("gone_explicit", None, None),
        ("title", "Coffee", "Matcha"),
        ("vendor", "beanery", "leafhouse"),
        ("back", None, None),
    ]


def test_a_renamed_vendor_without_an_id_of_its_own_is_a_new_account_and_a_change_of_its_listings(store, target):
    take(store, target, {"1": TEA}, week=0)
    for week in (1, 2):
        take(store, target, {"1": TEA | {"vendor": "leafhouse2"}}, week=week)
    assert told(store, "1") == [("vendor", "leafhouse", "leafhouse2")]
    assert told(store, "leafhouse", "vendor") == [("missed", None, None)]
    assert find_subjects(store, "vendor", "leafhouse2")


def test_a_key_met_twice_in_one_snapshot_is_one_listing_from_its_strongest_source(store, target):
    take(store, target, {"1": TEA}, week=0)
    take(store, target, {"1": TEA}, week=1, again={"1": TEA | {"price": "99"}})
    assert told(store, "1") == []
    take(store, target, {"1": TEA | {"price": "98"}}, week=2, source=Source.INDEX, again={"1": TEA | {"price": "13"}})
    assert ("price", "12", "98") not in told(store, "1")
    assert store.value("SELECT count(*) FROM listing WHERE key = '1'") == 1


def test_two_mirrors_out_of_step_swing_a_claim_and_remove_nothing(store, target):
    newer, older = {"1": TEA | {"price": "13"}, "2": COFFEE}, {"1": TEA}
    for week, seen in enumerate((older, newer, older, newer)):
        take(store, target, seen, week=week)
    assert told(store, "2") == []
    assert told(store, "1") == [("price", "12", "13"), ("price", "13", "12"), ("price", "12", "13")]
    assert looks(store, "2") == ["seen", "not_seen_complete", "seen"]


def test_what_is_not_known_is_told_with_the_remedy(store, target):
    with pytest.raises(UsageError, match="torwatch search"):
        find_subjects(store, "listing", "nothing", "teahouse")
