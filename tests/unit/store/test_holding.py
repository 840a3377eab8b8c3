"""Holding prices are flagged with their reason, and stay where they are."""

from __future__ import annotations

import importlib.util
from decimal import Decimal
from pathlib import Path

import pytest

from torwatch.normalisers import find_holding_prices
from torwatch.store import holding
from torwatch.store.database import open_store
from torwatch.store.holding import percentile
from torwatch.store.rates import StoredRate, add_rates

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
take, a_target, NOW = builders.take, builders.a_target, builders.NOW

TEA = {"title": "Sencha", "vendor": "leafhouse", "price": "20", "currency": "USD", "ship_from": "Netherlands"}


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "torwatch.db") as opened:
        yield opened


def take_prices(store, *prices, currency="USD"):
    target = a_target(store)
    for week, price in enumerate(prices):
        take(store, target, {"1": TEA | {"price": price, "currency": currency}, "2": TEA}, week=week)
    return target


def test_a_price_far_above_the_others_of_its_listing_is_flagged_while_it_lasts(store):
    take_prices(store, "20", "22", "999", "21")
    (held,) = find_holding_prices(store)
    assert (held.market, held.price, held.from_snapshot, held.until_snapshot) == ("teahouse", "999", 3, 4)
    assert held.reason == "999.00 USD is above 5 times the median of its other prices (21.00 USD)"
    assert store.value("SELECT count(*) FROM change WHERE new = '999'") == 1


def test_a_present_holding_price_has_no_end(store):
    take_prices(store, "20", "999")
    assert [(held.listing_id, held.until_snapshot) for held in find_holding_prices(store)] == [(1, None)]


@pytest.mark.parametrize(("factor", "flagged"), [(3, 1), (5, 0), (10, 0)])
def test_the_factor_is_the_callers(store, factor, flagged):
    take_prices(store, "20", "80")
    assert len(find_holding_prices(store, factor=Decimal(factor))) == flagged


def test_a_price_above_the_ceiling_is_flagged_unless_feedback_came_since(store):
    target = take_prices(store, "15000")
    (held,) = find_holding_prices(store)
    assert held.reason == "15000.00 USD is above 10000 USD, with no feedback since"
    later, _ = take(store, target, {"1": TEA | {"price": "15000"}, "2": TEA}, week=1)
    with store.write() as connection:
        connection.execute("INSERT INTO feedback (market_id, listing_id, key, first_snapshot_id) VALUES (1, 1, 'good', ?)", (later,))
    assert find_holding_prices(store) == []


def test_prices_are_compared_in_dollars_of_their_day(store):
    take_prices(store, "0.001", "0.2", currency="BTC")
    assert find_holding_prices(store) == []  # no rate: nothing can be said
    week = builders.WEEK
    add_rates(store, [StoredRate("BTC", "USD", Decimal(60_000), NOW + number * week, "bank") for number in (0, 1)])
    assert [held.usd for held in find_holding_prices(store)] == [Decimal(12_000)]


def test_the_same_price_in_another_currency_is_no_holding_price(store):
    target = a_target(store)
    take(store, target, {"1": TEA}, week=0)
    take(store, target, {"1": TEA | {"price": "2000", "currency": "RUB"}}, week=1)
    add_rates(store, [StoredRate("USD", "RUB", Decimal(100), NOW + builders.WEEK, "bank")])
    assert find_holding_prices(store) == []


def test_only_a_large_group_gives_a_bound(store, monkeypatch):
    target = a_target(store)
    take(store, target, {str(number): TEA | {"price": str(number)} for number in range(1, 13)}, week=0)
    with store.write() as connection:
        connection.execute("UPDATE listing SET substance_group = 'seeds'")
    assert find_holding_prices(store) == []
    monkeypatch.setattr(holding, "LEAST_CATEGORY", 12)
    monkeypatch.setattr(holding, "PERCENTILE", 0.9)
    (held,) = find_holding_prices(store)
    assert (held.price, held.reason) == ("12", "12.00 USD is above the 99.9th percentile of seeds (11.00 USD)")


def test_one_market_can_be_asked_alone(store):
    take_prices(store, "20", "999")
    assert len(find_holding_prices(store, market="teahouse")) == 1
    assert find_holding_prices(store, market="beanhouse") == []


def test_the_percentile_is_the_nearest_rank():
    assert percentile([Decimal(number) for number in range(1, 2001)], 0.999) == 1998
    assert percentile([Decimal(3)], 0.999) == 3
