"""Values: a rule of `torwatch.parserkit.rules` becomes a function of an element, and what it gives what the field holds.

Whole numbers are read with `number`, flags become True, tuples are wrapped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any, get_args, get_type_hints

from torwatch.errors import ParserError
from torwatch.parserkit.rules import Beside, Column, Const, Count, Each, Extra, First, Has, Keys, Lines, Rule, Split
from torwatch.parserkit.selectors import compile_selector
from torwatch.parserkit.text import armour, before, behind, lines, number, searcher, text

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
    if kind == "str":  # most are
        return None if value == "" else value
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
    """What one selector matches and the texts of that, kept for the element asked last: several rules of a record read the same few elements."""

    __slots__ = ("_around", "_found", "_last")

    def __init__(self, selector: str) -> None:
        self._found = compile_selector(selector)
        self._last: tuple[Any, list[str]] | None = None
        self._around: tuple[Any, list[tuple[str, str, str]]] | None = None

    def of(self, node: Any) -> list[str]:
        """Give the texts in document order; what was read once is not read again."""
        last = self._last  # one reference, so that threads never mix two elements
        if last is None or last[0] is not node:
            last = self._last = (node, [text(hit) for hit in _many(self._found(node))])
        return last[1]

    def around(self, node: Any) -> list[tuple[str, str, str]]:
        """Give for each match the text before it, its own, and the text behind it."""
        last = self._around
        if last is None or last[0] is not node:
            last = self._around = (node, [(before(hit), text(hit), behind(hit)) for hit in _many(self._found(node))])
        return last[1]

    def forget(self) -> None:
        """Let the page go."""
        self._last = self._around = None


def share_selectors(rules: Iterable[Rule], shared: dict[str, Texts]) -> None:
    """Note the selectors whose every match some rule reads: a rule that wants the first match only then asks no more of the page."""
    for rule in rules:
        match rule:
            case (str(selector), str()) | Each(selector):
                shared.setdefault(selector, Texts(selector))
            case First(inner):
                share_selectors(inner, shared)
            case _:
                pass


def compile_rule(rule: Rule, shared: dict[str, Texts] | None = None) -> Reader:  # noqa: C901, PLR0911, PLR0912 - a table of fifteen kinds of rule, one line each
    """Turn a rule into a function of an element; raises ParserError where it is none. `shared`: the texts that the rules of one record share."""
    shared = {} if shared is None else shared
    match rule:
        case None:
            return lambda _node: None
        case str():
            return _first_of_texts(shared[rule]) if rule in shared else _first_text(rule)
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
        case Beside():
            return _beside(_share(rule.selector, shared), rule)
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


def _first_of_texts(texts: Texts) -> Reader:
    of = texts.of

    def read(node: Any) -> str | None:
        found = of(node)
        return (found[0] or None) if found else None

    return read


def _beside(texts: Texts, rule: Beside) -> Reader:
    before_it, behind_it, wanted = map(searcher, (rule.before, rule.behind, rule.take or rule.pattern))
    around, takes, whole = texts.around, bool(rule.take), not (rule.take or rule.pattern)

    def read(node: Any) -> str | None:
        for earlier, own, later in around(node):
            if before_it(earlier) and behind_it(later):
                if whole:
                    return own or None
                match = wanted(later if takes else own)
                return (match.group(1) or "").strip() or None if match else None
        return None

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
    group, search = 1 if re.compile(pattern).groups else 0, searcher(pattern)

    def read(node: Any) -> str | None:
        for one in texts.of(node):
            match = search(one)
            if match is not None:
                return (match.group(group) or "").strip() or None
        return None

    return read


def _each(every: Texts, pattern: str, *, unique: bool) -> Reader:
    group, search = 1 if re.compile(pattern).groups else 0, searcher(pattern)

    def read(node: Any) -> tuple[str, ...]:
        texts = every.of(node)
        if pattern:
            texts = [(match.group(group) or "").strip() for one in texts if (match := search(one))]
        texts = [one for one in texts if one]
        return tuple(dict.fromkeys(texts) if unique else texts)

    return read


def _has(selector: str, pattern: str) -> Reader:
    found, search = compile_selector(selector), searcher(pattern)

    def read(node: Any) -> bool | None:
        hits = _many(found(node))
        if not pattern:
            return bool(hits)
        return search(text(hits[0])) is not None if hits else None

    return read


def _column(names: tuple[str, ...], pattern: str) -> Reader:
    wanted = re.compile(pattern)
    heading = compile_selector("ancestor-or-self::table[1]//tr[th][1]/th")
    first_row = compile_selector("(ancestor-or-self::table[1]//tr)[1]/td")

    def read(row: Any) -> str | None:
        titles = [text(cell).strip(" :").casefold() for cell in _many(heading(row)) or _many(first_row(row))]
        place = next((index for index, title in enumerate(titles) if title in names), None)
        cells = [cell for cell in row if cell.tag in {"td", "th"}]
        if place is None or place >= len(cells):
            return None
        match = wanted.search(text(cells[place])) if pattern else None
        if pattern:
            return (match.group(1 if wanted.groups else 0) or "").strip() or None if match else None
        return text(cells[place]) or None

    return read
