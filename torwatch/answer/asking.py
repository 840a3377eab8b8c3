"""What every section needs: the database, the question, what the period offers, and how a section is put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.answer.words import category_name
from torwatch.report import answer_sql as sql
from torwatch.report.document import Cell, Section, show_cell

if TYPE_CHECKING:
    from torwatch.answer.question import Question
    from torwatch.answer.scope import Scope
    from torwatch.store.database import Store


@dataclass(frozen=True, slots=True)
class Asking:
    """One question being answered."""

    store: Store
    question: Question
    scope: Scope

    def say(self, english: str, dutch: str) -> str:
        """The text in the language of the answer."""
        return self.question.say(english, dutch)

    def category(self, place: int) -> str:
        """The name of a category of the scope in the language of the answer."""
        return category_name(self.scope.categories[place], self.question.language)

    def percent(self, share: float | None) -> str:
        """A share as a text in per cent, with the decimal sign of the language."""
        return show_cell(None if share is None else round(100 * share, 2), self.question.language)

    def percents(self, low: float | None, high: float | None) -> str:
        """Two limits of a share, in per cent."""
        return f"{self.percent(low)}\u2013{self.percent(high)}"

    def number(self, value: float) -> str:
        """A whole number as a text, thousands apart."""
        return show_cell(round(value), self.question.language)

    def rows(self, text: str) -> list[Any]:
        """The rows of a query that reads no large table."""
        return self.store.rows(text, self.question.parameters)

    def section(
        self,
        key: str,
        titles: tuple[str, str],
        columns: tuple[tuple[str, str], ...],
        rows: list[tuple[Cell, ...]],
        text: str,
        note: tuple[str, str] = ("", ""),
        reason: tuple[str, str] = ("Not printed: nothing was seen in this period.", "Niet vermeld: in deze periode is niets gezien."),
    ) -> Section:
        """A section; every text in English and Dutch. `reason` is printed where there is no row."""
        heads = tuple(self.say(*column) for column in columns)
        return Section(
            key,
            self.say(*titles),
            heads,
            tuple(rows),
            self.say(*note),
            "" if rows else self.say(*reason),
            sql.standalone(text) if text else "",
        )
