"""The total amount of one order, read from a listing's title; where the title leaves a doubt there is none: a wrong total is worse."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from torwatch.model import MarketFacts, Price, Quantity
from torwatch.normalise.quantity_context import Context, is_counted, read_context
from torwatch.normalise.quantity_items import Item, Kind
from torwatch.normalise.quantity_lexer import fold, join_tokens, split_words
from torwatch.normalise.quantity_plain import read_plain
from torwatch.normalise.quantity_products import combine_items, item_at
from torwatch.normalise.quantity_tokens import read_items
from torwatch.normalise.units import VESSELS, Measure, load_units
from torwatch.normalise.units_number import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torwatch.normalise.quantity_words import Word

NORMALISER_VERSION = "quantity-3"  # raise it when a table or the grammar changes: normalised values are keyed by it
_NO_FACTS = MarketFacts()
_MAXIMUM_CHARACTERS = 600  # longer is a description, not a title
_SAME = Decimal("0.06")  # "1 oz (30 g)": how far two figures for one amount may differ
_SMALLEST_POWDER_MG = 10  # less than this of a "powder" is a dose that lost its pills
_MAXIMUM_COUNT = Decimal(10_000_000)
_HOLDS_NUMBER = frozenset({"pack", "pk", "packet", "strip"})  # "a 10 pack" holds ten; "10 packs" are ten of who knows how many
_MICROGRAM = Decimal("0.000001")
_METRIC = frozenset({Decimal(1), Decimal(10), Decimal(100), Decimal(1000)})
_CHOICE = re.compile(r"(?<![\d/])\d/\d{1,2}(?:[, ]*(?:,|/|&|\||\bor\b)[, ]*\d/\d{1,2}(?![\d/]))")  # "1/8, 1/4, 1/2 oz" are several offers
_PACK_IN_FRONT = frozenset(range(2, 101))  # "3 1g pods": three of them, or part of a name
_ONE_WORDS = frozenset({"per", "full", "single", "je", "pro"})
_FLUID_OUNCE_PER_OUNCE = Decimal("29.57") / Decimal("28.35")  # "8 oz (240 ml)" of a liquid is a fluid ounce


@lru_cache(maxsize=65_536)
def normalise_quantity(title: str | None, category: str | None = None, facts: MarketFacts = _NO_FACTS) -> Quantity:
    """The total of one order in g, ml or pieces, with dose and pack; `amount` is None where the title gives no single amount.

    `category` is the market's own path ("Drugs > Benzos > Pills"), used as prior for mg as dose or amount. `facts.decimal` is the
    market's decimal sign. Never raises on text; its own output ("12.5 g", "30 unit") reads as itself.
    """
    if not title or len(title) > _MAXIMUM_CHARACTERS:
        return Quantity(method="none" if not title else "too-long")
    folded = fold(title)
    words = split_words(folded)
    if _says_nothing(folded, words, category or ""):
        return Quantity(method="none")
    if "/" in folded and _CHOICE.search(folded):
        return Quantity(method="several amounts")
    plain = read_plain(folded, category or "", facts.decimal)
    if plain is not None:
        return Quantity(amount=_figure(plain[0]), unit=plain[1].measure.value, method="measure", confidence=0.95)
    return read_by_grammar(folded, words, category, facts)


def _says_nothing(folded: str, words: Sequence[Word], category: str) -> bool:
    """Whether no number here can be an amount: no number at all, or no word, sign or category that makes one of it."""
    if not any(word.has_digit for word in words):
        return not any(word.leads for word in words)
    return "/" not in folded and "*" not in folded and not any(word.tells for word in words) and not is_counted(category)


def read_by_grammar(folded: str, words: Sequence[Word], category: str | None, facts: MarketFacts) -> Quantity:
    """The whole grammar on a folded title, without the short cuts for titles with no amount or one plain one."""
    context = read_context(folded, words, category or "")
    items = combine_items(read_items(join_tokens(folded, words), facts.decimal), pills=context.pill)
    return _decide(items, context)


def _decide(items: Sequence[Item], context: Context) -> Quantity:
    """One answer, or none with the reason as method."""
    if any(item.kind is Kind.RANGE for item in items):
        return Quantity(method="range")
    measures = [item for at, item in enumerate(items) if item.kind is Kind.MEASURE and not _defines_one(items, at)]
    doses = _doses(measures)
    if context.apparatus:
        return _one_count(items, measures, (), method="count", alone=True)
    amounts = [m for m in measures if not (m.per and _is_concentration(m))]
    masses = [m for m in amounts if m.unit.measure is Measure.MASS]
    volumes = [m for m in amounts if m.unit.measure is Measure.VOLUME]
    if masses or volumes:
        return Quantity(method="intangible") if context.intangible else _one_substance(items, masses, volumes, context)
    counted = _one_count(items, amounts, doses, method="count", alone=False)
    return _weak(items, doses, context) if counted.method == "none" else counted


def _one_substance(items: Sequence[Item], masses: Sequence[Item], volumes: Sequence[Item], context: Context) -> Quantity:
    """A mass or a volume; both only where ounces are fluid ones: "8 oz (240 ml)"."""
    if masses and volumes:
        fluid = all(m.unit.name.startswith(("oz", "ounce")) and _close(m.value * _FLUID_OUNCE_PER_OUNCE, volumes[0].value) for m in masses)
        return _one_measure(items, volumes) if fluid else Quantity(method="mass and volume")
    if context.liquid and masses and all(m.unit.name.startswith(("oz", "ounce")) for m in masses):
        return Quantity(method="ounces of a liquid")  # of weight or of volume: 4 % apart, and in another unit
    return _one_measure(items, masses or volumes)


def _defines_one(items: Sequence[Item], at: int) -> bool:
    """Whether "1 capsule = 2.5 mg" stands here: it tells what one holds, not how many there are; nor does "1,250 mg in total"."""
    item = items[at]
    if item.unit.measure is Measure.DOSE:
        return item_at(items, at + 1).text in {"total", "totaal", "gesamt"}
    return item.unit.measure is Measure.COUNT and item.value == 1 and item_at(items, at + 1).kind is Kind.EQUALS


def _is_concentration(item: Item) -> bool:
    """Reads "200mg/ml", "5g/l", "100mcg/h": per unit of mass, volume or time."""
    unit = load_units().units.get(item.per)
    return unit is not None and unit.measure in {Measure.MASS, Measure.VOLUME, Measure.NOISE} and unit.measure is not item.unit.measure


def _doses(measures: Sequence[Item]) -> tuple[tuple[Decimal, str], ...]:
    """The distinct doses of the title, in mg or ug, in their order."""
    found: dict[tuple[Decimal, str], None] = {}
    for item in measures:
        if item.unit.measure is Measure.DOSE and not _is_concentration(item):
            found[(item.value, item.unit.name)] = None
        elif item.per == "dose":
            value, _, unit = item.text.partition(" ")
            found[(Decimal(value), unit)] = None
    return tuple(found)


def _close(left: Decimal, right: Decimal) -> bool:
    return abs(left - right) <= _SAME * max(left, right)


def _one_measure(items: Sequence[Item], measures: Sequence[Item]) -> Quantity:
    """One mass or volume: all figures must tell the same amount; the title's own g or ml figure is believed before a fraction."""
    equals = next((at for at, item in enumerate(items) if item.kind is Kind.EQUALS), None)
    if equals is not None and item_at(items, equals + 1) in measures and len(measures) > 1:
        total = items[equals + 1]
        parts = [m for m in measures if m is not total]
        if not any(_close(p.value, total.value) for p in parts):
            return Quantity(method="contradiction")
    if len(measures) > 1 and any(not _close(left.value, right.value) for left in measures for right in measures):
        return Quantity(method="several amounts")
    best = next((m for m in measures if m.unit.factor in _METRIC), measures[0])
    pack = next((m.pack for m in measures if m.pack is not None), None)
    loose = [item for item in items if item.kind is Kind.TIMES and item.value > 1 and item.value != pack]
    counts = [i for i in items if i.kind is Kind.MEASURE and i.unit.measure in {Measure.COUNT, Measure.CONTAINER}]
    counts = [i for i in counts if i.value > 1 and i.value != pack]
    if loose or counts or _number_in_front(items):
        return Quantity(method="amount and count")
    return Quantity(
        amount=_figure(best.value),
        unit=best.unit.measure.value,
        pack_count=None if pack is None else _figure(pack),
        method="product" if best.pack is not None else "measure",
        confidence=0.95 if pack is None else 0.9,
    )


