"""Which kind of good a title and its category speak of: whether mg are a dose or the amount, and whether pieces are sold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from torwatch.normalise.quantity_lexer import fold
from torwatch.normalise.units import load_units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torwatch.normalise.quantity_words import Word

_BALANCE = re.compile(r"\b(?:digital|pocket|precision|weighing|jewel\w*) (?:\w+ ){0,2}scale\b")  # "fish scale" is a grade of cocaine
_PART = re.compile(r"\s*(?:>|/| - )\s*")
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Context:
    """Which kind of good the title and its category speak of."""

    pill: bool
    powder: bool
    apparatus: bool
    intangible: bool
    liquid: bool
    herb: bool  # sold by the pound
    counted: bool  # the category itself sells by the piece


def read_context(folded: str, words: Sequence[Word], category: str) -> Context:
    """The context of a folded title, of which `words` are the parts, under the market's own category path ("Drugs > Benzos > Pills"; "" where unknown)."""
    said = frozenset().union(*[word.context for word in words])
    return _context_of(said, "scale" in folded and _BALANCE.search(folded) is not None, category)


@lru_cache(maxsize=4096)
def _context_of(words: frozenset[str], balance: bool, category: str) -> Context:  # noqa: FBT001 - lru_cache is quickest with positions
    contexts, (whole, last) = load_units().contexts, category_words(category)
    forms = contexts["form_pill"] | contexts["form_powder"]
    pill = powder = False
    for source in (words & forms, last & forms, words, last, whole):  # the surest first
        pill, powder = bool(source & contexts["pill"]), bool(source & contexts["powder"])
        if pill != powder:
            break
    everything = whole | words
    return Context(
        pill=pill and not powder,
        powder=powder and not pill,
        apparatus=bool(everything & contexts["apparatus"]) or balance,
        intangible=bool(whole & contexts["intangible"]),
        liquid=bool(words & contexts["liquid"]),
        herb=bool(everything & contexts["herb"]),
        counted=is_counted(category),
    )


@lru_cache(maxsize=4096)
def category_words(category: str) -> tuple[frozenset[str], frozenset[str]]:
    """The context words of a category path, and those of its last part."""
    known = load_units().context_words
    parts = [known & {*_WORD.findall(part), *re.findall(r"[^\W_]+", part)} for part in _PART.split(fold(category))]
    return frozenset().union(*parts), parts[-1]


@lru_cache(maxsize=4096)
def is_counted(category: str) -> bool:
    """Whether the last part of the category sells by the piece."""
    return bool(category_words(category)[1] & load_units().contexts["counted"])
