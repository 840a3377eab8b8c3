from __future__ import annotations

import pytest

from torwatch.measure.estimate import Refusal
from torwatch.measure.sales import is_holding_price, sales_range, sold_floor, value_feedback


def test_feedback_is_a_floor_with_its_range():
    estimate = sales_range(100)
    assert (estimate.value, round(estimate.low, 1), round(estimate.high, 1)) == (100, 113.6, 140.8)
    assert isinstance(sales_range(0), Refusal)


def test_sold_counters_add_their_rises_and_survive_a_new_count():
    assert sold_floor([3, 5, None, 9, 2, 4]) == 10
    assert sold_floor([None, 4]) is None


@pytest.mark.parametrize(
    ("price", "others", "top", "feedback", "held"),
    [
        (10_001, [], None, False, True),
        (10_001, [], None, True, False),
        (600, [100, 110], 400, False, True),
        (600, [100, 110], 700, False, False),
        (500, [100], None, False, False),
        (50, [], None, False, False),
    ],
)
def test_a_holding_price_is_flagged(price, others, top, feedback, held):
    assert is_holding_price(price, others, top, feedback_since=feedback) is held


def test_feedback_is_worth_the_last_price_that_is_not_held():
    prices = [("2026-01-01", 20.0), ("2026-01-08", 9999.0), ("2026-01-15", 25.0)]
    assert value_feedback(prices, [False, True, False], "2026-01-10") == 20.0
    assert value_feedback(prices, [True, True, False], "2026-01-10") is None
