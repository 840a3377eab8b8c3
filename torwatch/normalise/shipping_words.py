"""The words of a shipping claim: letters as a reader sees them, cut at separators, arrows, brackets and flags."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, NamedTuple

from torwatch.normalise.text import unmask

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAG_OFFSET = 0x1F1E6 - ord("A")
_TOKEN = re.compile(
    r"(?P<flag>[\U0001F1E6-\U0001F1FF]{2})"
    r"|(?P<tagged>\ue000[a-z]{2,6}\ue001)"
    r"|(?P<dotted>(?<![^\W_])[^\W\d_](?:\.[^\W\d_])+(?![^\W_])\.?)"  # U.S.A.
    r"|(?P<slashed>(?<![^\W_])(?:[nN]/[aA]|[wW]/[oO])(?![^\W_]))"
    r"|(?P<word>[^\W_]+(?:['\u2019\u02bc`\u00b4\u2018\u2032][^\W_]+)*)"
    r"|(?P<arrow>[-=]+>+|>+|»|[\u2190-\u21ff\u27f0-\u27ff\u2900-\u297f\u2b95\u2794\u2798-\u27af\u27b1-\u27be])"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])"
    r"|(?P<and>&)"
    r"|(?P<dot>\.)"
    r"|(?P<hyphen>(?<=[^\W_])[-\u2010\u2011\u2013](?=\s{0,3}[^\W_]))"
    r"|(?P<mark>[,;|/:+*\n\r•·]|[^\s])",
)
_TAGS = re.compile("\U0001f3f4([\U000e0061-\U000e007a]{2,6})\U000e007f?")
_MARKUP = re.compile(r"</?(?:br|p|li|ul|ol|div|span|b|i|u|em|strong|td|tr|font|small)\b[^<>]{0,200}>", re.IGNORECASE)  # what scrapers leave
_ENUMERATORS = re.compile(r"(?<!\S)\d{1,2}[.)](?=\s)")  # "1. USA 2. Canada"
_APOSTROPHES = str.maketrans("", "", "'\u2019\u02bc`\u00b4\u2018\u2032")
_WORD_KINDS = frozenset({"word", "dotted", "slashed", "and"})
# A full stop after these is part of the word ("St. Lucia", "S. Africa", "Rep. of Ireland").
_SHORTENED = frozenset({"st", "rep", "dem", "fed", "gt", "gr", "isl", "excl", "incl", "exc", "ex", "int", "no"})


class Token(NamedTuple):  # a tuple, because a claim makes dozens and a frozen dataclass takes four times as long to make
    """One word or mark: `kind` is word, flag, arrow, open, close, hyphen or mark; `folded` is what tables are asked for."""

    kind: str
    raw: str
    folded: str = ""


def words_of(name: str) -> Iterator[str]:
    """Give the folded words of a name of the tables, marks left out."""
    return (token.folded for token in tokens_of(name) if token.kind == "word")


def tokens_of(text: str) -> list[Token]:
    """Cut a claim into words and marks, in order; linear in its length, total on any text."""
    if "&" in text and ";" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _MARKUP.sub("\n", text)
    text = _ENUMERATORS.sub(",", text)
    if not text.isascii():
        text = unmask(_TAGS.sub(_plain_tags, _mend(text)))
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind, raw = str(match.lastgroup), match.group()
        if kind in _WORD_KINDS:
            found += _words(kind, raw)
        elif kind == "flag":
            found.append(Token("flag", "".join(chr(ord(letter) - _FLAG_OFFSET) for letter in raw)))
        elif kind == "tagged":
            found.append(Token("flag", raw[1:-1]))
        elif kind != "dot":
            found.append(Token(kind, raw))
        elif not (found and found[-1].kind == "word" and (len(found[-1].raw) == 1 or found[-1].folded in _SHORTENED)):
            found.append(Token("mark", raw))
    return found


def _words(kind: str, raw: str) -> list[Token]:
    if kind == "and":
        return [Token("word", "&", "and")]
    if kind == "slashed":
        return [Token("word", letter, letter.casefold()) for letter in raw.split("/")]
    plain = raw.replace(".", "") if kind == "dotted" else raw.translate(_APOSTROPHES)
    return [Token("word", plain, plain.casefold())]


def _plain_tags(match: re.Match[str]) -> str:
    return "\ue000" + "".join(chr(ord(letter) - 0xE0000) for letter in match.group(1)) + "\ue001"


def _mend(text: str) -> str:
    """Undo UTF-8 that was read as Windows-1252 ("CuraÃ§ao"); a text that was not is given back."""
    if "Ã" not in text and "Ð" not in text:
        return text
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text
