"""Displayed prices as exact decimals: amount, currency, unit, range and the market's own further quotes. Nothing is converted here."""

from __future__ import annotations

import html
import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from torwatch.model import MarketFacts, Price
from torwatch.normalise.units_number import NUMBER, canonical, drop_float_noise, parse_decimal

_TABLE = Path(__file__).with_name("data") / "currencies.toml"
_MAXIMUM_CHARACTERS = 400  # a price field that is longer is no price
_SMALLEST, _LARGEST = Decimal("1e-18"), Decimal("1e15")  # a wei; and more than all coins of any currency here
_NO_FACTS = MarketFacts()

# Most prices: one number without thousands separators and one code, with or without a unit. Fewer digits than float noise has.
_PLAIN = re.compile(
    r"(?:(?P<before>[A-Z]{3,4}) )?(?P<number>(?:0|[1-9][0-9]{0,5})(?:\.[0-9]{1,8})?)(?(before)| (?P<after>[A-Z]{3,4}))(?: ?/ ?(?P<unit>[A-Za-z]+))?"
)
_NONE = re.compile(
    r"n\.?\s?/?\s?a\.?|none|null|nan|unknown|not specified|-+|custom(?: order| listing)?|negotiable|ask|on request|sold out", re.IGNORECASE
)
_FREE = re.compile(r"(?:price ?:? ?)?(?:for )?(?:free|gratis|kostenlos|gratuit)\b", re.IGNORECASE)
_MINIMUM_ORDER = re.compile(rf"\bbuy +(?:at least +)?{NUMBER}\+? +(?:or more +)?for\b:?", re.IGNORECASE)
# Amounts that follow these words are no quote of the price itself.
_ASIDE = re.compile(
    r"\b(?:fees?|incl\w*|shipping|postage|delivery|minimum|min|maximum|max|bulk|discount\w*|was|instead|saved?|bond|deposit|escrow)\b|\+",
    re.IGNORECASE,
)
_DASH = re.compile(r" ?(?:[-\u2013\u2014~]|\bto\b|\bbis\b|\btot\b) ?", re.IGNORECASE)
_UNIT_END = re.compile(r"[(),;|\n]|\s(?:bulk|buy|minimum|min|from|in stock|or|≈|=)\b", re.IGNORECASE)
_MAXIMUM_UNIT_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class _Amount:
    """One amount in the text, with where it stands; `mark` is what stood for the currency, "" for a bare number."""

    value: Decimal
    currency: str | None
    mark: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Currencies:
    """The currency table, ready to read text with."""

    codes: dict[str, tuple[str | None, Decimal]]  # folded mark → code and factor; None: an ambiguous sign
    iso: frozenset[str]  # the codes as they are written
    amount: re.Pattern[str]
    number_ahead: re.Pattern[str]  # a number stands next; `suffix` is the mark after it, when that is not itself a prefix


@lru_cache(maxsize=1)
def _currencies() -> _Currencies:
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    codes: dict[str, tuple[str | None, Decimal]] = {}
    for code in (*table["fiat"], *table["crypto"]):
        codes[code.casefold()] = (code, Decimal(1))
    for mark, code in (*table["signs"].items(), *table["words"].items()):
        codes[mark.casefold()] = (code, Decimal(1))
    for mark, (code, factor) in table["scaled"].items():
        codes[mark] = (code, Decimal(factor))
    for mark in (*table["ambiguous"]["signs"], *table["ambiguous"]["words"]):
        codes[mark] = (None, Decimal(1))
    signs = sorted((m for m in codes if not m.isalpha() or not m.isascii() or m == "kr"), key=len, reverse=True)
    words = sorted((m for m in codes if m not in signs or m == "kr"), key=len, reverse=True)
    sign = "|".join(re.escape(m) for m in signs)
    word = rf"(?<![^\W\d_])(?:{'|'.join(words)})(?![^\W\d_])"
    mark = rf"(?:{word}|(?:{sign}))"
    exponent = r"(?:[eE][-+]?\d{1,4}(?![\w.]))?"
    amount = re.compile(
        rf"(?:(?P<code>{word})[ :]*(?:\+ )?)?(?:(?P<sign>{sign}) ?)?(?P<negative>(?<!\w)[-\u2212])?(?P<number>{NUMBER}{exponent})(?P<thousand>k\b)?(?: ?(?P<suffix>{mark}))?",
        re.IGNORECASE,
    )
    return _Currencies(
        codes,
        frozenset((*table["fiat"], *table["crypto"])),
        amount,
        re.compile(rf"[ :]*(?:{sign})? ?{NUMBER}(?P<own> ?{mark}(?! ?\d))?", re.IGNORECASE),
    )


def _clean(text: str) -> str:
    text = html.unescape(html.unescape(text)).replace("\u2212", "-")
    return " ".join(text.split())


def _value(text: str, decimal: str) -> Decimal | None:
    digits, _, exponent = text.lower().partition("e")
    value = parse_decimal(digits, decimal)
    if value is None:
        return None
    value = drop_float_noise(value.scaleb(int(exponent)) if exponent else value)
    return value if value == 0 or _SMALLEST <= value <= _LARGEST else None


