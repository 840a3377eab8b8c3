"""Selectors: CSS-like strings or XPath, compiled once, as parsers write them.

A selector that starts with `/`, `./`, `../`, `(` or `.//`, or that names an axis (`following::p`), is XPath 1.0. Anything else is
CSS-like: `tag`, `.class`, `#id`, `[attr]`, `[attr=x]`, `[attr^=x]`, `[attr$=x]`, `[attr*=x]`, `:not(.class)`, `:has-text("x")`, `:first`, `:last`, `:nth(2)`,
descendant (space), child (`>`), next sibling (`+`), any later sibling (`~`), alternatives (`,`), and a final `@name` that gives the
attribute instead of the element: `.head > a@href`. The empty string and `.` are the node itself; `@name` alone is its own attribute.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lxml import etree

from torwatch.errors import ParserError
from torwatch.parserkit.matching import NotPlainError, Step, compile_plain, fulfils, has_attribute, has_class, lacks_class, search_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torwatch.parserkit.matching import Test

_FUNCTION = re.compile(r"\s*[a-z-]+\(")  # gives a string, a number or a truth value, of which there is no first
_XPATH = re.compile(r"\s*(?:\(|\.?\.?/|[\w-]+::|(?:string|normalize-space|concat|count|boolean|substring(?:-before|-after)?)\()")
_TOKEN = re.compile(
    r"""\s*(?P<comb>[>+~])\s*|(?P<space>\s+)(?![>+~,@]|$)|\s*(?P<comma>,)\s*|(?P<tag>[A-Za-z][\w-]*|\*)|\.(?P<cls>[\w-]+)|\#(?P<id>[\w-]+)
    |\[\s*(?P<attr>[\w:-]+)\s*(?:(?P<op>[*^$~]?=)\s*(?:"(?P<dq>[^"]*)"|'(?P<sq>[^']*)'|(?P<raw>[^\]\s]+)))?\s*\]
    |:not\(\s*\.(?P<not>[\w-]+)\s*\)
    |:(?P<pseudo>first|last|nth|has-text|text-is)(?:\((?P<arg>"[^"]*"|'[^']*'|\d+)\))?|\s*@(?P<out>[\w:-]+)\s*""",
    re.VERBOSE,
)
_CLASS_TEST = re.compile(r"contains\(concat\(' ', normalize-space\(@class\), ' '\), ' ([\w-]+) '\)")
_AXES = {">": "child::", "+": "following-sibling::*[1]/self::", "~": "following-sibling::", " ": "descendant::"}


@lru_cache(maxsize=4096)
def compile_selector(selector: str, *, first: bool = False) -> Callable[[Any], Any]:
    """Compile one selector (`first`: only its first match is looked for); raises ParserError with the selector when it cannot be read."""
    is_xpath = _XPATH.match(selector) is not None
    expression = _CLASS_TEST.sub(_cheap_class_test, selector) if is_xpath else to_xpath(selector)
    if first and not _FUNCTION.match(expression):
        expression = f"({expression})[1]"
    try:
        compiled = etree.XPath(expression, smart_strings=False)
    except etree.XPathError as error:
        raise ParserError(f"not a selector: {selector!r} ({error})") from error
    try:
        return compiled if is_xpath else compile_plain(_plain_steps(selector), first=first, otherwise=compiled)
    except NotPlainError:
        return compiled


def _cheap_class_test(match: re.Match[str]) -> str:
    """Ask for the letters of a class before the exact test, which copies three strings."""
    return f"(contains(@class, '{match.group(1)}') and {match.group()})"


def find(node: etree._Element, selector: str) -> list[Any]:
    """Give everything that matches below the node, in document order: elements, or strings for `@attr` and `text()`."""
    found = compile_selector(selector)(node)
    return found if isinstance(found, list) else [found] if isinstance(found, str) and found else []


def find_first(node: etree._Element, selector: str) -> Any | None:
    """Give the first match below the node, in document order, or None."""
    found = compile_selector(selector, first=True)(node)
    return found if not isinstance(found, list) else found[0] if found else None


def to_xpath(selector: str) -> str:
    """Translate a CSS-like selector to XPath, relative to a node (`.//…`)."""
    if selector.strip() in {"", "."}:
        return "."
    return " | ".join(_one_to_xpath(part.strip()) for part in _split_commas(selector))


def _split_commas(selector: str) -> list[str]:
    return re.split(r""",(?=(?:[^"']|"[^"]*"|'[^']*')*$)(?![^\[]*\])""", selector)


def _one_to_xpath(selector: str) -> str:
    """Translate one alternative. `descendant::` is 2.5 times as fast as `//`, which is kept where a position counts among siblings."""
    steps: list[str] = []
    attribute, first, axis = "", False, " "
    open_step = False
    for got in _tokens(selector):
        if got["comb"] or got["space"]:
            axis, open_step = got["comb"] or " ", False
        elif got["out"]:
            attribute = f"@{got['out']}"
        elif got["tag"] and open_step:
            raise ParserError(f"not a selector: {selector!r}, two tags in one step")
        else:
            if not open_step:
                steps.append(_AXES[axis] + (got["tag"] or "*"))
            open_step = True
            if got["pseudo"] == "first":
                first = True
            elif not got["tag"]:
                if got["pseudo"] in {"nth", "last"} and steps[-1].startswith(_AXES[" "]):
                    steps[-1] = "/" + steps[-1].removeprefix(_AXES[" "]) if len(steps) > 1 else "./" + steps[-1].replace(_AXES[" "], "/", 1)
                steps[-1] += _predicate(got, selector)
    path = "/".join((*steps, attribute) if attribute else steps) or "."
    return f"({path})[1]" if first else path


def _tokens(selector: str) -> Iterator[dict[str, str | None]]:
    position = 0
    while position < len(selector):
        match = _TOKEN.match(selector, position)
        if match is None or match.end() == position:
            raise ParserError(f"not a selector: {selector!r}, at {selector[position:]!r}")
        position = match.end()
        yield match.groupdict()


def _plain_steps(selector: str) -> list[tuple[list[Step], str]]:
    """Give the steps and the attribute of each alternative of a selector that `to_xpath` has read; raises NotPlainError where XPath must do it."""
    if selector.strip() in {"", "."}:
        raise NotPlainError
    return [_one_plain(part.strip()) for part in _split_commas(selector)]


def _one_plain(selector: str) -> tuple[list[Step], str]:
    steps: list[Step] = []
    attribute, axis = "", " "
    for got in _tokens(selector):
        if got["comb"] or got["space"]:
            axis = got["comb"] or " "
        elif got["out"]:
            attribute = got["out"]
        elif axis:
            if got["pseudo"] or axis == "~" or (axis == "+" and not steps):
                raise NotPlainError
            steps.append(Step(axis, got["tag"]) if got["tag"] and got["tag"] != "*" else _any_tag(got, axis))
            axis = ""
        else:
            last = steps[-1]
            steps[-1] = Step(last.axis, last.tag, (*last.tests, _test(got)), last.search)
    if ":" in attribute:
        raise NotPlainError  # a prefix without a namespace
    return steps, attribute


def _any_tag(got: dict[str, str | None], axis: str) -> Step:
    """Make a step without a tag."""
    if got["tag"]:
        return Step(axis, "*")
    cheap = f"contains(@class, '{got['cls']}')" if got["cls"] else _predicate(got, "")[1:-1]
    return Step(axis, "*", (_test(got),), search_for(cheap) if axis == " " else None)


def _test(got: dict[str, str | None]) -> Test:
    """Make the test of a class, id, attribute or pseudo-class."""
    if got["cls"]:
        return has_class(got["cls"])
    if got["not"]:
        return lacks_class(got["not"])
    if got["id"]:
        return has_attribute("id", "=", got["id"])
    if got["attr"]:
        return has_attribute(got["attr"], got["op"], next((v for v in (got["dq"], got["sq"], got["raw"]) if v is not None), ""))
    if got["pseudo"] in {"has-text", "text-is"}:
        words = (got["arg"] or "").strip("\"'").split()
        return fulfils("boolean(self::*" + _predicate(got, "") + ")", max(words, key=len, default=""))
    raise NotPlainError  # a place among siblings: XPath counts faster


def _predicate(got: dict[str, str | None], selector: str) -> str:
    """Translate what stands behind a tag: class, id, attribute or pseudo-class."""
    if got["not"]:
        return f"[not(contains(concat(' ', normalize-space(@class), ' '), ' {got['not']} '))]"
    if got["cls"]:
        return f"[contains(concat(' ', normalize-space(@class), ' '), ' {got['cls']} ')]"
    if got["id"]:
        return f"[@id='{got['id']}']"
    if got["attr"]:
        return _attribute(got["attr"], got["op"], next((v for v in (got["dq"], got["sq"], got["raw"]) if v is not None), ""))
    argument = (got["arg"] or "").strip("\"'")
    if got["pseudo"] in {"nth", "has-text", "text-is"} and not argument:
        raise ParserError(f"not a selector: {selector!r}, :{got['pseudo']} wants an argument")
    pseudos = {
        "last": "[last()]",
        "nth": f"[{argument}]",
        "has-text": f"[contains(normalize-space(.), {quote(argument)})]",
        "text-is": f"[normalize-space(.) = {quote(argument)}]",
    }
    return pseudos[got["pseudo"] or ""]


def _attribute(name: str, operator: str | None, value: str) -> str:
    wanted = quote(value)
    tests = {
        None: f"[@{name}]",
        "=": f"[@{name}={wanted}]",
        "*=": f"[contains(@{name}, {wanted})]",
        "^=": f"[starts-with(@{name}, {wanted})]",
        "$=": f"[substring(@{name}, string-length(@{name}) - {len(value) - 1}) = {wanted}]",
        "~=": f"[contains(concat(' ', normalize-space(@{name}), ' '), {quote(f' {value} ')})]",
    }
    return tests[operator]


def quote(value: str) -> str:
    """Quote a string for XPath 1.0, which knows no escapes."""
    if "'" not in value:
        return f"'{value}'"
    if '"' not in value:
        return f'"{value}"'
    return "concat(" + ', "\'", '.join(f"'{part}'" for part in value.split("'")) + ")"
