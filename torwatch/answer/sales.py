"""What buyers left: feedback as a floor of sales, and what speaks of scams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from torwatch.measure.estimate import Estimate
from torwatch.measure.sales import counter_rises, sales_range
from torwatch.measure.share import wilson
from torwatch.report import answer_sql as sql

if TYPE_CHECKING:
    from torwatch.answer.asking import Asking
    from torwatch.answer.looks import Array
    from torwatch.report.document import Cell, Section


@dataclass(frozen=True, slots=True)
class Feedback:
    """Feedback first seen in the period: the place of its listing in the scope, the look that saw it, and whether it complains."""

    listing: Array
    look: Array
    read: int
    complaints: int


def _read_period(asking: Asking, query: str, value: str) -> tuple[Array, Array]:
    """(the rows of one scan that were seen in the period, their looks); a row is listing, snapshot and a value."""
    looks, bound = asking.scope.looks, asking.question.parameters
    found = asking.store.gather(query, {}, lambda rows: np.fromiter(rows, dtype=[("listing", "i8"), ("snapshot", "i8"), (value, "i8")]))
    look = looks.place(found["snapshot"])
    inside = ((looks.at >= bound["since"]) & (looks.at <= bound["until"]))[look] if len(look) else np.zeros(0, dtype=bool)
    return found[inside], look[inside]


def read_feedback(asking: Asking) -> Feedback:
    """One scan of table feedback; what is on no listing of the scope is read, but stands for no sale."""
    found, look = _read_period(asking, sql.FEEDBACK, "complains")
    place, known = asking.scope.places(found["listing"])
    return Feedback(place, look[known], len(found), int(found["complains"].sum()))


def sales_section(asking: Asking, feedback: Feedback) -> Section:
    """Orders by category: feedback is the floor, and the range that it stands for; where a market counts its sales, what its counters rose."""
    scope = asking.scope
    size = len(scope.categories)
    listing = feedback.listing[scope.here[feedback.listing]]
    told = np.bincount(listing, minlength=len(scope.id))
    counted = _counted(asking)
    floor = np.bincount(scope.category, np.maximum(told, np.nan_to_num(counted)) * scope.here, size).astype("i8")
    orders = np.bincount(scope.category[listing], minlength=size)
    rises = np.bincount(scope.category, np.nan_to_num(counted) * scope.here, size).astype("i8")
    shows = np.bincount(scope.category[scope.here & ~np.isnan(counted)], minlength=size)
    sold = scope.here & ((told > 0) | (np.nan_to_num(counted) > 0))
    rows: list[tuple[Cell, ...]] = []
    for place in sorted(np.flatnonzero(floor).tolist(), key=lambda place: -floor[place]):
        figure = sales_range(int(orders[place]))
        limits = (round(figure.low or 0), round(figure.high or 0)) if isinstance(figure, Estimate) else (None, None)
        vendors = scope.vendors_of(sold & (scope.category == place))
        by_counter = int(rises[place]) if shows[place] else None
        rows.append((asking.category(place), int(floor[place]), int(orders[place]), *limits, by_counter, vendors))
    columns = (
        ("category", "soort"),
        ("floor", "ondergrens"),
        ("feedback", "beoordelingen"),
        ("from", "van"),
        ("to", "tot"),
        ("counters", "tellers"),
        ("vendors", "verkopers"),
    )
    note = (
        (
            "Orders. One feedback an order, and what the market's own counters rose where it shows them: of each listing the greater is the floor."
            " From\u2013to: what the feedback stands for, 71\u201388 % of sales (Kruithof et al. 2016); feedback that was edited counts twice."
        ),
        (
            "Bestellingen. Eén beoordeling per bestelling, en hoeveel de tellers van de markt stegen waar zij die toont: per aanbieding is het grootste de"
            " ondergrens. Van\u2013tot: waar de beoordelingen voor staan, 71\u201388 % van de verkopen (Kruithof e.a. 2016); wie een beoordeling wijzigt telt"
            " dubbel."
        ),
    )
    none = (
        "Not printed: no feedback and no rise of a counter was seen on listings of the country in this period.",
        "Niet vermeld: op aanbod van het land is in deze periode geen beoordeling en geen stijging van een teller gezien.",
    )
    return asking.section(
        "sales",
        ("Sales floor and range", "Verkopen: ondergrens en bereik"),
        columns,
        rows,
        sql.SALES,
        note,
        none if len(scope.id) else None,
    )


def _counted(asking: Asking) -> Array:
    """By listing of the scope what its "sold" counter rose in the period; NaN where none is shown twice."""
    scope = asking.scope
    found, _ = _read_period(asking, sql.COUNTERS, "sold")
    place, there = scope.places(found["listing"])
    sold = found["sold"][there]
    counted = np.bincount(place, counter_rises(place, sold), len(scope.id)).astype(float)
    counted[np.bincount(place, minlength=len(scope.id)) < 2] = np.nan  # noqa: PLR2004 - a difference needs two
    return counted


def scam_section(asking: Asking, feedback: Feedback) -> Section:
    """Claims of scams: complaints, bans, phishing checks, addresses that are not what they should be, and closed markets."""
    row = asking.rows(sql.SIGNS)[0]
    rows: list[tuple[Cell, ...]] = [
        (asking.label("feedback_read", "feedback read", "gelezen beoordelingen"), feedback.read),
        (
            asking.label("complaints", "that speaks of non-delivery or scam", "die van niet leveren of oplichting spreekt"),
            feedback.complaints,
        ),
        (
            asking.label("banned_accounts", "accounts that their market calls banned", "rekeningen die hun markt uitgesloten noemt"),
            row["banned"],
        ),
        (asking.label("phishing_checks", "pages that looked like phishing checks", "pagina's als phishing-controle"), row["phishing"]),
        (
            asking.label(
                "not_on_list", "addresses that are not on their market's signed list", "adressen die niet op de getekende lijst staan"
            ),
            row["not_on_list"],
        ),
        (
            asking.label("wrong_market", "addresses that served another market", "adressen die een andere markt toonden"),
            row["wrong_market"],
        ),
        (asking.label("markets_closed", "markets closed", "gesloten markten"), row["closed"]),
    ]
    part = wilson(feedback.complaints, feedback.read)
    note = ("Claims only; none was checked.", "Slechts beweringen; geen is nagegaan.")
    if isinstance(part, Estimate):
        limits = f"{asking.percent(part.value)} % ({asking.percents(part.low, part.high)})"
        note = (
            f"{note[0]} {limits} of the feedback read speaks of it: a plain proportion with Wilson's 95 % limits, as if each were written apart.",
            f"{note[1]} {limits} van de gelezen beoordelingen spreekt ervan: een gewoon aandeel met Wilsons 95 %-grenzen, alsof elke op zichzelf staat.",
        )
    columns = (("claim", "bewering"), ("number", "aantal"))
    return asking.section("scams", ("Scam indicators", "Aanwijzingen van oplichting"), columns, rows, sql.SCAMS, note)
