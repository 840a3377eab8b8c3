"""The gazetteer: countries, regions and the words of shipping claims, read from data/*.tsv when first asked for."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from torwatch.normalise.shipping_words import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NORMALISER_VERSION = "country-3"  # raise it when a table or the grammar changes: normalised values are keyed by it

# Names that are an everyday word, a currency, another country or the tail of a longer name in English: never matched.
AMBIGUOUS = frozenset(
    {"america", "cad", "congo", "figi", "gana", "guiana", "indie", "ira", "island", "kina", "kongo", "korea", "man", "oma", "salvador"}
)
_MEMBER = re.compile(r"([A-Z]{2})(?:([<>])(\d{4}-\d\d-\d\d))?")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one name or word of the tables means."""

    role: str  # "country", "region", or a class of aliases_terms.tsv
    code: str = ""  # alpha-2 of a country, code of a region
    kind: str = ""  # of a country's name: name, short, part, city, listed, misspelling


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """All tables, keyed by folded words joined by blanks."""

    entries: dict[str, Entry]
    longest: dict[str, int]  # first word → the most words of a name that begins with it
    alpha2: frozenset[str]
    alpha3: dict[str, str]
    flags: dict[str, str]  # "gbsct" → "GB"


def country_name(code: str, language: str = "en") -> str:
    """Give a country's CLDR name in a language (English where the language or the name is not kept); the code itself for no country."""
    names = _country_names().get(code.upper())
    return code if names is None else names.get(language) or names["en"]


def country_codes() -> tuple[str, ...]:
    """Name every country code, sorted: ISO 3166-1 alpha-2 and XK."""
    return tuple(_country_names())


def region_codes() -> tuple[str, ...]:
    """Name every region code, in the order of the table."""
    return tuple(_regions())


def region_contains(region: str, code: str, day: dt.date | None = None) -> bool:
    """Tell whether a region holds a country, on a day where membership changed (None: now); False for an unknown region or code."""
    day = day or dt.date.max
    for member, sign, text in _regions().get(region, ()):
        if member == code.upper():
            return not sign or (day < dt.date.fromisoformat(text)) == (sign == "<")
    return False


@cache
def gazetteer() -> Gazetteer:
    """Read the tables and make the one dictionary that claims are matched with; some tens of milliseconds, once a process."""
    entries: dict[str, Entry] = {}
    for name, entry in (*_aliases(), *_region_names(), *_names(), *_terms()):
        key = " ".join(words_of(name))
        if key and key not in AMBIGUOUS:
            entries.setdefault(key, entry)
    for role, words in _rows("aliases_terms.tsv"):
        if role == "typo":
            for word in words.split(";"):
                for variant in _variants(word):
                    entries.setdefault(variant, entries[word])
    longest: dict[str, int] = {}
    for key in entries:
        first, *rest = key.split()
        longest[first] = max(longest.get(first, 0), 1 + len(rest))
    flags = {flag: code for code, kind, aliases in _rows("aliases.tsv") if kind == "flag" for flag in aliases.split(";")}
    alpha3 = {row[1]: row[0] for row in _rows("countries.tsv")}
    return Gazetteer(entries, longest, frozenset(_country_names()), alpha3, flags)


def _aliases() -> Iterator[tuple[str, Entry]]:
    for code, kind, aliases in _rows("aliases.tsv"):
        if kind != "flag":
            yield from ((alias, Entry("country", code, kind)) for alias in aliases.split(";"))


def _region_names() -> Iterator[tuple[str, Entry]]:
    for code, names, *_ in _rows("regions.tsv"):
        yield from ((name, Entry("region", code)) for name in names.split(";"))


def _names() -> Iterator[tuple[str, Entry]]:
    for code, names in _country_names().items():
        entry = Entry("region", "Antarctica") if code == "AQ" else Entry("country", code, "name")
        for name in names.values():
            yield from ((form, entry) for form in _forms(name))


def _terms() -> Iterator[tuple[str, Entry]]:
    for role, words in _rows("aliases_terms.tsv"):
        if role != "typo":
            yield from ((word, Entry(role)) for word in words.split(";"))


def _forms(name: str) -> Iterator[str]:
    yield name
    if name.startswith("St. "):
        yield "Saint " + name[4:]
    for sign in (" (", " \u2013 ", " - "):  # "Myanmar (Burma)", "Congo - Kinshasa": the first part alone where it is a name
        head, found, _ = name.partition(sign)
        if found:
            yield head


def _variants(word: str) -> Iterator[str]:
    """Every text of one wrong, missing, surplus or swapped letter."""
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]
        yield word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
        for letter in _LETTERS:
            yield word[:at] + letter + word[at + 1 :]
            yield word[:at] + letter + word[at:]
    yield from (word + letter for letter in _LETTERS)


def _rows(name: str) -> Iterable[list[str]]:
    text = files("torwatch.normalise").joinpath("data", name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [line.split("\t") for line in lines[1:]]


@cache
def _country_names() -> dict[str, dict[str, str]]:
    text = files("torwatch.normalise").joinpath("data", "countries.tsv").read_text(encoding="utf-8")
    header, *lines = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {line[0]: dict(zip(header[2:], line[2:], strict=True)) for line in lines}


@cache
def _regions() -> dict[str, tuple[tuple[str, str, str], ...]]:
    return {code: tuple(_MEMBER.findall(members)) for code, _, members, *_ in _rows("regions.tsv")}
