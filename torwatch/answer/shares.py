"""The share of the country in three bounds, in all and by category, with limits from draws of whole vendors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from torwatch.answer.asking import percents
from torwatch.answer.words import NAMED, category_name
from torwatch.measure.estimate import Estimate, Refusal
from torwatch.measure.share import EVERY, FIELDS, finite_market, share_intervals
from torwatch.report import answer_sql as sql

if TYPE_CHECKING:
    from torwatch.answer.asking import Asking
    from torwatch.answer.looks import Array
    from torwatch.answer.scope import Scope
    from torwatch.report.document import Cell, Section


def share_sections(asking: Asking, seen_share: float | None) -> list[Section]:
    """Three tables over the same rows: the shares, their limits, and those for these markets only.

    `seen_share`: how much was seen of what stands; None where the coverage of a market is not known.
    """
    scope, question = asking.scope, asking.question
    table = vendor_table(scope)
    rng = np.random.default_rng(question.seed)
    found = share_intervals(table, scope.vendor_market.tolist(), rng) if len(scope.vendors) else []
    labels = [
        asking.label("physical drugs", "physical drugs", "fysieke drugs"),
        asking.label("all goods", "all goods", "alle waar"),
        *map(asking.category, range(len(scope.categories))),
    ]
    shares: list[tuple[Cell, ...]] = []
    limits: list[tuple[Cell, ...]] = []
    narrow: list[tuple[Cell, ...]] = []
    reasons: dict[str, None] = {}
    for label, sums, bounds in zip(labels, table.sum(axis=0), found, strict=False):
        every, declared = int(sums[EVERY]), float(sums[FIELDS.index("declared")])
        if not every:
            continue
        reasons |= {bound.told(question.language): None for bound in bounds if isinstance(bound, Refusal)}
        values = [round(100 * bound.value, 2) if isinstance(bound, Estimate) else None for bound in bounds]
        shares.append((label, every, *values, round(100 * declared / every, 2)))
        limits.append((label, *(percents(bound) if isinstance(bound, Estimate) else None for bound in bounds)))
        if seen_share is not None:
            narrow.append(
                (label, *(percents(finite_market(bound, seen_share)) if isinstance(bound, Estimate) else None for bound in bounds))
            )
    if shares:
        unseen = [name for name in NAMED if name not in {scope.categories[place] for place in np.unique(scope.category[scope.standing])}]
        shares += [(category_name(name, question.language), 0, None, None, None, None) for name in unseen]
    goods, low_declared_high = ("goods", "waar"), (("low", "laag"), ("declared", "opgegeven"), ("high", "hoog"))
    columns = (goods, ("listings", "aanbiedingen"), *low_declared_high, ("% declaring", "% met opgave", "percent_declaring"))
    titles = ("95 % limits of the shares", "95 %-grenzen van de aandelen")
    return [
        asking.section(
            "share", ("Share in three bounds", "Aandeel in drie grenzen"), columns, shares, sql.VENDOR_COUNTS, _note(list(reasons))
        ),
        asking.section("share_limits", titles, (goods, *low_declared_high), limits, sql.VENDOR_COUNTS),
        _this_market_only(asking, (goods, *low_declared_high), narrow, seen_share, seen=bool(limits)),
    ]


def _this_market_only(
    asking: Asking, columns: tuple[tuple[str, str], ...], rows: list[tuple[Cell, ...]], seen_share: float | None, *, seen: bool
) -> Section:
    """The narrower limits; `seen`: there are shares to give limits of."""
    note = (
        (
            f"For the listings that stand on these markets now: of these at least {asking.percent(seen_share)} % were seen (by the lower limits of"
            " the coverage), and only what was not seen is uncertain. Narrower than the limits above, which are for the vendors that might have been there instead."
        ),
        (
            f"Voor het aanbod dat nu op deze markten staat: daarvan is ten minste {asking.percent(seen_share)} % gezien (naar de ondergrenzen van de"
            " dekking), en slechts wat niet gezien is, is onzeker. Nauwer dan de grenzen hierboven, die gelden voor de verkopers die er anders hadden kunnen staan."
        ),
    )
    why = (
        "Not printed: the coverage of a market is not known (see below), so what was not seen cannot be weighed.",
        "Niet vermeld: de dekking van een markt is niet bekend (zie hieronder), dus wat niet gezien is laat zich niet wegen.",
    )
    titles = ("95 % limits for these markets only", "95 %-grenzen voor alleen deze markten")
    key = "share_limits_this_market_only"
    return asking.section(key, titles, columns, rows, sql.VENDOR_COUNTS, note if rows else ("", ""), why if seen else None)


def vendor_table(scope: Scope) -> Array:
    """Vendors x groups x 5 fields of standing listings; the groups are drugs, all goods, then each category."""
    stands = scope.standing
    vendor, category, drug = scope.vendor[stands], scope.category[stands], scope.drug[stands]
    vendors, categories = len(scope.vendors), len(scope.categories)
    table = np.zeros((vendors, 2 + categories, len(FIELDS)))
    cell = vendor * categories + category
    for at, field in enumerate(FIELDS):
        weights = np.ones(len(vendor)) if at == EVERY else getattr(scope, field)[stands].astype(float)
        table[:, 2:, at] = np.bincount(cell, weights, vendors * categories).reshape(vendors, categories)
        table[:, 0, at] = np.bincount(vendor[drug], weights[drug], vendors)
    table[:, 1] = table[:, 2:].sum(axis=1)
    return table


def _note(reasons: list[str]) -> tuple[str, str]:
    left_out = "; ".join(reasons)
    return (
        "Per cent of the listings that stand; those not placed (unmapped) are in all goods, in no kind of drugs. Low: only this country; declared: of those that name a country; high: with undeclared, world and regions that hold it."
        " Limits: Wilson's on the effective number of listings, by 1,000 draws of whole vendors within their market."
        + (f" Left out: {left_out}." if reasons else ""),
        "Procent van het staande aanbod; wat niet geplaatst is zit in alle waar, in geen soort drugs. Laag: alleen dit land; opgegeven: van wie een land noemt; hoog: met onbekend, wereld en streken waar het in ligt."
        " Grenzen: die van Wilson op het effectieve aantal aanbiedingen, door 1.000 trekkingen van hele verkopers binnen hun markt."
        + (f" Weggelaten: {left_out}." if reasons else ""),
    )
