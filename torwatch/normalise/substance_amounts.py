"""What the quantities in a title tell about the kind of good: a weight, a tablet's dose, micrograms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torwatch.normalise.substance_terms import Tokens

_DOSE_DIGITS = 4
_PILL_DOSE_MG = range(100, 351)  # strengths at which tablets of MDMA are sold (Trimbos DIMS annual reports)
# fmt: off
_MASS_UNITS = frozenset({"g", "gr", "grs", "gram", "grams", "gramm", "gramme", "grammes", "gramos", "kg",
                         "kilo", "kilos", "oz", "ounce", "ounces", "lb", "lbs", "ml"})
# fmt: on
_DOSE_UNITS = frozenset({"mg", "mgs", "ug", "mcg"})
_UNITS = _MASS_UNITS | _DOSE_UNITS


@dataclass(slots=True)
class Amounts:
    """What quantities in the title tell about the kind of good."""

    physical: bool = False
    mass: bool = False
    micrograms: bool = False
    pill_dose: bool = False


def read_amounts(tokens: Tokens) -> Amounts:
    """Read them from the tokens of a title."""
    amounts = Amounts()
    number = ""
    for text in tokens.texts:
        if text not in _UNITS or not number.isdigit():
            number = text
            continue
        amounts.physical = True
        amounts.mass |= text in _MASS_UNITS
        if text in _DOSE_UNITS:
            if text.startswith("mg"):
                amounts.pill_dose |= len(number) <= _DOSE_DIGITS and int(number) in _PILL_DOSE_MG
            else:
                amounts.micrograms = True
        number = text
    return amounts
