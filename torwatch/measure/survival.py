"""How long listings and vendors stand: Kaplan-Meier with delayed entry and interval deaths."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from torwatch.measure.estimate import Z_95, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

Ends = Literal["earliest", "middle", "latest"]
METHOD = "Kaplan-Meier"
HALF = 0.5 + 1e-9  # a curve is a product of fractions: exactly one half may come out a hair above it


@dataclass(frozen=True, slots=True)
class Life:
    """One life in days of age.

    When it came under watch (0 unless it stood at the first snapshot), when it was last seen, and the first complete miss after that
    (None: it still stood when the watch or the market ended).
    """

    entered: float
    last_seen: float
    first_missed: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """The curve from this age on: survival with its 95 % log-log limits, deaths at the age and lives at risk just before it."""

    age_days: float
    survival: float
    low: float
    high: float
    deaths: int
    at_risk: int


def kaplan_meier(lives: Sequence[Life] | Mapping[Life, int], *, ends: Ends = "middle") -> list[Step] | Refusal:
    """S(t) = prod (1 - d/n), Greenwood variance, log-log limits. `ends`: where in (last seen, first miss) a death is put.

    A mapping says how many there are of each life: snapshots come at few moments, so many lives are alike.

    At risk at t: entered before t and not over before t. Source: Kaplan and Meier 1958; Kalbfleisch and Prentice for the limits.
    """
    counted = lives if isinstance(lives, Mapping) else Counter(lives)
    deaths: dict[float, int] = {}
    entries: dict[float, int] = {}
    overs: dict[float, int] = {}
    for life, count in counted.items():
        end, died = _exit(life, ends)
        if end > life.entered:
            entries[life.entered] = entries.get(life.entered, 0) + count
            overs[end] = overs.get(end, 0) + count
            if died:
                deaths[end] = deaths.get(end, 0) + count
    if not deaths:
        return Refusal(METHOD, "nothing was seen to end yet", "er is nog niets geëindigd")
    times, entering, leaving = sorted(deaths), sorted(entries), sorted(overs)
    steps, survival, greenwood, risk, entered, over = [], 1.0, 0.0, 0, 0, 0
    for time in times:
        while entered < len(entering) and entering[entered] < time:
            risk += entries[entering[entered]]
            entered += 1
        while over < len(leaving) and leaving[over] < time:
            risk -= overs[leaving[over]]
            over += 1
        died_now = deaths[time]
        survival *= 1 - died_now / risk
        if survival <= 0:
            steps.append(Step(time, 0.0, 0.0, 0.0, died_now, risk))
            break
        greenwood += died_now / (risk * (risk - died_now))
        spread = Z_95 * math.sqrt(greenwood) / math.log(survival)
        steps.append(Step(time, survival, survival ** math.exp(-spread), survival ** math.exp(spread), died_now, risk))
    return steps


def _exit(life: Life, ends: Ends) -> tuple[float, bool]:
    if life.first_missed is None:
        return life.last_seen, False
    at = {"earliest": life.last_seen, "middle": (life.last_seen + life.first_missed) / 2, "latest": life.first_missed}
    return at[ends], True


def step_at(steps: Sequence[Step], age_days: float) -> Step:
    """The curve at an age: a whole one, without a death, before the first death."""
    return next((step for step in reversed(steps) if step.age_days <= age_days), Step(age_days, 1.0, 1.0, 1.0, 0, 0))


def median_life_days(steps: Sequence[Step]) -> float | None:
    """The first age at which no more than half still stand; None where the curve does not come down so far."""
    return next((step.age_days for step in steps if step.survival <= HALF), None)


def seen_at_best(steps: Sequence[Step], every_days: float) -> float:
    """(1/D) integral of S from 0 to D: the share of all listings that a complete crawl every D days sees at best."""
    area, before, level = 0.0, 0.0, 1.0
    for step in steps:
        if step.age_days >= every_days:
            break
        area += (step.age_days - before) * level
        before, level = step.age_days, step.survival
    return (area + (every_days - before) * level) / every_days


def longest_rhythm_days(steps: Sequence[Step], wanted: float, *, longest_days: float = 365.0) -> float:
    """The longest interval in days that sees the share `wanted` at best (seen_at_best falls with the interval), by bisection."""
    low, high = 0.0, longest_days
    if seen_at_best(steps, high) >= wanted:
        return high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if seen_at_best(steps, middle) >= wanted else (low, middle)
    return low
