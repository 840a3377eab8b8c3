"""An answer as plain text that is readable at 80 columns."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from torwatch.report.document import Document, Section, show_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 80
NARROWEST = 8


def answer_text(document: Document) -> str:
    """Write the whole document, no line longer than 80 characters (a single longer word excepted)."""
    parts = [document.title, "=" * min(WIDTH, len(document.title)), *_wrap(document.subtitle), ""]
    for line in document.lead:
        parts += _wrap(line)
    for section in document.sections:
        parts += ["", *_wrap(section.title), "-" * min(WIDTH, len(section.title)), *_body(section, document.language)]
    return "\n".join(line.rstrip() for line in parts) + "\n"


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
        folded = [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
        for line in range(max(map(len, folded))):
            cells = [part[line] if line < len(part) else "" for part in folded]
            aligned = [cell.rjust(width) if right else cell.ljust(width) for cell, width, right in zip(cells, widths, numeric, strict=True)]
            lines.append("  ".join(aligned))
        if not number:
            lines.append("  ".join("\u2500" * width for width in widths))
    return lines


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_on_hyphens=False) if text else []
