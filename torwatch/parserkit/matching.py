"""Plain selectors matched in Python: tag, class, id, attribute, text and place, below, in or beside one another.

XPath 1.0 looks at every element of a page for each selector and copies strings to compare a class: a walk over the elements of one tag
takes a third to a half of the time. What is found is the same, in the same order; where that is not certain (matches inside one another,
alternatives that both match) the caller's XPath is asked instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Finder = Callable[[Any], Any]
    Test = Callable[[Any], bool]

_BLANKS = str.maketrans("\t\r\n", "   ")  # what XPath takes for white space in a class


class NotPlainError(Exception):
    """The selector, or what it met on this page, is not for this module: ask XPath."""


@dataclass(frozen=True, slots=True)
class Step:
    """One element of a selector: how it stands to the one before (" ", ">" or "+"), its tag, and what it must fulfil."""

    axis: str
    tag: str
    tests: tuple[Test, ...]

    def accepts(self, node: Any) -> bool:
        """Say whether an element of the right tag fulfils every test."""
        return all(test(node) for test in self.tests)

    def follow(self, contexts: Iterable[Any]) -> Iterator[Any]:
        """Yield the matches for the elements found so far, in document order and once each; raises NotPlainError where that needs sorting."""
        outer = None
        for context in contexts:
            if outer is not None and _is_inside(context, outer):
                if self.axis == " ":
                    continue  # all below it was found already
                raise NotPlainError
            outer = context
            for node in self._candidates(context):
                if self.accepts(node):
                    yield node

    def _candidates(self, context: Any) -> Iterator[Any]:
        if self.axis == " ":
            return iter(context.iterdescendants(self.tag))
        if self.axis == ">":
            return iter(context.iterchildren(self.tag))
        following = next(context.itersiblings("*"), None)
        return iter((following,) if following is not None and self.tag in {"*", following.tag} else ())


def compile_plain(alternatives: Sequence[tuple[Sequence[Step], str]], *, first: bool, otherwise: Finder) -> Finder:
    """Make the finder of a selector: of each alternative its steps and the attribute that it gives ("": the element).

    It gives what `otherwise` gives, the XPath of the same selector, and asks it where the order is not certain.
    """
    if len(alternatives) == 1:
        steps, attribute = alternatives[0]
        if len(steps) == 1 and not first and steps[0].axis == " ":
            return _one_step(steps[0], attribute)
        return _one_path(tuple(steps), attribute, first=first, otherwise=otherwise)
    readers = [_reader(tuple(steps), attribute, first=first) for steps, attribute in alternatives]

    def find_any(node: Any) -> Any:
        try:
            found = [hits for reader in readers if (hits := reader(node))]
        except NotPlainError:
            return otherwise(node)
        return found[0] if len(found) == 1 else otherwise(node) if found else []

    return find_any


def _one_step(step: Step, attribute: str) -> Finder:
    """The most frequent kind: all descendants of one tag with at most one test."""
    tag, tests = step.tag, step.tests
    if not tests and attribute:
        return lambda node: [value for hit in node.iterdescendants(tag) if (value := hit.get(attribute)) is not None]
    if len(tests) == 1 and not attribute:
        (test,) = tests
        return lambda node: [hit for hit in node.iterdescendants(tag) if test(hit)]
    return _reader((step,), attribute, first=False)


def _one_path(steps: tuple[Step, ...], attribute: str, *, first: bool, otherwise: Finder) -> Finder:
    read = _reader(steps, attribute, first=first)
    if len(steps) == 1:
        return read

    def find_path(node: Any) -> Any:
        try:
            return read(node)
        except NotPlainError:
            return otherwise(node)

    return find_path


def _reader(steps: tuple[Step, ...], attribute: str, *, first: bool) -> Finder:
    def read(node: Any) -> list[Any]:
        hits: Iterable[Any] = (node,)
        for step in steps:
            hits = step.follow(hits)
        if attribute:
            hits = (value for hit in hits if (value := hit.get(attribute)) is not None)
        if not first:
            return list(hits)
        for hit in hits:
            return [hit]
        return []

    return read


def _is_inside(node: Any, outer: Any) -> bool:
    return any(parent is outer for parent in node.iterancestors())


def has_class(name: str) -> Test:
    """Test for one of the classes of an element."""
    padded = f" {name} "

    def test(node: Any) -> bool:
        value = node.get("class")
        return value is not None and name in value and (value == name or padded in f" {value.translate(_BLANKS)} ")

    return test


def has_attribute(name: str, operator: str | None, value: str) -> Test:
    """Test for an attribute; raises NotPlainError for a comparison with an empty text, which XPath answers in its own way."""
    if ":" in name:
        raise NotPlainError  # a prefix without a namespace
    if operator is None:
        return lambda node: node.get(name) is not None
    if not value or (operator == "~=" and len(value.split()) != 1):
        raise NotPlainError
    padded = f" {value} "
    tests: dict[str, Test] = {
        "=": lambda node: node.get(name) == value,
        "*=": lambda node: value in node.get(name, ""),
        "^=": lambda node: node.get(name, "").startswith(value),
        "$=": lambda node: node.get(name, "").endswith(value),
        "~=": lambda node: value in (got := node.get(name, "")) and padded in f" {got.translate(_BLANKS)} ",
    }
    return tests[operator]


def fulfils(expression: str) -> Test:
    """Test by an XPath expression that gives a truth value."""
    return etree.XPath(expression, smart_strings=False)


def stands_at(place: int | None, tag: str, before: tuple[Test, ...]) -> Test:
    """Test for the place among the siblings of the same tag that fulfil the tests before: 1 is the first, None the last."""

    def test(node: Any) -> bool:
        siblings = node.itersiblings(tag, preceding=place is not None)
        count = sum(all(one(sibling) for one in before) for sibling in siblings)
        return count == (0 if place is None else place - 1)

    return test
