"""A title as a row of items: measures, counts, multipliers, ranges and words; prices, percentages and imprint codes are set aside."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from math import gcd
from typing import TYPE_CHECKING

from torwatch.normalise.quantity_items import Item, Kind
from torwatch.normalise.units import SPELLED, Measure, Unit, UnitTable, load_units
from torwatch.normalise.units_number import parse_decimal

if TYPE_CHECKING:
    from torwatch.normalise.quantity_words import Tokens

_DASHES = "-\u2013\u2014~"
_TO = frozenset({"and", "or", "und", "oder", "en", "to", "till", "until", "bis", "tot", "upto"})
_OPEN = frozenset({"from", "min", "minimum", "max", "maximum", "starting", "ab", "vanaf", "upto", "over"})
_PER = frozenset({"per", "pro", "je"})
_OF_MONEY = frozenset({"note", "notes", "sterling", "bill", "bills", "cash", "worth", "balance"})
_EACH = frozenset({"each", "ea", "stuk"})
_FLUID_OUNCE = Unit(Measure.VOLUME, Decimal("29.57"), "fl oz")
_LARGEST = Decimal(10**9)  # no order has more grams or pieces; keeps every product exact
_SLANG = Unit(Measure.MASS, Decimal("28.35"), "slang")
_NOISE = Item(Kind.NOISE)
_AMOUNTS = frozenset({Measure.MASS, Measure.VOLUME, Measure.COUNT})
_GLUED_WORD_CHARACTERS = 4  # "haze10g" is haze and 10 g; "ak47" and "b707" are codes
_EDGE = ("",) * 8  # more than any look goes beyond an end
_EDGE_GAPS = (True,) * len(_EDGE)
_EIGHTH, _EIGHT_BALL = Decimal("3.54"), Decimal("3.5")


def read_items(tokens: Tokens, decimal: str = ".") -> list[Item]:
    """The items of a title in their order; `decimal` is the market's decimal sign."""
    return _Reader(tokens, decimal).read()


@lru_cache(maxsize=16_384)
def _value_of(kind: str, text: str, decimal: str, whole: bool) -> Decimal | None:  # noqa: FBT001 - lru_cache is quickest with positions
    value = _read_fraction(text) if kind == "fraction" else _read_number(text, decimal, whole=whole)
    return value if value is not None and value <= _LARGEST else None


def _read_fraction(text: str) -> Decimal | None:
    head, _, tail = text.rpartition("/")
    mixed, _, upper = head.rpartition(" ")
    lower = Decimal(re.match(r"\d+", tail)[0])  # type: ignore[index]  # the token's pattern has digits there
    if gcd(int(upper), int(lower)) != 1 or Decimal(upper) >= lower:
        return None  # "2/4 g" is a list
    return Decimal(mixed or 0) + Decimal(upper) / lower


def _read_number(text: str, decimal: str, *, whole: bool) -> Decimal | None:
    if whole and re.fullmatch(r"[1-9]\d{0,2}(?:[.,]\d{3})+", text):
        return Decimal(re.sub(r"[.,]", "", text))
    if text.startswith("."):
        return Decimal("0" + text)
    return parse_decimal(text, decimal)


def _is_name(text: str) -> bool:
    """Whether a number is written as names write it: "007"."""
    return text[0] == "0" and text[1:2].isdecimal()


