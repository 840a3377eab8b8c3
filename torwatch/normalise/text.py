"""Text as it may be stored, matched, shown and exported: four forms of the same words, each safe for its use."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.resources import files

# Letters that decompose into nothing but are written without their stroke or as two letters by half of the world.
_LETTERS = {
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ð": "d",
    "þ": "th",
    "æ": "ae",
    "Æ": "Ae",
    "œ": "oe",
    "Œ": "Oe",
    "\u0131": "i",
    "ß": "ss",
}
_NOT_PLAIN = re.compile(r"[^ -~\t\n\r\x0b\x0c]")  # what may be unseen: all but printable ASCII and white space
_ROUNDS = 8  # folding is repeated until it changes nothing; two rounds do for every text seen, the bound is for hostile ones
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def normalise_text(text: str) -> str:
    """Give the text in NFKC with every run of white space as one blank; what is stored beside the raw text."""
    if text.isascii():
        return " ".join(text.split())
    for _ in range(_ROUNDS):
        result = " ".join(unicodedata.normalize("NFKC", text).split())
        if result == text:
            break
        text = result
    return text


def unmask(text: str) -> str:
    """Give the letters that a reader sees, case kept: NFKC, no accents, no invisible characters, look-alikes as Latin letters; for matching only."""
    if text.isascii():
        return text
    table = _unmask_table()
    for _ in range(_ROUNDS):
        decomposed = unicodedata.normalize("NFKD", text).translate(table)
        result = unicodedata.normalize("NFKC", _NOT_PLAIN.sub(_seen, decomposed))
        if result == text:
            break
        text = result
    return text


def fold_for_matching(text: str) -> str:
    """Give the text as tables are matched with it: unmasked, case folded, white space collapsed; never stored in place of the raw text."""
    for _ in range(_ROUNDS):
        result = " ".join(unmask(text).casefold().split())
        if result == text:
            break
        text = result
    return text


def visible(text: str) -> str:
    r"""Show what hides: control, zero-width and bidi characters become `\x1b` or `\u200b`; line feed and tab stay.

    So no escape sequence of a page reaches a terminal, and no text runs backwards. Lone surrogates, which no terminal can encode, are
    shown too. The result holds nothing that would be changed again.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if not _hides(c) else _escape(c) for c in text)


def csv_cell(text: str) -> str:
    """Give the text so that no spreadsheet takes it for a formula: a leading = + - @ tab, CR or LF gets an apostrophe before it.

    Blanks and invisible characters before such a sign do not hide it (spreadsheets trim them).
    """
    head = text.lstrip(" \u00a0\u3000\ufeff\u200b")
    if text.startswith(_FORMULA) or unicodedata.normalize("NFKC", head[:1]).startswith(_FORMULA):
        return "'" + text
    return text


def _seen(match: re.Match[str]) -> str:
    """The character, or nothing where it is one that no reader sees."""
    return "" if unicodedata.category(match[0]) in {"Mn", "Me", "Cf", "Cc"} else match[0]


def _hides(character: str) -> bool:
    category = unicodedata.category(character)
    return category in {"Cf", "Cs", "Zl", "Zp"} or (category == "Cc" and character not in "\n\t")


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - widths of escapes


@cache
def _unmask_table() -> dict[int, str]:
    table = {ord(letter): plain for letter, plain in _LETTERS.items()}
    text = files("torwatch.normalise").joinpath("data/homoglyphs.tsv").read_text(encoding="utf-8")
    for line in text.splitlines():
        letter, _, lookalikes = line.partition("\t")
        if re.fullmatch("[A-Za-z]", letter):
            table.update({ord(character): letter for character in lookalikes})
    return table
