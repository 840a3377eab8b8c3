"""The reading of one direction of a shipping claim: what is named, what is ruled out, and what stays open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torwatch.normalise.shipping_atoms import WORDS_AS_CODES, Atom

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SAID = frozenset({"world", "all", "digital", "undeclared", "domestic"})
_ENDS_GROUP = frozenset({"mark", "open", "close", "hyphen", "arrow"})
_NAMED = frozenset({"country", "region", "code", "listed"})
_LIST_IN_DOUBT = 4  # codes that are a list even beside something not understood; else two are
_LINE_ENDS = frozenset({"\n", "\r", ";", "|"})
_PARTS = {"GB": "NI", "AU": "SA"}  # Northern Ireland and South Australia, written as codes beside their country
_US_STATES = frozenset({
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DC", "DE", "FL", "GA", "HI", "IA", "ID", "IL", "IN", "KS", "KY", "LA", "MA", "MD", "ME", "MI", "MN", "MO", "MS",
    "MT", "NC", "ND", "NE", "NH", "NJ", "NM", "NV", "NY", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VA", "VT", "WA", "WI", "WV", "WY",
})  # fmt: skip


@dataclass(slots=True)
class Reading:
    """What has been understood so far. `maybe`: codes that count only in a list, each with whether it is ruled out."""

    countries: dict[str, str] = field(default_factory=dict)  # code → kind of name
    regions: set[str] = field(default_factory=set)
    excluded: set[str] = field(default_factory=set)
    excluded_regions: set[str] = field(default_factory=set)
    said: set[str] = field(default_factory=set)  # of SAID
    maybe: list[tuple[Atom, bool]] = field(default_factory=list)
    doubt: bool = False  # something was left aside
    refused: bool = False  # a ruling-out that was not understood: nothing may be concluded

    def take(self, group: Sequence[Atom], *, excluding: bool) -> None:
        """Add one group to what is named or to what is ruled out; a group with an unknown word names nothing."""
        roles = {atom.role for atom in group}
        if "unknown" in roles:
            self.doubt = True
            if not excluding:
                self.refused = self.refused or "except" in roles or "excluded" in roles
                return
        for atom in group:
            if atom.role in {"code", "listed"}:
                self.maybe.append((atom, excluding))
            elif excluding:
                self._rule_out(atom)
            else:
                self._name(atom)

    def _rule_out(self, atom: Atom) -> None:
        if atom.kind in {"part", "city"}:
            self.doubt = True  # "except Alaska" does not rule out the United States
        elif atom.role == "country":
            self.excluded.add(atom.code)
        elif atom.role == "region":
            self.excluded_regions.add(atom.code)

    def _name(self, atom: Atom) -> None:
        if atom.role == "country" and self.countries.get(atom.code, "city") == "city":
            self.countries[atom.code] = atom.kind
        elif atom.role == "region":
            self.regions.add(atom.code)
        elif atom.role in SAID:
            self.said.add(atom.role)

    def take_back(self, atoms: Iterable[Atom]) -> None:
        """Rule out what was named before: "US, Canada excluded"."""
        for atom in atoms:
            self.countries.pop(atom.code, None)
            self.regions.discard(atom.code)
            self._rule_out(atom)

    def settle(self, *, origin: bool) -> None:
        """Decide what needed the whole claim: codes of a list, cities, and Georgia beside the United States."""
        self._settle_codes(origin=origin)
        if set(self.countries) == {"GE", "US"}:
            del self.countries["GE"]  # "Georgia, USA" and "Atlanta, Georgia" are the state
        if any(kind != "city" for kind in self.countries.values()):  # "London, Canada": a city counts only where no other country is named
            self.countries = {code: kind for code, kind in self.countries.items() if kind != "city"}

    def _settle_codes(self, *, origin: bool) -> None:
        """Count codes beside a certain place, or two and more of them together; else leave them aside."""
        sure = bool(self.countries or self.regions or self.excluded or self.excluded_regions or "world" in self.said)
        several = {atom.code for atom, _ in self.maybe if atom.role == "code" and atom.code not in WORDS_AS_CODES}
        if not sure and len(several) < (_LIST_IN_DOUBT if self.doubt else 2):
            self.doubt = self.doubt or bool(self.maybe)
            return
        parts = {_PARTS[code] for code in self.countries if code in _PARTS and (code != "AU" or len(self.countries) == 1)}
        states = set(self.countries) == {"US"} and (origin or self.countries["US"] == "city")  # "Portland, OR, USA" names a state
        states = states or (bool(self.countries) and set(self.countries.values()) == {"city"} and not self.regions)  # "Vienna, VA" does too
        for atom, excluded in self.maybe:
            if atom.code in parts:
                self.doubt = True
            elif excluded:
                self.excluded.add(atom.code)
            elif not (states and atom.text.upper() in _US_STATES):
                self.countries.setdefault(atom.code, "listed")


@dataclass(slots=True)
class _Scope:
    """How far a ruling-out reaches: to the end of its bracket, line or list entry, or until "only" or "worldwide" is said."""

    reading: Reading
    excluding: bool = False
    fresh: bool = False  # nothing was ruled out yet
    depth: int = 0  # of brackets
    opened_at: int = 0
    standing: list[Atom] = field(default_factory=list)  # places since the last world word or bracket: what "… excluded" speaks of

    def read(self, group: Sequence[Atom]) -> None:
        """Read one group between separators."""
        roles = {atom.role for atom in group}
        if "except" in roles:
            at = next(index for index, atom in enumerate(group) if atom.role == "except")
            self.reading.take(group[:at], excluding=self.excluding)
            group = group[at + 1 :]
            roles = {atom.role for atom in group}
            self.excluding, self.fresh, self.opened_at = True, True, self.depth
            roles.discard("world")  # "no international" rules out the rest and names nothing
        elif self.excluding and not self.fresh and "only" in roles:
            self.excluding = False
        if "excluded" in roles:
            self.reading.take_back(self.standing)
            self.reading.take(group, excluding=True)
            self.standing = []
        else:
            self.excluding = self.excluding and "world" not in roles
            self.reading.take(group, excluding=self.excluding)
            if not self.excluding:
                self.standing = [] if "world" in roles else self.standing + [atom for atom in group if atom.role in {"country", "region"}]
        self.fresh = self.fresh and roles.isdisjoint(_NAMED)

    def end_group(self, mark: Atom) -> None:
        """Take note of the separator behind a group."""
        if mark.role == "open":
            self.depth += 1
            self.standing = []
        elif mark.role == "close":
            self.depth -= 1
            self.excluding = self.excluding and (self.fresh or self.opened_at <= self.depth)
        elif mark.text in _LINE_ENDS:
            self.excluding = self.excluding and self.fresh


def read_atoms(atoms: Iterable[Atom], *, origin: bool) -> Reading:
    """Read the groups of one direction one after another, then settle what needed the whole."""
    scope = _Scope(Reading())
    for group, mark in _groups(atoms):
        scope.read(group)
        scope.end_group(mark)
    scope.reading.settle(origin=origin)
    return scope.reading


def _groups(atoms: Iterable[Atom]) -> Iterator[tuple[list[Atom], Atom]]:
    """Cut atoms at separators; each group comes with the separator that ended it."""
    group: list[Atom] = []
    for atom in atoms:
        if atom.role in _ENDS_GROUP:
            yield group, atom
            group = []
        else:
            group.append(atom)
    yield group, Atom("mark")