class _Reader:
    """Walks the tokens once; every step consumes at least one, so the time is linear in the length."""

    def __init__(self, tokens: Tokens, decimal: str) -> None:
        self._table: UnitTable = load_units()
        self._decimal = decimal
        self._size = len(tokens.kinds)
        # Beyond either end stands nothing: the edge also serves places before the first, which Python counts from the end.
        self._kinds = (*tokens.kinds, *_EDGE)
        self._texts = [*tokens.texts, *_EDGE]
        self._gaps = (*tokens.gaps, *_EDGE_GAPS)
        self._items = list(tokens.items)

    def read(self) -> list[Item]:
        items: list[Item] = []
        position = 0
        while position < self._size:
            item = self._items[position]
            position += 1
            if item is None:
                item, position = self._step(position - 1)
            items.append(item)
        return items

    def _step(self, at: int) -> tuple[Item, int]:
        kind, text = self._kinds[at], self._texts[at]
        if kind in {"number", "fraction"}:
            return self._number(at)
        if kind == "word":
            return self._word(at)
        crossed = text == "*" and self._kinds[at - 1] == "number" and self._kinds[at + 1] == "number"
        return Item(Kind.CROSS if crossed else Kind.EQUALS if text == "=" else Kind.SIGN, text), at + 1

    def _word(self, at: int) -> tuple[Item, int]:
        word = self._texts[at]
        if word == "x":
            return Item(Kind.CROSS, "x" if self._gaps[at] else "glued"), at + 1
        if word in self._table.slang:
            return Item(Kind.MEASURE, word, self._table.slang[word], _SLANG), at + 1
        if word in {"hp", "qp"} and not self._is_priced(at) and (self._gaps[at + 1] or self._texts[at + 1] not in _DASHES):
            return Item(Kind.BARE, word, self._table.units[word].factor, self._table.units[word]), at + 1
        stated = self._stated(at) if word in {"qty", "quantity"} else self._number_word(at) if word in self._table.numbers else None
        if stated is not None:
            return stated
        if word in SPELLED and self._texts[at - 1] != "'" and not self._is_priced(at):
            return Item(Kind.BARE, word, self._table.units[word].factor, self._table.units[word]), at + 1
        return Item(Kind.WORD, word), at + 1

    def _is_priced(self, at: int) -> bool:
        """Whether a price per this unit stands here: "$5/gram"."""
        return self._texts[at - 1] in {"/", "per"} and self._kinds[at - 2] == "money"

    def _stated(self, at: int) -> tuple[Item, int] | None:
        """Reads "qty: 100", "(qty. 100)", "qty3"; None when no whole number follows."""
        number = at + (2 if self._texts[at + 1] in {":", ".", "-", "="} else 1)
        value = self._value(number, whole=True) if self._kinds[number] == "number" else None
        if value is None or value <= 0 or value != value.to_integral_value() or self._texts[number + 1] in self._table.units:
            return None
        return Item(Kind.MEASURE, self._texts[number], value, self._table.units["pcs"]), number + 1

    def _number_word(self, at: int) -> tuple[Item, int] | None:
        """Reads "half LB", "one ounce", "half a pound", "quarter-pound", "two pills"; None when no unit follows."""
        after = at + 1
        if self._texts[at] == "eight" and self._texts[after] in {"ball", "balls"}:
            return Item(Kind.MEASURE, "8-ball", _EIGHT_BALL, _SLANG), after + 1
        while self._texts[after] in {"a", "an", "of", "-"} and after < at + 3:
            after += 1
        unit = self._table.units.get(self._texts[after])
        article = self._texts[at] in {"a", "an"}
        value = self._table.numbers[self._texts[at]]
        if unit is not None and unit.measure is Measure.COUNT and not article and value == value.to_integral_value() and after == at + 1:
            return Item(Kind.MEASURE, self._texts[at], value, unit), after + 1
        if unit is None or unit.measure not in {Measure.MASS, Measure.VOLUME} or (article and len(self._texts[after]) == 1):
            return None
        if article and self._kinds[at - 1] == "money":
            return _NOISE, after + 1  # "$35 a gram" is a price
        return Item(Kind.MEASURE, self._texts[at], value * unit.factor, unit), after + 1

    def _value(self, at: int, *, whole: bool = False) -> Decimal | None:
        """The value of the number at this place; `whole` reads "5,000" and "1.000" as thousands, as counts and doses want it."""
        return _value_of(self._kinds[at], self._texts[at], self._decimal, whole)

    def _is_code(self, at: int) -> bool:
        """Whether the number belongs to the letters before it: "GG249", "SGT-78", "#4"; `x50` and `- 50` do not."""
        if self._texts[at - 1] == "#":
            return True
        if self._gaps[at]:
            return False
        if self._kinds[at - 1] == "word":
            return self._texts[at - 1] != "x"
        return self._texts[at - 1] == "-" and not self._gaps[at - 1] and self._kinds[at - 2] in {"word", "number"}

    def _number(self, at: int) -> tuple[Item, int]:
        ranged = self._range(at)
        if ranged is not None:
            return ranged
        item, after = self._measure(at)
        if item.kind is Kind.MEASURE:
            item, after = self._per(item, after)
            if item.unit.measure in _AMOUNTS and self._is_open(at):
                item = Item(Kind.RANGE)
        return item, after

    def _is_open(self, at: int) -> bool:
        """Reads "from 5 g", "up to 50 g", "min. 10 g": one end of a range."""
        before = self._texts[at - 1] if self._texts[at - 1] not in {".", ":"} else self._texts[at - 2]
        return before in _OPEN or (before == "to" and self._texts[at - 2] == "up")

    def _measure(self, at: int) -> tuple[Item, int]:
        """The number with what follows it: a measure, a plain number, or noise."""
        after = at + 1
        if self._texts[after] == "-" and not self._gaps[after] and not self._gaps[after + 1]:
            after += 1
        elif self._texts[after] == "." and self._kinds[after + 1] == "word" and self._gaps[after]:
            return self._plain(at), at + 1
        word = self._texts[after] if self._kinds[after] == "word" else ""
        joined = not self._gaps[at + 1]  # glued or hyphened
        if word == "fl" and "oz" in (self._texts[after + 1], self._texts[after + 2]):
            return self._with_unit(at, _FLUID_OUNCE, after + (2 if self._texts[after + 1] == "oz" else 3))
        if word == "k" and joined:
            return self._thousands(at, after + 1)
        unit, crossed = self._unit(word, after)
        if unit is None or (self._kinds[at] == "fraction" and unit.measure not in {Measure.MASS, Measure.VOLUME}):
            return self._without_unit(at, after, word, joined=joined)
        if crossed:
            self._texts[after], self._items[after] = "x", None
            return self._with_unit(at, unit, after)
        return self._with_unit(at, unit, after + 1)

    def _unit(self, word: str, at: int) -> tuple[Unit | None, bool]:
        """The unit a word names, and whether a multiplier's x was glued to its end ("20gx")."""
        unit = self._table.units.get(word)
        if word in self._table.slang:
            return Unit(Measure.MASS, self._table.slang[word], word), False
        follows_dash = self._texts[at + 1] == "-" and not self._gaps[at + 1] and not self._gaps[at + 2] and self._kinds[at + 2] == "word"
        if unit is not None and (not follows_dash or len(word) > 1 or not self._gaps[at]):
            return unit, False  # but "5 l-theanine" is not five litres
        if word.endswith("x") and word[:-1] in self._table.units and not self._gaps[at]:
            return self._table.units[word[:-1]], True
        if word.startswith("x") and word[1:] in self._table.units and not self._gaps[at]:
            return self._table.units[word[1:]], False
        return None, False

    def _without_unit(self, at: int, after: int, word: str, *, joined: bool) -> tuple[Item, int]:
        if word == "x" and not self._is_code(at):
            return self._plain(at), after
        if word in {"ball", "balls"} and self._texts[at] == "8":
            if self._kinds[at - 1] == "number" and self._texts[at - 1] != "1":
                return Item(Kind.RANGE), after + 1  # "2 8-balls": of what weight each is anybody's guess
            return Item(Kind.MEASURE, "8-ball", _EIGHT_BALL, _SLANG), after + 1
        if self._kinds[at] == "fraction":
            eighth = re.fullmatch(r"1/8(?:th)?", self._texts[at]) is not None
            return (Item(Kind.MEASURE, "eighth", _EIGHTH, _SLANG) if eighth else _NOISE), at + 1
        if word and (joined or word in self._table.codes):
            return _NOISE, after + 1
        return self._plain(at), at + 1

    def _plain(self, at: int) -> Item:
        """A number nothing claims; one with a leading zero is a name ("007")."""
        value = None if self._is_code(at) or _is_name(self._texts[at]) else self._value(at, whole=True)
        return _NOISE if value is None else Item(Kind.NUMBER, self._texts[at], value)

    def _thousands(self, at: int, after: int) -> tuple[Item, int]:
        """Reads "10k pills", "1k x" and "1k" in front are counts; elsewhere "1k" is somebody's price."""
        value, unit = self._value(at), self._table.units.get(self._texts[after])
        if value is None or self._is_code(at):
            return _NOISE, after
        if unit is not None and unit.measure is Measure.COUNT:
            return Item(Kind.MEASURE, self._texts[at], value * 1000, unit), after + 1
        in_front = {"word", "number"}.isdisjoint(self._kinds[max(0, at - 3) : at])
        return (Item(Kind.NUMBER, self._texts[at], value * 1000) if in_front or self._texts[after] == "x" else _NOISE), after

    def _with_unit(self, at: int, unit: Unit, after: int) -> tuple[Item, int]:
        value = self._value(at, whole=unit.measure in {Measure.COUNT, Measure.CONTAINER, Measure.DOSE})
        counted = unit.measure in {Measure.COUNT, Measure.CONTAINER}
        if unit.name.startswith("pound") and self._texts[after] in _OF_MONEY:
            return _NOISE, after  # "50 pounds notes" weigh little
        if value is None or value <= 0 or unit.measure is Measure.NOISE or self._texts[after].startswith("nbo"):
            return _NOISE, after
        if counted and (value != value.to_integral_value() or _is_name(self._texts[at])):
            return _NOISE, after
        if self._is_code(at):
            spelled = len(self._texts[at - 1]) >= _GLUED_WORD_CHARACTERS or self._texts[at - 1] == "-"
            if counted or not spelled:
                return _NOISE, after
        factor = unit.factor if unit.measure in {Measure.MASS, Measure.VOLUME} else Decimal(1)
        return Item(Kind.MEASURE, self._texts[at], value * factor, unit), after

    def _per(self, item: Item, after: int) -> tuple[Item, int]:
        """Reads "200mg/ml", "50 tablets per bottle", "1 g each"."""
        if self._texts[after] in _EACH:
            return item._replace(per="each"), after + 1
        if self._texts[after] in _PER or self._texts[after] == "/":
            follower = after + (2 if self._texts[after + 1] in {"a", "1"} else 1)
            word = self._texts[follower]
            unit = self._table.units.get(word)
            dosed = item.unit.measure is Measure.COUNT and unit is not None and unit.measure is Measure.DOSE  # "25 tabs/1 mg"
            if self._kinds[follower] == "word" and not dosed and (unit is not None or word in _EACH):
                return item._replace(per=word), follower + 1
        return item, after

    def _range(self, at: int) -> tuple[Item, int] | None:
        """Reads "5-100 g", "1 - 10 pills", "5 to 10 g", "16 and 32 oz", "5/10 g"; None when it is no range. A range of doses is no amount and no fault."""
        second, glued = at + 2, not self._gaps[at + 1] and not self._gaps[at + 2]
        between = self._texts[at + 1]
        if self._kinds[second] not in {"number", "fraction"} or not (between in _TO or (len(between) == 1 and between in _DASHES + "/&")):
            return None
        if self._is_code(at) or (not glued and between not in _TO and self._kinds[at - 1] == "word" and self._texts[at - 1] not in _OPEN):
            return None
        saved = self._texts[at + 1]
        self._texts[at + 1] = ""  # the second number must not look like a code behind its dash
        high, after = self._measure(second)
        self._texts[at + 1] = saved
        if high.kind is Kind.NUMBER:
            return (_NOISE, second + 1) if glued else None
        if re.fullmatch(r"\d{1,3}[.,]\d{3}", self._texts[second]) and high.kind is Kind.MEASURE and high.unit.measure in _AMOUNTS:
            return Item(Kind.RANGE), after  # "100-1.000 g", whatever the point stands for
        return self._between(self._value(at), high, after)

    @staticmethod
    def _between(low: Decimal | None, high: Item, after: int) -> tuple[Item, int] | None:
        if high.kind is Kind.NOISE:
            return _NOISE, after
        factor = high.unit.factor if high.unit.measure in {Measure.MASS, Measure.VOLUME} else Decimal(1)
        if low is None or high.kind is not Kind.MEASURE or low * factor >= high.value:
            return None
        return (_NOISE if high.unit.measure is Measure.DOSE else Item(Kind.RANGE)), after
