"""The unit table: what a word after a number means in a title, and which kind of good a word speaks of."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

VESSELS = "vials"  # the counting word of what holds a liquid or pills: vial, ampoule, bottle
SPELLED = frozenset({"gram", "ounce", "oz", "lb", "pound", "kilo", "kg", "kilogram"})  # stand for one where no number does
_TABLE = Path(__file__).with_name("data") / "units.toml"


class Measure(StrEnum):
    """What a number with a unit measures; the values of MASS, VOLUME and COUNT are the units of `Quantity`."""

    MASS = "g"
    VOLUME = "ml"
    COUNT = "unit"
    DOSE = "dose"
    CONTAINER = "container"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Unit:
    """One word of the table: what it measures, its factor to the base unit (g, ml, 1), and for doses "mg" or "ug"."""

    measure: Measure
    factor: Decimal = Decimal(1)
    name: str = ""


NOISE_UNIT = Unit(Measure.NOISE)


@dataclass(frozen=True, slots=True)
class UnitTable:
    """The table in `data/units.toml`, keyed by folded words."""

    units: dict[str, Unit]
    slang: dict[str, Decimal]  # gram of one
    numbers: dict[str, Decimal]  # number words
    codes: frozenset[str]  # what follows a number in a substance's name
    strength: frozenset[str]  # what "3x" of is no pack
    contexts: dict[str, frozenset[str]]  # pill, powder, apparatus, intangible …
    context_words: frozenset[str]  # all of these
    telling: frozenset[str]  # words without one of which no number is an amount, multipliers glued to them included
    leading: frozenset[str]  # words that begin an amount by themselves: "half lb", "eighth", "x", "qty"


@lru_cache(maxsize=1)
def load_units() -> UnitTable:
    """The unit table, read once from the data file."""
    table: dict[str, Any] = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    units: dict[str, Unit] = {}
    for word in table["noise"]["words"].split():
        units[word] = NOISE_UNIT
    for word in table["containers"]["words"].split():
        units[word] = Unit(Measure.CONTAINER, name=word)
    for name, words in table["counts"].items():
        units |= dict.fromkeys(words.split(), Unit(Measure.COUNT, name=name))
    units |= {word: Unit(Measure.MASS, Decimal(factor), word) for word, factor in table["mass"].items()}
    units |= {word: Unit(Measure.VOLUME, Decimal(factor), word) for word, factor in table["volume"].items()}
    units |= {word: Unit(Measure.DOSE, name=unit) for word, unit in table["dose"].items()}
    leading = SPELLED | {"x", "hp", "qp", "qty", "quantity"} | table["slang"].keys() | table["numbers"].keys()
    named = {word for word, unit in units.items() if unit is not NOISE_UNIT}
    contexts = {name: frozenset(words.split()) for name, words in table["contexts"].items()}
    return UnitTable(
        units=units,
        slang={word: Decimal(gram) for word, gram in table["slang"].items()},
        numbers={word: Decimal(value) for word, value in table["numbers"].items()},
        codes=frozenset(table["codes"]["words"].split()),
        strength=frozenset(table["strength"]["words"].split()),
        contexts=contexts,
        context_words=frozenset().union(*contexts.values()),
        telling=leading | named | {"ball", "balls", "fl"} | {f"{word}x" for word in named} | {f"x{word}" for word in named},
        leading=leading,
    )
