"""What every section needs: the database, the question, what the period offers, and how a section is put together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.answer.words import category_name
from torwatch.measure.estimate import Estimate
from torwatch.report import answer_sql as sql
from torwatch.report.document import Cell, Interval, Label, Section, show_cell

if TYPE_CHECKING:
    from torwatch.answer.question import Question
    from torwatch.answer.scope import Scope
    from torwatch.measure.estimate import Refusal
    from torwatch.measure.survival import Step
    from torwatch.store.database import Store
    from torwatch.store.spending import Limits

NOTHING_SEEN = ("Not printed: nothing was seen in this period.", "Niet vermeld: in deze periode is niets gezien.")
NOTHING_STANDS = (
    "Not printed: nothing stands at the end of the period: the markets watched had closed, or all of it was gone. Ask for an earlier day with --until.",
    "Niet vermeld: aan het eind van de periode staat er niets: de gevolgde markten waren gesloten of alles was weg. Vraag een eerdere dag met --until.",
)
NO_WORD = re.compile(r"[^a-z0-9]+")


def percents(found: Estimate | Step) -> Interval | None:
    """The limits of a share in per cent; None where it has none."""
    return None if found.low is None or found.high is None else Interval(round(100 * found.low, 2), round(100 * found.high, 2))


def share_cells(share: Estimate | Refusal) -> tuple[float | None, Interval | None]:
    """A share and its limits in per cent; nothing where it is refused."""
    return (round(100 * share.value, 2), percents(share)) if isinstance(share, Estimate) else (None, None)


@dataclass(frozen=True, slots=True)
class Asking:
    """One question being answered. `limits`: how hard any target may be asked that has no limits of its own; None: not told."""

    store: Store
    question: Question
    scope: Scope
    limits: Limits | None = None

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

    def nothing(self, *, here: bool = False) -> tuple[str, str]:
        """Why there is nothing to print; `here`: of the country's standing listings."""
        if not len(self.scope.id):
            return NOTHING_SEEN
        if not self.scope.standing.any():
            return NOTHING_STANDS
        code = self.question.country
        return (
            (
                f"Not printed: no standing listing names {code} as its origin.",
                f"Niet vermeld: geen staande aanbieding noemt {code} als herkomst.",
            )
            if here
            else NOTHING_SEEN
        )

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
        reason: tuple[str, str] | None = None,
    ) -> Section:
        """A section; every text in English and Dutch. `reason` is printed where there is no row; else what `nothing` says.

        A column may say its stable name after its two headings; else the English one is it.
        """
        heads = tuple(self.say(english, dutch) for english, dutch, *_ in columns)
        names = tuple(name[0] if name else NO_WORD.sub("_", english.lower()).strip("_") for english, _, *name in columns)
        return Section(
            key,
            self.say(*titles),
            heads,
            names,
            tuple(rows),
            self.say(*note),
            "" if rows else self.say(*(reason or self.nothing())),
            sql.standalone(text) if text else "",
        )
