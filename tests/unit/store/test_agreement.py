"""Held snapshots in a row that saw the same are offered as a real fall; nothing else is."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from torwatch.store.agreement import Offer, agree, find_offers
from torwatch.store.captures import capture_histories
from torwatch.store.holds import decide, find_hold, list_holds

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
take, a_target = builders.take, builders.a_target

TEA = {"title": "Sencha", "vendor": "leafhouse", "price": "12.50", "currency": "EUR"}


@pytest.fixture
def look(store):
    """Take the next weekly snapshot of a market of 100 listings that shows those of a range; gives its state."""
    target, weeks = a_target(store), iter(range(99))
    seen = {str(number): TEA for number in range(100)}
    take(store, target, seen, week=next(weeks))

    def one(first, last, **options):
        shown = {str(number): TEA for number in range(first, last)}
        return take(store, target, shown, week=next(weeks), **({"max_fall": 0.4} | options))[1].state

    return one


def test_two_that_agree_are_offered_and_a_third_is_taken_in(store, look):
    assert [look(0, 30), look(0, 31)] == ["held", "held"]
    assert find_offers(list_holds(store)) == [Offer("teahouse", 2, 3)]
    look(0, 30)
    [offer] = find_offers(list_holds(store))
    assert offer == Offer("teahouse", 2, 4)
    assert "torwatch hold accept 2 --through 4 --why …" in offer.sentence()


def test_a_hold_is_taken_for_a_fall_by_what_it_was_judged_by_not_by_what_it_says(store, look):
    fall = "30 listings seen, 100 stood before: a fall of more than 40%"
    assert [look(0, 30, drift=fall), look(0, 30, drift=fall)] == ["held", "held"]
    assert find_offers(list_holds(store)) == []


def test_as_many_but_other_listings_do_not_agree(store, look):
    assert [look(0, 30), look(50, 80)] == ["held", "held"]
    assert find_offers(list_holds(store)) == []


def test_a_good_snapshot_between_ends_the_row(store, look):
    assert [look(0, 30), look(0, 100), look(0, 30)] == ["held", "complete", "held"]
    assert find_offers(list_holds(store)) == []


def test_a_failed_one_between_does_not(store, look):
    assert [look(0, 30), look(0, 0, readable=False), look(0, 30)] == ["held", "failed", "held"]
    assert find_offers(list_holds(store)) == [Offer("teahouse", 2, 4)]


def test_a_redesign_is_never_offered_as_a_fall(store, look):
    assert [look(0, 30, drift="price is not read any more"), look(0, 30, drift="price is not read any more")] == ["held", "held"]
    assert [look(0, 0), look(0, 0)] == ["held", "held"]
    assert find_offers(list_holds(store)) == []


def test_what_is_decided_is_not_offered_and_not_agreed_with(store, look):
    look(0, 30)
    decide(store, find_hold(store, 2), "rejected", why="the list was cut", now=builders.NOW)
    look(0, 30)
    assert find_offers(list_holds(store, decided=True)) == []
    assert store.value("SELECT count(*) FROM capture WHERE snapshot_id = 2") == 0


def test_what_a_held_snapshot_saw_is_no_part_of_the_capture_history(store, look):
    look(0, 30)
    look(0, 30)
    assert [occasion.snapshot_id for occasion in capture_histories(store, 1, "listing").occasions] == [1]


def test_nothing_agrees_with_nothing():
    assert not agree(set(), set())
    assert agree({1, 2}, {1, 2})
