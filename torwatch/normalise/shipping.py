"""The grammar of shipping claims: "Worldwide except US, NZ/AU" → a class, the countries named and the countries ruled out.

A claim is cut into words (shipping_words), every run of words that the tables know (country) becomes an atom (shipping_atoms), the wanted
direction is chosen here, and its groups are read one by one (shipping_reading). Matching is exact: a group with a word that nothing knows
names no country, because a wrong country is worse than none.
"""

from __future__ import annotations

from functools import lru_cache

from torwatch.model import MarketFacts, ShipClass, Shipping
from torwatch.normalise.country import gazetteer
from torwatch.normalise.shipping_atoms import Atom, atoms_of
from torwatch.normalise.shipping_reading import SAID, Reading, read_atoms
from torwatch.normalise.shipping_words import tokens_of
from torwatch.normalise.text import fold_for_matching

LONGEST_CLAIM = 20_000  # characters; a list of every country takes 3,500, what is longer is a page and no claim
_LONGEST_CACHED = 4_000
_BLANKS = frozenset(" \t\r\n\u00a0-\u2013\u2014_.?*/")  # placeholders of people and forms
_SPEAKS = frozenset({"country", "region", "unknown", "code", "listed", *SAID})
_SEPARATES = frozenset({"mark", "open", "close", "hyphen"})
_CONFIDENCE = {"name": 1.0, "code": 1.0, "short": 1.0, "flag": 1.0, "part": 0.9, "misspelling": 0.9, "listed": 0.9, "city": 0.8}
_DOUBT = 0.7  # times, for words that were left aside
_ONLY_EXCLUSIONS = 0.6  # "(except US)": everywhere else is meant, but not said
_DEFAULT = MarketFacts()


def normalise_ship_from(text: str | None, facts: MarketFacts = _DEFAULT) -> Shipping:
    """Normalise a claimed origin; of a claim that glues both directions ("From: X To: Y", "X → Y") its origin part. Never raises."""
    return _normalise(text, facts, origin=True)


def normalise_ship_to(text: str | None, facts: MarketFacts = _DEFAULT) -> Shipping:
    """Normalise a claimed destination; of a claim that glues both directions its destination part. Never raises."""
    return _normalise(text, facts, origin=False)


def _normalise(text: str | None, facts: MarketFacts, *, origin: bool) -> Shipping:
    if not text:
        return Shipping(ShipClass.UNDECLARED, method="empty")
    if len(text) > LONGEST_CLAIM:
        return Shipping(ShipClass.UNPARSEABLE, method="too long", confidence=0.0)
    read = _read_cached if len(text) <= _LONGEST_CACHED else _read
    return read(text, facts.name, facts.iso2, origin)


def _read(text: str, market: str, iso2: bool, origin: bool) -> Shipping:  # noqa: FBT001 - lru_cache is quickest with positions
    entry = gazetteer().entries.get(text.casefold())
    if entry is not None and entry.role == "country" and entry.kind != "listed":  # most claims are one name and nothing else
        return Shipping(ShipClass.COUNTRY, (entry.code,), method=entry.kind, confidence=_CONFIDENCE[entry.kind])
    tokens = tokens_of(text)
    kinds = {token.kind for token in tokens}
    if not kinds & {"word", "flag"}:
        blank = set(text) <= _BLANKS
        return Shipping(ShipClass.UNDECLARED if blank else ShipClass.UNPARSEABLE, method="no words", confidence=1.0 if blank else 0.0)
    atoms = atoms_of(tokens, gazetteer(), codes=iso2 or "arrow" in kinds)
    part, glued = choose_direction(atoms, origin=origin)
    if not part:
        return Shipping(ShipClass.UNDECLARED, method="other direction only")
    shipping = _conclude(read_atoms(part, origin=origin), glued=glued, origin=origin)
    if shipping.ship_class is ShipClass.UNPARSEABLE and market and fold_for_matching(text) == fold_for_matching(market):
        return Shipping(ShipClass.UNDECLARED, method="the market's own name")
    return shipping


_read_cached = lru_cache(maxsize=65_536)(_read)


def choose_direction(atoms: list[Atom], *, origin: bool) -> tuple[list[Atom], bool]:
    """Take the part of a claim that speaks of the direction asked for, and whether it was glued; nothing: only the other direction is there."""
    parts: dict[str, list[Atom]] = {"": [], "from": [], "to": []}
    found: set[str] = set()
    current, ruled_out = "", False
    for number, atom in enumerate(atoms):
        turn = {"from": "from", "to": "to", "arrow": "to"}.get(atom.role)
        if atom.role in {"from", "to"} and (ruled_out or (not origin and number and not current and _goes_on(atom, parts[""]))):
            continue
        ruled_out = atom.role == "except" or (ruled_out and atom.role in {"noise", "unknown", "all"})
        if turn is None:
            parts[current].append(atom)
            continue
        current = turn
        found.add(turn)
        parts[current].append(Atom("mark", text=","))
    wanted = "from" if origin else "to"
    part = parts[wanted] if wanted in found else parts[""]
    if found and wanted not in found and not any(atom.role in _SPEAKS for atom in part):
        part = []  # "Free shipping to US" says nothing of the origin
    said = [atom for atom in part if atom.role not in _SEPARATES]
    return (part if said else []), bool(found)


def _goes_on(atom: Atom, before: list[Atom]) -> bool:
    """Tell whether "to" continues a list: "Worldwide, to Australia at extra cost"."""
    return atom.role == "to" and bool(before) and before[-1].role in {"mark", "close"} and before[-1].text != ":"


def _conclude(reading: Reading, *, glued: bool, origin: bool) -> Shipping:
    countries = {code: kind for code, kind in reading.countries.items() if code not in reading.excluded}
    regions = reading.regions - reading.excluded_regions
    ship_class = _class_of(reading, countries, regions)
    confidence = min((_CONFIDENCE[kind] for kind in countries.values()), default=1.0)
    method = "" if ship_class is None else str(ship_class)
    if ship_class is ShipClass.COUNTRY:
        method = min(countries.values(), key=lambda kind: (_CONFIDENCE[kind], kind), default="domestic")
    elif ship_class is None and not origin and (reading.excluded or reading.excluded_regions):
        ship_class, method, confidence = ShipClass.WORLD, "exclusions only", _ONLY_EXCLUSIONS
    if ship_class is None or reading.refused:
        return Shipping(ShipClass.UNPARSEABLE, method="unknown words", confidence=0.0)
    return Shipping(
        ship_class,
        tuple(sorted(countries)),
        tuple(sorted(reading.excluded)),
        tuple(sorted(regions)),
        tuple(sorted(reading.excluded_regions)),
        method=f"glued {method}" if glued else method,
        confidence=round(confidence * (_DOUBT if reading.doubt else 1.0), 3),
    )


def _class_of(reading: Reading, countries: dict[str, str], regions: set[str]) -> ShipClass | None:
    """Give the widest class that was said; None: nothing was."""
    ranks = (
        ("world" in reading.said, ShipClass.WORLD),
        (bool(regions), ShipClass.REGION),
        (bool(countries) or "domestic" in reading.said, ShipClass.COUNTRY),
        ("all" in reading.said, ShipClass.WORLD),
        ("digital" in reading.said, ShipClass.DIGITAL),
        ("undeclared" in reading.said, ShipClass.UNDECLARED),
    )
    return next((ship_class for said, ship_class in ranks if said), None)