def _amounts(text: str, facts: MarketFacts) -> list[_Amount]:
    """Every amount of the text in its order; an amount that cannot be read is left out."""
    table, found, position = _currencies(), [], 0
    while match := table.amount.search(text, position):
        position = match.end()
        code, sign, suffix = match["code"], match["sign"], match["suffix"]
        if suffix and (code or _belongs_to_next(table, text, match, prefixed=bool(sign))):
            suffix, position = None, match.end("thousand") if match["thousand"] else match.end("number")
        value = _value(match["number"], facts.decimal)
        if value is None or match["negative"]:
            continue
        mark = code or suffix or sign or ""
        if sign and suffix and table.codes[suffix.casefold()][0] is None:
            mark = sign
        currency, factor = table.codes[mark.casefold()] if mark else (None, Decimal(1))
        if currency is None:
            currency = facts.currency
        factor = factor * 1000 if match["thousand"] else factor
        found.append(_Amount(value * factor if factor != 1 else value, currency, mark, match.start(), position))
    return found


def _belongs_to_next(table: _Currencies, text: str, match: re.Match[str], *, prefixed: bool) -> bool:
    """Whether the mark after a number is the prefix of the next number: "£ 0.91 AUD 1.61", but not "35 EUR 0.004 BTC"."""
    ahead = table.number_ahead.match(text, match.end())
    if ahead is None:
        return False
    glued = text[match.end() : match.end() + 1].isdigit() and text[match.start("suffix") - 1] == " "
    return glued or (prefixed and ahead["own"] is None)


def _unit(text: str, first: _Amount) -> str | None:
    """What stands after the slash, unless that is the same price quoted in another currency."""
    match = re.match(r" ?/ ?", text[first.end :]) or re.match(r" (?:per|pro|each) ", text[first.end :], re.IGNORECASE)
    if match is None:
        return None
    rest = text[first.end + match.end() :]
    quote = _currencies().amount.match(rest)
    if quote is not None:
        mark = quote["code"] or quote["suffix"] or quote["sign"]
        named = _currencies().codes[mark.casefold()][0] if mark else None
        if named is not None and named != first.currency:
            return None
        if mark and named is None and first.mark != mark and first.currency != "USD":
            return None
    end = _UNIT_END.search(rest)
    unit = (rest[: end.start()] if end else rest).strip(" .")
    return unit if unit and len(unit) <= _MAXIMUM_UNIT_CHARACTERS else None


@lru_cache(maxsize=65_536)
def normalise_price(text: str | None, facts: MarketFacts = _NO_FACTS) -> Price:
    """The first amount of a displayed price with its currency, unit, upper end and the further quotes. Never raises on text.

    `facts.decimal` is the market's decimal sign, `facts.currency` what a bare "$" or bare number means there. Amounts are canonical
    decimal strings with the displayed decimals; binary float noise is dropped. "free" is 0; "N/A" or a custom order has no amount.
    """
    plain = _PLAIN.fullmatch(text) if text and facts.decimal == "." else None
    if plain is not None:
        code = plain["before"] or plain["after"]
        if code in _currencies().iso:
            return Price(amount=plain["number"], currency=code, unit=plain["unit"], method="amount")
    if text is None or len(text) > _MAXIMUM_CHARACTERS:
        return Price(method="none" if text is None else "too-long")
    shown = _clean(text)
    if not shown or _NONE.fullmatch(shown):
        return Price(method="none")
    prefix = _MINIMUM_ORDER.search(shown)
    body = shown[prefix.end() :] if prefix else shown
    amounts = _amounts(body, facts)
    if not amounts:
        free = _FREE.match(shown) is not None
        return Price(amount="0" if free else None, currency=facts.currency if free else None, method="free" if free else "not-understood")
    first, rest = amounts[0], amounts[1:]
    if not first.mark and rest and rest[0].mark and not _DASH.fullmatch(body[first.end : rest[0].start]):
        # A bare number before the first marked one is a count or a level, unless nothing else is there.
        marked = [a for a in amounts if a.mark]
        first, rest = marked[0], marked[1:]
    if body[first.end :].lstrip().startswith("%"):
        return Price(method="not-understood")
    maximum = None
    if (
        rest
        and _DASH.fullmatch(body[first.end : rest[0].start])
        and (not first.mark or not first.currency or rest[0].currency == first.currency or not rest[0].mark)
    ):
        upper, rest = rest[0], rest[1:]
        maximum = upper.value
        marked_end = first if first.mark and (first.currency or not upper.currency) else upper  # "$10 - $100 USD"
        first = _Amount(first.value, marked_end.currency, marked_end.mark, first.start, upper.end)
    unit = _unit(body, first)
    return Price(
        amount=canonical(first.value),
        currency=first.currency,
        unit=unit,
        maximum=None if maximum is None else canonical(maximum),
        others=_quotes(body, first, rest),
        method="range" if maximum is not None else "amount",
    )


def _quotes(text: str, first: _Amount, rest: list[_Amount]) -> tuple[tuple[str, str], ...]:
    """The same price in other currencies: amounts with a known other currency, up to the first aside (fees, minimum orders, bulk)."""
    quotes: dict[str, str] = {}
    for amount in rest:
        if _ASIDE.search(text, first.end, amount.start):
            break
        if amount.mark and amount.currency and amount.currency != first.currency:
            quotes.setdefault(amount.currency, canonical(amount.value))
    return tuple(quotes.items())
