"""An answer as plain text that is readable at 80 columns."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from torwatch.report.answer_sql import HEAD
from torwatch.report.document import Document, Section, show_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 80
NARROWEST = 8
WORD_OF_SQL = re.compile(r"(?:'[^']*'|[^\s'])+")  # a literal stays whole: a new line in it would change it


def answer_text(document: Document) -> str:
    """Write the whole document, no line longer than 80 characters (a single longer word, or literal of SQL, excepted)."""
    parts = [document.title, "=" * min(WIDTH, len(document.title)), *_wrap(document.subtitle), ""]
    for line in document.lead:
        parts += _wrap(line)
    for section in document.sections:
        parts += ["", *_wrap(section.title), "-" * min(WIDTH, len(section.title)), *_body(section, document.language)]
    parts += _queries(document)
    return "\n".join(line.rstrip() for line in parts) + "\n"


def _queries(document: Document) -> list[str]:
    """The SQL of every figure, after all figures; what they share, the listings of the period, comes once and is put before each."""
    title, shared = (
        ("SQL van elk cijfer", "Begin, vóór elke vraag die met … begint:")
        if document.language == "nl"
        else ("SQL of every figure", "Head, before each query that begins with \u2026:")
    )
    told = [section for section in document.sections if section.sql]
    if not told:
        return []
    parts = ["", title, "-" * len(title)]
    parts += [line for name, value in document.parameters.items() for line in _wrap(f":{name} = {value}")]
    parts += ["", shared, *wrap_sql(HEAD)]
    for section in told:
        parts += ["", f"{section.title} ({section.key})", *wrap_sql(section.sql.replace(HEAD, "\u2026", 1))]
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


def _body(section: Section, language: str) -> list[str]:
    lines = _wrap(section.reason)
    if section.rows:
        lines += text_table(section.columns, [[show_cell(cell, language) for cell in row] for row in section.rows], section.numeric)
    return lines + (_wrap(section.note) if section.note else [])


def text_table(columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> list[str]:
    """Columns side by side, two blanks apart; where they are too wide the widest ones are folded."""
    widths = [max(len(cell) for cell in (columns[at], *(row[at] for row in rows))) for at in range(len(columns))]
    while sum(widths) + 2 * (len(widths) - 1) > WIDTH and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    lines = []
    for number, row in enumerate([columns, *rows]):
        folded = [textwrap.wrap(cell, width, break_on_hyphens=False) or [""] for cell, width in zip(row, widths, strict=True)]
        for line in range(max(map(len, folded))):
            cells = [part[line] if line < len(part) else "" for part in folded]
            aligned = [cell.rjust(width) if right else cell.ljust(width) for cell, width, right in zip(cells, widths, numeric, strict=True)]
            lines.append("  ".join(aligned))
        if not number:
            lines.append("  ".join("\u2500" * width for width in widths))
    return lines


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_on_hyphens=False) if text else []
