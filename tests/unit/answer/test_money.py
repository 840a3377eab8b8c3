"""Sales in money, of one listing whose prices and rates are known to the dollar."""

from __future__ import annotations

import datetime as dt

import pytest

from torwatch.answer import Question, write_answer
from torwatch.model import MarketFacts
from torwatch.normalisers import normalisers_for
from torwatch.store.database import open_store
from torwatch.store.derived import write_derived

BEGIN = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)


@pytest.fixture
def sell(tmp_path):
    """One listing with a price a week, sold once in the week of the third; gives (USD floor, prices passed over by factor 3, 5 and 10)."""
    with open_store(tmp_path / "torwatch.db") as store:

        def run(*prices, currency="USD", rate=None):
            weeks = [(BEGIN + dt.timedelta(weeks=week)).isoformat() for week in range(len(prices))]
            with store.write() as connection:
                connection.execute("INSERT INTO market (id, name, added_at) VALUES (1, 'teahouse', ?)", (weeks[0],))
                connection.executemany(
                    "INSERT INTO snapshot (id, market_id, started_at, state, parser, parser_digest, torwatch_version) VALUES (?, 1, ?, 'complete', 'p', 'd', 't')",
                    enumerate(weeks, 1),
                )
                connection.execute(
                    "INSERT INTO listing (id, market_id, key, title, price, currency, ship_from, first_snapshot_id)"
                    " VALUES (1, 1, '1', 'Sencha', ?, ?, 'Netherlands', 1)",
                    (prices[-1], currency),
                )
                connection.execute("INSERT INTO spell (entity, entity_id, opened_snapshot_id) VALUES ('listing', 1, 1)")
                connection.executemany(
                    "INSERT INTO change (snapshot_id, market_id, entity, key, field, old, new, cause) VALUES (?, 1, 'listing', '1', 'price', ?, ?, 'changed')",
                    [
                        (week, prices[week - 2], prices[week - 1])
                        for week in range(2, len(prices) + 1)
                        if prices[week - 1] != prices[week - 2]
                    ],
                )
                connection.execute("INSERT INTO feedback (market_id, listing_id, key, first_snapshot_id) VALUES (1, 1, 'good', 3)")
                if rate:
                    connection.executemany(
                        "INSERT INTO rate (base, quote, at, rate, source) VALUES (?, 'USD', ?, ?, 'bank')",
                        [(currency, week, rate) for week in weeks],
                    )
            write_derived(store, 1, normalisers_for(MarketFacts("teahouse")))
            answer = write_answer(store, Question("NL", BEGIN, BEGIN + dt.timedelta(weeks=len(prices))))
            money, rules = (next(one for one in answer.sections if one.key == key) for key in ("sales_money", "sales_sensitivity"))
            passed = {row[0]: row[1] for row in rules.rows}
            return money.rows[0][2] if money.rows else None, [passed.get(f"factor {factor}") for factor in (3, 5, 10)]

        yield run


def test_what_sold_while_its_price_held_a_place_is_worth_the_price_before(sell):
    assert sell("20", "22", "999", "21") == (22, [1, 1, 1])


def test_each_factor_passes_over_what_is_above_it(sell):
    assert sell("20", "20", "20", "80") == (20, [1, 0, 0])


def test_a_price_above_the_ceiling_holds_a_place_until_feedback_comes(sell):
    assert sell("15000", "15000", "15000", "16000") == (15_000, [1, 1, 1])


def test_prices_are_compared_in_dollars_of_their_day(sell):
    assert sell("0.001", "0.001", "0.2", "0.001", currency="BTC", rate="60000") == (60, [1, 1, 1])


def test_without_a_rate_nothing_is_valued_and_nothing_passed_over(sell):
    assert sell("0.001", "0.001", "0.2", "0.001", currency="BTC") == (None, [None] * 3)
