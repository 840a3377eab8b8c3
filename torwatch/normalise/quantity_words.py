"""The words of a title as each is read by itself, and remembered: sellers write the same words again and again."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from torwatch.normalise.quantity_items import Item, Kind
from torwatch.normalise.units import load_units

_SIGNS = "$€£¥฿₿"
_CODES = r"(?:usd|eur|euros?|gbp|aud|cad|chf|btc|xmr|dollars?|bucks)"
_DIGITS = r"\d+(?:[.,']\d+)*"
_TOKEN = re.compile(
    rf"""(?P<money>[{_SIGNS}]\ ?{_DIGITS}(?:k\b)?
         |(?<![^\W\d_]){_CODES}\ ?{_DIGITS}k?(?![^\W_])
         |{_DIGITS}\ ?k?\ ?(?:[{_SIGNS}](?!\ ?\d)|{_CODES}(?![^\W\d_])))
       |(?P<percent>{_DIGITS}(?:\ ?[-\u2013]\ ?{_DIGITS})?\ ?(?:%|percent\b))
       |(?P<fraction>(?<![\d/.,])(?:\d{{1,2}}\ )?(?:\d/(?:2|3|4|8|16)|1/10)(?:ths?|rd|nd)?(?![\d/]|[.,]\d))
       |(?P<number>\d{{1,3}}(?:\ 000)+(?!\d)|{_DIGITS}|(?<![^\W_])\.\d+)
       |(?P<word>[^\W\d_]+)(?:'s\b)?
       |(?P<sign>[^\w\s]|_)""",
    re.VERBOSE,
)
# Where a token goes on, or looks, across a blank: "50 usd", "usd 50", "1 1/2", "10 000", "5 k $"; percentages are asked for apart.
_MONEY = rf"(?:[{_SIGNS}]|{_CODES})"
_ENDS_IN_NUMBER = re.compile(r"\dk?$")
_ENDS_IN_MONEY = re.compile(rf"{_MONEY}$")
_CLAIMS_NUMBER = re.compile(rf"{_MONEY}|k$|k{_MONEY}|\d/|000")
_DIGIT = re.compile(r"\d")
_LETTERS = re.compile(r"[^\W\d_]+")
_HYPHENED = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_NOISE = Item(Kind.NOISE)


class Tokens(NamedTuple):
    """Tokens in their order, a list for each thing said of them."""

    kinds: tuple[str, ...]  # money, percent, fraction, number, word, sign
    texts: tuple[str, ...]
    gaps: tuple[bool, ...]  # white space, or nothing, stands before it
    items: tuple[Item | None, ...]  # what it is wherever it stands; None where its neighbours decide


class Word(NamedTuple):
    """What one word of a folded title says; a word is what stands between two blanks."""

    tokens: Tokens
    has_digit: bool
    begins_with_digit: bool
    ends_in_number: bool
    ends_in_money: bool
    claims_number: bool  # a number before it may be part of it
    leads: bool  # it holds a word that begins an amount by itself
    tells: bool  # it holds a word without one of which no number is an amount
    context: frozenset[str]  # the words of contexts in it


def tokens_of(text: str) -> Tokens:
    """The tokens of a folded text; white space shows only as gaps between them."""
    found, end = [], -1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "sign"
        found.append((kind, match[kind], match.start() != end, _item_of(kind, match[kind])))
        end = match.end()
    return Tokens(*zip(*found, strict=True)) if found else Tokens((), (), (), ())


@lru_cache(maxsize=32_768)
def read_word(text: str) -> Word:
    """Read one word."""
    table, letters = load_units(), _LETTERS.findall(text)
    return Word(
        tokens_of(text),
        has_digit=_DIGIT.search(text) is not None,
        begins_with_digit=_DIGIT.match(text) is not None,
        ends_in_number=_ENDS_IN_NUMBER.search(text) is not None,
        ends_in_money=_ENDS_IN_MONEY.search(text) is not None,
        claims_number=_CLAIMS_NUMBER.match(text) is not None,
        leads=not table.leading.isdisjoint(letters),
        tells=not table.telling.isdisjoint(letters),
        context=table.context_words.intersection(letters + _HYPHENED.findall(text)),
    )


def _item_of(kind: str, text: str) -> Item | None:
    if kind in {"money", "percent"}:
        return _NOISE
    if (kind == "word" and text not in load_units().leading) or (kind == "sign" and text not in "=*"):
        return Item(Kind(kind), text)  # most of a title says nothing about amounts
    return None
