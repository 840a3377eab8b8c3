"""What the feedback of the period was worth: the price in force when it was first seen, without prices that only hold a place."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from torwatch.answer.asking import share_cells
from torwatch.measure.sales import FEEDBACK_SHARE, HOLDING_FACTOR, HOLDING_FACTORS, held_prices, median_of_others, top_prices
from torwatch.measure.share import ratio_intervals
from torwatch.normalisers import rate_table
from torwatch.report import answer_sql as sql

if TYPE_CHECKING:
    from torwatch.answer.asking import Asking
    from torwatch.answer.looks import Array
    from torwatch.answer.sales import Feedback
    from torwatch.measure.estimate import Estimate, Refusal
    from torwatch.normalise.rates import RateTable
    from torwatch.report.document import Cell, Label, Section

NOT_VALUED = (
    "Not printed: no order of this period can be valued. Import rates (torwatch rates import) where prices are not in USD.",
    "Niet vermeld: geen bestelling van deze periode is te waarderen. Voer koersen in (torwatch rates import) als prijzen niet in USD zijn.",
)


@dataclass(frozen=True, slots=True)
class _Points:
    """Every price of the listings, by listing and time: in force from `look` on (-1: from the first), in the listing's currency and USD."""

    listing: Array
    look: Array
    price: Array
    usd: Array

    def in_force(self, listing: Array, look: Array) -> Array:
        """The place of the price in force, by listing and look."""
        size = int(max(self.look.max(initial=0), look.max(initial=0))) + 2
        return np.searchsorted(self.listing * size + self.look + 1, listing * size + look + 1, side="right") - 1


def money_sections(asking: Asking, feedback: Feedback) -> list[Section]:
    """Sales in USD by category, with the country's share of revenue; and what other rules for holding prices would give."""
    scope = asking.scope
    tables = _read_tables(asking)
    points = _read_points(asking, tables)
    rates = _rates(asking, tables, scope.market[feedback.listing], scope.currency[feedback.listing], feedback.look)
    top = top_prices(scope.group, _newest_usd(points, len(scope.id)), len(scope.groups))
    top[scope.groups.index("unknown")] = np.nan
    fed = _fed(points, feedback)
    others = median_of_others(points.listing, points.usd)
    flags = {factor: held_prices(points.usd, others, top[scope.group[points.listing]], fed, factor=factor) for factor in HOLDING_FACTORS}
    flags[0.0] = np.zeros(len(points.listing), dtype=bool)
    worth = {factor: _worth(points, held, feedback, rates) for factor, held in flags.items()}
    here = scope.here[feedback.listing]
    return [
        _by_category(asking, feedback, worth[HOLDING_FACTOR]),
        _sensitivity(
            asking, {factor: float(np.nansum(value[here])) for factor, value in worth.items()}, {k: int(v.sum()) for k, v in flags.items()}
        ),
    ]


def _by_category(asking: Asking, feedback: Feedback, usd: Array) -> Section:
    totals = _totals(asking, feedback, usd)
    valued = totals[0][1]
    rows: list[tuple[Cell, ...]] = [
        (name, number, round(floor), *(round(floor / part) for part in reversed(FEEDBACK_SHARE)), *share_cells(share))
        for name, number, floor, share in totals
    ]
    code = asking.question.country
    known = int(asking.scope.here[feedback.listing].sum())
    note = (
        (
            f"USD. {valued} of {known} orders could be valued: at the price in force when the feedback was first seen and that day's rate."
            f" Prices that only hold a place are passed over (factor {HOLDING_FACTOR:.0f}). % of revenue: {code} of what names a country, with limits by draws of whole vendors; none of one vendor's."
        ),
        (
            f"USD. {valued} van {known} bestellingen zijn te waarderen: tegen de prijs die gold toen de beoordeling voor het eerst werd gezien"
            f" en de koers van die dag. Prijzen die slechts een plaats bezet houden zijn overgeslagen (factor {HOLDING_FACTOR:.0f})."
            f" % van omzet: {code} van wat een land noemt, met grenzen door trekkingen van hele verkopers; geen van één verkoper."
        ),
    )
    columns = (
        ("category", "soort"),
        ("orders", "bestellingen"),
        ("floor", "ondergrens"),
        ("from", "van"),
        ("to", "tot"),
        ("% of revenue", "% van omzet", "percent_of_revenue"),
        ("95 %", "95 %", "limits"),
    )
    return asking.section(
        "sales_money", ("Sales in money", "Verkopen in geld"), columns, rows if valued else [], sql.SALES_MONEY, note, NOT_VALUED
    )


def _totals(asking: Asking, feedback: Feedback, usd: Array) -> list[tuple[Label, int, float, Estimate | Refusal]]:
    """All goods, physical drugs and each category: orders from the country, their USD, and its share of the revenue that names a country.

    USD of a listing of several origins is split over them in the share.
    """
    scope = asking.scope
    valued = ~np.isnan(usd)
    listing, usd = feedback.listing[valued], usd[valued]
    here, category = scope.here[listing], scope.category[listing]
    ours = np.bincount(category[here], usd[here], len(scope.categories))
    order = sorted(np.unique(category[here]).tolist(), key=lambda place: -ours[place])
    groups = [
        (asking.label("all goods", "all goods", "alle waar"), np.ones(len(listing), dtype=bool)),
        (asking.label("physical drugs", "physical drugs", "fysieke drugs"), scope.drug[listing]),
        *((asking.category(place), category == place) for place in order),
    ]
    vendor, size = scope.vendor[listing], len(scope.vendors)
    split, every = (
        np.stack([np.bincount(vendor[chosen], worth[chosen], size) for _, chosen in groups], axis=1)
        for worth in (usd * scope.weight[listing], usd * scope.declared[listing])
    )
    rng = np.random.default_rng(asking.question.seed)
    shares = ratio_intervals(split, every, scope.vendor_market.tolist(), rng, goods=True)
    return [
        (label, int((here & chosen).sum()), float(usd[here & chosen].sum()), share)
        for (label, chosen), share in zip(groups, shares, strict=True)
    ]


