"""The share of one country in three bounds, with an interval that resamples whole vendors; Wilson limits for plain proportions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torwatch.measure.estimate import Z_95, Estimate, Refusal
from torwatch.measure.resample import DRAWS, draw_sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

LEAST_VENDORS = 2
# That claim only the country; its weight among all they declare; that declare any; that may be of it (it, undeclared, world, or only
# regions that hold it); and all.
FIELDS = ("only_here", "weight", "declared", "perhaps", "every")
EVERY = FIELDS.index("every")
UNCOUNTED = ("no listing is counted here", "hier is geen aanbieding geteld")
UNDECLARED = ("no listing declares a country", "geen aanbieding noemt een land")
ONE_VENDOR = (
    "all listings are of one vendor: a share would be that vendor's",
    "alle aanbiedingen zijn van één verkoper: een aandeel zou het zijne zijn",
)
BOUNDS = ("low", "declared", "high")


def share_intervals(
    table: np.ndarray, markets: Sequence[int], rng: np.random.Generator, *, draws: int = DRAWS
) -> list[tuple[Estimate | Refusal, Estimate | Refusal, Estimate | Refusal]]:
    """The three shares of each group with limits from `draws` resamplings of whole vendors within their market (2.5-97.5 %).

    `table`: vendors x groups x 5, the listings of each vendor by FIELDS; `markets`: the market of each vendor. Low is only / every,
    declared weight / declared, high perhaps / every.
    """
    import numpy  # noqa: PLC0415, ICN001 - an extra: the daemon runs without it

    vendors, groups, fields = table.shape
    flat = table.reshape(vendors, groups * fields).astype(float)
    places = numpy.asarray(markets)
    drawn = numpy.zeros((draws, groups * fields))
    for market in numpy.unique(places):
        drawn += draw_sums(flat[places == market], rng, draws=draws)
    sums = flat.sum(axis=0).reshape(groups, fields)
    samples = drawn.reshape(draws, groups, fields)
    return [
        tuple(_bound(sums[group], samples[:, group], table[:, group], bound) for bound in range(3))  # type: ignore[misc]  # three of them
        for group in range(groups)
    ]


def _bound(total: np.ndarray, samples: np.ndarray, vendors: np.ndarray, bound: int) -> Estimate | Refusal:
    import numpy  # noqa: PLC0415, ICN001 - an extra: the daemon runs without it

    method = f"{BOUNDS[bound]} share, bootstrap of vendors"
    above, below = ((0, 4), (1, 2), (3, 4))[bound]
    if not total[below]:
        return Refusal(method, *(UNCOUNTED if below == EVERY else UNDECLARED))
    value = float(total[above] / total[below])
    if int((vendors[:, below] > 0).sum()) < LEAST_VENDORS:
        return Refusal(method, *ONE_VENDOR)
    fit = samples[:, below] > 0
    low, high = numpy.quantile(samples[fit, above] / samples[fit, below], (0.025, 0.975))
    return Estimate(value, float(low), float(high), method)


def finite_market(estimate: Estimate, seen_share: float) -> Estimate:
    """The interval for the listings that stand in this market alone: narrower by sqrt(1 - share seen), and labelled so."""
    shrink = math.sqrt(max(0.0, 1 - seen_share))
    low = None if estimate.low is None else estimate.value - shrink * (estimate.value - estimate.low)
    high = None if estimate.high is None else estimate.value + shrink * (estimate.high - estimate.value)
    return Estimate(estimate.value, low, high, f"{estimate.method}, this market only")


def wilson(hits: int, total: int) -> Estimate | Refusal:
    """A plain proportion with Wilson's 95 % limits. Source: Wilson 1927."""
    if not total:
        return Refusal("Wilson", "nothing is counted", "er is niets geteld")
    share, square = hits / total, Z_95**2
    centre = (share + square / (2 * total)) / (1 + square / total)
    margin = Z_95 / (1 + square / total) * math.sqrt(share * (1 - share) / total + square / (4 * total**2))
    return Estimate(share, max(0.0, centre - margin), min(1.0, centre + margin), "Wilson")
