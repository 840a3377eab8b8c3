"""Price per gram by substance and origin country."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from torwatch.answer.looks import NEVER
from torwatch.answer.scope import UNITS
from torwatch.answer.words import group_name, place_name
from torwatch.normalisers import rate_table
from torwatch.report import answer_sql as sql

if TYPE_CHECKING:
    from torwatch.answer.asking import Asking
    from torwatch.report.document import Cell, Section

LEAST_PRICES = 3
LEAST_SHOWN = 0.1  # an amount below it has too few digits in two decimals
MOST_COUNTRIES = 3  # beside the country asked about


def price_section(asking: Asking) -> Section:
    """The median price of a gram in the currency it is asked in, of the country and of those with most offers of the same substance."""
    scope, question = asking.scope, asking.question
    grams = (scope.unit == UNITS.index("g")) & (scope.amount > 0)
    chosen = np.flatnonzero(scope.standing & scope.drug & grams & (scope.origin != NEVER) & (scope.currency > 0) & (scope.price >= 0))
    price = scope.price[chosen] / scope.amount[chosen]
    widest = max(scope.currencies, default=0) + 1
    key = (scope.group[chosen].astype("i8") * widest + scope.currency[chosen]) * max(1, len(scope.origins)) + scope.origin[chosen]
    order = np.lexsort((price, key))
    keys, first, number = np.unique(key[order], return_index=True, return_counts=True)
    median = (price[order][first + (number - 1) // 2] + price[order][first + number // 2]) / 2
    offers: dict[tuple[str, str], dict[str, tuple[float, int]]] = {}
    for one, middle, count in zip(keys.tolist(), median.tolist(), number.tolist(), strict=True):
        left, origin = divmod(one, max(1, len(scope.origins)))
        group, currency = divmod(left, widest)
        if count >= LEAST_PRICES:
            offers.setdefault((scope.groups[group], scope.currencies[currency]), {})[scope.origins[origin]] = (middle, count)
    rates = rate_table(asking.store)
    rows: list[tuple[Cell, ...]] = []
    for (group, currency), found in sorted(offers.items()):
        if question.country not in found:
            continue
        others = sorted((code for code in found if code != question.country), key=lambda code: (-found[code][1], code))[:MOST_COUNTRIES]
        for code in (question.country, *others):
            middle, count = found[code]
            rate = rates.convert("1", currency, "USD", question.until)
            usd = None if rate is None else round(middle * float(rate.rate), 2)
            rows.append((group_name(group, question.language), place_name(code, question.language), _shown(middle), currency, usd, count))
    columns = (("substance", "stof"), ("origin", "herkomst"), ("median", "mediaan"), ("currency", "munt"), ("USD", "USD"), ("n", "n"))
    note = (
        (
            "Per gram, of listings with one origin country and one price; fewer than 3 are not printed. USD at the last imported rate of the period,"
            " where there is one. Prices that only hold a place are not left out; the median bears them."
        ),
        (
            "Per gram, van aanbod met één land van herkomst en één prijs; minder dan 3 wordt niet vermeld. USD tegen de laatste ingevoerde koers van"
            " de periode, als die er is. Prijzen die slechts een plaats bezet houden zijn niet weggelaten; de mediaan verdraagt ze."
        ),
    )
    few = (
        f"Not printed: no substance has {LEAST_PRICES} standing offers by weight, with one price and the country as their only origin.",
        f"Niet vermeld: van geen stof staan {LEAST_PRICES} aanbiedingen naar gewicht met één prijs en het land als enige herkomst.",
    )
    return asking.section("prices", ("Price per gram", "Prijs per gram"), columns, rows, sql.PRICES, note, few if len(scope.id) else None)


def _shown(amount: float) -> float:
    """Two decimals, or three digits of a small amount: a price in bitcoin."""
    return round(amount, 2) if amount >= LEAST_SHOWN else float(f"{amount:.3g}")
