from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.measure.estimate import Refusal
from torwatch.measure.sales import counter_rises, held_prices, median_of_others, most_shown, sales_limits, sales_range, top_prices

prices = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 30_000)), max_size=30)


def arrays(pairs):
    owner, usd = (np.array([pair[at] for pair in pairs]) for at in (0, 1))
    return owner.astype("i8"), usd.astype(float)


def test_feedback_is_a_floor_with_its_range():
    estimate = sales_range(100)
    assert (estimate.value, round(estimate.low, 1), round(estimate.high, 1)) == (100, 113.6, 140.8)
    assert isinstance(sales_range(0), Refusal)


def test_the_range_of_sales_goes_from_the_lower_view_to_the_upper_one_and_is_never_under_the_counter():
    low, high = sales_limits(np.array([88.0, 0.0]), np.array([142.0, 7.1]), np.array([0.0, 20.0]))
    assert (low.tolist(), high.tolist()) == (pytest.approx([100, 20]), pytest.approx([200, 20]))


def test_what_a_look_showed_at_once_counts_above_the_most_shown_before_the_period():
    owner, count = np.array([0, 0, 0, 1, 1, 2, 4]), np.array([3, 9, 5, 7, 4, 2, 6])
    inside = np.array([False, True, True, False, True, True, False])
    # Six more; fewer than before; the first look brings all it shows; nothing was ever shown; no look of the period.
    assert most_shown(owner, count, inside, 5).tolist() == pytest.approx([6, 0, 2, np.nan, 0], nan_ok=True)


def test_sold_counters_add_their_rises_and_survive_a_new_count():
    owner, count = np.array([1, 1, 1, 1, 1, 2, 3]), np.array([3, 5, 9, 2, 4, 4, 100])
    assert counter_rises(owner, count).tolist() == [0, 2, 4, 2, 2, 0, 0]
    assert counter_rises(owner[:0], count[:0]).tolist() == []


@given(prices)
def test_the_median_of_the_other_prices_is_that_of_a_plain_count(pairs):
    owner, usd = arrays(pairs)
    for at, found in enumerate(median_of_others(owner, usd)):
        others = [value for place, (one, value) in enumerate(pairs) if one == pairs[at][0] and place != at]
        assert np.isnan(found) if not others else found == statistics.median(others)


def holds_a_place(usd, others, top, fed, factor):
    """The rule for one price: above both bounds that are known, or above 10,000 with no feedback since."""
    bounds = ([factor * statistics.median(others)] if others else []) + ([] if top is None else [top])
    return (bool(bounds) and usd > max(bounds)) or (usd > 10_000 and not fed)


@given(prices, st.sampled_from([3.0, 5.0, 10.0]), st.sampled_from([None, 700]), st.data())
def test_the_same_prices_are_flagged_as_by_the_rule_for_one_price(pairs, factor, top, data):
    owner, usd = arrays(pairs)
    fed = np.array(data.draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs))), dtype=bool)
    tops = np.full(len(pairs), np.nan if top is None else top)
    held = held_prices(usd, median_of_others(owner, usd), tops, fed, factor=factor)
    for at, (one, value) in enumerate(pairs):
        others = [price for place, (other, price) in enumerate(pairs) if other == one and place != at]
        assert bool(held[at]) is holds_a_place(value, others, top, fed[at], factor)


@pytest.mark.parametrize(
    ("usd", "others", "top", "fed", "held"),
    [
        (600, 100, 400, True, True),
        (600, 100, 700, True, False),  # above one bound only
        (450, 100, 400, True, False),
        (10_001, 10_000, None, False, True),
        (10_001, 10_000, None, True, False),  # feedback: somebody bought
        (10_000, 10_000, None, False, False),
        (9_999, None, None, False, False),  # no bound is known
        (None, 100, 400, False, False),  # no rate: nothing can be said
    ],
)
def test_a_price_holds_a_place_above_both_bounds_or_above_ten_thousand_unsold(usd, others, top, fed, held):
    known = [np.array([np.nan if value is None else float(value)]) for value in (usd, others, top)]
    assert held_prices(*known, np.array([fed])).tolist() == [held]


def test_the_factor_is_an_argument_because_three_are_printed():
    held = [held_prices(np.array([400.0]), np.array([100.0]), np.array([np.nan]), np.array([True]), factor=factor) for factor in (3, 5, 10)]
    assert [bool(one[0]) for one in held] == [True, False, False]


def test_a_percentile_of_few_prices_is_none():
    group = np.array([0] * 1_000 + [1] * 999)
    top = top_prices(group, np.concatenate([np.arange(1_000.0), np.arange(999.0)]), 3)
    assert top[0] == 998
    assert np.isnan(top[1:]).all()
    assert top_prices(np.zeros(2_000, dtype="i8"), np.arange(1.0, 2_001.0), 1).tolist() == [1_998]
    with_gap = top_prices(np.zeros(1_001, dtype="i8"), np.append(np.arange(1_000.0), np.nan), 1)
    assert with_gap.tolist() == [pytest.approx(998)]
