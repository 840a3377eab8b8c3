"""A title as tokens: money, percentages, fractions, numbers, words and signs, from text folded for matching only."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import NamedTuple


class Token(NamedTuple):
    """One token and where it stands in the folded text; a tuple, because a page of listings makes thousands."""

    kind: str  # money, percent, fraction, number, word, sign
    text: str
    start: int
    end: int


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
    text = _SPLIT_DOSE.sub(r"\1gram", text.casefold())
    if "roll" in text:
        text = _PREROLL.sub(r"preroll\1", text)
    return " ".join(_DASH_RUN.sub("-", text).split())


def split_tokens(folded: str) -> list[Token]:
    """The tokens of a folded title in their order; white space shows only as gaps between them."""
    return [Token(kind := m.lastgroup or "sign", m[kind], *m.span()) for m in _TOKEN.finditer(folded)]
