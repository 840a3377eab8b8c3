"""What multiplies in a title: multipliers, "10 strips of 15", "1 g each", and numbers that count a noun a few words on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.normalise.quantity_items import Item, Kind
from torwatch.normalise.units import VESSELS, Measure, Unit, load_units
from torwatch.normalise.units_number import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

_NOUN_DISTANCE = 5  # words between a number and what it counts: "5 Fresh Red Auto Tomato seeds"
_PIECES = Unit(Measure.COUNT, name="pieces")
_FILLERS = frozenset({"of", "a", "with", "\u00e0", "mit", "met", "von", "van", "de"})
_OPENERS = frozenset("([{")
_BREAKS = frozenset("-\u2013\u2014|/,;:+)]}") | _OPENERS
_FACTORS = frozenset({Kind.MEASURE, Kind.NUMBER, Kind.BARE})
_MULTIPLIED = frozenset({Kind.MEASURE, Kind.TIMES})
_EDGE = Item(Kind.SIGN)
_GIVEN = frozenset({"free", "extra", "bonus", "gratis"})
_EXTRACTS = frozenset({"salvia", "kratom", "kanna", "amanita", "extract", "extrakt"})
_YEARS = frozenset(range(2010, 2036))
_AND = frozenset({"+", "&", "and", "plus"})
_WHOLE = frozenset({"full", "whole", "solid"})
_PILL_NOUNS = frozenset({"pills", "tablets", "bars", "blotters"})


def combine_items(items: Sequence[Item], *, pills: bool) -> list[Item]:
    """The items with every product worked out; `pills`: the good is sold by the piece, so a number before an x multiplies."""
    kinds = [item.kind for item in items]
    out = list(items)
    if Kind.CROSS in kinds:
        out = _drop_strengths(_mark_times(out, pills=pills))
    if Kind.NUMBER in kinds:
        out = _count_from_words(out)
    return _multiply(out) if sum([kind in _FACTORS for kind in kinds]) > 1 else out


def item_at(items: Sequence[Item], at: int) -> Item:
    """The item at this place, or an empty sign beyond either end."""
    return items[at] if 0 <= at < len(items) else _EDGE


def _mark_times(items: Sequence[Item], *, pills: bool) -> list[Item]:
    """Reads "10 x" and "x 10" become multipliers; "Gelato 33 x Sherbet" is a cross of strains and stays."""
    out = list(items)
    doses = {item.value for item in items if item.kind is Kind.MEASURE and item.unit.measure is Measure.DOSE}
    for at, item in enumerate(out):
        if item.kind is not Kind.CROSS:
            continue
        before, after = item_at(out, at - 1), item_at(out, at + 1)
        if _holds(before, after):
            out[at] = Item(Kind.WORD, "of")  # "3 boxes x 10 tabs" is "3 boxes of 10 tabs"
        elif before.kind is Kind.NUMBER and (after.kind is Kind.NUMBER or _is_open(before, after)):
            out[at] = Item(Kind.RANGE)  # "10 x 10" of what?
        elif before.kind is Kind.NUMBER and after.kind is Kind.MEASURE and after.unit.measure is Measure.COUNT and _is_named(out, at):
            # "Brand 40 x 30 pills": the 40 is a dose where the title says so again; else it may be either
            out[at] = Item(Kind.SIGN, "x") if before.value in doses else Item(Kind.RANGE)
        elif before.kind is Kind.NUMBER and (pills or _is_multiplier(out, at)):
            out[at - 1], out[at] = Item(Kind.TIMES, value=before.value), Item(Kind.SIGN, "x")
        elif after.kind is Kind.NUMBER and before.kind is not Kind.NUMBER:
            out[at], out[at + 1] = Item(Kind.SIGN, "x"), Item(Kind.TIMES, value=after.value, suffix=True)
        elif before.kind is Kind.MEASURE and after.kind is Kind.MEASURE and before.unit.measure is after.unit.measure is Measure.MASS:
            out[at] = Item(Kind.RANGE)  # the two figures of a balance: "20 g x 0.001 g"
    return [item for item in out if not (item.kind is Kind.SIGN and item.text == "x")]


def _holds(before: Item, after: Item) -> bool:
    """Whether containers stand before an x and what one of them holds behind it."""
    held = after.kind is Kind.NUMBER or (after.kind is Kind.MEASURE and after.unit.measure is Measure.COUNT)
    return held and _is_containers(before)


def _is_open(before: Item, after: Item) -> bool:
    """Whether "10 x 10 strips" leaves open what is sold; in "5 x 10 pack" the pack holds ten."""
    return before.value > 1 and _is_containers(after) and not after.unit.name.endswith(("pack", "pk"))


def _is_containers(item: Item) -> bool:
    return item.kind is Kind.MEASURE and item.unit.measure is Measure.CONTAINER


def _is_multiplier(items: Sequence[Item], at: int) -> bool:
    """Whether the x at this place multiplies the number before it, and does not cross a strain's number with another strain."""
    after = item_at(items, at + 1)
    unit = load_units().units.get(after.text)
    counted = unit is not None and unit.measure is Measure.COUNT
    return not _is_named(items, at) or after.kind is not Kind.WORD or items[at].text == "glued" or counted


