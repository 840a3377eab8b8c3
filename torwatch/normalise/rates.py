"""Exchange rates as values: what one unit of a currency was worth, when, and who said so. Nothing is guessed."""

from __future__ import annotations

import csv
import datetime as dt
import re
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torwatch.model import Price

MAXIMUM_AGE = dt.timedelta(days=7)  # an older rate is no rate: crypto-currencies move by tens of percent in a month
_PIVOTS = ("USD", "EUR", "BTC")  # what tables quote against, tried in this order when no direct rate is there
_CODE = re.compile(r"[A-Z]{3,5}")
_COLUMNS = ("date", "base", "quote", "rate", "source")
_PLACES = Decimal("0.00000001")  # a satoshi; amounts of every other currency fit in it
_RATE_DIGITS = 12  # significant digits of a derived rate
_QUOTE_DIGITS = 3  # fewer significant digits on either side imply a rate that is off by more than 0.5 %


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of `base` was worth `rate` units of `quote` at `at` (aware UTC), as `source` says."""

    base: str
    quote: str
    rate: Decimal
    at: dt.datetime
    source: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """A converted amount with what it rests on; for a cross rate `source` names both and `at` is the older of the two."""

    amount: Decimal
    rate: Decimal
    source: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class RateFault:
    """One line of an import that cannot be used; lines count from 1."""

    line: int
    reason: str


class RateTable:
    """Rates by pair and time; immutable once made."""

    def __init__(self, rates: dict[tuple[str, str], tuple[Rate, ...]]) -> None:
        self._rates = rates  # sorted by time

    @classmethod
    def from_rows(cls, rows: Iterable[Rate]) -> Self:
        """A table of these rates in any order; of two with the same pair and time the later row counts."""
        pairs: dict[tuple[str, str], dict[dt.datetime, Rate]] = defaultdict(dict)
        for row in rows:
            pairs[row.base, row.quote][row.at] = row
        return cls({pair: tuple(by_time[at] for at in sorted(by_time)) for pair, by_time in pairs.items()})

    def find(self, base: str, quote: str, at: dt.datetime, maximum_age: dt.timedelta = MAXIMUM_AGE) -> Rate | None:
        """The nearest rate at or before `at` and not older than `maximum_age`, from the pair as given or its inverse; else None."""
        found = [rate for rate in (self._last(base, quote, at), self._inverse(base, quote, at)) if rate and at - rate.at <= maximum_age]
        return max(found, key=lambda rate: rate.at, default=None)

    def _last(self, base: str, quote: str, at: dt.datetime) -> Rate | None:
        rates = self._rates.get((base, quote), ())
        position = bisect_right(rates, at, key=lambda rate: rate.at)
        return rates[position - 1] if position else None

    def _inverse(self, base: str, quote: str, at: dt.datetime) -> Rate | None:
        last = self._last(quote, base, at)
        return None if last is None else Rate(base, quote, _rounded(1 / last.rate), last.at, last.source)

    def convert(
        self, amount: Decimal | str, currency: str, to: str, at: dt.datetime, maximum_age: dt.timedelta = MAXIMUM_AGE
    ) -> Conversion | None:
        """The amount in another currency, to 8 decimals, or None where no rate at or before `at` is young enough.

        A direct rate (or its inverse) is preferred; else one cross over USD, EUR or BTC. Naive times raise ValueError.
        """
        if at.tzinfo is None:
            raise ValueError("rates are looked up by aware times")
        exact = Decimal(amount)
        if currency == to:
            return Conversion(exact, Decimal(1), "same currency", at)
        rate = self.find(currency, to, at, maximum_age) or self._cross(currency, to, at, maximum_age)
        if rate is None:
            return None
        return Conversion((exact * rate.rate).quantize(_PLACES), rate.rate, rate.source, rate.at)

    def _cross(self, base: str, quote: str, at: dt.datetime, maximum_age: dt.timedelta) -> Rate | None:
        for pivot in _PIVOTS:
            first, second = self.find(base, pivot, at, maximum_age), self.find(pivot, quote, at, maximum_age)
            if first and second and pivot not in {base, quote}:
                source = f"{first.source} ({base}/{pivot}) and {second.source} ({pivot}/{quote})"
                return Rate(base, quote, _rounded(first.rate * second.rate), min(first.at, second.at), source)
        return None


def _rounded(rate: Decimal) -> Decimal:
    return rate.quantize(Decimal(1).scaleb(rate.adjusted() - _RATE_DIGITS + 1)).normalize()


def read_rates_csv(lines: Iterable[str], source: str = "import") -> tuple[list[Rate], list[RateFault]]:
    """Reads `date,base,quote,rate[,source]` (header line wanted) to rates and faults; a line is one or the other, none is dropped.

    `date` is ISO 8601; a date alone is 00:00 UTC of that day, a time without zone is UTC. `source` stands in where a line names none.
    """
    rows: list[Rate] = []
    faults: list[RateFault] = []
    seen: dict[tuple[str, str, dt.datetime], Decimal] = {}
    header: list[str] | None = None
    for number, line in enumerate(lines, start=1):
        fields = _fields(line.lstrip("\ufeff") if number == 1 else line)
        if not any(fields):
            continue
        if header is None:
            header = [name.lower() for name in fields]
            if header not in (list(_COLUMNS), list(_COLUMNS[:-1])):
                return [], [RateFault(number, f"the header must be {','.join(_COLUMNS[:-1])}[,source]")]
            continue
        rate = _rate(fields, source, len(header))
        if isinstance(rate, str):
            faults.append(RateFault(number, rate))
        elif seen.setdefault((rate.base, rate.quote, rate.at), rate.rate) != rate.rate:
            faults.append(RateFault(number, f"{rate.base}/{rate.quote} of {rate.at:%Y-%m-%d %H:%M} stands above with another rate"))
        else:
            rows.append(rate)
    if header is None:
        faults.append(RateFault(1, "the file is empty"))
    return rows, faults


def _fields(line: str) -> list[str]:
    try:
        return [field.strip() for field in next(csv.reader([line]), [])]
    except csv.Error:  # a NUL, or a field of more than 128 kB
        return ["?"]


def _rate(fields: list[str], source: str, columns: int) -> Rate | str:
    """The rate of one line, or what is wrong with it; `columns` are those of the header."""
    misfit = _misfit(fields, columns)
    if misfit:
        return misfit
    base, quote, rate = fields[1].upper(), fields[2].upper(), _positive(fields[3])
    try:
        at = dt.datetime.fromisoformat(fields[0])
    except ValueError:
        return f"date {fields[0][:40]!r} is not ISO 8601, such as 2024-05-01"
    for code in (base, quote):
        if not _CODE.fullmatch(code):
            return f"currency {code[:40]!r} is no code of 3 to 5 letters"
    if base == quote:
        return f"base and quote are both {base}"
    if rate is None:
        return f"rate {fields[3][:40]!r} is no number above zero"
    named = fields[-1] if len(fields) == len(_COLUMNS) and fields[-1] else source
    return Rate(base, quote, rate, _aware(at), named)


def _misfit(fields: list[str], columns: int) -> str:
    """Why the fields do not fit the header's columns; "" when they do. A figure as source is the second half of "1,3"."""
    if not len(_COLUMNS) - 1 <= len(fields) <= columns:
        return f"{len(fields)} fields, not {'4' if columns < len(_COLUMNS) else '4 or 5'} (a decimal comma?)"
    if len(fields) == len(_COLUMNS) and fields[-1].isdecimal():
        return f"{fields[-1][:40]!r} is no source (a decimal comma?)"
    return ""


def _positive(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and value > 0 else None


def _aware(at: dt.datetime) -> dt.datetime:
    return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)


def implied_rates(price: Price, at: dt.datetime, source: str) -> tuple[Rate, ...]:
    """The rates a market's own double quote implies ("0.000787 BTC (7.28 EUR)"), one for each further currency, base worth more.

    Quotes with fewer than three significant digits on either side ("EUR 1, AUD 1.61") imply too rough a rate and give none.
    """
    if price.amount is None or price.currency is None or price.maximum is not None:
        return ()
    found = []
    for currency, amount in price.others:
        ours, theirs = Decimal(price.amount), Decimal(amount)
        if currency == price.currency or min(_digits(ours), _digits(theirs)) < _QUOTE_DIGITS:
            continue
        if theirs >= ours:
            found.append(Rate(price.currency, currency, _rounded(theirs / ours), _aware(at), source))
        else:
            found.append(Rate(currency, price.currency, _rounded(ours / theirs), _aware(at), source))
    return tuple(found)


def _digits(value: Decimal) -> int:
    """Significant digits as displayed; zero has none."""
    return len(value.as_tuple().digits) if value > 0 else 0