def _sensitivity(asking: Asking, totals: dict[float, float], flagged: dict[float, int]) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (
            asking.label(f"factor_{factor:.0f}", f"factor {factor:.0f}", f"factor {factor:.0f}")
            if factor
            else asking.label("none", "none passed over", "geen overgeslagen"),
            flagged[factor],
            round(totals[factor]),
        )
        for factor in sorted(totals)
    ]
    columns = (
        ("rule", "regel"),
        ("prices passed over", "prijzen overgeslagen"),
        (f"{asking.question.country}, USD", f"{asking.question.country}, USD", "usd_here"),
    )
    note = (
        (
            "A price only holds its listing's place when it is above the factor times the median of the listing's other prices and the 99.9th percentile"
            " of its group, or above USD 10,000 with no feedback since."
        ),
        (
            "Een prijs houdt slechts een plaats bezet als hij boven de factor maal de mediaan van de andere prijzen van het aanbod en het 99,9e percentiel"
            " van zijn groep ligt, of boven USD 10.000 zonder beoordeling sindsdien."
        ),
    )
    titles = ("Sales in money by other rules", "Verkopen in geld naar andere regels")
    return asking.section("sales_sensitivity", titles, columns, rows if totals[0.0] else [], sql.SALES_MONEY, note, NOT_VALUED)


def _read_points(asking: Asking, tables: dict[int, RateTable]) -> _Points:
    """The prices of every listing; one whose currency changed is left out, since its old prices have another one."""
    scope = asking.scope
    rows = asking.store.rows(sql.PRICE_CHANGES)
    ids = np.array([row[0] for row in rows], dtype="i8")
    place, there = scope.places(ids)
    kept = [row for row, known in zip(rows, there.tolist(), strict=True) if known]
    look = scope.looks.place(np.array([row[1] for row in kept], dtype="i8"))
    old, new = (np.array([_number(row[at]) for row in kept], dtype=float) for at in (2, 3))
    moved = place[np.array([row[4] == "currency" for row in kept], dtype=bool)]
    first = np.unique(place, return_index=True)[1] if len(place) else np.zeros(0, dtype="i8")
    price = scope.price.copy()
    single = ~np.isnan(price)
    price[place[first]] = old[first]
    usable = single & ~np.isin(np.arange(len(price)), moved)
    listing = np.concatenate([np.flatnonzero(usable), place[usable[place]]])
    looks = np.concatenate([np.full(int(usable.sum()), -1), look[usable[place]]])
    prices = np.concatenate([price[usable], new[usable[place]]])
    order = np.lexsort((looks, listing))
    listing, looks, prices = listing[order], looks[order], prices[order]
    began = np.zeros(len(scope.id), dtype="i8")
    spells = scope.spells
    began[spells.owner[::-1]] = spells.opened[::-1]
    at = np.where(looks < 0, began[listing], looks)
    usd = prices * _rates(asking, tables, scope.market[listing], scope.currency[listing], at)
    return _Points(listing, looks, prices, usd)


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else np.nan
    except ValueError:
        return np.nan


def _read_tables(asking: Asking) -> dict[int, RateTable]:
    """By market the imported rates and those of its own quotes."""
    names = {row["id"]: row["name"] for row in asking.store.rows("SELECT id, name FROM market")}
    return {market: rate_table(asking.store, names[market]) for market in np.unique(asking.scope.market).tolist()}


def _rates(asking: Asking, tables: dict[int, RateTable], market: Array, currency: Array, look: Array) -> Array:
    """USD of one unit of each currency at a look, by the imported rates and those that the market quotes; NaN where there is none."""
    looks, currencies = asking.scope.looks, asking.scope.currencies
    widest, size = max(currencies, default=0) + 1, len(looks.number) + 1
    keys, which = np.unique((market * widest + currency) * size + look, return_inverse=True)
    found = np.full(len(keys), np.nan)
    for at, key in enumerate(keys.tolist()):
        left, place = divmod(key, size)
        one, code = divmod(left, widest)
        rate = tables[one].convert("1", currencies[code], "USD", dt.datetime.fromisoformat(str(looks.at[place]))) if code else None
        if rate is not None:
            found[at] = float(rate.rate)
    return found[which]


def _newest_usd(points: _Points, size: int) -> Array:
    newest = np.full(size, np.nan)
    newest[points.listing] = points.usd  # in order of time: the last one stays
    return newest


def _fed(points: _Points, feedback: Feedback) -> Array:
    """Whether feedback was first seen while a price was in force, after the look that brought it."""
    fed = np.zeros(len(points.listing), dtype=bool)
    if len(points.listing):
        place = points.in_force(feedback.listing, feedback.look - 1)
        right = (place >= 0) & (points.listing[place] == feedback.listing)
        fed[place[right]] = True
    return fed


def _worth(points: _Points, held: Array, feedback: Feedback, rates: Array) -> Array:
    """USD of each feedback: the last price that is not held, at or before it; NaN where there is none."""
    worth = np.full(len(feedback.listing), np.nan)
    if not len(points.listing):
        return worth
    last = np.maximum.accumulate(np.where(held, -1, np.arange(len(held))))
    place = points.in_force(feedback.listing, feedback.look)
    place = np.where(place >= 0, last[place], -1)
    right = (place >= 0) & (points.listing[place] == feedback.listing)
    worth[right] = points.price[place[right]] * rates[right]
    return worth
