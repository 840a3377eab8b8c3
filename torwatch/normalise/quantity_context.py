"""Which kind of good a title and its category speak of: whether mg are a dose or the amount, and whether pieces are sold."""

from __future__ import annotations

import re
from dataclasses import dataclass

from torwatch.normalise.quantity_lexer import fold
from torwatch.normalise.units import load_units

_BALANCE = re.compile(r"\b(?:digital|pocket|precision|weighing|jewel\w*) (?:\w+ ){0,2}scale\b")  # "fish scale" is a grade of cocaine
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Context:
    """Which kind of good the title and its category speak of."""

    pill: bool
    powder: bool
    apparatus: bool
    intangible: bool
    herb: bool  # sold by the pound
    counted: bool  # the category itself sells by the piece


def read_context(folded: str, category: str) -> Context:
    """The context of a folded title under the market's own category path ("Drugs > Benzos > Pills"; "" where unknown)."""
    contexts = load_units().contexts
    path = [set(_WORD.findall(part)) | set(re.findall(r"[^\W_]+", part)) for part in re.split(r"\s*(?:>|/| - )\s*", fold(category))]
    words = set(_WORD.findall(folded)) | set(re.findall(r"[^\W\d_]+", folded))
    forms = contexts["form_pill"] | contexts["form_powder"]
    pill = powder = False
    for source in (words & forms, path[-1] & forms, words, path[-1], set().union(*path)):  # the surest first
        pill, powder = bool(source & contexts["pill"]), bool(source & contexts["powder"])
        if pill != powder:
            break
    everything = set().union(*path) | words
    return Context(
        pill=pill and not powder,
        powder=powder and not pill,
        apparatus=bool(everything & contexts["apparatus"]) or _BALANCE.search(folded) is not None,
        intangible=bool(set().union(*path) & contexts["intangible"]),
        herb=bool(everything & contexts["herb"]),
        counted=bool(path[-1] & contexts["counted"]),
    )
