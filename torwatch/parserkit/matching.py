"""Plain selectors matched in Python: tag, class, id, attribute and text, below, in or beside one another.

XPath 1.0 looks at every element of a page for each selector and copies strings to compare a class: a walk over the elements of one tag
takes a third to a half of the time. What is found is the same, in the same order; where that is not certain (matches inside one another,
alternatives that both match) the caller's XPath is asked instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Finder = Callable[[Any], Any]
    Test = Callable[[Any], bool]

_BLANKS = str.maketrans("\t\r\n", "   ")  # what XPath takes for white space in a class


class NotPlainError(Exception):
    """The selector, or what it met on this page, is not for this module: ask XPath."""


@dataclass(frozen=True, slots=True)
class Step:
    """One element of a selector: how it stands to the one before (" ", ">" or "+"), its tag, and what it must fulfil.

    `search`: XPath that narrows the descendants of any tag down before they are tested: of a page's thousands only a few become objects.
    """

    axis: str
    tag: str
    tests: tuple[Test, ...] = ()
    search: Finder | None = None

    def candidates(self, context: Any) -> Iterable[Any]:
        """Give what stands where the step says, in document order; the tests are still to be asked."""
        if self.axis == " ":
            return context.iterdescendants(self.tag) if self.search is None else self.search(context)  # type: ignore[no-any-return] # lxml
        if self.axis == ">":
            return context.iterchildren(self.tag)  # type: ignore[no-any-return] # lxml
        following = next(context.itersiblings("*"), None)
        return (following,) if following is not None and self.tag in {"*", following.tag} else ()

    def matches(self, context: Any) -> list[Any]:
        """Give the matches for one element."""
        found = self.candidates(context)
        for test in self.tests:
            found = [node for node in found if test(node)]
        return list(found)

    def follow(self, contexts: Sequence[Any]) -> list[Any]:
        """Give the matches for the elements found so far, in document order and once each; raises NotPlainError where that needs sorting."""
        found: list[Any] = []
        outer = None
        for context in contexts:
            if outer is not None and _is_inside(context, outer):
                if self.axis == " ":
                    continue  # all below it was found already
                raise NotPlainError
            outer = context
            found += self.matches(context)
        return found


def compile_plain(alternatives: Sequence[tuple[Sequence[Step], str]], *, first: bool, otherwise: Finder) -> Finder:
    """Make the finder of a selector: of each alternative its steps and the attribute that it gives ("": the element).

    It gives what `otherwise` gives, the XPath of the same selector, and asks it where the order is not certain.
    """
    if len({attribute for _, attribute in alternatives}) > 1:
        return otherwise  # where one matches the others mostly do
    if (
        not first
        and all(_is_plain_step(steps) for steps, _ in alternatives)
        and len({steps[0].tag for steps, _ in alternatives}) == len(alternatives) > 1
    ):
        return _any_of({steps[0].tag: steps[0].tests for steps, _ in alternatives}, alternatives[0][1])
    readers = [_reader(tuple(steps), attribute, first=first) for steps, attribute in alternatives]
    if len(readers) == 1 and len(alternatives[0][0]) <= 1:
        return readers[0]

    def find_any(node: Any) -> Any:
        try:
            found = [hits for read in readers if (hits := read(node))]
        except NotPlainError:
            return otherwise(node)
        return found[0] if len(found) == 1 else otherwise(node) if found else []

    return find_any


def _is_plain_step(steps: Sequence[Step]) -> bool:
    return len(steps) == 1 and steps[0].axis == " " and steps[0].tag != "*"


def _any_of(tests: dict[str, tuple[Test, ...]], attribute: str) -> Finder:
    """Find several tags in one walk, each with its own tests."""
    tags = tuple(tests)

    def read(node: Any) -> list[Any]:
        found = [hit for hit in node.iterdescendants(*tags) if all(test(hit) for test in tests[hit.tag])]
        return [value for hit in found if (value := hit.get(attribute)) is not None] if attribute else found

    return read


def _reader(steps: tuple[Step, ...], attribute: str, *, first: bool) -> Finder:
    if not steps:
        return lambda node: [value] if (value := node.get(attribute)) is not None else []
    if len(steps) == 1:
        return _first_of(steps[0], attribute) if first else _all_of(steps[0], attribute)
    read_last = _all_of(steps[-1], attribute)
    *before, last = steps
    read_first = _first_of(last, attribute)

    def read(node: Any) -> Any:
        contexts: Sequence[Any] = (node,)
        for step in before:
            contexts = step.follow(contexts)
            if not contexts:
                return []
        if len(contexts) == 1:
            return (read_first if first else read_last)(contexts[0])
        if first and last.axis == " ":  # what is below an earlier element comes first, also where a later one is inside it
            return next((hits for context in contexts if (hits := read_first(context))), [])
        found = last.follow(contexts)
        if attribute:
            found = [value for hit in found if (value := hit.get(attribute)) is not None]
        return found[:1] if first else found

    return read


def _all_of(step: Step, attribute: str) -> Finder:
    """The most frequent kinds, each in one comprehension."""
    tag, tests, matches = step.tag, step.tests, step.matches
    plain = step.axis == " " and step.search is None
    if plain and not tests and attribute:
        return lambda node: [value for hit in node.iterdescendants(tag) if (value := hit.get(attribute)) is not None]
    if plain and len(tests) == 1 and not attribute:
        (test,) = tests
        return lambda node: [hit for hit in node.iterdescendants(tag) if test(hit)]
    if attribute:
        return lambda node: [value for hit in matches(node) if (value := hit.get(attribute)) is not None]
    return matches


def _first_of(step: Step, attribute: str) -> Finder:
    tests, candidates = step.tests, step.candidates

    def read(node: Any) -> list[Any]:
        for hit in candidates(node):
            for test in tests:
                if not test(hit):
                    break
            else:
                if not attribute:
                    return [hit]
                value = hit.get(attribute)
                if value is not None:
                    return [value]
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


def search_for(predicate: str) -> Finder:
    """Make the search of a step of any tag: the descendants that a cheap XPath predicate lets through."""
    return etree.XPath(f"descendant::*[{predicate}]", smart_strings=False)


def fulfils(expression: str) -> Test:
    """Test by an XPath expression that gives a truth value."""
    return cast("Test", etree.XPath(expression, smart_strings=False))
