"""What a market's own category path says about the group of a listing, and the answer category that a group belongs to."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from torwatch.normalise.substance_terms import find_terms, load_vocabulary, squeeze, tokenise

if TYPE_CHECKING:
    from collections.abc import Sequence

_FOLDER = Path(__file__).with_name("data")
_SEPARATOR = re.compile(r"\s*(?:>|»|\u203a|\u2192|::|\|)\s*|\s+[-\u2013\u2014]\s+|(?<=\w)\s*/\s*(?=\w{3})")
_MAXIMUM_CHARACTERS = 300  # a category path that is longer is none
_WORD_FACTOR = 0.5  # a category known by its words only counts half of what the words would in a title
_WEAKEST_WORD = 7.5


@dataclass(frozen=True, slots=True)
class CategoryPrior:
    """What a category path says: the group it speaks for with a weight, and the groups that belong there too."""

    group: str = "unknown"
    weight: float = 0.0
    candidates: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Table:
    version: str
    generic: frozenset[str]
    elements: dict[str, CategoryPrior]  # squeezed names, pairs as "parent>child"


_NOTHING = CategoryPrior()


def category_prior(category: str | Sequence[str] | None) -> CategoryPrior:
    """Read a category path, widest element first, as one string ("Drugs > Cannabis", "Cannabis - Seeds") or as its elements.

    The deepest element that the table knows speaks; words like "Other" or "Pills" leave it to their parent. An element that the table
    does not know is read like a title, at half the weight.
    """
    if not category:
        return _NOTHING
    return _prior(category if isinstance(category, str) else " > ".join(str(element) for element in category))


@lru_cache(maxsize=4096)
def _prior(path: str) -> CategoryPrior:
    table = _load_table()
    whole = table.elements.get(squeeze(path[:_MAXIMUM_CHARACTERS]))
    if whole is not None:
        return whole
    elements = [element for element in _SEPARATOR.split(path[:_MAXIMUM_CHARACTERS]) if element]
    keys = [squeeze(element) for element in elements]
    for depth in range(len(keys) - 1, -1, -1):
        if depth:
            pair = table.elements.get(f"{keys[depth - 1]}>{keys[depth]}")
            if pair is not None:
                return pair
        if keys[depth] in table.generic:
            continue
        prior = table.elements.get(keys[depth]) or _by_words(elements[depth])
        if prior is not None:
            return prior
    return _NOTHING


def _by_words(element: str) -> CategoryPrior | None:
    best: CategoryPrior | None = None
    for match in find_terms(tokenise(element), load_vocabulary()):
        term = match.terms[0]
        weight = term.weight * _WORD_FACTOR
        if not term.group.startswith("+") and term.weight >= _WEAKEST_WORD and (best is None or weight > best.weight):
            best = CategoryPrior(term.group, weight, frozenset({term.group}))
    return best


@lru_cache(maxsize=1)
def _load_table() -> _Table:
    table = tomllib.loads((_FOLDER / "categories.toml").read_text(encoding="utf-8"))
    elements: dict[str, CategoryPrior] = {}
    for entry in table["category"]:
        prior = CategoryPrior(entry["groups"][0], float(entry["weight"]), frozenset(entry["groups"]) - {"unknown"})
        for name in entry["names"]:
            elements[">".join(squeeze(part) for part in name.split(" > "))] = prior
    return _Table(table["version"], frozenset(squeeze(word) for word in table["generic"]), elements)


@lru_cache(maxsize=1)
def _answer_table() -> tuple[str, dict[str, str], dict[str, bool]]:
    table = tomllib.loads((_FOLDER / "answer_groups.toml").read_text(encoding="utf-8"))
    drug = dict.fromkeys(table["drug"]["yes"], True) | dict.fromkeys(table["drug"]["no"], False)
    return table["version"], table["answer"], drug


def answer_group(group: str) -> str:
    """Give the category of the printed answer (measurement.md, section 5) for a substance group; "unmapped" for an unknown one."""
    return _answer_table()[1].get(group, "unmapped")


def answer_groups() -> dict[str, str]:
    """Give the whole mapping of substance groups to answer categories, in the order of print."""
    return dict(_answer_table()[1])


def group_is_drug(group: str) -> bool | None:
    """Say whether the goods of a group count as drugs; None for an unknown group."""
    return _answer_table()[2].get(group)


def table_versions() -> tuple[str, str, str]:
    """Give the versions of the three tables: terms, categories, answer groups."""
    return load_vocabulary().version, _load_table().version, _answer_table()[0]
