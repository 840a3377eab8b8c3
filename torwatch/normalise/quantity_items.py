"""The items a title is made of, once its tokens are read: measures, multipliers, ranges, words."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from torwatch.normalise.units import NOISE_UNIT, Unit


class Kind(StrEnum):
    """What an item of a title is."""

    MEASURE = "measure"  # a number with a unit: grams, millilitres, pills, mg, boxes
    BARE = "bare"  # a unit of mass without a number: "Oz" in "$225 Oz"
    NUMBER = "number"  # a number that nothing claims
    TIMES = "times"  # "10 x" or "x 10"
    CROSS = "cross"  # an "x" that no number claims
    RANGE = "range"  # "5-100 g", "from 1 g": no single amount
    EQUALS = "equals"
    NOISE = "noise"  # a price, a percentage, a duration, a substance's or stamp's number
    WORD = "word"
    SIGN = "sign"


class Item(NamedTuple):
    """One item of a title; a tuple, because a page of listings makes thousands. `value`: in the unit as written for doses, else in g, ml or pieces."""

    kind: Kind
    text: str = ""
    value: Decimal = Decimal(0)
    unit: Unit = NOISE_UNIT
    per: str = ""  # the word after "per" or "/": "ml" in "200mg/ml"; "each"
    suffix: bool = False  # TIMES: the x stood before the number
    pack: Decimal | None = None  # how many parts a product was made of
