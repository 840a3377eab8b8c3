"""The strain of a market: errors and slow answers slow the walk down, good pages let it recover, and both within bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.crawl.strain import MOST, STEP, TROUBLE, UNREACHED, Strain, recovered
from torwatch.model import Outcome

answers = st.tuples(st.sampled_from(Outcome), st.integers(0, 200_000))


def felt(strain, outcome, pages, elapsed_ms=500):
    for _ in range(pages):
        strain.feel(outcome, elapsed_ms)
    return strain


@given(st.lists(answers, max_size=80))
def test_the_slow_down_stays_between_none_and_the_most_and_always_says_why(met):
    strain = Strain()
    for outcome, elapsed_ms in met:
        strain.feel(outcome, elapsed_ms)
        assert 1 <= strain.slow_down <= MOST
        assert bool(strain.why) == (strain.slow_down > 1)


@pytest.mark.parametrize("outcome", sorted(TROUBLE))
def test_each_error_slows_down_at_once_up_to_a_limit(outcome):
    strain = felt(Strain(), outcome, 1)
    assert strain.slow_down == STEP
    assert strain.why == outcome.value
    assert felt(strain, outcome, 50).slow_down == MOST


def test_good_pages_let_it_recover_wholly():
    strain = felt(Strain(), Outcome.HTTP_ERROR, 20)
    assert felt(strain, Outcome.OK, 10).slow_down < MOST / 2
    assert felt(strain, Outcome.OK, 100).slow_down == 1
    assert strain.why == ""


def test_answers_that_become_slow_slow_down_and_the_usual_time_is_learnt_anew():
    strain = felt(Strain(), Outcome.OK, 50, elapsed_ms=400)
    assert strain.slow_down == 1
    felt(strain, Outcome.OK, 20, elapsed_ms=4000)
    assert strain.slow_down > 3
    assert "as long as usual" in strain.why
    assert felt(strain, Outcome.OK, 100, elapsed_ms=400).slow_down == 1


def test_a_market_that_always_was_slow_is_no_strain_and_neither_is_tor_s_own_fault():
    assert felt(Strain(), Outcome.OK, 100, elapsed_ms=9000).slow_down == 1
    assert felt(Strain(), Outcome.TOR_DOWN, 100).slow_down == 1


@pytest.mark.parametrize("outcome", sorted(UNREACHED))
def test_what_an_address_without_a_sign_of_life_brought_is_let_go_with_it_and_nothing_else(outcome):
    strain = felt(felt(Strain(), Outcome.HTTP_ERROR, 2), outcome, 3)
    assert strain.slow_down == STEP**5
    strain.change_address()
    assert (strain.slow_down, strain.why) == (STEP**2, Outcome.HTTP_ERROR.value)
    felt(felt(strain, outcome, 1), Outcome.OK, 1)  # it answers after all: that is strain
    slow_down = strain.slow_down
    strain.change_address()
    assert strain.slow_down == slow_down > STEP**2


def test_what_is_left_of_a_slow_down_halves_every_ten_minutes():
    assert recovered(5.0, 0) == 5
    assert recovered(5.0, 600) == pytest.approx(3)
    assert recovered(5.0, 86_400) == pytest.approx(1, abs=1e-6)
    assert recovered(5.0, -10) == 5
