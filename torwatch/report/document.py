"""An answer as a document: sections of tables, each with what it rests on, or the reason why there is no figure."""

from __future__ import annotations

from dataclasses import dataclass

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Section:
    """One figure or table. `reason` says why it is not printed; `sql` gives it again from the database; `key` is stable, for scripts."""

    key: str
    title: str
    columns: tuple[str, ...] = ()
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
    """The whole answer, in one language (`nl` or `en`)."""

    title: str
    language: str
    subtitle: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    parameters: dict[str, str]


def show_cell(cell: Cell, language: str) -> str:
    """A cell for people: thousands apart, the decimal sign of the language, an en dash for nothing."""
    if cell is None:
        return "\u2013"
    if isinstance(cell, str):
        return cell
    text = f"{cell:,.2f}" if isinstance(cell, float) else f"{cell:,}"
    return text.translate(str.maketrans(",.", ".,")) if language == "nl" else text
