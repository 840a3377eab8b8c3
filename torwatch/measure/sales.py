"""Sales as a floor: from feedback, from "n sold" counters, and without the prices that only hold a place; over arrays (numpy)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from torwatch.measure.estimate import Estimate, Refusal

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

FEEDBACK_SHARE = (0.71, 0.88)  # feedback covers 71-88 % of sales: Kruithof et al. 2016, p. 14
HOLDING_FACTORS = (10.0, 5.0, 3.0)
HOLDING_FACTOR = 5.0
HOLDING_USD = 10_000.0
PERCENTILE = 0.999
LEAST_PRICES = 1_000  # a 99.9th percentile of fewer is only their highest


def sales_range(feedback: float) -> Estimate | Refusal:
    """Feedback is a floor, one an order; the range of sales it stands for is F/0.88 to F/0.71."""
    if feedback <= 0:
        return Refusal("sales from feedback", "no feedback was seen in this period", "in deze periode is geen beoordeling gezien")
    low, high = (float(limit[0]) for limit in sales_limits(*(np.array([found]) for found in (feedback, feedback, 0.0))))
    return Estimate(feedback, low, high, "floor and range from feedback")


def sales_limits(shown: Array, first_seen: Array, counted: Array) -> tuple[Array, Array]:
    """By listing the least and the most orders that what was seen stands for.

    `shown`: entries of feedback shown at once, the lower view; `first_seen`: every entry ever first seen, the upper one, in which an edited
    entry counts twice; `counted`: what the market's own counter rose, 0 where it shows none: neither limit is under it.
    """
    few, most = FEEDBACK_SHARE
    return np.maximum(shown / most, counted), np.maximum(first_seen / few, counted)


def most_shown(owner: Array, count: Array, inside: Array, owners: int) -> Array:
    """By owner how much more one look of the period showed at once than any look before it; NaN where nothing was ever shown.

    `count`: what a look showed; `inside`: whether it is of the period (others are before it). Rises are not added up: a page that was read
    in part falls and rises again without a sale.
    """
    most, before, seen = np.zeros(owners), np.zeros(owners), np.zeros(owners, dtype=bool)
    np.maximum.at(most, owner[inside], count[inside])
    np.maximum.at(before, owner[~inside], count[~inside])
    seen[owner] = True
    return np.where(seen, np.maximum(0, most - before), np.nan)


def counter_rises(owner: Array, count: Array) -> Array:
    """What each value of a "n sold" counter adds to the one before it; values by owner, then time.

    A fall (counted anew) adds what it stands at; the first value of an owner adds nothing, since a difference needs two.
    """
    if not len(count):
        return np.zeros(0)
    before = np.concatenate([count[:1], count[:-1]])
    same = np.concatenate([[False], owner[1:] == owner[:-1]])
    return np.where(same, np.where(count >= before, count - before, count), 0)


def median_of_others(owner: Array, usd: Array) -> Array:
    """By price the median of its owner's other prices; NaN where there are none. A price that is NaN is no price."""
    found = np.full(len(usd), np.nan)
    real = np.flatnonzero(~np.isnan(usd))
    order = real[np.lexsort((usd[real], owner[real]))]
    owners, values = owner[order], usd[order]
    first = np.searchsorted(owners, owners, side="left")
    others = np.searchsorted(owners, owners, side="right") - first - 1
    rank = np.arange(len(order)) - first
    several = others > 0
    low, high = (others - 1) // 2, others // 2
    # The places are among the others: from its own rank on, a price itself is stepped over.
    places = [first + np.where(several, place + (place >= rank), 0) for place in (low, high)]
    found[order] = np.where(several, (values[places[0]] + values[places[1]]) / 2, np.nan)
    return found


def held_prices(usd: Array, others_usd: Array, top_usd: Array, fed: Array, *, factor: float = HOLDING_FACTOR) -> Array:
    """Whether each price only holds its listing's place; flagged, never deleted.

    Above max(factor x the median of the listing's other prices, the category's 99.9th percentile), or above USD 10,000 with no feedback
    since (`fed`: there was). A bound that is not known (NaN) is left out; with neither, only the ceiling counts.
    """
    bound = np.fmax(factor * others_usd, top_usd)
    return (usd > bound) | ((usd > HOLDING_USD) & ~fed)


def top_prices(group: Array, usd: Array, groups: int) -> Array:
    """The 99.9th percentile (nearest rank) of the prices of each group; NaN where there are fewer than 1,000."""
    found = np.full(groups, np.nan)
    real = ~np.isnan(usd)
    order = np.lexsort((usd[real], group[real]))
    values = usd[real][order]
    number = np.bincount(group[real], minlength=groups)
    enough = number >= LEAST_PRICES
    rank = np.ceil(PERCENTILE * number).astype("i8") - 1
    found[enough] = values[(np.cumsum(number) - number + rank)[enough]]
    return found
