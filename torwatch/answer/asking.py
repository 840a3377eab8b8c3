"""What every section needs: the database, the question, what the period offers, and how a section is put together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.answer.words import category_name
from torwatch.report import answer_sql as sql
from torwatch.report.document import Cell, Interval, Label, Section, show_cell

if TYPE_CHECKING:
    from torwatch.answer.question import Question
    from torwatch.answer.scope import Scope
    from torwatch.measure.estimate import Estimate
    from torwatch.measure.survival import Step
    from torwatch.store.database import Store

NOTHING_SEEN = ("Not printed: nothing was seen in this period.", "Niet vermeld: in deze periode is niets gezien.")
NOTHING_STANDS = (
    "Not printed: nothing stands at the end of the period: the markets watched had closed, or all of it was gone. Ask for an earlier day with --until.",
    "Niet vermeld: aan het eind van de periode staat er niets: de gevolgde markten waren gesloten of alles was weg. Vraag een eerdere dag met --until.",
)
NO_WORD = re.compile(r"[^a-z0-9]+")


def percents(found: Estimate | Step) -> Interval | None:
    """The limits of a share in per cent; None where it has none."""
    return None if found.low is None or found.high is None else Interval(round(100 * found.low, 2), round(100 * found.high, 2))


@dataclass(frozen=True, slots=True)
class Asking:
    """One question being answered."""

    store: Store
    question: Question
    scope: Scope

    def say(self, english: str, dutch: str) -> str:
        """The text in the language of the answer."""
        return self.question.say(english, dutch)

    def label(self, key: str, english: str, dutch: str) -> Label:
        """What a row is of, in the language of the answer, with its stable key."""
        return Label(key, self.say(english, dutch))

    def category(self, place: int) -> Label:
        """The name of a category of the scope in the language of the answer."""
        return category_name(self.scope.categories[place], self.question.language)

    def percent(self, share: float | None) -> str:
        """A share as a text in per cent, with the decimal sign of the language."""
        return show_cell(None if share is None else round(100 * share, 2), self.question.language)

    def percents(self, low: float | None, high: float | None) -> str:
        """Two limits of a share as a text, in per cent."""
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
        columns: tuple[tuple[str, ...], ...],
        rows: list[tuple[Cell, ...]],
        text: str,
        note: tuple[str, str] = ("", ""),
        reason: tuple[str, str] = NOTHING_SEEN,
    ) -> Section:
        """A section; every text in English and Dutch. `reason` is printed where there is no row.

        A column may say its stable name after its two headings; else the English one is it.
        """
        if reason is NOTHING_SEEN and len(self.scope.id) and not self.scope.standing.any():
            reason = NOTHING_STANDS
        heads = tuple(self.say(*column[:2]) for column in columns)
        names = tuple(column[2] if len(column) > 2 else NO_WORD.sub("_", column[0].lower()).strip("_") for column in columns)  # noqa: PLR2004
        return Section(
            key,
            self.say(*titles),
            heads,
            names,
            tuple(rows),
            self.say(*note),
            "" if rows else self.say(*reason),
            sql.standalone(text) if text else "",
        )