def _number_in_front(items: Sequence[Item]) -> bool:
    """Reads "3 1g pods": a small whole number that stands first, right before an amount."""
    first, then = item_at(items, 0), item_at(items, 1)
    return first.kind is Kind.NUMBER and first.value in _PACK_IN_FRONT and then.kind is Kind.MEASURE and then.unit.measure is Measure.MASS


def _one_count(
    items: Sequence[Item], measures: Sequence[Item], doses: tuple[tuple[Decimal, str], ...], *, method: str, alone: bool
) -> Quantity:
    """Pieces: every count and multiplier of the title must agree; method "none" where there is none at all."""
    counted = [item for item in measures if item.unit.measure is Measure.COUNT]
    vessel = [item for item in counted if item.unit.name == VESSELS and item.value == 1]
    counts = {item.value for item in (counted if len(vessel) == len(counted) else [c for c in counted if c not in vessel])}
    counts |= {item.value for item in items if item.kind is Kind.TIMES}
    containers = {item.value for item in measures if item.unit.measure is Measure.CONTAINER and item.value > 1}
    packs = {
        item.value for item in measures if item.unit.measure is Measure.CONTAINER and item.value > 1 and item.unit.name in _HOLDS_NUMBER
    }
    if not counts and len(packs) == 1 and not alone:
        return _pieces(packs.pop(), doses, "pack", 0.6) if len(containers) <= 1 else Quantity(method="several counts")
    if not counts:
        return Quantity(method="none")
    if len(counts) > 1 or (containers and containers != counts and not _is_packed(items)):
        return Quantity(method="several counts")
    return _pieces(counts.pop(), doses, method, 0.9)