def _is_named(items: Sequence[Item], at: int) -> bool:
    """Whether a word stands right before the number before this place, as in "Gelato 33 x"."""
    return item_at(items, at - 2).kind is Kind.WORD and item_at(items, at - 2).text not in _FILLERS


def _drop_strengths(items: Sequence[Item]) -> list[Item]:
    """Takes out how strong or how often: "3x washed", "15x extract"; elsewhere in an extract's title an x may be either."""
    strength = load_units().strength
    out = list(items)
    extract = any(item.kind is Kind.WORD and item.text in _EXTRACTS for item in out)
    for at, item in enumerate(out):
        if item.kind is Kind.TIMES and not item.suffix:
            strong = any(item_at(out, at + step).text in strength for step in (-1, 1, 2))
            out[at] = Item(Kind.NOISE) if strong else Item(Kind.RANGE) if extract else item
    return out


def _count_from_words(items: Sequence[Item]) -> list[Item]:
    """Reads "5 Brandywine tomato seeds", "500 White Xanax 2mg bars": the number counts the noun a few words on, with no break between."""
    units, out = load_units().units, list(items)
    for at, item in enumerate(out):
        if item.kind is not Kind.NUMBER or item.value != item.value.to_integral_value() or item.value <= 0 or item.value in _YEARS:
            continue
        holder = units.get(item_at(out, at - 2).text) if item_at(out, at - 1).text == "of" else None
        if holder is not None and holder.measure is Measure.CONTAINER and item_at(out, at - 2).kind is Kind.WORD:
            out[at] = Item(Kind.MEASURE, value=item.value, unit=_PIECES)  # "Box of 28 Diazepam"
            continue
        for step in range(1, _NOUN_DISTANCE + 1):
            follower = item_at(out, at + step)
            dose = follower.kind is Kind.MEASURE and follower.unit.measure is Measure.DOSE
            unit = units.get(follower.text) if follower.kind is Kind.WORD else None
            if follower.kind is Kind.BARE and item_at(out, at + step - 1).text in _WHOLE:
                out[at] = Item(Kind.MEASURE, value=item.value * follower.value, unit=follower.unit)  # "1 full gram"
                break
            if follower.text in _GIVEN:
                # "30 pills + 3 free ones": whether they count is not said
                out[at] = Item(Kind.RANGE) if step == 1 and item_at(out, at - 1).text in _AND else item
                break
            if unit is not None and unit.measure is Measure.COUNT:
                if follower.text.endswith(("s", "n")) or item.value == 1 or item_at(out, at + step + 1).kind is not Kind.WORD:
                    out[at] = Item(Kind.MEASURE, value=item.value, unit=unit)
                    break
                continue  # "25 gummy bears": the noun comes later
            if not dose and (follower.kind not in {Kind.WORD, Kind.NOISE, Kind.SIGN} or follower.text in _BREAKS or unit is not None):
                break
    return out


