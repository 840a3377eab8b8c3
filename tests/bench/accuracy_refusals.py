"""Every rule of refusal, provoked: what was asked, and what came back."""

from __future__ import annotations

import functools
import random
from typing import TYPE_CHECKING

import numpy as np

from torwatch.measure.abundance import count_seen, coverage, ever_at_least, schnabel, schumacher_eschmeyer, two_passes
from torwatch.measure.sales import sales_range
from torwatch.measure.share import share_intervals
from torwatch.measure.survival import Life, kaplan_meier

if TYPE_CHECKING:
    from torwatch.measure.estimate import Estimate, Refusal


def refusals() -> dict[str, Estimate | Refusal | list]:
    """By rule."""
    nothing, random_numbers = np.zeros((2, 0), dtype=bool), random.Random(1)
    chapman = functools.partial(two_passes, {1, 2, 3}, [[2, 3, 4]], rng=random_numbers)
    looks = count_seen(np.array([[True, False, True], [True, True, False], [False, True, True]]))
    apart = count_seen(np.eye(3, dtype=bool))
    few = {"window_days": 1.0, "median_life_days": 30.0}
    one_vendor = np.ones((1, 1, 5))
    undeclared = np.array([[[0, 0, 0, 1, 1]], [[0, 0, 0, 2, 2]]], dtype=float)
    return {
        "pass B drawn from what pass A found": chapman(independent=False, **few),
        "window over a tenth of the median life": chapman(independent=True, window_days=3.1, median_life_days=30.0),
        "two passes, life unknown": chapman(independent=True, window_days=1.0, median_life_days=None),
        "no second pass": two_passes({1}, [], independent=True, rng=random_numbers, **few),
        "pass A saw nothing": two_passes(set(), [[1]], independent=True, rng=random_numbers, **few),
        "no overlap": two_passes({1}, [[2]], independent=True, rng=random_numbers, **few),
        "two looks": schnabel(count_seen(np.ones((2, 3), dtype=bool)), **few),
        "window over the median life": schnabel(looks, window_days=31.0, median_life_days=30.0),
        "looks, life unknown": schnabel(looks, window_days=1.0, median_life_days=None),
        "nothing seen twice": schnabel(apart, **few),
        "looks that rotate through the pages": schnabel(looks, independent=False, **few),
        "check: window over the median life": schumacher_eschmeyer(looks, window_days=31.0, median_life_days=30.0),
        "check: looks that rotate": schumacher_eschmeyer(looks, independent=False, **few),
        "lower bound of one look": ever_at_least(np.ones((1, 3), dtype=bool)),
        "lower bound of looks that rotate": ever_at_least(np.ones((3, 3), dtype=bool), independent=False),
        "lower bound of two looks": ever_at_least(np.ones((2, 3), dtype=bool)),
        "coverage of one look": coverage(count_seen(np.ones((1, 3), dtype=bool))),
        "coverage of nothing": coverage(count_seen(nothing)),
        "curve without an end": kaplan_meier([Life(0.0, 10.0, None)]),
        "share of one vendor": share_intervals(one_vendor, [0], np.random.default_rng(1))[0][1],
        "share where nothing declares": share_intervals(undeclared, [0, 0], np.random.default_rng(1))[0][1],
        "share of nothing": share_intervals(np.zeros((1, 1, 5)), [0], np.random.default_rng(1))[0][0],
        "sales without feedback": sales_range(0),
    }
