"""Which kind of good a title and its category speak of: whether mg are a dose or the amount, and whether pieces are sold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from torwatch.normalise.quantity_lexer import fold
from torwatch.normalise.units import load_units

_BALANCE = re.compile(r"\b(?:digital|pocket|precision|weighing|jewel\w*) (?:\w+ ){0,2}scale\b")  # "fish scale" is a grade of cocaine
_LETTERS = re.compile(r"[^\W\d_]+")
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


def read_context(folded: str, category: str) -> Context:
    """The context of a folded title under the market's own category path ("Drugs > Benzos > Pills"; "" where unknown)."""
    table = load_units()
    contexts, (whole, last) = table.contexts, category_words(category)
    words = table.context_words & (set(_WORD.findall(folded)) | set(_LETTERS.findall(folded)))
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
        apparatus=bool(everything & contexts["apparatus"]) or ("scale" in folded and _BALANCE.search(folded) is not None),
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


def is_counted(category: str) -> bool:
    """Whether the last part of the category sells by the piece."""
    return bool(category_words(category)[1] & load_units().contexts["counted"])
