"""Rates in the store: imported once, a market's own by median, and prices converted with the nearest earlier one."""

from __future__ import annotations

import datetime as dt
import importlib.util
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torwatch.normalise.rates import MAXIMUM_AGE, Rate, RateTable
from torwatch.normalisers import rate_table
from torwatch.store.database import open_store
from torwatch.store.rates import LEAST_QUOTES, StoredRate, add_rates, all_rates, read_rates, summarise_rates, write_market_rates
from torwatch.store.snapshots import find_snapshot
from torwatch.store.staging import StagedPage, stage_pages
from torwatch.store.views import RATE_AGE_DAYS

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
take, a_target, NOW, WEEK = builders.take, builders.a_target, builders.NOW, builders.WEEK

DAY = dt.timedelta(days=1)
TEA = {"title": "Sencha", "vendor": "leafhouse", "price": "12.50", "currency": "EUR", "ship_from": "Netherlands"}


def a_rate(base="EUR", quote="USD", rate="1.1", at=NOW, source="bank"):
    return StoredRate(base, quote, Decimal(rate), at, source)


def test_a_rate_comes_back_as_it_was_stored(store):
    rate = a_rate(rate="0.00000000123456789012", at=NOW.replace(microsecond=5))
    assert add_rates(store, [rate]).added == 1
    assert read_rates(store) == [rate]


def test_importing_twice_changes_nothing(store):
    rates = [a_rate(), a_rate(at=NOW + DAY)]
    add_rates(store, rates)
    done = add_rates(store, [*rates, a_rate(rate="1.10")])
    assert (done.added, done.known, done.conflicts) == (0, 3, ())
    assert len(read_rates(store)) == 2


def test_another_figure_for_a_stored_rate_is_a_conflict_until_it_is_told_to_replace(store):
    add_rates(store, [a_rate()])
    done = add_rates(store, [a_rate(rate="1.2")])
    assert (done.added, done.replaced, [stored for _, stored in done.conflicts]) == (0, 0, ["1.1"])
    assert read_rates(store)[0].rate == Decimal("1.1")
    assert add_rates(store, [a_rate(rate="1.2")], replace=True).replaced == 1
    assert read_rates(store)[0].rate == Decimal("1.2")


def test_the_summary_names_the_newest_rate_of_each_pair_and_source(store):
    add_rates(store, [a_rate(), a_rate(rate="1.3", at=NOW + DAY), a_rate(rate="1.2", at=NOW - DAY), a_rate(source="other")])
    bank, other = summarise_rates(store)
    assert (bank.source, bank.rates, bank.last_rate) == ("bank", 3, "1.3")
    assert (bank.first_at, bank.last_at) == ((NOW - DAY).isoformat(), (NOW + DAY).isoformat())
    assert (other.source, other.rates) == ("other", 1)


def quote(store, target, week, *rates):
    """A snapshot in which listings were quoted twice; gives the number of rates made of it."""
    number, _ = take(store, target, {"1": TEA}, week=week)
    with store.write() as connection:
        stage_pages(connection, number, [StagedPage(rates=(rate,)) for rate in rates])
        made = write_market_rates(connection, find_snapshot(store, number))
        connection.execute("DELETE FROM stage_rate")
    return made


def test_the_median_of_a_markets_double_quotes_is_its_rate(store):
    target = a_target(store)
    pair = ("BTC", "EUR")
    assert quote(store, target, 0, (*pair, "50000"), (*pair, "50100"), (*pair, "5"), (*pair, "50200"), (*pair, "90000")) == 1
    (rate,) = all_rates(store, *pair)
    assert (rate.rate, rate.at, rate.source, rate.market) == (Decimal(50100), NOW, "quotes of teahouse", "teahouse")
    assert read_rates(store) == []  # nobody imported it
    assert read_rates(store, "teahouse") == [rate]
    assert read_rates(store, "beanhouse") == []


def test_too_few_quotes_make_no_rate(store):
    quotes = [("BTC", "EUR", "50000")] * (LEAST_QUOTES - 1)
    assert quote(store, a_target(store), 0, *quotes) == 0
    assert all_rates(store, "BTC", "EUR") == []


def converted(store):
    return store.row("SELECT * FROM converted_price")


