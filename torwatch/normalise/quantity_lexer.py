"""A title as tokens: money, percentages, fractions, numbers, words and signs, from text folded for matching only."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import TYPE_CHECKING

from torwatch.normalise.quantity_words import Tokens, Word, read_word, tokens_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torwatch.normalise.quantity_items import Item

_VULGAR = re.compile(r"(\d?)([\u00bc-\u00be\u2150-\u215e])")
_SPLIT_DOSE = re.compile(r"\b(micro|milli)[ -]grams?\b")
_PREROLL = re.compile(r"\bpre[ -]?roll(?:ed)?(?: joint)?(s?)\b")
_DASH_RUN = re.compile(r"(?<=\d)\s*[-\u2013\u2014]{2,}\s*(?=\d)")  # "10---100 pills"


def fold(text: str) -> str:
    """The text for matching only: entities read, NFKC, case folded, one kind of x, fractions as "1/2"."""
    if "&" in text:
        text = html.unescape(html.unescape(text))
    if not text.isascii():
        text = _VULGAR.sub(lambda m: f"{m[1]} {unicodedata.normalize('NFKC', m[2])} ", text)
        text = unicodedata.normalize("NFKC", text)
        text = text.translate({0x2044: "/", 0xD7: "x", 0x2715: "x", 0x2716: "x", 0x2019: "'", 0x200B: None, 0x00AD: None})
    text = text.casefold()
    if "gram" in text:
        text = _SPLIT_DOSE.sub(r"\1gram", text)
    if "roll" in text:
        text = _PREROLL.sub(r"preroll\1", text)
    if "--" in text or not text.isascii():
        text = _DASH_RUN.sub("-", text)
    return " ".join(text.split())


def split_words(folded: str) -> list[Word]:
    """What stands between the blanks of a folded title."""
    return list(map(read_word, folded.split(" ")))


def join_tokens(folded: str, words: Sequence[Word]) -> Tokens:
    """The tokens of a folded title from those of its words; read anew as a whole where one may go across a blank."""
    if "%" in folded or "percent" in folded:
        return tokens_of(folded)
    kinds: list[str] = []
    texts: list[str] = []
    gaps: list[bool] = []
    items: list[Item | None] = []
    number = money = False  # whether the word before ends in one
    for (kinds_here, texts_here, gaps_here, items_here), _, digit, ends_in_number, ends_in_money, claims_number, *_ in words:
        if (number and claims_number) or (money and digit):
            return tokens_of(folded)
        kinds += kinds_here
        texts += texts_here
        gaps += gaps_here
        items += items_here
        number, money = ends_in_number, ends_in_money
    return Tokens(tuple(kinds), tuple(texts), tuple(gaps), tuple(items))
