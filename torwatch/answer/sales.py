"""What buyers left: feedback and counters as a floor of sales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from torwatch.answer.looks import week_ends
from torwatch.answer.scope import GOOD
from torwatch.measure.sales import counter_rises, most_shown, sales_limits
from torwatch.report import answer_sql as sql

if TYPE_CHECKING:
    from torwatch.answer.asking import Asking
    from torwatch.answer.looks import Array
    from torwatch.report.document import Cell, Label, Section


@dataclass(frozen=True, slots=True)
class Feedback:
    """Feedback first seen in the period: the place of its listing in the scope, and the look that saw it.

    `complains`: whether each does. `before`: the places of the listings of what was first seen before the period. `read` and `complaints`:
    all of it, also what is on no listing of the scope.
    """

    listing: Array
    look: Array
    complains: Array
    before: Array
    read: int
    complaints: int


def read_feedback(asking: Asking) -> Feedback:
    """One scan of table feedback; what is on no listing of the scope is read, but stands for no sale."""
    looks, bound = asking.scope.looks, asking.question.parameters
    found = asking.store.gather(
        sql.FEEDBACK, {}, lambda rows: np.fromiter(rows, dtype=[("listing", "i8"), ("snapshot", "i8"), ("complains", "i8")])
    )
    look = looks.place(found["snapshot"])
    at = looks.at[look] if len(look) else np.zeros(0, dtype="U32")
    inside = (at >= bound["since"]) & (at <= bound["until"])
    place, known = asking.scope.places(found["listing"][inside])
    before, _ = asking.scope.places(found["listing"][at < bound["since"]])
    complains = found["complains"][inside]
    return Feedback(place, look[inside][known], complains[known].astype(bool), before, int(inside.sum()), int(complains.sum()))


@dataclass(frozen=True, slots=True)
class _Series:
    """What pages showed, by listing and then time: the place of the listing in the scope, the look, and the number."""

    listing: Array
    look: Array
    value: Array

    def take(self, chosen: Array) -> _Series:
        return _Series(self.listing[chosen], self.look[chosen], self.value[chosen])


@dataclass(frozen=True, slots=True)
class _Sold:
    """By listing of the scope: feedback shown at once (the lower view) and ever first seen (the upper one), and the rise of its counter, NaN: none."""

    shown: Array
    first_seen: Array
    counted: Array


def sales_sections(asking: Asking, feedback: Feedback) -> list[Section]:
    """Orders by category with their floor and range, and what the site showed week by week."""
    shown, counter = (_read_series(asking, query) for query in (sql.SHOWN, sql.COUNTERS))
    return [_orders(asking, _count_sold(asking, feedback, shown, counter)), _shown_by_week(asking, feedback, shown, counter)]


def _read_series(asking: Asking, query: str) -> _Series:
    """One scan, up to the end of the period."""
    looks = asking.scope.looks
    found = asking.store.gather(query, {}, lambda rows: np.fromiter(rows, dtype=[("listing", "i8"), ("snapshot", "i8"), ("value", "i8")]))
    place, there = asking.scope.places(found["listing"])
    series = _Series(place, looks.place(found["snapshot"][there]), found["value"][there])
    return series.take(looks.at[series.look] <= asking.question.parameters["until"]) if len(place) else series


def _count_sold(asking: Asking, feedback: Feedback, shown: _Series, counter: _Series) -> _Sold:
    scope, since = asking.scope, asking.question.parameters["since"]
    size = len(scope.id)
    first_seen = np.bincount(feedback.listing, minlength=size) * scope.here
    now, inside = (scope.looks.at[series.look] >= since if len(series.look) else np.zeros(0, dtype=bool) for series in (shown, counter))
    more = most_shown(shown.listing, shown.value, now, size)
    counter = counter.take(inside)
    counted = np.bincount(counter.listing, counter_rises(counter.listing, counter.value), size).astype(float)
    counted[np.bincount(counter.listing, minlength=size) < 2] = np.nan  # noqa: PLR2004 - a difference needs two
    return _Sold(np.where(np.isnan(more), first_seen, np.fmin(more, first_seen)), first_seen, counted)


def _orders(asking: Asking, sold: _Sold) -> Section:
    """Orders in all and by category: the floor, both views of feedback, the range that they stand for, and what counters rose."""
    scope, here, size, code = asking.scope, asking.scope.here, len(asking.scope.categories), asking.question.country
    rises = np.nan_to_num(sold.counted) * here
    low, high = sales_limits(sold.shown, sold.first_seen, rises)
    figures = (np.maximum(sold.shown, rises), sold.shown, sold.first_seen, low, high, rises)
    shows, any_sold = here & ~np.isnan(sold.counted), here & ((sold.first_seen > 0) | (rises > 0))

    def row(label: Label, chosen: Array) -> tuple[Cell, ...]:
        *told, by_counter = (round(float(figure[chosen].sum())) for figure in figures)
        return (label, *told, by_counter if shows[chosen].any() else None, scope.vendors_of(any_sold & chosen))

    floors = np.bincount(scope.category, figures[0], size)
    order = sorted(np.unique(scope.category[any_sold]).tolist(), key=lambda place: (-floors[place], scope.categories[place]))
    rows: list[tuple[Cell, ...]] = []
    if order:
        rows = [
            row(asking.label("all goods", "all goods", "alle waar"), here),
            row(asking.label("physical drugs", "physical drugs", "fysieke drugs"), here & scope.drug),
        ]
    rows += [row(asking.category(place), here & (scope.category == place)) for place in order]
    columns = (
        ("category", "soort"),
        ("floor", "ondergrens"),
        ("shown", "getoond"),
        ("first seen", "eerst gezien", "feedback"),
        ("from", "van"),
        ("to", "tot"),
        ("counters", "tellers"),
        ("vendors", "verkopers"),
    )
    note = (
        (
            f"Orders from {code}, one feedback each. Shown: how much more feedback a look showed at once than any look before the period, the lower view. First seen:"
            " every entry first seen in the period, the upper view: what was edited counts twice. The first look at a listing brings its old orders,"
            " in both. Counters: what the market's own rose. Floor: of each listing the greater of shown and counter. From\u2013to: what they stand for, feedback being"
            " 71\u201388 % of sales (Kruithof et al. 2016): shown/0.88 to first seen/0.71, never under the counter."
        ),
        (
            f"Bestellingen uit {code}, één beoordeling elk. Getoond: hoeveel meer beoordelingen één keer tegelijk te zien waren dan ooit vóór de periode, de lage telling."
            " Eerst gezien: alles wat in de periode voor het eerst gezien is, de hoge telling: wie wijzigt telt dubbel. De eerste keer dat een aanbieding"
            " gezien is, brengt haar oude bestellingen mee, in beide. Tellers: hoeveel die van de markt stegen. Ondergrens: per aanbieding het grootste van getoond en teller."
            " Van\u2013tot: waar zij voor staan, want 71\u201388 % van de verkopen wordt beoordeeld (Kruithof e.a. 2016): getoond/0,88 tot eerst"
            " gezien/0,71, nooit onder de teller."
        ),
    )
    none = (
        "Not printed: no feedback and no rise of a counter was seen on listings of the country in this period.",
        "Niet vermeld: op aanbod van het land is in deze periode geen beoordeling en geen stijging van een teller gezien.",
    )
    titles = ("Sales floor and range", "Verkopen: ondergrens en bereik")
    return asking.section("sales", titles, columns, rows, sql.SALES, note, none if len(scope.id) else None)


def _shown_by_week(asking: Asking, feedback: Feedback, shown: _Series, counter: _Series) -> Section:
    """What the pages of the country's listings showed by the end of each week, and all feedback first seen by then."""
    scope, looks, bound = asking.scope, asking.scope.looks, asking.question.parameters
    day = np.floor(looks.day).astype("i8")
    good = day[np.isin(looks.state, GOOD) & (looks.at >= bound["since"]) & (looks.at <= bound["until"])]
    ends = np.array(week_ends(int(good.min()), int(good.max())) if len(good) else [], dtype="i8")

    def course(listing: Array, look: Array, moved: Array, before: int = 0) -> Array | None:
        here = scope.here[listing]
        if not here.any() and not before:
            return None
        week = np.searchsorted(ends, day[look[here]])
        return before + np.cumsum(np.bincount(week, moved[here], len(ends) + 1))[: len(ends)].astype("i8")

    courses = (
        course(shown.listing, shown.look, _moves(shown)),
        course(feedback.listing, feedback.look, np.ones(len(feedback.look)), int(scope.here[feedback.before].sum())),
        course(counter.listing, counter.look, _moves(counter)),
    )
    rows: list[tuple[Cell, ...]] = [
        (str(np.datetime64(int(end), "D")), *(None if course is None else int(course[at]) for course in courses))
        for at, end in enumerate(ends)
        if any(course is not None for course in courses)
    ]
    columns = (
        ("to", "tot"),
        ("feedback shown", "beoordelingen getoond", "shown"),
        ("first seen by then", "tot dan eerst gezien", "first_seen"),
        ("sold as shown", "verkocht volgens markt", "sold"),
    )
    note = (
        (
            "By the end of each week, of the country's listings: what each page showed when it was last read (lower view), all feedback ever first seen"
            " (upper view), and the market's own counters; of orders before the watch too."
        ),
        (
            "Aan het eind van elke week, van het aanbod van het land: wat elke pagina toonde toen zij het laatst gelezen is (lage telling), alle ooit geziene"
            " beoordelingen (hoge telling), en de tellers van de markt; ook van bestellingen van vóór het volgen."
        ),
    )
    none = (
        "Not printed: no feedback and no counter was shown by listings of the country.",
        "Niet vermeld: aanbod van het land toonde geen beoordeling en geen teller.",
    )
    titles = ("Feedback and sales as the site showed them", "Beoordelingen en verkopen zoals de site ze toonde")
    return asking.section("sales_shown", titles, columns, rows, sql.SALES_SHOWN, note, none if len(scope.id) else None)


def _moves(series: _Series) -> Array:
    """What each number of a listing is more than the one before it; the first one is whole."""
    same = np.concatenate([[False], series.listing[1:] == series.listing[:-1]])[: len(series.listing)]
    return series.value - np.where(same, np.concatenate([series.value[:1], series.value[:-1]]), 0)
