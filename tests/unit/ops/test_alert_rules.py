"""Each rule of alerts fires when it should, and only then."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from torwatch.ops.alert_rules import Health, ListingRule, Thresholds, find_signs

NOW = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
PLENTY = 10**12


def a_listing(**changes):
    facts = {
        "title": "Green tea 100 g", "category": "Tea > Green", "description": "from the garden", "group": "tea",
        "countries": ("NL", "DE"), "price": "12.50", "currency": "EUR",
    }  # fmt: skip
    return SimpleNamespace(**facts | changes)


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ({}, True),
        ({"markets": ("teahouse",)}, True),
        ({"markets": ("bazaar",)}, False),
        ({"ship_from": ("BE", "NL")}, True),
        ({"ship_from": ("BE",)}, False),
        ({"category": "green"}, True),
        ({"category": "coffee"}, False),
        ({"group": "tea"}, True),
        ({"group": "te"}, False),
        ({"terms": ("coffee", "GARDEN")}, True),
        ({"terms": ("coffee",)}, False),
        ({"price_below": 12.51}, True),
        ({"price_below": 12.5}, False),
        ({"price_above": 12.0, "price_below": 13.0}, True),
        ({"price_above": 13.0}, False),
        ({"price_below": 15.0, "currency": "USD"}, True),
        ({"price_below": 13.0, "currency": "USD"}, False),
        ({"price_below": 13.0, "currency": "BTC"}, False),
        ({"ship_from": ("NL",), "category": "tea", "terms": ("tea",), "price_below": 20.0}, True),
        ({"ship_from": ("NL",), "category": "tea", "terms": ("tea",), "price_below": 10.0}, False),
    ],
)
def test_a_listing_meets_a_rule_when_every_condition_holds(conditions, fits):
    assert ListingRule("mine", **conditions).matches("teahouse", a_listing(), {"USD": 14.0}) is fits


def test_a_listing_without_a_price_meets_no_price():
    assert not ListingRule("mine", price_below=100.0).matches("teahouse", a_listing(price=None), {})


def signs(**facts):
    return [(sign.rule, sign.subject) for sign in find_signs(Health(**{"disk_free_bytes": PLENTY} | facts), NOW)]


def hours_ago(hours):
    return (NOW - dt.timedelta(hours=hours)).isoformat(timespec="seconds")


def test_all_well_is_no_sign():
    assert signs() == []


def test_a_market_is_down_after_the_hours_that_were_set():
    assert signs(silent=[("souk", hours_ago(23), False)]) == []
    assert signs(silent=[("souk", hours_ago(24), False)]) == [("down", "souk")]
    assert signs(silent=[("souk", hours_ago(3), False)], limits=Thresholds(down_for=dt.timedelta(hours=3))) == [("down", "souk")]
    assert signs(silent=[("souk", hours_ago(99), False)], limits=Thresholds(down_for=dt.timedelta())) == []


def test_a_seized_market_is_told_at_once():
    assert signs(silent=[("souk", hours_ago(0), True)]) == [("seized", "souk")]


def test_a_hold_and_a_drift_are_told_apart():
    drift = "listing: mandatory field price filled in 2% of the records, usually 99%; last good snapshot 3"
    fall = "10 listings seen, 40 stood before"
    assert signs(held=[(4, "souk", fall, False), (5, "souk", drift, True)]) == [("hold", "souk"), ("drift", "souk")]


def test_coverage_below_the_bar_is_told():
    assert signs(seen=[(1, "souk", 0.8), (2, "bazaar", 0.79)]) == [("coverage", "bazaar")]
    assert signs(seen=[(2, "bazaar", 0.0)], limits=Thresholds(coverage_below=0.0)) == []


def test_a_session_that_is_about_to_end_is_told():
    soon, late = hours_ago(-47), hours_ago(-49)
    assert signs(sessions=[("souk", "good", soon), ("bazaar", "good", late), ("teahouse", "good", None)]) == [("session", "souk")]


def test_a_session_that_is_needed_is_told_with_its_command():
    (sign,) = find_signs(Health(sessions=[("souk", "lost", hours_ago(1))], disk_free_bytes=PLENTY), NOW)
    assert (sign.rule, sign.remedy) == ("session_needed", "torwatch session renew souk cookies.txt")


def test_little_disk_is_told_once_a_day():
    def key(hours):
        (sign,) = find_signs(Health(disk_free_bytes=1), NOW + dt.timedelta(hours=hours))
        return sign.key

    assert key(0) == key(11) != key(12)
