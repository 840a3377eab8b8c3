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
    """The three shares of each group with 95 % limits that take vendors as wholes.

    `table`: vendors x groups x 5, the listings of each vendor by FIELDS; `markets`: the market of each vendor. Low is only / every,
    declared weight / declared, high perhaps / every.

    `draws` resamplings of whole vendors within their market give the variance; where few vendors carry the share that is too small just
    when the share is (percentiles of the draws held it in 88 % of markets of 250 vendors, in 80 % of those of 30), so it is never taken to
    be under that of `effective_size`, which does not hang on which vendors happen to be large. The limits are Wilson's on the effective
    size of the greater variance, as Franco, Little, Louis and Slud 2019 recommend for clusters: skewed for small shares, and over 0 where
    nothing was seen.
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


def ratio_intervals(
    above: np.ndarray, below: np.ndarray, markets: Sequence[int], rng: np.random.Generator, *, goods: bool = False, draws: int = DRAWS
) -> list[Estimate | Refusal]:
    """The share above / below of each group, with limits as `share_intervals` gives them.

    `above`, `below`: vendors x groups; `goods`: they are amounts of money and not numbers of listings, and all that one vendor has counts as
    alike.
    """
    import numpy  # noqa: PLC0415, ICN001 - an extra: the daemon runs without it

    flat = numpy.hstack([above, below]).astype(float)
    places, groups = numpy.asarray(markets), above.shape[1]
    drawn = numpy.zeros((draws, 2 * groups))
    for market in numpy.unique(places):
        drawn += draw_sums(flat[places == market], rng, draws=draws)
    method = "share, bootstrap of vendors"
    return [
        _estimate(method, above[:, group], below[:, group], drawn[:, [group, groups + group]], goods=goods)
        if below[:, group].any()
        else Refusal(method, *UNCOUNTED)
        for group in range(groups)
    ]


def _bound(total: np.ndarray, samples: np.ndarray, vendors: np.ndarray, bound: int) -> Estimate | Refusal:
    method = f"{BOUNDS[bound]} share, bootstrap of vendors"
    above, below = ((0, 4), (1, 2), (3, 4))[bound]
    if not total[below]:
        return Refusal(method, *(UNCOUNTED if below == EVERY else UNDECLARED))
    return _estimate(method, vendors[:, above], vendors[:, below], samples[:, [above, below]])


def _estimate(method: str, hits: np.ndarray, sizes: np.ndarray, drawn: np.ndarray, *, goods: bool = False) -> Estimate | Refusal:
    """The share of `hits` in `sizes`, by vendor; `drawn`: the sums of both, draw by draw."""
    value = float(hits.sum() / sizes.sum())
    counted = sizes > 0
    if counted.sum() < LEAST_VENDORS:
        return Refusal(method, *ONE_VENDOR)
    fit = drawn[:, 1] > 0
    size = effective_size(hits[counted], sizes[counted], alike=1.0 if goods else None)
    spread = float((drawn[fit, 0] / drawn[fit, 1]).var(ddof=1))
    if spread:
        size = min(size, value * (1 - value) / spread)
    return Estimate(value, *score_limits(value, size), method)


def effective_size(hits: np.ndarray, sizes: np.ndarray, *, alike: float | None = None) -> float:
    """How many listings of as many vendors would tell as much as these: N^2 / sum n_i (1 + r (n_i - 1)), `hits` x_i of `sizes` n_i > 0.

    r is how alike the listings of one vendor are (intraclass correlation by analysis of variance), 1 where it cannot be told; `alike` says it.
    Sources: Donner 1986 (r); Kish 1965 and Rao, Scott 1992 (effective size).
    """
    vendors, total = len(sizes), float(sizes.sum())
    share = float(hits.sum()) / total
    if alike is None:
        alike = 1.0
        if total > vendors and 0 < share < 1:
            parts = hits / sizes
            between = float((sizes * (parts - share) ** 2).sum()) / (vendors - 1)
            inside = float((sizes * parts * (1 - parts)).sum()) / (total - vendors)
            typical = (total - float((sizes**2).sum()) / total) / (vendors - 1)
            alike = min(1.0, max(0.0, (between - inside) / (between + (typical - 1) * inside)))
    return float(total**2 / (sizes * (1 + alike * (sizes - 1))).sum())


def score_limits(share: float, size: float) -> tuple[float, float]:
    """Wilson's 95 % limits of a share of an effective number of things. Source: Wilson 1927."""
    square = Z_95**2
    centre = (share + square / (2 * size)) / (1 + square / size)
    margin = Z_95 / (1 + square / size) * math.sqrt(share * (1 - share) / size + square / (4 * size**2))
    return max(0.0, min(share, centre - margin)), min(1.0, max(share, centre + margin))


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
    share = hits / total
    return Estimate(share, *score_limits(share, total), "Wilson")
