from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from torwatch.measure.estimate import Estimate, Refusal
from torwatch.measure.share import effective_size, finite_market, ratio_intervals, share_intervals, wilson


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


def test_one_ratio_has_the_limits_of_the_declared_share():
    rng = np.random.default_rng(3)
    table = np.zeros((60, 2, 5))
    table[:, :, 2] = table[:, :, 4] = rng.integers(1, 9, (60, 2))
    table[:, :, 1] = table[:, :, 2] * (rng.random((60, 2)) < 0.3)
    markets = [0] * 30 + [1] * 30
    both = [bounds[1] for bounds in share_intervals(table, markets, np.random.default_rng(1))]
    alone = ratio_intervals(table[:, :, 1], table[:, :, 2], markets, np.random.default_rng(1))
    for one, other in zip(alone, both, strict=True):
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), rel=0.05)
    assert isinstance(ratio_intervals(np.zeros((3, 1)), np.zeros((3, 1)), [0] * 3, rng)[0], Refusal)


def test_a_share_of_money_does_not_hang_on_the_unit_of_money():
    rng = np.random.default_rng(3)
    every = rng.lognormal(3, 1, (40, 1))
    ours = every * (rng.random((40, 1)) < 0.3)
    dollars, cents = (ratio_intervals(unit * ours, unit * every, [0] * 40, np.random.default_rng(1), goods=True)[0] for unit in (1, 100))
    assert (dollars.value, dollars.low, dollars.high) == pytest.approx((cents.value, cents.low, cents.high))


def test_few_vendors_of_one_country_each_count_by_the_head():
    sizes = np.array([1.0, 4.0, 10.0, 30.0, 5.0])
    whole = sizes * np.array([0, 1, 0, 1, 0])
    assert effective_size(whole, sizes) == pytest.approx(sizes.sum() ** 2 / (sizes**2).sum())


def test_vendors_that_are_all_alike_leave_the_listings_to_count():
    sizes = np.full(40, 10.0)
    assert effective_size(sizes / 2, sizes) == pytest.approx(400)
    assert effective_size(np.array([1.0, 0.0, 1.0]), np.ones(3)) == pytest.approx(3)


def test_a_share_of_nothing_among_few_vendors_has_an_upper_limit_above_it():
    table = np.zeros((12, 1, 5))
    table[:, 0, 2] = table[:, 0, 4] = 3
    low, declared, _ = share_intervals(table, [0] * 12, np.random.default_rng(1))[0]
    assert low.value == low.low == 0
    assert low.high == declared.high == pytest.approx(wilson(0, 12).high)


@pytest.mark.parametrize("vendors", [30, 250])
def test_few_vendors_of_unlike_size_hold_the_share_that_they_are_drawn_from(vendors):
    rng, held, seeds = np.random.default_rng(3), 0, 120
    for _ in range(seeds):
        size = rng.poisson(8 * rng.lognormal(-0.5, 1.0, vendors)) + 0.0
        here = size * (rng.random(vendors) < 0.113)
        table = np.stack([here, here, size, here, size], axis=1)[size > 0][:, None]
        declared = share_intervals(table, [0] * len(table), rng, draws=200)[0][1]
        held += declared.low <= 0.113 <= declared.high
    assert held >= 0.9 * seeds  # percentiles of the draws: 0.80 and 0.90


def test_markets_of_unlike_shares_are_drawn_apart_and_hold_the_share_of_them_together():
    rng, held, seeds = np.random.default_rng(4), 0, 120
    shares = np.repeat([0.02, 0.1, 0.3], 80)
    for _ in range(seeds):
        size = rng.poisson(8 * rng.lognormal(-0.5, 1.0, 240)) + 1.0
        here = size * (rng.random(240) < shares)
        table = np.stack([here, here, size, here, size], axis=1)[:, None]
        declared = share_intervals(table, np.repeat([1, 2, 3], 80).tolist(), rng, draws=200)[0][1]
        held += declared.low <= 0.14 <= declared.high
    assert held >= 0.9 * seeds


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
