from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from torwatch.measure.abundance import (
    Occasions,
    chao2,
    chapman,
    count_seen,
    coverage,
    coverage_limits,
    ever_at_least,
    near_closed,
    poisson_limits,
    schnabel,
    schumacher_eschmeyer,
    two_passes,
)
from torwatch.measure.estimate import Estimate, Refusal

GOLDEN = Occasions((27, 18, 14, 9), (0, 3, 4, 4), (0, 27, 42, 52), {1: 46, 2: 11})
SHORT = {"window_days": 1.0, "median_life_days": 30.0}


def count_occasions(seen, occasions):
    """Count a capture history one thing at a time: bit t of each number says "seen at occasion t" (from 0)."""
    caught, recaught, first = [0] * occasions, [0] * occasions, [0] * occasions
    frequencies = {}
    for bits in seen:
        times = bits.bit_count()
        if not times:
            continue
        frequencies[times] = frequencies.get(times, 0) + 1
        start = (bits & -bits).bit_length() - 1
        first[start] += 1
        for at in range(start, occasions):
            if bits >> at & 1:
                caught[at] += 1
                recaught[at] += at > start
    known = [sum(first[:at]) for at in range(occasions)]
    return Occasions(tuple(caught), tuple(recaught), tuple(known), frequencies)


def test_the_golden_vectors_hold_to_two_decimals():
    assert round(schnabel(GOLDEN, **SHORT, modified=False).value, 2) == 140.18
    assert round(schnabel(GOLDEN, **SHORT).value, 2) == 128.50
    assert round(schumacher_eschmeyer(GOLDEN, **SHORT).value, 2) == 136.00
    assert round(chao2(GOLDEN).value, 2) == 121.69


def test_the_golden_vectors_are_what_the_formulas_give_by_hand_in_fractions():
    weight = 18 * 27 + 14 * 42 + 9 * 52
    again = 3 + 4 + 4
    assert schnabel(GOLDEN, **SHORT, modified=False).value == pytest.approx(float(Fraction(weight, again)), rel=1e-12)
    assert schnabel(GOLDEN, **SHORT).value == pytest.approx(float(Fraction(weight, again + 1)), rel=1e-12)
    squares = Fraction(18 * 27**2 + 14 * 42**2 + 9 * 52**2, 3 * 27 + 4 * 42 + 4 * 52)
    assert schumacher_eschmeyer(GOLDEN, **SHORT).value == pytest.approx(float(squares), rel=1e-12)
    assert chao2(GOLDEN).value == pytest.approx(float(57 + Fraction(3, 4) * Fraction(46 * 45, 2 * 12)), rel=1e-12)
    unseen = Fraction(46, 46 + 2 * 11) * Fraction(3 * 46, 3 * 46 + 2 * 11)
    assert coverage(GOLDEN).value == pytest.approx(float(1 - unseen), rel=1e-12)
    number, variance = chapman(200, 150, 50)
    assert number == pytest.approx(float(Fraction(201 * 151, 51) - 1), rel=1e-12)
    assert variance == pytest.approx(float(Fraction(201 * 151 * 150 * 100, 51**2 * 52)), rel=1e-12)


@pytest.mark.parametrize("count", [0, 1, 11, 49])
def test_the_poisson_limits_are_those_of_chi_square(count):
    low, high = poisson_limits(count)
    assert low == pytest.approx(stats.chi2.ppf(0.025, 2 * count) / 2 if count else 0.0, rel=1e-9)
    assert high == pytest.approx(stats.chi2.ppf(0.975, 2 * count + 2) / 2, rel=1e-9)


def test_schnabel_is_refused_over_a_window_longer_than_the_median_life():
    refusal = schnabel(GOLDEN, window_days=56, median_life_days=30)
    assert isinstance(refusal, Refusal)
    assert "longer than the median life" in refusal.reason


def test_schnabel_and_its_check_are_refused_below_three_occasions_and_without_recapture():
    two = Occasions((5, 5), (0, 2), (0, 5), {1: 6, 2: 2})
    never = Occasions((5, 5, 5), (0, 0, 0), (0, 5, 10), {1: 15})
    for occasions in (two, never):
        assert isinstance(schnabel(occasions, **SHORT), Refusal)
        assert isinstance(schumacher_eschmeyer(occasions, **SHORT), Refusal)


def test_an_unknown_life_refuses_every_level():
    rng = random.Random(1)
    assert isinstance(schnabel(GOLDEN, window_days=1, median_life_days=None), Refusal)
    assert isinstance(two_passes({1}, [[1]], window_days=1, median_life_days=None, independent=True, rng=rng), Refusal)


