"""Sales as a floor: from feedback, from "n sold" counters, and without the prices that only hold a place."""

from __future__ import annotations

import itertools
import statistics
from typing import TYPE_CHECKING

from torwatch.measure.estimate import Estimate, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

FEEDBACK_SHARE = (0.71, 0.88)  # feedback covers 71-88 % of sales: Kruithof et al. 2016, p. 14
HOLDING_FACTORS = (3.0, 5.0, 10.0)
HOLDING_FACTOR = 5.0
HOLDING_USD = 10_000.0


def sales_range(feedback: float) -> Estimate | Refusal:
    """Feedback is a floor, one an order; the range of sales it stands for is F/0.88 to F/0.71."""
    if feedback <= 0:
        return Refusal("sales from feedback", "no feedback was seen in this period", "in deze periode is geen beoordeling gezien")
    return Estimate(feedback, feedback / FEEDBACK_SHARE[1], feedback / FEEDBACK_SHARE[0], "floor and range from feedback")


def sold_floor(counters: Sequence[float | None]) -> float | None:
    """Sales from a "n sold" counter over time: the sum of its rises; a fall (counted anew) adds what it stands at. None: under two values."""
    known = [value for value in counters if value is not None]
    if len(known) < 2:  # noqa: PLR2004 - a difference needs two
        return None
    return sum(max(0.0, after - before) if after >= before else after for before, after in itertools.pairwise(known))


def is_holding_price(
    price_usd: float, others_usd: Sequence[float], category_999_usd: float | None, *, feedback_since: bool, factor: float = HOLDING_FACTOR
) -> bool:
    """Whether a price only holds the listing's place; flagged, never deleted.

    Above max(factor x the median of its other prices, the category's 99.9th percentile), or above USD 10,000 without feedback since.
    """
    if price_usd > HOLDING_USD and not feedback_since:
        return True
    if not others_usd:
        return False
    return price_usd > max(factor * statistics.median(others_usd), category_999_usd or 0.0)


def value_feedback(prices_usd: Sequence[tuple[str, float]], held: Sequence[bool], at: str) -> float | None:
    """The last price that is not held, at or before a time (ISO 8601): what one feedback is worth. None where there is none."""
    usable = [price for (when, price), flag in zip(prices_usd, held, strict=True) if not flag and when <= at]
    return usable[-1] if usable else None
