"""An answer as plain text that is readable at 80 columns."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from torwatch.report.answer_sql import HEAD
from torwatch.report.document import show_cell, show_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torwatch.report.document import Document, Section

WIDTH = 80
NARROWEST = 8
WORD_OF_SQL = re.compile(r"(?:'[^']*'|[^\s'])+")  # a literal stays whole: a new line in it would change it


def answer_text(document: Document, show: Callable[[str], str] = str) -> str:
    """Write the whole document, no line wider than 80 columns (a longer literal of SQL excepted); `show` is done to every text before."""

    def say(text: str) -> str:
        return show(show_text(text, document.language))

    parts = [*_heading(say(document.title), "="), *fold_text(say(document.subtitle), WIDTH), ""]
    for line in document.lead:
        parts += fold_text(say(line), WIDTH)
    for section in document.sections:
        parts += ["", *_heading(say(section.title), "-"), *fold_text(say(section.reason), WIDTH)]
        if section.rows:
            cells = [[show(show_cell(cell, document.language)) for cell in row] for row in section.rows]
            parts += text_table([say(column) for column in section.columns], cells, section.numeric)
        parts += fold_text(say(section.note), WIDTH)
    parts += _queries(document)
    return "\n".join(line.rstrip() for line in parts) + "\n"


def _queries(document: Document) -> list[str]:
    """The SQL of every figure, after all figures, each query once; what they share, the listings of the period, is put before each."""
    title, shared = (
        ("SQL van elk cijfer", "Begin, vóór elke vraag die met … begint:")
        if document.language == "nl"
        else ("SQL of every figure", "Head, before each query that begins with \u2026:")
    )
    told: dict[str, list[Section]] = {}
    for section in document.sections:
        if section.sql:
            told.setdefault(section.sql, []).append(section)
    if not told:
        return []
    parts = ["", *_heading(title, "-")]
    parts += [line for name, value in document.parameters.items() for line in fold_text(f":{name} = {value}", WIDTH)]
    parts += ["", shared, *wrap_sql(HEAD)]
    for text, sections in told.items():
        parts += ["", *(line for section in sections for line in fold_text(f"{section.title} ({section.key})", WIDTH))]
        parts += wrap_sql(text.replace(HEAD, "\u2026", 1))
    return parts


def wrap_sql(text: str) -> list[str]:
    """SQL in lines of at most 80 characters (a longer literal excepted) that mean the same."""
    lines: list[str] = []
    for line in text.strip().splitlines():
        indent = " " * min(8, len(line) - len(line.lstrip()))
        current = ""
        for word in WORD_OF_SQL.findall(line):
            if current and len(indent) + len(current) + 1 + len(word) > WIDTH:
                lines.append(indent + current)
                current, indent = "", (indent or "    ")
            current += f" {word}" if current else word
        lines.append(indent + current)
    return lines


def _heading(title: str, line: str) -> list[str]:
    lines = fold_text(title, WIDTH)
    return [*lines, line * max(map(text_width, lines), default=0)]


def text_table(columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> list[str]:
    """Columns side by side, two blanks apart; where they are too wide the widest ones are folded."""
    widths = [max(text_width(cell) for cell in (columns[at], *(row[at] for row in rows))) for at in range(len(columns))]
    while sum(widths) + 2 * (len(widths) - 1) > WIDTH and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    lines = []
    for number, row in enumerate([columns, *rows]):
        folded = [fold_text(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
        for line in range(max(map(len, folded))):
            cells = [part[line] if line < len(part) else "" for part in folded]
            blanks = [" " * (width - text_width(cell)) for cell, width in zip(cells, widths, strict=True)]
            lines.append(
                "  ".join(blank + cell if right else cell + blank for cell, blank, right in zip(cells, blanks, numeric, strict=True))
            )
        if not number:
            lines.append("  ".join("\u2500" * width for width in widths))
    return lines


def text_width(text: str) -> int:
    """Columns that a text takes on a terminal: two for a wide character, none for one that joins the one before."""
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Me", "Mn", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fold_text(text: str, width: int) -> list[str]:
    """The text in lines of at most so many columns, broken at blanks; a longer word is cut."""
    lines: list[str] = []
    line = ""
    for part in (part for word in text.split() for part in _cut(word, width)):
        joined = f"{line} {part}" if line else part
        if text_width(joined) > width:
            lines, joined = [*lines, line], part
        line = joined
    return [*lines, line] if line else lines


def _cut(word: str, width: int) -> Iterator[str]:
    """The word in parts that fit; an interval is cut after its dash."""
    begin, dash, rest = word.partition("\u2013")
    if rest and text_width(word) > width >= text_width(begin + dash):
        yield begin + dash
        word = rest
    part = ""
    for character in word:
        if part and text_width(part + character) > width:
            yield part
            part = ""
        part += character
    yield part