def _multiply(items: Sequence[Item]) -> list[Item]:
    """Joins what multiplies: "5 x 1 g", "0.25 g x 12", "10 strips of 15", "5 vials of 10 ml", "10 bags, 1 g each"."""
    out: list[Item] = []
    units = load_units().units
    linked = False  # an "of" stands between the last amount and here
    for item in items:
        left = out[-1] if out else _EDGE
        if left.kind not in _MULTIPLIED:
            out.append(item)
            linked = False
            continue
        if item.kind is Kind.WORD and item.text in _FILLERS:
            linked = True
            continue
        if item.kind is Kind.SIGN and (item.text in _OPENERS or item.text in ".'\"@"):
            linked = linked or item.text == "@"
            continue
        vessel = units.get(item.text) if item.kind is Kind.WORD and left.kind is Kind.TIMES else None
        if vessel is not None and vessel.name == VESSELS:
            out[-1], linked = Item(Kind.MEASURE, value=left.value, unit=vessel), True  # "5 x vials 10 ml"
            continue
        joined = _join(left, item, linked=linked)
        if joined is not None:
            out[-1] = joined
        else:
            out.append(item)
        linked = False
    return _per_piece(out)


def _join(left: Item, right: Item, *, linked: bool) -> Item | None:
    """The product of two neighbours; None where they do not multiply."""
    if left.kind is Kind.TIMES and right.kind is Kind.MEASURE and right.unit.measure is not Measure.CONTAINER:
        return _product(left.value, right)
    if left.kind is Kind.MEASURE and right.kind is Kind.TIMES and right.suffix and left.unit.measure is not Measure.CONTAINER:
        return _product(right.value, left)
    if left.kind is Kind.TIMES and right.kind is Kind.BARE:
        return Item(Kind.MEASURE, value=left.value * right.value, unit=right.unit)  # "1x gram"
    if left.kind is not Kind.MEASURE or not linked:
        return None
    if left.unit.measure is Measure.CONTAINER and right.kind is Kind.NUMBER:
        return _product(left.value, right._replace(kind=Kind.MEASURE, unit=_PIECES))
    return _join_of(left, right) if right.kind is Kind.MEASURE else None


def _join_of(left: Item, right: Item) -> Item | None:
    """Joins two measures with an "of" between them: "2 boxes of 30 tablets", "5 vials of 10 ml"."""
    if left.unit.measure is Measure.CONTAINER:
        return None if right.unit.measure is Measure.DOSE else _product(left.value, right)
    if left.unit.measure is not Measure.COUNT:
        return None
    if right.unit.measure is Measure.COUNT:
        return Item(Kind.RANGE)  # "10 vials of 5 tabs": not sure what is sold
    filled = right.unit.measure is Measure.VOLUME or (right.unit.measure is Measure.MASS and left.unit.name not in _PILL_NOUNS)
    return _product(left.value, right) if filled else None


def _product(times: Decimal, part: Item) -> Item:
    if part.unit.measure is Measure.DOSE:
        return Item(
            Kind.MEASURE, value=times, unit=_PIECES, pack=None, text=f"{canonical(part.value, strip=True)} {part.unit.name}", per="dose"
        )
    return part._replace(value=times * part.value, pack=times, per="")


def _per_piece(items: Sequence[Item]) -> list[Item]:
    """Spreads "1 g each" and "30 pills per box" over the one count or container of the title."""
    out = list(items)
    units = load_units().units
    for at, item in enumerate(out):
        if item.kind is not Kind.MEASURE or not item.per or item.per == "dose" or item.unit.measure in {Measure.DOSE, Measure.CONTAINER}:
            continue
        holder = units.get(item.per)
        wanted = Measure.CONTAINER if holder is not None and holder.measure is Measure.CONTAINER else Measure.COUNT
        holders = [i for i in range(len(out)) if i != at and out[i].kind is Kind.MEASURE and out[i].unit.measure is wanted]
        if (item.per == "each" or (holder is not None and holder.measure in {Measure.COUNT, Measure.CONTAINER})) and len(holders) == 1:
            out[at] = _product(out[holders[0]].value, item)
            out[holders[0]] = Item(Kind.NOISE)
    return out
