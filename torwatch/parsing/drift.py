"""Drift: fields that fade. Fill rates per page kind, compared with what is usual, show a redesign before data is lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.model import PageKind, Parsed
from torwatch.parsing.parse_page import LOST_BELOW, RECORD_OF

if TYPE_CHECKING:
    from torwatch.parserkit import Market

FALLS_BELOW = 0.5  # of its usual rate
USUAL_AT_LEAST = 0.1  # an optional field that is rarer is not watched: its rate is noise
RECORDS_AT_LEAST = 10  # fewer records say nothing about an optional field
DRIFT_LINE = re.compile(rf"(?:{'|'.join(PageKind)}): (?:mandatory )?field \w+ filled in \d+% of the records")


@dataclass(frozen=True, slots=True)
class Rate:
    """In how many of how many records a field was filled."""

    filled: int
    records: int

    @property
    def share(self) -> float:
        """0 to 1; 0 where there was no record."""
        return self.filled / self.records if self.records else 0.0


FillRates = Mapping[PageKind, Mapping[str, Rate]]


@dataclass(frozen=True, slots=True)
class Drift:
    """One field that faded: `now` and `usual` are shares from 0 to 1; `usual` is None where there is no history."""

    kind: PageKind
    field: str
    now: float
    usual: float | None
    mandatory: bool

    def __str__(self) -> str:
        """One line for a person."""
        usual = "" if self.usual is None else f", usually {self.usual:.0%}"
        return f"{self.kind}: {'mandatory ' if self.mandatory else ''}field {self.field} filled in {self.now:.0%} of the records{usual}"


def names_drift(reason: str) -> bool:
    """Whether the reason of a held snapshot is a field that faded: the line that a Drift makes, at its beginning."""
    return DRIFT_LINE.match(reason) is not None


def count_fields(market: Market, pages: Iterable[Parsed]) -> FillRates:
    """Count, for every kind of page that the market declares, how often each declared field is filled in its records."""
    filled: Counter[tuple[PageKind, str]] = Counter()
    records: Counter[PageKind] = Counter()
    specs = {PageKind(kind): spec for kind, spec in market.specs.items() if PageKind(kind) in RECORD_OF}
    for page in pages:
        spec = specs.get(page.kind)
        if spec is None:
            continue
        rows = {"Listing": page.listings, "Vendor": page.vendors, "Feedback": page.feedback}[RECORD_OF[page.kind].__name__]
        records[page.kind] += len(rows)
        for row in rows:
            for name in (*spec.mandatory, *spec.optional):
                filled[page.kind, name] += getattr(row, name) not in (None, "", ())
    return {
        kind: {name: Rate(filled[kind, name], records[kind]) for name in (*spec.mandatory, *spec.optional)}
        for kind, spec in specs.items()
        if records[kind]
    }


def compare(now: FillRates, usual: FillRates, market: Market) -> list[Drift]:
    """Find what faded: a mandatory field in fewer than half of the records, or any field below half of its usual rate.

    Optional fields need 10 records on both sides and a usual rate of 10 %: below that a rate is noise. Kinds not visited now say nothing.
    """
    found: list[Drift] = []
    for kind, rates in now.items():
        spec = market.specs.get(kind)
        for name, rate in rates.items():
            before = usual.get(kind, {}).get(name)
            mandatory = spec is not None and name in spec.mandatory
            known = before is not None and before.records >= RECORDS_AT_LEAST and before.share >= USUAL_AT_LEAST
            faded = known and before is not None and rate.records >= RECORDS_AT_LEAST and rate.share < FALLS_BELOW * before.share
            if (mandatory and rate.records and rate.share < LOST_BELOW) or faded:
                found.append(Drift(kind, name, rate.share, before.share if before is not None else None, mandatory))
    return found


def add_rates(first: FillRates, second: FillRates) -> FillRates:
    """Add the counts of two sets of pages: the usual rate is that of all good snapshots so far."""
    kinds = {*first, *second}
    return {
        kind: {
            name: Rate(
                sum(rates[kind][name].filled for rates in (first, second) if name in rates.get(kind, {})),
                sum(rates[kind][name].records for rates in (first, second) if name in rates.get(kind, {})),
            )
            for name in {**first.get(kind, {}), **second.get(kind, {})}
        }
        for kind in kinds
    }
