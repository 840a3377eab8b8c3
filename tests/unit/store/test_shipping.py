"""Shipping claims for a person's eye: texts not understood, and origins that are a form's first option."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from torwatch.normalisers import normalisers_for
from torwatch.store.derived import write_derived
from torwatch.store.shipping import DefaultOrigin, UnknownText, default_origins, note_default_origin, unknown_texts

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
take, a_target = builders.take, builders.a_target

TEA = {"title": "Sencha", "vendor": "leafhouse", "price": "12.50", "currency": "EUR", "ship_from": "Netherlands"}


def take_from(store, target, *origins, week=0):
    take(store, target, {str(number): TEA | {"ship_from": origin} for number, origin in enumerate(origins)}, week=week)
    write_derived(store, target.market_id, normalisers_for())


def test_texts_not_understood_are_counted_the_most_frequent_first(store):
    target = a_target(store)
    take_from(store, target, "the moon", "Netherlands", "behind the shed", "the moon", None)
    assert unknown_texts(store) == [
        UnknownText("from", "teahouse", "the moon", standing=2, listings=2, vendors=0),
        UnknownText("from", "teahouse", "behind the shed", standing=1, listings=1, vendors=0),
    ]


def test_the_counts_tell_what_stands_from_what_ever_stood(store):
    target = a_target(store)
    take_from(store, target, "the moon", "the moon")
    take(store, target, {"0": TEA | {"ship_from": "the moon"}}, week=1, gone=("1",))
    assert [(text.standing, text.listings) for text in unknown_texts(store)] == [(1, 2)]


def test_a_destination_and_a_vendors_profile_are_asked_too(store):
    target = a_target(store)
    take(store, target, {"1": TEA | {"ship_to": "wherever you hide"}}, week=0)
    with store.write() as connection:
        connection.execute("UPDATE vendor SET ship_from = 'the moon'")
    write_derived(store, target.market_id, normalisers_for())
    found = {(text.direction, text.raw, text.listings, text.vendors) for text in unknown_texts(store)}
    assert found == {("to", "wherever you hide", 1, 0), ("from", "the moon", 0, 1)}


def test_one_market_can_be_asked_alone(store):
    take_from(store, a_target(store), "the moon")
    take_from(store, a_target(store, "beanhouse"), "the moon")
    assert [text.market for text in unknown_texts(store, "beanhouse")] == ["beanhouse"]
    assert len(unknown_texts(store)) == 2


def test_a_market_whose_origins_are_mostly_the_first_option_is_flagged_and_keeps_its_listings(store):
    target = a_target(store)
    note_default_origin(store, target.market_id, "Albania")
    take_from(store, target, "Albania", "ALBANIA ", "Albania", "Netherlands", None, "the moon")
    assert default_origins(store) == [DefaultOrigin("teahouse", "Albania", declared=4, same=3, percent=75.0, flagged=True)]
    assert store.value("SELECT count(*) FROM listing WHERE claimed_origin = 'AL'") == 3


def test_half_of_the_origins_is_not_most(store):
    target = a_target(store)
    note_default_origin(store, target.market_id, "Albania")
    take_from(store, target, "Albania", "Netherlands")
    assert [(one.percent, one.flagged) for one in default_origins(store)] == [(50.0, False)]


def test_a_market_whose_form_is_not_known_is_never_flagged(store):
    target = a_target(store)
    note_default_origin(store, target.market_id, "Albania")
    note_default_origin(store, target.market_id, "")  # a mended parser takes it back
    take_from(store, target, "Albania", "Albania")
    assert default_origins(store) == []
