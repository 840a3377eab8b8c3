"""An answer as a document: sections of tables, each with what it rests on, or the reason why there is no figure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "nl": ("jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"),
}
DATE = re.compile(r"\b(\d{4})-(0[1-9]|1[0-2])-(\d{2})(?:T(\d{2}:\d{2})[\d:.]*(?:Z|\+00:00))?(?![\w-])")


class Label(str):
    """A word for people, in the language of the answer, with the key that it has in every language."""

    __slots__ = ("key",)
    key: str

    def __new__(cls, key: str, text: str) -> Self:
        """The text, which knows its key."""
        made = super().__new__(cls, text)
        made.key = key
        return made


@dataclass(frozen=True, slots=True)
class Interval:
    """Two limits, in the unit of the figure that they are of."""

    low: float
    high: float


Cell = str | int | float | Interval | None


@dataclass(frozen=True, slots=True)
class Section:
    """One figure or table. `reason` says why it is not printed; `sql` gives it again from the database.

    `key` and the `names` of the columns are stable, for scripts; `columns` are headings in the language of the answer.
    """

    key: str
    title: str
    columns: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    note: str = ""
    reason: str = ""
    sql: str = ""

    @property
    def numeric(self) -> list[bool]:
        """By column whether it holds no text: then it is set to the right."""
        return [all(not isinstance(row[at], str) for row in self.rows) for at in range(len(self.columns))]


@dataclass(frozen=True, slots=True)
class Document:
    """The whole answer, in one language (`nl` or `en`). `basis`: what every figure rests on, as numbers; the lead says it in words."""

    title: str
    language: str
    subtitle: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    parameters: dict[str, str]
    basis: Mapping[str, Any] = field(default_factory=dict)


def show_text(text: str, language: str) -> str:
    """A text for people: every ISO date in it as the language writes dates, 5 Jan 2026, with the time (UTC) where it has one."""
    return DATE.sub(lambda found: _say_date(found, language), text)


def _say_date(found: re.Match[str], language: str) -> str:
    year, month, day, time = found.groups()
    return f"{int(day)} {MONTHS[language][int(month) - 1]} {year}" + (f", {time}" if time else "")


def show_cell(cell: Cell, language: str) -> str:
    """A cell for people: thousands apart, the decimal sign and the dates of the language, an en dash for nothing."""
    if cell is None:
        return "\u2013"
    if isinstance(cell, str):
        return show_text(cell, language)
    if isinstance(cell, Interval):
        return f"{show_cell(cell.low, language)}\u2013{show_cell(cell.high, language)}"
    text = f"{cell:,.2f}" if isinstance(cell, float) else f"{cell:,}"
    return text.translate(str.maketrans(",.", ".,")) if language == "nl" else text
