"""The grammar of shipping claims: "Worldwide except US, NZ/AU" → a class, the countries named and the countries ruled out.

A claim is cut into words (shipping_words), every run of words that the tables know (country) becomes an atom, and the atoms are read as
directions (from, to, →), groups between separators, and rulings-out. Matching is exact: a group with a word that nothing knows names no
country, because a wrong country is worse than none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from torwatch.model import MarketFacts, ShipClass, Shipping
from torwatch.normalise.country import Entry, Gazetteer, gazetteer
from torwatch.normalise.shipping_words import Token, tokens_of
from torwatch.normalise.text import fold_for_matching

LONGEST_CLAIM = 20_000  # characters; a list of every country takes 3,500, what is longer is a page and no claim
_LONGEST_CACHED = 4_000
_LONGEST_NAME = 12  # words
_CROSSED = frozenset({",", "."})  # marks that stand inside names: "Korea, Republic of"
# Continents, placeholders and words as much as countries: never read as a code. NA: "not available" or North America before Namibia.
_NEVER_CODES = frozenset({"NA", "SA", "AF", "AS", "AN", "OC", "QA"} - {"QA"})
_WORDS_AS_CODES = frozenset({"ME", "MY", "SO", "TO", "AM", "DO", "IN", "IS", "IT", "NO", "BE", "AT", "BY", "LA", "PM", "TV", "PC", "AI"})
_WORDS_AS_ALPHA3 = frozenset({"AND", "ARE", "PER", "COM", "TON", "GIN", "JAM", "BEN", "MAR", "MAC", "GUM", "SUR", "ARM", "CUB", "LIE", "VIR", "TUN", "GAB", "PAN", "SEN", "TOG", "MUS", "COG", "COD", "CAN"})
_US_STATES = frozenset(
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC".split()
)
_JOINERS = frozenset({"and", "or", "only", "to", "from"})
_PLACES = frozenset({"country", "region", "world"})
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
        return Shipping(ShipClass.UNPARSEABLE, method="too-long", confidence=0.0)
    read = _read_cached if len(text) <= _LONGEST_CACHED else _read
    return read(text, facts.name, facts.iso2, origin)


@dataclass(frozen=True, slots=True)
class _Atom:
    """One thing said: an entry of the tables, a code that still needs its neighbours, a mark, or an unknown word."""

    role: str  # a role of Entry, or code, listed, unknown, mark, open, close, arrow, flag
    code: str = ""
    kind: str = ""
    text: str = ""


@dataclass(slots=True)
class _Reading:
    """What has been understood of one direction so far."""

    countries: dict[str, str] = field(default_factory=dict)  # code → kind of name
    regions: set[str] = field(default_factory=set)
    excluded: set[str] = field(default_factory=set)
    excluded_regions: set[str] = field(default_factory=set)
    said: set[str] = field(default_factory=set)  # world, all, digital, undeclared, domestic
    maybe: list[tuple[_Atom, bool]] = field(default_factory=list)  # codes that count only beside certain places; excluded?
    doubt: bool = False  # something was left aside
    refused: bool = False  # a ruling-out that was not understood: nothing may be concluded


@lru_cache(maxsize=65_536)
def _read_cached(text: str, market: str, iso2: bool, origin: bool) -> Shipping:  # noqa: FBT001 - lru_cache is quickest with positions
    return _read(text, market, iso2, origin)


def _read(text: str, market: str, iso2: bool, origin: bool) -> Shipping:  # noqa: FBT001 - see above
    tokens = tokens_of(text)
    if not any(token.kind in {"word", "flag"} for token in tokens):
        blank = not set(text) - set(" \t\r\n\u00a0-–—_.?*/")  # noqa: RUF001 - placeholders are dashes of every length
        return Shipping(ShipClass.UNDECLARED if blank else ShipClass.UNPARSEABLE, method="no words", confidence=1.0 if blank else 0.0)
    tables = gazetteer()
    arrow = any(token.kind == "arrow" for token in tokens)
    atoms = _atoms(tokens, tables, codes=iso2 or arrow)
    part, glued = _direction(atoms, origin=origin)
    if part is None:
        return Shipping(ShipClass.UNDECLARED, method="other direction only")
    shipping = _conclude(_understand(part), glued=glued, origin=origin)
    if shipping.ship_class is ShipClass.UNPARSEABLE and market and fold_for_matching(text) == fold_for_matching(market):
        return Shipping(ShipClass.UNDECLARED, method="the market's own name")
    return shipping


def _atoms(tokens: Sequence[Token], tables: Gazetteer, *, codes: bool) -> list[_Atom]:
    """Give the tokens as atoms: the longest known name at each word; codes only where `codes` or as a candidate for later."""
    atoms: list[_Atom] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "flag":
            code = tables.flags.get(token.raw, token.raw)
            known = code in tables.alpha2
            atoms.append(_Atom("country" if known else "region" if code == "EU" else "unknown", code, "flag"))
        elif token.kind != "word":
            atoms.append(_Atom(token.kind, text=token.raw))
        else:
            end, entry = _longest(tokens, at, tables)
            code_atom = _as_code(tokens, at, tables, certain=codes) if end - at <= 1 and (entry is None or entry.role not in _PLACES) else None
            if code_atom is not None:
                atoms.append(code_atom)
            elif entry is None:
                atoms.append(_Atom("unknown", text=token.folded))
            else:
                listed = entry.kind == "listed"
                if not listed:
                    atoms.append(_Atom(entry.role, entry.code, entry.kind, token.folded))
                else:
                    atoms.append(_Atom("listed" if _alone(tokens, at) else "unknown", entry.code, "listed", token.folded))
                at = end - 1
        at += 1
    return atoms


def _longest(tokens: Sequence[Token], at: int, tables: Gazetteer) -> tuple[int, Entry | None]:
    """Find the longest known run of words from `at`; only a country's name may run across a comma or bracket, and then must end a group."""
    most = min(tables.longest.get(tokens[at].folded, 0), _LONGEST_NAME)
    words: list[str] = []
    best: tuple[int, Entry | None] = (at + 1, None)
    crossed = opened = False
    for index in range(at, len(tokens)):
        token = tokens[index]
        if token.kind == "word":
            words.append(token.folded)
            if len(words) > most:
                break
            entry = tables.entries.get(" ".join(words))
            if entry is None:
                continue
            end = index + 1
            if opened:  # "Virgin Islands (U.S.)" takes its bracket; half a bracket is no name
                if end < len(tokens) and tokens[end].kind == "close":
                    end += 1
                elif not any(later.kind == "close" for later in tokens[at:end]):
                    continue
            if not crossed or (entry.role == "country" and (end == len(tokens) or tokens[end].kind != "word")):
                best = (end, entry)
        elif token.kind == "hyphen":
            continue
        elif token.kind in {"open", "close"} or token.raw in _CROSSED:
            crossed = True
            opened = opened or token.kind == "open"
        else:
            break
    return best


