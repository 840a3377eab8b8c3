from __future__ import annotations

import math
import random
import warnings
from collections import Counter

import pytest

from torwatch.measure.estimate import Refusal
from torwatch.measure.survival import Life, kaplan_meier, longest_rhythm_days, median_life_days, seen_at_best, step_at


def lives(seed, late):
    rng = random.Random(seed)
    made = []
    for _ in range(400):
        entered = rng.uniform(0, 20) if late and rng.random() < 0.4 else 0.0
        end = entered + rng.expovariate(1 / 30) + 0.01
        made.append(Life(entered, end, end if rng.random() < 0.7 else None))
    return made


@pytest.mark.parametrize("late", [False, True])
def test_curve_and_limits_are_those_of_lifelines(late):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifelines' imports warn about pandas
        from lifelines import KaplanMeierFitter  # noqa: PLC0415 - an oracle that is slow to load

        made = lives(3, late)
        fitter = KaplanMeierFitter().fit(
            [life.last_seen for life in made],
            [life.first_missed is not None for life in made],
            entry=[life.entered for life in made] if late else None,
        )
    steps = kaplan_meier(made)
    limits = fitter.confidence_interval_survival_function_
    for step in steps[: -max(1, len(steps) // 20)]:
        assert step.survival == pytest.approx(fitter.survival_function_.loc[step.age_days].iloc[0], abs=1e-9)
        assert step.low == pytest.approx(limits.loc[step.age_days].iloc[0], abs=1e-9)
        assert step.high == pytest.approx(limits.loc[step.age_days].iloc[1], abs=1e-9)


def test_a_curve_counted_by_hand_with_one_that_enters_late():
    # Deaths at 4 and 10; at risk: 3 of the first three at 4, then two of those and the one that entered at 6.
    steps = kaplan_meier([Life(0, 4, 4), Life(0, 10, 10), Life(0, 12, None), Life(6, 20, None)])
    assert [(step.age_days, step.at_risk, step.deaths) for step in steps] == [(4, 3, 1), (10, 3, 1)]
    assert [step.survival for step in steps] == pytest.approx([2 / 3, 4 / 9])
    spread = 1.959963984540054 * math.sqrt(1 / (3 * 2) + 1 / (3 * 2)) / math.log(4 / 9)
    assert (steps[1].low, steps[1].high) == pytest.approx(((4 / 9) ** math.exp(-spread), (4 / 9) ** math.exp(spread)))


def test_a_death_lies_between_last_seen_and_the_first_miss():
    life = [Life(0, 7, 14), Life(0, 30, None)]
    assert [kaplan_meier(life, ends=ends)[0].age_days for ends in ("earliest", "middle", "latest")] == [7, 10.5, 14]


def test_without_a_death_there_is_no_curve():
    assert isinstance(kaplan_meier([Life(0, 10, None)]), Refusal)


def test_the_adviser_sees_less_the_rarer_it_looks():
    steps = kaplan_meier(lives(5, late=False))
    assert 0 < seen_at_best(steps, 30) < seen_at_best(steps, 7) < seen_at_best(steps, 1) <= 1
    rhythm = longest_rhythm_days(steps, 0.8)
    assert seen_at_best(steps, rhythm) == pytest.approx(0.8, abs=1e-6)
    assert step_at(steps, median_life_days(steps)).survival <= 0.5
    assert step_at(steps, 0.0).survival == 1


def test_lives_that_are_alike_may_be_counted_together():
    lives = [Life(0, 10, 12)] * 3 + [Life(0, 20, None)] * 5 + [Life(5, 14, 16)] * 2
    assert kaplan_meier(Counter(lives)) == kaplan_meier(lives)


@pytest.mark.parametrize("number", range(4, 40, 2))
def test_the_median_is_the_age_at_which_exactly_half_still_stand(number):
    steps = kaplan_meier([Life(0, age, age) for age in range(1, number + 1)])
    assert median_life_days(steps) == number / 2
