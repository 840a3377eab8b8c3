"""The plain title, one number with one metric unit and nothing that could change its meaning: half of all titles, read ten times faster.

It gives exactly what the grammar gives for these titles (a test holds them together) or None: then the grammar has to look.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from torwatch.normalise.quantity_context import category_words
from torwatch.normalise.units import load_units
from torwatch.normalise.units_number import parse_decimal

if TYPE_CHECKING:
    from decimal import Decimal

    from torwatch.normalise.units import Unit

# No other digit in the title; before the number white space or an opener, so that it belongs to no name, price, range or list.
_PLAIN = re.compile(
    r"(?:|[^\d=]*[\s(\[*!|:\"])(?P<number>(?!0\d)\d{1,6}(?:[.,]\d{1,2})?) ?(?P<unit>g|gr|grams?|kg|ml)(?:[ )\]!|,*\"][^\d=]*|\.?)"
)
_PERCENT = re.compile(r"(?<![\w.,$/-])\d{1,3}(?:[.,]\d{1,2})? ?%")
_LETTERS = re.compile(r"[^\W\d_]+")
# Words that make the grammar look twice, beside those that begin an amount by themselves.
_DOUBTS = """from min minimum max maximum starting ab vanaf upto over up to till until bis tot per pro je each ea stuk scale usd eur euro euros
gbp aud cad chf btc xmr dollar dollars bucks percent nbome micro milli gram grams fl"""


@lru_cache(maxsize=1)
def _doubts() -> frozenset[str]:
    table = load_units()
    return table.leading.union(_DOUBTS.split(), table.contexts["apparatus"])


def read_plain(folded: str, category: str, decimal: str) -> tuple[Decimal, Unit] | None:
    """The amount in g or ml and its unit; None where the title is not plain. `decimal` is the market's decimal sign."""
    bare = _PERCENT.sub("%", folded) if "%" in folded else folded
    match = _PLAIN.fullmatch(bare)
    if match is None:
        return None
    rest = bare[: match.start("number")] + bare[match.end("unit") :]
    if not _doubts().isdisjoint(_LETTERS.findall(rest)):
        return None
    contexts = load_units().contexts
    words = category_words(category)[0]
    value = parse_decimal(match["number"], decimal)
    if value is None or value <= 0 or words & contexts["apparatus"] or words & contexts["intangible"]:
        return None
    unit = load_units().units[match["unit"]]
    return value * unit.factor, unit
