"""Plain selectors matched in Python: tag, class, id, attribute and text, below, in or beside one another.

XPath 1.0 looks at every element of a page for each selector and copies strings to compare a class: a walk over the elements of one tag
takes a third to a half of the time. What is found is the same, in the same order; where that is not certain (matches inside one another,
alternatives that both match) the caller's XPath is asked instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
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
        return cast("list[Any]", found) if self.tests else list(found)

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

    same = set(tests.values())
    if len(same) == 1 and len(next(iter(same))) <= 1:  # "strong, p" and "span.label, div.label": the tag need not be asked
        test = next(iter(next(iter(same))), None)

        def read_alike(node: Any) -> list[Any]:
            found = list(node.iterdescendants(*tags)) if test is None else [hit for hit in node.iterdescendants(*tags) if test(hit)]
            return [value for hit in found if (value := hit.get(attribute)) is not None] if attribute else found

        return read_alike

    def read(node: Any) -> list[Any]:
        found = [hit for hit in node.iterdescendants(*tags) if all(test(hit) for test in tests[hit.tag])]
        return [value for hit in found if (value := hit.get(attribute)) is not None] if attribute else found

    return read


def _reader(steps: tuple[Step, ...], attribute: str, *, first: bool) -> Finder:
    if not steps:
        return lambda node: [value] if (value := node.get(attribute)) is not None else []
    if len(steps) == 1:
        return _first_of(steps[0], attribute) if first else _all_of(steps[0], attribute)
    return (_first_of_many if first else _all_of_many)(steps[:-1], steps[-1], attribute)


def _all_of_many(before: tuple[Step, ...], last: Step, attribute: str) -> Finder:
    read_one = _all_of(last, attribute)

    def read(node: Any) -> Any:
        contexts = _walk(before, node)
        if len(contexts) == 1:
            return read_one(contexts[0])
        found = last.follow(contexts)
        return [value for hit in found if (value := hit.get(attribute)) is not None] if attribute else found

    return read


def _first_of_many(before: tuple[Step, ...], last: Step, attribute: str) -> Finder:
    read_one = _first_of(last, attribute)
    if last.axis == " " and len(before) == 1:
        return _first_below(before[0], read_one)

    def read(node: Any) -> Any:
        contexts = _walk(before, node)
        for place, context in enumerate(contexts):
            hits = read_one(context)
            if hits:
                # Below: what is in an earlier element comes first. Beside and children: a match inside this element would, and the next in order shows whether there may be one.
                if last.axis != " " and place + 1 < len(contexts) and _is_inside(contexts[place + 1], context):
                    raise NotPlainError
                return hits
        return []

    return read


def _walk(steps: tuple[Step, ...], node: Any) -> Sequence[Any]:
    contexts: Sequence[Any] = steps[0].matches(node)
    for step in steps[1:]:
        if not contexts:
            break
        contexts = step.follow(contexts)
    return contexts


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


def _first_below(step: Step, read_first: Finder) -> Finder:
    """Look no further than the first element that has a match below it."""

    def read(node: Any) -> Any:
        for context in step.candidates(node):
            for test in step.tests:
                if not test(context):
                    break
            else:
                hits = read_first(context)
                if hits:
                    return hits
        return []

    return read


def _is_inside(node: Any, outer: Any) -> bool:
    return any(parent is outer for parent in node.iterancestors())


@lru_cache(maxsize=4096)
def has_class(name: str) -> Test:
    """Test for one of the classes of an element."""
    padded = f" {name} "

    def test(node: Any) -> bool:
        value = node.get("class")
        if value is None or name not in value:
            return False
        return value == name or name in value.split(" ") or (not value.isprintable() and padded in f" {value.translate(_BLANKS)} ")

    return test


def lacks_class(name: str) -> Test:
    """Test that an element has not this class."""
    has = has_class(name)
    return lambda node: not has(node)


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


def fulfils(expression: str, word: str = "") -> Test:
    """Test by an XPath expression that gives a truth value; `word` must stand in the text of every element that fulfils it, and is looked for first."""
    test = cast("Test", etree.XPath(expression, smart_strings=False))
    return (lambda node: word in "".join(node.itertext()) and test(node)) if word else test
