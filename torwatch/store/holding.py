"""Holding prices: absurd prices that keep a listing's place while its vendor is out of stock; flagged, never deleted."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from statistics import median
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torwatch.store.database import Store

FACTOR = Decimal(5)  # design: measurement 2.6; reports print totals for 3, 5 and 10
CEILING_USD = Decimal(10_000)
LEAST_CATEGORY = 1_000  # listings of a group: a 99.9th percentile of fewer is only its highest price
PERCENTILE = 0.999


class IsHolding(Protocol):
    """The rule: whether a price is a holding price, all amounts in USD (normalise.price.holding_price)."""

    def __call__(
        self,
        price: Decimal,
        others_of_listing: Sequence[Decimal],
        category_p999: Decimal | None,
        had_feedback_since: bool,  # noqa: FBT001 - the signature of the rule
        *,
        factor: Decimal,
        ceiling: Decimal,
    ) -> bool:
        """Apply the rule."""


@dataclass(frozen=True, slots=True)
class HeldPrice:
    """One flagged price: in force from `from_snapshot` until `until_snapshot` (None: still), with why."""

    listing_id: int
    market: str
    from_snapshot: int
    until_snapshot: int | None
    price: str
    currency: str
    usd: Decimal
    reason: str


@dataclass(slots=True)
class _Price:
    """One price in the history of a listing."""

    from_snapshot: int
    at: dt.datetime
    price: str | None
    currency: str | None
    until_snapshot: int | None = None
    usd: Decimal | None = None


def find_held_prices(
    store: Store,
    *,
    to_usd: Callable[[Decimal, str, dt.datetime, str], Decimal | None],
    is_holding: IsHolding,
    factor: Decimal = FACTOR,
    ceiling: Decimal = CEILING_USD,
    market: str | None = None,
) -> list[HeldPrice]:
    """Every price, present and past, that the rule flags, by listing and time.

    `to_usd` takes amount, currency, moment and market's name; a price that it cannot convert is never flagged. The category of the rule is
    the substance group over all markets, of listings as now priced; a group of fewer than LEAST_CATEGORY gives no bound.
    """
    groups: dict[int, str] = {}
    histories: dict[int, tuple[str, list[_Price]]] = {}
    by_group: dict[str, list[Decimal]] = defaultdict(list)
    for listing_id, name, group, history in read_histories(store):
        for price in history:
            price.usd = _convert(price, name, to_usd)
        groups[listing_id], histories[listing_id] = group, (name, history)
        if history[-1].usd is not None:
            by_group[group].append(history[-1].usd)
    bounds = {
        group: percentile(prices, PERCENTILE) for group, prices in by_group.items() if len(prices) >= LEAST_CATEGORY and group != "unknown"
    }
    feedback = read_feedback(store)
    found = []
    for listing_id, (name, history) in histories.items():
        if market is not None and name != market:
            continue
        bound = bounds.get(groups[listing_id])
        for number, price in enumerate(history):
            if price.usd is None or price.price is None or price.currency is None:
                continue
            others = [other.usd for place, other in enumerate(history) if place != number and other.usd is not None]
            sold = any(
                price.from_snapshot < seen and (price.until_snapshot is None or seen <= price.until_snapshot)
                for seen in feedback.get(listing_id, ())
            )
            if is_holding(price.usd, others, bound, sold, factor=factor, ceiling=ceiling):
                found.append(
                    HeldPrice(
                        listing_id,
                        name,
                        price.from_snapshot,
                        price.until_snapshot,
                        price.price,
                        price.currency,
                        price.usd,
                        explain(price.usd, others, bound, groups[listing_id], factor, ceiling),
                    )
                )
    return found


def explain(usd: Decimal, others: Sequence[Decimal], bound: Decimal | None, group: str, factor: Decimal, ceiling: Decimal) -> str:
    """Why a price is flagged, as one line."""
    parts = []
    if others:
        parts.append(f"{factor} times the median of its other prices ({median(others):.2f} USD)")
    if bound is not None:
        parts.append(f"the 99.9th percentile of {group} ({bound:.2f} USD)")
    limits = ([factor * median(others)] if others else []) + ([] if bound is None else [bound])
    if limits and usd > max(limits):
        return f"{usd:.2f} USD is above {' and '.join(parts)}"
    return f"{usd:.2f} USD is above {ceiling} USD, with no feedback since"


def percentile(prices: Sequence[Decimal], share: float) -> Decimal:
    """The nearest-rank percentile of a list that is not empty."""
    return sorted(prices)[math.ceil(share * len(prices)) - 1]


def read_histories(store: Store) -> Iterator[tuple[int, str, str, list[_Price]]]:
    """(listing id, market, substance group, its prices from first to last) of every listing, from the change rows."""
    rows = store.rows(
        "SELECT listing.id, market.name AS market, coalesce(listing.substance_group, 'unknown') AS grouped, change.snapshot_id,"
        " change.field, change.new, change.cause, snapshot.started_at AS at"
        " FROM listing JOIN market ON market.id = listing.market_id"
        " JOIN change ON change.market_id = listing.market_id AND change.entity = 'listing' AND change.key = listing.key"
        " AND (change.cause = 'new' OR change.field IN ('price', 'currency'))"
        " JOIN snapshot ON snapshot.id = change.snapshot_id ORDER BY listing.id, change.id"
    )
    current: tuple[int, str, str] | None = None
    history: list[_Price] = []
    for row in rows:
        identity = (row["id"], row["market"], row["grouped"])
        if identity != current:
            if current is not None and history:
                yield (*current, history)
            current, history = identity, []
        _apply(history, row["snapshot_id"], row["at"], row["field"], row["new"], first=row["cause"] == "new")
    if current is not None and history:
        yield (*current, history)


def _apply(history: list[_Price], snapshot: int, at: str, field: str | None, new: str | None, *, first: bool) -> None:
    """Take one change row into a history; price and currency that change in one snapshot are one new price."""
    if first:
        claims = json.loads(new or "{}")
        history.append(_Price(snapshot, dt.datetime.fromisoformat(at), claims.get("price"), claims.get("currency")))
        return
    last = history[-1]
    if last.from_snapshot != snapshot:
        last.until_snapshot = snapshot
        last = _Price(snapshot, dt.datetime.fromisoformat(at), last.price, last.currency)
        history.append(last)
    if field == "price":
        last.price = new
    else:
        last.currency = new


def _convert(price: _Price, market: str, to_usd: Callable[[Decimal, str, dt.datetime, str], Decimal | None]) -> Decimal | None:
    if price.price is None or price.currency is None:
        return None
    try:
        return to_usd(Decimal(price.price), price.currency, price.at, market)
    except InvalidOperation:
        return None


def read_feedback(store: Store) -> dict[int, list[int]]:
    """Listing id → snapshots in which feedback on it was first seen."""
    found: dict[int, list[int]] = defaultdict(list)
    for row in store.rows("SELECT DISTINCT listing_id, first_snapshot_id FROM feedback WHERE listing_id IS NOT NULL"):
        found[row["listing_id"]].append(row["first_snapshot_id"])
    return found
