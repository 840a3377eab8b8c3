from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from torwatch.measure.estimate import Estimate, Refusal
from torwatch.measure.share import finite_market, share_intervals, wilson


def test_silk_road_2012_gives_its_three_bounds():
    items, undeclared, dutch = 24_385, round(0.1629 * 24_385), round(0.0652 * 24_385)
    silent, other = (0, 0, 0, undeclared, undeclared), (0, 0, items - undeclared - dutch, 0, items - undeclared - dutch)
    table = np.array([[(dutch, dutch, dutch, dutch, dutch)], [silent], [other]])
    bounds = share_intervals(table, [0, 0, 0], np.random.default_rng(1))[0]
    assert [round(100 * bound.value, 2) for bound in bounds] == [6.52, 7.79, 22.81]


@pytest.mark.parametrize(("hits", "total"), [(0, 10), (3, 10), (652, 10_000), (10, 10)])
def test_wilson_is_that_of_statsmodels(hits, total):
    low, high = proportion_confint(hits, total, method="wilson")
    estimate = wilson(hits, total)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=1e-9)


def test_a_vendor_counts_whole_and_the_interval_holds_the_share():
    rng = np.random.default_rng(1)
    table = np.zeros((200, 1, 5))
    for vendor in range(200):
        size, dutch = rng.integers(1, 40), rng.random() < 0.1
        table[vendor, 0] = (size * dutch, size * dutch, size, size * dutch, size)
    low, declared, high = share_intervals(table, [0] * 100 + [1] * 100, rng)[0]
    assert isinstance(declared, Estimate)
    assert declared.low < declared.value < declared.high
    assert low.value <= declared.value <= high.value + 1e-12
    assert declared.high - declared.low > 0.04  # a plain proportion of so many listings would be narrower


def test_one_vendor_or_none_is_refused():
    table = np.zeros((3, 2, 5))
    table[0, 0] = 1
    rng = np.random.default_rng(1)
    one, none = share_intervals(table, [0, 0, 0], rng)
    assert all(isinstance(bound, Refusal) for bound in (*one, *none))


def test_the_interval_of_a_market_seen_whole_is_a_point_and_says_so():
    estimate = finite_market(Estimate(0.1, 0.05, 0.2, "x"), 1.0)
    assert (estimate.low, estimate.high) == (0.1, 0.1)
    assert "this market only" in estimate.method


def test_nothing_has_no_proportion():
    assert isinstance(wilson(0, 0), Refusal)
    assert all(isinstance(bound, Refusal) for bound in share_intervals(np.zeros((2, 1, 5)), [0, 0], np.random.default_rng(1))[0])
