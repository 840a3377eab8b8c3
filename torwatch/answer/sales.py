"""What buyers left: feedback as a floor of sales, and what speaks of scams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from torwatch.measure.estimate import Estimate
from torwatch.measure.sales import sales_range
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


def read_feedback(asking: Asking) -> Feedback:
    """One scan of table feedback; what is on no listing of the scope is read, but stands for no sale."""
    scope = asking.scope
    found = asking.store.gather(
        sql.FEEDBACK, {}, lambda rows: np.fromiter(rows, dtype=[("listing", "i8"), ("snapshot", "i8"), ("complains", "i8")])
    )
    look = scope.looks.place(found["snapshot"])
    since, until = asking.question.parameters["since"], asking.question.parameters["until"]
    inside = ((scope.looks.at >= since) & (scope.looks.at <= until))[look] if len(look) else np.zeros(0, dtype=bool)
    listing, look = found["listing"][inside], look[inside]
    place, known = scope.places(listing)
    return Feedback(place, look[known], len(listing), int(found["complains"][inside].sum()))


def sales_section(asking: Asking, feedback: Feedback) -> Section:
    """Orders by category: feedback is the floor, and the range that it stands for."""
    scope = asking.scope
    listing = feedback.listing[scope.here[feedback.listing]]
    orders = np.bincount(scope.category[listing], minlength=len(scope.categories))
    rows: list[tuple[Cell, ...]] = []
    for place in sorted(np.flatnonzero(orders).tolist(), key=lambda place: -orders[place]):
        figure = sales_range(int(orders[place]))
        if isinstance(figure, Estimate):
            vendors = scope.vendors_of(listing[scope.category[listing] == place])
            rows.append((asking.category(place), int(orders[place]), round(figure.low or 0), round(figure.high or 0), vendors))
    columns = (("category", "soort"), ("floor", "ondergrens"), ("from", "van"), ("to", "tot"), ("vendors", "verkopers"))
    note = (
        "Orders. One feedback an order is the floor; feedback covers 71\u201388 % of sales (Kruithof et al. 2016).",
        "Bestellingen. Eén beoordeling per bestelling is de ondergrens; 71\u201388 % wordt beoordeeld (Kruithof e.a. 2016).",
    )
    return asking.section("sales", ("Sales floor and range", "Verkopen: ondergrens en bereik"), columns, rows, sql.SALES, note)


def scam_section(asking: Asking, feedback: Feedback) -> Section:
    """Claims of scams: complaints, phishing checks and closed markets."""
    row = asking.rows(sql.SIGNS)[0]
    rows: list[tuple[Cell, ...]] = [
        (asking.say("feedback read", "gelezen beoordelingen"), feedback.read),
        (asking.say("that speaks of non-delivery or scam", "die van niet leveren of oplichting spreekt"), feedback.complaints),
        (asking.say("accounts that their market calls banned", "rekeningen die hun markt uitgesloten noemt"), row["banned"]),
        (asking.say("pages that looked like phishing checks", "pagina's als phishing-controle"), row["phishing"]),
        (asking.say("markets closed", "gesloten markten"), row["closed"]),
    ]
    note = ("Claims only; none was checked.", "Slechts beweringen; geen is nagegaan.")
    columns = (("claim", "bewering"), ("number", "aantal"))
    return asking.section("scams", ("Scam indicators", "Aanwijzingen van oplichting"), columns, rows, sql.SCAMS, note)
