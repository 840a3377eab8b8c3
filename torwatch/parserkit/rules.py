"""Rules: how one field of a record is read from an element, as parsers write them.

A rule is a selector (the visible text of the first match), a pair of selector and regular expression (its first group), or one of the
small values below. `torwatch.parserkit.values` turns them into functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Each:
    """Every match as a tuple of texts; with `pattern`, its first group of each; `unique` drops repeats."""

    selector: str
    pattern: str = ""
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Split:
    """The text of the first match (its first group, with `pattern`), parted at `at` (a regular expression) into a tuple of texts."""

    selector: str
    at: str = r"\s*[/>\u00bb\u203a]\s*"
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """How many matches there are: stars, for one."""

    selector: str


@dataclass(frozen=True, slots=True)
class Has:
    """Whether anything matches; with `pattern`, whether the text of the first match matches it (None where there is no first match)."""

    selector: str
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """The text of the first match with its line breaks kept: descriptions and terms."""

    selector: str


@dataclass(frozen=True, slots=True)
class Keys:
    """The armoured OpenPGP public key blocks in all matches."""

    selector: str


@dataclass(frozen=True, slots=True)
class First:
    """The first of several rules that gives something: layouts that changed over time."""

    rules: tuple[Any, ...]

    def __init__(self, *rules: Any) -> None:
        object.__setattr__(self, "rules", rules)


@dataclass(frozen=True, slots=True)
class Column:
    """The cell of a table row below the heading with one of these names (case, colon ignored); with `pattern`, its first group. The row is the `<tr>`.

    Headings are `<th>`; in a table that has none, the cells of its first row.
    """

    names: tuple[str, ...]
    pattern: str = ""

    def __init__(self, *names: str, pattern: str = "") -> None:
        object.__setattr__(self, "names", tuple(" ".join(name.split()).strip(" :").casefold() for name in names))
        object.__setattr__(self, "pattern", pattern)


@dataclass(frozen=True, slots=True)
class Beside:
    """The first match with the right words around it, as in `From: <strong>5 $</strong> - Pills -`.

    `before` and `behind` are regular expressions, searched in the nearest text beside it in its holder, white space collapsed. Gives its own text (with
    `pattern`: its first group), or with `take` the first group of `take` in the text behind it.
    """

    selector: str
    before: str = ""
    behind: str = ""
    pattern: str = ""
    take: str = ""


@dataclass(frozen=True, slots=True)
class Const:
    """The same value in every record."""

    value: Any


@dataclass(frozen=True, slots=True)
class Extra:
    """What a market shows beyond the fields of a record: name → rule; a field's rule `extra=Extra(stealth=".stealth")`."""

    rules: tuple[tuple[str, Any], ...]

    def __init__(self, **rules: Any) -> None:
        object.__setattr__(self, "rules", tuple(rules.items()))


Rule = (
    str
    | tuple[str, str]
    | Each
    | Split
    | Count
    | Has
    | Lines
    | Keys
    | First
    | Column
    | Beside
    | Const
    | Extra
    | Callable[[Any], Any]
    | None
)