def _is_packed(items: Sequence[Item]) -> bool:
    """Reads "300 tablets … 10 boxes": a count first and a smaller number of containers that divides it says how the total is packed."""
    counted = [
        i for i in items if i.kind is Kind.TIMES or (i.kind is Kind.MEASURE and i.unit.measure in {Measure.COUNT, Measure.CONTAINER})
    ]
    if len(counted) != 2 or counted[0].unit.measure is Measure.CONTAINER:  # noqa: PLR2004 - one count, one container
        return False
    total, boxes = counted[0].value, counted[1].value
    return total > boxes and total % boxes == 0


def _pieces(count: Decimal, doses: tuple[tuple[Decimal, str], ...], method: str, confidence: float) -> Quantity:
    if count != count.to_integral_value() or not 0 < count <= _MAXIMUM_COUNT:
        return Quantity(method="not a count")
    dose, unit = doses[0] if len(doses) == 1 else (None, None)
    return Quantity(
        amount=_figure(count),
        unit=Measure.COUNT.value,
        dose=None if dose is None else _figure(dose),
        dose_unit=unit,
        method=method,
        confidence=confidence,
    )


def _weak(items: Sequence[Item], doses: tuple[tuple[Decimal, str], ...], context: Context) -> Quantity:
    """What is left when no amount is written out: mg of a powder, "Oz" alone, a bare number in front."""
    if context.intangible:
        return Quantity(method="none")
    numbers = [item for item in items if item.kind is Kind.NUMBER]
    if context.powder and not numbers and len(doses) == 1 and doses[0][1] == "mg" and doses[0][0] >= _SMALLEST_POWDER_MG:
        return Quantity(amount=_figure(doses[0][0] / 1000), unit="g", method="mg of powder", confidence=0.8)
    bare = [item for at, item in enumerate(items) if item.kind is Kind.BARE and _stands_for_one(items, at, context)]
    if len(bare) == 1 and not doses:
        return Quantity(amount=_figure(bare[0].value), unit="g", method="bare unit", confidence=0.6)
    first = next((item for item in items if item.kind is not Kind.SIGN), None)
    if numbers and first is numbers[0] and len(numbers) == 1 and numbers[0].value > 1 and not context.powder:
        after = item_at(items, items.index(first) + 1)
        followed = after.kind in {Kind.WORD, Kind.NOISE, Kind.MEASURE} or after.text in {"(", ")", "]"}
        if followed and (len(doses) == 1 or (context.counted and not doses)):
            return _pieces(numbers[0].value, doses, "number in front", 0.6)
    return Quantity(dose=_figure(doses[0][0]), dose_unit=doses[0][1], method="dose only") if len(doses) == 1 else Quantity(method="none")


def _stands_for_one(items: Sequence[Item], at: int, context: Context) -> bool:
    """Whether a unit without a number means one: "$225 Oz", "Oz of …", "Full gram", or at either end; not "money gram".

    HP and QP mean half and quarter pounds only where herbs are sold: else HP makes printers.
    """
    if items[at].text in {"hp", "qp"}:
        return context.herb
    before, after = item_at(items, at - 1), item_at(items, at + 1)
    if before.kind is Kind.NOISE or before.text in _ONE_WORDS or after.text == "of":
        return True
    return before.kind is Kind.SIGN or (after.kind is Kind.SIGN and at + 1 >= len(items))


@lru_cache(maxsize=16_384)
def _figure(value: Decimal) -> str:
    """A canonical figure: at most six decimals (thirds of an ounce do not end), no trailing zeros."""
    return canonical(value.quantize(_MICROGRAM) if value >= _MICROGRAM else value, strip=True)


def price_per_unit(price: Price, quantity: Quantity) -> tuple[Decimal, str, str] | None:
    """(price of one unit, currency, "g" | "ml" | "unit"); None without a single price, its currency, or a sure quantity.

    A range, a price that is itself per something ("131.25 USD/Ounce"), and an unknown total give none. A price per "order", "item",
    "lot" or "listing" is one of the whole order.
    """
    whole = price.unit is None or price.unit.casefold() in {"order", "item", "lot", "listing"}
    if price.amount is None or price.currency is None or price.maximum is not None or not whole:
        return None
    if quantity.amount is None or quantity.unit is None or Decimal(quantity.amount) <= 0:
        return None
    return Decimal(price.amount) / Decimal(quantity.amount), price.currency, quantity.unit