def test_a_price_is_converted_with_the_nearest_rate_at_or_before_it_was_last_seen(store):
    target = a_target(store)
    take(store, target, {"1": TEA}, week=0)
    take(store, target, {"1": TEA}, week=1)
    seen = NOW + WEEK
    add_rates(store, [a_rate(rate="1.5", at=seen - 2 * DAY), a_rate(rate="2", at=seen - DAY), a_rate(rate="9", at=seen + DAY)])
    found = converted(store)
    assert (found["seen_at"], found["usd"], found["usd_rate"], found["usd_source"]) == (seen.isoformat(), 25.0, 2.0, "bank")
    assert found["usd_rate_at"] == (seen - DAY).isoformat()
    assert (found["eur"], found["eur_source"]) == (12.5, "same currency")


def test_a_rate_that_is_too_old_is_no_rate(store):
    take(store, a_target(store), {"1": TEA}, week=1)
    add_rates(store, [a_rate(at=NOW + WEEK - MAXIMUM_AGE - dt.timedelta(seconds=1))])
    assert (converted(store)["usd"], converted(store)["usd_source"]) == (None, None)
    add_rates(store, [a_rate(at=NOW + WEEK - MAXIMUM_AGE)])
    assert converted(store)["usd"] == pytest.approx(13.75)
    assert dt.timedelta(days=RATE_AGE_DAYS) == MAXIMUM_AGE


def test_a_gone_listing_keeps_the_rate_of_its_last_day(store):
    target = a_target(store)
    take(store, target, {"1": TEA, "2": TEA}, week=0)
    take(store, target, {"2": TEA}, week=4, gone=("1",))
    add_rates(store, [a_rate(rate="2"), a_rate(rate="3", at=NOW + 4 * WEEK)])
    rows = store.rows("SELECT usd_rate FROM converted_price ORDER BY listing_id")
    assert [row["usd_rate"] for row in rows] == [2.0, 3.0]


def test_the_quotes_of_another_market_never_price_this_one(store):
    target = a_target(store)
    take(store, target, {"1": TEA | {"currency": "BTC"}}, week=0)
    quote(store, a_target(store, "beanhouse"), 0, *[("BTC", "USD", "50000")] * LEAST_QUOTES)
    found = store.row("SELECT usd FROM converted_price WHERE market = 'teahouse'")
    assert found["usd"] is None
    assert rate_table(store, "teahouse").convert("1", "BTC", "USD", NOW) is None


def test_an_imported_rate_counts_before_a_quote_of_the_same_time(store):
    target = a_target(store)
    quote(store, target, 0, *[("EUR", "USD", "3")] * LEAST_QUOTES)
    assert converted(store)["usd_rate"] == 3.0
    add_rates(store, [a_rate(rate="2")])
    assert converted(store)["usd_rate"] == 2.0
    assert rate_table(store, "teahouse").convert("1", "EUR", "USD", NOW).rate == 2


rates = st.lists(
    st.builds(
        Rate,
        st.sampled_from(["EUR", "BTC", "AUD"]),
        st.sampled_from(["USD", "XMR"]),
        st.integers(1, 10**6).map(lambda number: Decimal(number) / 1000),
        st.integers(0, 12).map(lambda days: NOW - days * DAY),
        st.just("bank"),
    ),
    max_size=12,
    unique_by=lambda rate: (rate.base, rate.quote, rate.at),
)


@settings(max_examples=60)
@given(rates=rates, currency=st.sampled_from(["EUR", "BTC", "AUD", "XMR", "USD", "GBP"]))
def test_the_view_converts_as_the_rate_table_does(tmp_path_factory, rates, currency):
    with open_store(shared_store(tmp_path_factory)) as store:
        with store.write() as connection:
            connection.execute("DELETE FROM rate")
            connection.execute("UPDATE listing SET currency = ?", (currency,))
        add_rates(store, rates)
        found, table = converted(store), RateTable.from_rows(rates)
        for goal in ("USD", "EUR"):
            expected = table.convert("12.50", currency, goal, NOW)
            if expected is None:
                assert found[goal.lower()] is None
            else:
                assert found[goal.lower()] == pytest.approx(float(expected.amount), rel=1e-6, abs=1e-7)
                assert found[f"{goal.lower()}_source"] == expected.source
                assert found[f"{goal.lower()}_rate_at"] == expected.at.isoformat()


def shared_store(factory):
    """One database with one listing for all examples: making one takes longer than asking it."""
    path = factory.getbasetemp() / "converted.db"
    if not path.exists():
        with open_store(path) as store:
            take(store, a_target(store), {"1": TEA}, week=0)
    return path