def _alone(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a word stands between separators (or joining words), as the entries of a list do."""
    before = tokens[at - 1] if at else None
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    return all(beside is None or beside.kind != "word" or beside.folded in _JOINERS for beside in (before, after))


def _as_code(tokens: Sequence[Token], at: int, tables: Gazetteer, *, certain: bool) -> _Atom | None:
    """Read a word as ISO alpha-2 or alpha-3: for sure where the market writes codes, else as a candidate; None where it is no code."""
    raw = tokens[at].raw
    upper = raw.upper()
    if not raw.isascii() or not _alone(tokens, at):
        return None
    if upper in tables.alpha2 and upper not in _NEVER_CODES:
        if raw == upper:
            if certain or upper == "DE":
                return _Atom("country", upper, "code", raw.casefold())
            return _Atom("code", upper, "code", raw.casefold()) if upper not in _WORDS_AS_CODES or _between_marks(tokens, at) else None
        return _Atom("code", upper, "code", raw.casefold()) if raw.islower() and upper not in _WORDS_AS_CODES and _between_marks(tokens, at) else None
    code = tables.alpha3.get(upper)
    if code is None or upper == "AND":
        return None
    if raw == upper and upper not in _WORDS_AS_ALPHA3:
        return _Atom("country", code, "code", raw.casefold())
    return _Atom("code", code, "code", raw.casefold()) if _between_marks(tokens, at) and upper not in {"ARE", "PER", "COM", "TON"} else None


def _between_marks(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether no word at all stands beside, and a mark does: an entry of a written list."""
    beside = [tokens[index] for index in (at - 1, at + 1) if 0 <= index < len(tokens)]
    return bool(beside) and all(token.kind != "word" for token in beside)


def _direction(atoms: list[_Atom], *, origin: bool) -> tuple[list[_Atom] | None, bool]:
    """Take the part of a claim that speaks of the direction asked for, and whether it was glued; None: only the other direction is there."""
    parts: dict[str, list[_Atom]] = {"": [], "from": [], "to": []}
    found: set[str] = set()
    current, ruled_out, leading = "", False, True
    for atom in atoms:
        turn = "from" if atom.role == "from" else "to" if atom.role in {"to", "arrow"} else None
        if turn == "to" and (ruled_out or (atom.role == "to" and not leading and not origin and current == "" and _ends_with_mark(parts[""]))):
            turn = None  # "except to US"; "Worldwide, to Australia at extra cost" goes on
            continue
        if turn is None:
            parts[current].append(atom)
        else:
            current = turn
            found.add(turn)
            parts[current].append(_Atom("mark", text=","))
        ruled_out = atom.role == "except"
        leading = False
    wanted, other = ("from", "to") if origin else ("to", "from")
    if not found:
        return parts[""], False
    if wanted in found:
        part = parts[wanted]
    elif any(atom.role in {"country", "region", "world", "digital", "undeclared", "domestic", "unknown", "code", "listed", "all"} for atom in parts[""]):
        part = parts[""]
    else:
        part = []
    said = [atom for atom in part if atom.role not in {"mark", "open", "close", "hyphen", "noise"}]
    if not said:
        return None, other in found
    return part, True


def _ends_with_mark(atoms: list[_Atom]) -> bool:
    return bool(atoms) and atoms[-1].role in {"mark", "close"} and atoms[-1].text != ":"


def _groups(atoms: Iterable[_Atom]) -> Iterable[tuple[list[_Atom], str]]:
    """Cut atoms at separators; each group comes with the mark that ended it."""
    group: list[_Atom] = []
    for atom in atoms:
        if atom.role in {"mark", "open", "close", "hyphen", "arrow"}:
            yield group, atom.text
            group = []
        else:
            group.append(atom)
    yield group, ""


def _understand(atoms: list[_Atom]) -> _Reading:
    """Read the groups one after another; a ruling-out holds until its bracket closes, a line or sentence ends, or "only" or "worldwide" is said."""
    reading = _Reading()
    excluding, fresh, inside = False, False, 0
    opened_at = 0
    standing: list[_Atom] = []  # places since the last world word or bracket: what "… excluded" speaks of
    for group, mark in _groups(atoms):
        before, after = _split_at_exception(group)
        if after is not None:
            _take(reading, before, excluding=excluding)
            excluding, fresh, opened_at = True, True, inside
            group = after  # noqa: PLW2901 - the rest of the group is what is ruled out
        elif excluding and not fresh and any(atom.role == "only" for atom in group):
            excluding = False
        if any(atom.role == "excluded" for atom in group):
            _take(reading, group, excluding=True)
            for atom in standing:
                reading.countries.pop(atom.code, None)
                reading.regions.discard(atom.code)
            _take(reading, standing, excluding=True)
            standing = []
        else:
            if excluding and any(atom.role == "world" for atom in group):
                excluding = False
            _take(reading, group, excluding=excluding)
            if not excluding:
                world = any(atom.role == "world" for atom in group)
                standing = [] if world else standing + [atom for atom in group if atom.role in {"country", "region"}]
        if any(atom.role in {"country", "region", "code", "listed"} for atom in group):
            fresh = False
        if mark in "([{" and mark:
            inside += 1
            standing = []
        elif mark in ")]}" and mark:
            inside -= 1
            if excluding and not fresh and opened_at > inside:
                excluding = False
        elif mark in {"\n", "\r", ";", "|"} and not fresh:
            excluding = False
    return reading


def _split_at_exception(group: list[_Atom]) -> tuple[list[_Atom], list[_Atom] | None]:
    for index, atom in enumerate(group):
        if atom.role == "except":
            return group[:index], group[index + 1 :]
    return group, None


def _take(reading: _Reading, group: list[_Atom], *, excluding: bool) -> None:
    """Add one group to the reading, to what is named or to what is ruled out."""
    unknown = any(atom.role == "unknown" for atom in group)
    if unknown:
        reading.doubt = True
        if not excluding:
            reading.refused = reading.refused or any(atom.role in {"except", "excluded"} for atom in group)
            return
    for atom in group:
        if atom.role in {"code", "listed"}:
            reading.maybe.append((atom, excluding))
        elif excluding:
            if atom.role == "country":
                reading.excluded.add(atom.code)
            elif atom.role == "region":
                reading.excluded_regions.add(atom.code)
        elif atom.role == "country":
            if atom.code not in reading.countries or reading.countries[atom.code] == "city":
                reading.countries[atom.code] = atom.kind
        elif atom.role == "region":
            reading.regions.add(atom.code)
        elif atom.role in {"world", "all", "digital", "undeclared", "domestic"}:
            reading.said.add(atom.role)


def _settle_codes(reading: _Reading, *, origin: bool) -> None:
    """Decide on codes that only a list makes sure of: beside a certain place, or several of them together."""
    sure = bool(reading.countries or reading.regions or reading.excluded or reading.excluded_regions or "world" in reading.said)
    several = {atom.code for atom, _ in reading.maybe if atom.role == "code" and atom.code not in _WORDS_AS_CODES}
    if not sure and (len(several) < 2 or len(several) < len(reading.maybe) or reading.doubt):  # noqa: PLR2004 - two codes are a list
        reading.doubt = reading.doubt or bool(reading.maybe)
        return
    states = origin and set(reading.countries) == {"US"}  # "Portland, OR, USA" names a state
    for atom, excluded in reading.maybe:
        if excluded:
            reading.excluded.add(atom.code)
        elif not (states and atom.text.upper() in _US_STATES):
            reading.countries.setdefault(atom.code, "listed")


def _conclude(reading: _Reading, *, glued: bool, origin: bool) -> Shipping:
    _settle_codes(reading, origin=origin)
    firm = {code for code, kind in reading.countries.items() if kind != "city"}
    if firm:  # "London, Canada": a city counts only where no other country is named
        reading.countries = {code: kind for code, kind in reading.countries.items() if kind != "city"}
    if set(reading.countries) == {"GE", "US"}:
        del reading.countries["GE"]  # "Georgia, USA" is the state
    countries = {code: kind for code, kind in reading.countries.items() if code not in reading.excluded}
    regions = reading.regions - reading.excluded_regions
    ruled_out = bool(reading.excluded or reading.excluded_regions)
    confidence = min((_CONFIDENCE[kind] for kind in countries.values()), default=1.0)
    weakest = min(countries.values(), key=lambda kind: (_CONFIDENCE[kind], kind), default="")
    ship_class, method = _class_of(reading, countries, regions)
    if ship_class is None and ruled_out and not origin:
        ship_class, method, confidence = ShipClass.WORLD, "exclusions only", _ONLY_EXCLUSIONS
    if ship_class is None or reading.refused:
        return Shipping(ShipClass.UNPARSEABLE, method="unknown words", confidence=0.0)
    method = weakest if ship_class is ShipClass.COUNTRY and weakest else method
    return Shipping(
        ship_class,
        tuple(sorted(countries)),
        tuple(sorted(reading.excluded)),
        tuple(sorted(regions)),
        tuple(sorted(reading.excluded_regions)),
        method=f"glued {method}" if glued else method,
        confidence=round(confidence * (_DOUBT if reading.doubt else 1.0), 3),
    )


def _class_of(reading: _Reading, countries: dict[str, str], regions: set[str]) -> tuple[ShipClass | None, str]:
    """Give the widest class that was said: world, region, country, digital, undeclared; None: nothing was."""
    if "world" in reading.said:
        return ShipClass.WORLD, "world"
    if regions:
        return ShipClass.REGION, "region"
    if countries or "domestic" in reading.said:
        return ShipClass.COUNTRY, "domestic"
    if "all" in reading.said:
        return ShipClass.WORLD, "world"
    if "digital" in reading.said:
        return ShipClass.DIGITAL, "digital"
    if "undeclared" in reading.said:
        return ShipClass.UNDECLARED, "undeclared"
    return None, ""
