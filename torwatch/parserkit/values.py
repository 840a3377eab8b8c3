"""Value rules: how one field of a record is read from an element, as parsers write them.

A rule is a selector (the visible text of the first match), a pair of selector and regular expression (its first group), or one of the
small values below. What a field holds decides the rest: whole numbers are read with `number`, flags become True, tuples are wrapped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, get_args, get_type_hints

from torwatch.errors import ParserError
from torwatch.parserkit.selectors import compile_selector
from torwatch.parserkit.text import armour, lines, number, text


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
    """The cell of a table row below the heading with one of these names (case, colon ignored); with `pattern`, its first group. The row is the `<tr>`."""

    names: tuple[str, ...]
    pattern: str = ""

    def __init__(self, *names: str, pattern: str = "") -> None:
        object.__setattr__(self, "names", tuple(" ".join(name.split()).strip(" :").casefold() for name in names))
        object.__setattr__(self, "pattern", pattern)


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


Rule = str | tuple[str, str] | Each | Split | Count | Has | Lines | Keys | First | Column | Const | Extra | Callable[[Any], Any] | None
Reader = Callable[[Any], Any]


def field_kinds(make: type[Any]) -> Mapping[str, str]:
    """Tell for each field of a record whether it holds int, bool, tuple or str."""
    hints = get_type_hints(make)
    kinds = {}
    for entry in fields(make):
        hint = hints[entry.name]
        inner = [a for a in get_args(hint) if a is not type(None)] if type(None) in get_args(hint) else [hint]
        plain = inner[0] if inner else str
        kinds[entry.name] = "tuple" if getattr(plain, "__origin__", plain) is tuple else plain.__name__ if plain in {int, bool} else "str"
    return kinds


def convert(kind: str, value: Any) -> Any:
    """Turn what a rule gave into what the field holds; '' becomes None, so that a shown nothing is nothing."""
    if kind == "tuple":
        return () if value is None or value == "" else (value,) if isinstance(value, str) else tuple(value)
    if kind == "int":
        return number(value) if isinstance(value, str) else value
    if kind == "bool" and isinstance(value, str):
        return read_flag(value)
    return None if value == "" else value


def read_flag(value: str) -> bool | None:
    """Read Yes/No, Allowed/Not allowed, Enabled/Disabled …; None for anything else."""
    folded = value.strip().casefold()
    if re.match(r"(?:yes|y|true|allowed|enabled|on|ja|1)\b", folded):
        return True
    return False if re.match(r"(?:no|n|not|none|false|disallowed|denied|disabled|off|nein|nee|0)\b", folded) else None


class Texts:
    """The texts of what one selector matches, kept for the element asked last: several rules of a record read the same few elements."""

    __slots__ = ("_found", "_last")

    def __init__(self, selector: str) -> None:
        self._found = compile_selector(selector)
        self._last: tuple[Any, list[str]] | None = None

    def of(self, node: Any) -> list[str]:
        """Give the texts in document order; what was read once is not read again."""
        last = self._last  # one reference, so that threads never mix two elements
        if last is None or last[0] is not node:
            last = self._last = (node, [text(hit) for hit in _many(self._found(node))])
        return last[1]

    def forget(self) -> None:
        """Let the page go."""
        self._last = None


def compile_rule(rule: Rule, shared: dict[str, Texts] | None = None) -> Reader:  # noqa: C901, PLR0911, PLR0912 - a table of fourteen kinds of rule, one line each
    """Turn a rule into a function of an element; raises ParserError where it is none. `shared`: the texts that the rules of one record share."""
    shared = {} if shared is None else shared
    match rule:
        case None:
            return lambda _node: None
        case str():
            return _first_text(rule)
        case (str(selector), str(pattern)):
            return _first_group(_share(selector, shared), pattern)
        case Each(selector, pattern, unique):
            return _each(_share(selector, shared), pattern, unique=unique)
        case Split(selector, at, pattern):
            inner, parts = compile_rule((selector, pattern) if pattern else selector, shared), re.compile(at)
            return lambda node: tuple(p for p in (part.strip() for part in parts.split(inner(node) or "")) if p)
        case Count(selector):
            found = compile_selector(selector)
            return lambda node: len(_many(found(node)))
        case Has(selector, pattern):
            return _has(selector, pattern)
        case Lines(selector):
            found = compile_selector(selector)
            return lambda node: next((lines(hit) for hit in _many(found(node))), None)
        case Keys(selector):
            found = compile_selector(selector)
            return lambda node: tuple(block for hit in _many(found(node)) for block in armour(lines(hit)))
        case First(rules):
            readers = [compile_rule(one, shared) for one in rules]
            return _first_of(readers)
        case Column(names, pattern):
            return _column(names, pattern)
        case Const(value):
            return lambda _node: value
        case Extra(rules):
            named = [(name, compile_rule(one, shared)) for name, one in rules]
            return lambda node: tuple((name, str(value)) for name, reader in named if (value := reader(node)) not in (None, "", ()))
        case _ if callable(rule):
            return rule
        case _:
            raise ParserError(f"not a rule: {rule!r}")


def _many(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found] if found not in (None, "") else []


def _first_text(selector: str) -> Reader:
    found = compile_selector(selector, first=True)

    def read(node: Any) -> Any:
        hits = found(node)
        if isinstance(hits, list):
            return (text(hits[0]) or None) if hits else None
        return text(hits) or None if isinstance(hits, str) else hits  # an XPath that gives a string, number or truth value

    return read


def _first_of(readers: list[Reader]) -> Reader:
    def read(node: Any) -> Any:
        for reader in readers:
            value = reader(node)
            if value not in (None, "", ()):
                return value
        return None

    return read


def _share(selector: str, shared: dict[str, Texts]) -> Texts:
    return shared.setdefault(selector, Texts(selector))


def _first_group(texts: Texts, pattern: str) -> Reader:
    wanted = re.compile(pattern)
    group, search = 1 if wanted.groups else 0, wanted.search

    def read(node: Any) -> str | None:
        for one in texts.of(node):
            match = search(one)
            if match is not None:
                return (match.group(group) or "").strip() or None
        return None

    return read


def _each(every: Texts, pattern: str, *, unique: bool) -> Reader:
    wanted = re.compile(pattern)

    def read(node: Any) -> tuple[str, ...]:
        texts = every.of(node)
        if pattern:
            texts = [(match.group(1 if wanted.groups else 0) or "").strip() for one in texts if (match := wanted.search(one))]
        texts = [one for one in texts if one]
        return tuple(dict.fromkeys(texts) if unique else texts)

    return read


def _has(selector: str, pattern: str) -> Reader:
    found, wanted = compile_selector(selector), re.compile(pattern)

    def read(node: Any) -> bool | None:
        hits = _many(found(node))
        if not pattern:
            return bool(hits)
        return wanted.search(text(hits[0])) is not None if hits else None

    return read


def _column(names: tuple[str, ...], pattern: str) -> Reader:
    wanted = re.compile(pattern)
    heading = compile_selector("ancestor-or-self::table[1]//tr[th][1]/th")

    def read(row: Any) -> str | None:
        titles = [text(cell).strip(" :").casefold() for cell in _many(heading(row))]
        place = next((index for index, title in enumerate(titles) if title in names), None)
        cells = [cell for cell in row if cell.tag in {"td", "th"}]
        if place is None or place >= len(cells):
            return None
        match = wanted.search(text(cells[place])) if pattern else None
        if pattern:
            return (match.group(1 if wanted.groups else 0) or "").strip() or None if match else None
        return text(cells[place]) or None

    return read
