"""Selectors: CSS-like strings or XPath, compiled once, as parsers write them.

A selector that starts with `/`, `./`, `../`, `(` or `.//`, or that names an axis (`following::p`), is XPath 1.0. Anything else is
CSS-like: `tag`, `.class`, `#id`, `[attr]`, `[attr=x]`, `[attr^=x]`, `[attr$=x]`, `[attr*=x]`, `:has-text("x")`, `:first`, `:last`, `:nth(2)`,
descendant (space), child (`>`), next sibling (`+`), any later sibling (`~`), alternatives (`,`), and a final `@name` that gives the
attribute instead of the element: `.head > a@href`. The empty string and `.` are the node itself; `@name` alone is its own attribute.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, cast

from lxml import etree

from torwatch.errors import ParserError

_FUNCTION = re.compile(r"\s*[a-z-]+\(")  # gives a string, a number or a truth value, of which there is no first
_XPATH = re.compile(r"\s*(?:\(|\.?\.?/|[\w-]+::|(?:string|normalize-space|concat|count|boolean|substring(?:-before|-after)?)\()")
_TOKEN = re.compile(
    r"""\s*(?P<comb>[>+~])\s*|(?P<space>\s+)(?![>+~,@]|$)|\s*(?P<comma>,)\s*|(?P<tag>[A-Za-z][\w-]*|\*)|\.(?P<cls>[\w-]+)|\#(?P<id>[\w-]+)
    |\[\s*(?P<attr>[\w:-]+)\s*(?:(?P<op>[*^$~]?=)\s*(?:"(?P<dq>[^"]*)"|'(?P<sq>[^']*)'|(?P<raw>[^\]\s]+)))?\s*\]
    |:(?P<pseudo>first|last|nth|has-text|text-is)(?:\((?P<arg>"[^"]*"|'[^']*'|\d+)\))?|\s*@(?P<out>[\w:-]+)\s*""",
    re.VERBOSE,
)
_AXES = {">": "child::", "+": "following-sibling::*[1]/self::", "~": "following-sibling::", " ": "descendant::"}


@lru_cache(maxsize=4096)
def compile_selector(selector: str, *, first: bool = False) -> etree.XPath:
    """Compile one selector (`first`: only its first match is looked for); raises ParserError with the selector when it cannot be read."""
    expression = selector if _XPATH.match(selector) else to_xpath(selector)
    if first and not _FUNCTION.match(expression):
        expression = f"({expression})[1]"
    try:
        return etree.XPath(expression, smart_strings=False)
    except etree.XPathError as error:
        raise ParserError(f"not a selector: {selector!r} ({error})") from error


def find(node: etree._Element, selector: str) -> list[Any]:
    """Give everything that matches below the node, in document order: elements, or strings for `@attr` and `text()`."""
    found = compile_selector(selector)(node)
    return cast("list[Any]", found) if isinstance(found, list) else [found] if isinstance(found, str) and found else []


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
    attribute, first, position, axis = "", False, 0, " "
    open_step = False
    while position < len(selector):
        match = _TOKEN.match(selector, position)
        if match is None or match.end() == position:
            raise ParserError(f"not a selector: {selector!r}, at {selector[position:]!r}")
        position = match.end()
        got = match.groupdict()
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


def _predicate(got: dict[str, str | None], selector: str) -> str:
    """Translate what stands behind a tag: class, id, attribute or pseudo-class."""
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