@pytest.mark.parametrize(
    ("first", "pages", "window", "independent", "reason"),
    [
        ({1, 2}, [[1]], 1, False, "drawn from what pass A found"),
        ({1, 2}, [], 1, True, "no independent second pass"),
        (set(), [[1]], 1, True, "pass A saw nothing"),
        ({1, 2}, [[1]], 4, True, "over a tenth of the median life"),
        ({1, 2}, [[3]], 1, True, "no listing was seen in both"),
    ],
)
def test_two_passes_are_refused_where_they_say_nothing(first, pages, window, independent, reason):
    refusal = two_passes(first, pages, window_days=window, median_life_days=30, independent=independent, rng=random.Random(1))
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason


def test_two_passes_hold_the_truth_of_a_market_seen_by_halves():
    rng = random.Random(7)
    first = set(rng.sample(range(5_000), 2_500))
    order = rng.sample(range(5_000), 5_000)
    pages = rng.sample([order[start : start + 25] for start in range(0, 5_000, 25)], 60)
    estimate = two_passes(first, pages, window_days=1, median_life_days=30, independent=True, rng=rng)
    assert isinstance(estimate, Estimate)
    assert estimate.low < 5_000 < estimate.high


@given(st.integers(0, 500), st.integers(0, 500), st.data())
def test_chapman_is_never_below_what_was_seen(first, second, data):
    both = data.draw(st.integers(0, min(first, second)))
    assert chapman(first, second, both)[0] >= first + second - both - 1e-9


def test_full_sight_twice_has_full_coverage_and_nothing_unseen():
    occasions = count_occasions([0b11] * 20, 2)
    assert occasions.caught == (20, 20)
    assert occasions.recaught == (0, 20)
    assert coverage(occasions).value == 1.0
    assert chao2(occasions).value == 20


def test_one_occasion_gives_neither_a_lower_bound_nor_a_coverage():
    assert isinstance(chao2(count_occasions([1], 1)), Refusal)
    assert isinstance(coverage(count_occasions([1], 1)), Refusal)


@given(st.lists(st.integers(0, 31), max_size=40))
def test_counting_an_array_of_who_was_seen_equals_counting_bit_sets(bits):
    seen = np.array([[one >> at & 1 for one in bits] for at in range(5)], dtype=bool).reshape(5, len(bits))
    assert count_seen(seen) == count_occasions(bits, 5)


def test_coverage_limits_hold_the_estimate_and_widen_with_fewer_vendors():
    rng = np.random.default_rng(3)
    many = np.stack([np.zeros(400), rng.poisson(2, 400), rng.poisson(3, 400), rng.poisson(5, 400)], axis=1)
    few = many[:20]
    wide, narrow = (coverage_limits(table, 3, np.random.default_rng(1)) for table in (few, many))
    for found in (wide, narrow):
        assert found.low < found.value < found.high <= 1
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert coverage_limits(np.zeros((2, 2)), 1, rng).reason == "it needs two occasions that saw something"


def test_the_near_closed_window_has_as_few_looks_as_tell_and_is_never_longer_than_a_life_but_for_three():
    seen = np.zeros((8, 20), dtype=bool)
    seen[:, :4] = True
    days = np.arange(8.0) * 7
    # Of the last k looks k - 1 see four things again.
    for median, enough, looks in ((None, 1, 3), (15, 99, 3), (999, 8, 3), (999, 9, 4), (30, 99, 5), (999, 99, 8)):
        window, found = near_closed(days, seen, median, enough=enough)
        assert (len(found), window) == (looks, 7 * (looks - 1))
    assert near_closed(days[:2], seen[:2], 30)[0] == 7
    assert near_closed(days[:0], seen[:0], 30)[0] == 0


def test_what_only_an_edge_of_the_window_saw_is_no_sign_of_more():
    moving = np.tri(6, 40, dtype=bool) & ~np.tri(6, 40, -3, dtype=bool)  # each thing is seen in three looks on end: all were seen
    assert ever_at_least(moving).value == moving.any(axis=0).sum()
    chance = np.random.default_rng(1).random((6, 3000)) < 0.2
    assert ever_at_least(chance).value == pytest.approx(chao2(count_seen(chance)).value, rel=0.05)


def test_a_lower_bound_is_refused_for_two_looks_and_for_looks_that_rotate():
    assert "3 occasions" in ever_at_least(np.ones((2, 3), dtype=bool)).reason
    assert "asked first" in ever_at_least(np.ones((3, 3), dtype=bool), independent=False).reason


def test_things_seen_page_by_page_widen_the_limits_of_schnabel():
    pages = np.random.default_rng(2).random((4, 40)) < 0.4
    listings = count_seen(np.repeat(pages, 25, axis=1))
    narrow, wide = schnabel(listings, **SHORT), schnabel(listings, clump=25, **SHORT)
    assert narrow.value == wide.value
    assert wide.low < narrow.low < wide.value < narrow.high < wide.high
    assert wide.low == pytest.approx(25 * schnabel(count_seen(pages), **SHORT).low, rel=0.05)
