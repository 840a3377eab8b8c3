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

_XPATH = re.compile(r"\s*(?:\(|\.?\.?/|[\w-]+::)")
_TOKEN = re.compile(
    r"""\s*(?P<comb>[>+~])\s*|(?P<space>\s+)(?![>+~,@]|$)|\s*(?P<comma>,)\s*|(?P<tag>[A-Za-z][\w-]*|\*)|\.(?P<cls>[\w-]+)|\#(?P<id>[\w-]+)
    |\[\s*(?P<attr>[\w:-]+)\s*(?:(?P<op>[*^$~]?=)\s*(?:"(?P<dq>[^"]*)"|'(?P<sq>[^']*)'|(?P<raw>[^\]\s]+)))?\s*\]
    |:(?P<pseudo>first|last|nth|has-text|text-is)(?:\((?P<arg>"[^"]*"|'[^']*'|\d+)\))?|\s*@(?P<out>[\w:-]+)\s*""",
    re.VERBOSE,
)
_AXES = {">": "/", "+": "/following-sibling::*[1]/self::", "~": "/following-sibling::", " ": "//"}


@lru_cache(maxsize=4096)
def compile_selector(selector: str) -> etree.XPath:
    """Compile one selector; raises ParserError with the selector when it cannot be read."""
    expression = selector if _XPATH.match(selector) else to_xpath(selector)
    try:
        return etree.XPath(expression, smart_strings=False)
    except etree.XPathError as error:
        raise ParserError(f"not a selector: {selector!r} ({error})") from error


def find(node: etree._Element, selector: str) -> list[Any]:
    """Give everything that matches below the node, in document order: elements, or strings for `@attr` and `text()`."""
    found = compile_selector(selector)(node)
    return cast("list[Any]", found) if isinstance(found, list) else [found] if isinstance(found, str) and found else []


def to_xpath(selector: str) -> str:
    """Translate a CSS-like selector to XPath, relative to a node (`.//…`)."""
    if selector.strip() in {"", "."}:
        return "."
    return " | ".join(_one_to_xpath(part.strip()) for part in _split_commas(selector))


def _split_commas(selector: str) -> list[str]:
    return re.split(r""",(?=(?:[^"']|"[^"]*"|'[^']*')*$)(?![^\[]*\])""", selector)


def _one_to_xpath(selector: str) -> str:
    out, position, axis, open_step = [], 0, ".//", False
    while position < len(selector):
        match = _TOKEN.match(selector, position)
        if match is None or match.end() == position:
            raise ParserError(f"not a selector: {selector!r}, at {selector[position:]!r}")
        position = match.end()
        got = match.groupdict()
        if got["comb"] or got["space"]:
            axis, open_step = _AXES[got["comb"] or " "] if out else {">": "./", "+": "./following-sibling::*[1]/self::", "~": "./following-sibling::"}[got["comb"] or ">"], False
            continue
        if got["out"]:
            out.append(("/" if out else "./") + f"@{got['out']}")
            continue
        if not open_step:
            out.append(axis + (got["tag"] or "*"))
            open_step = True
            if got["tag"]:
                continue
        elif got["tag"]:
            raise ParserError(f"not a selector: {selector!r}, two tags in one step")
        out.append(_predicate(got, selector))
    steps = "".join(out)
    return f"({steps[: -len(':first')]})[1]" if steps.endswith(":first") else steps


def _predicate(got: dict[str, str | None], selector: str) -> str:
    if got["cls"]:
        return f"[contains(concat(' ', normalize-space(@class), ' '), ' {got['cls']} ')]"
    if got["id"]:
        return f"[@id='{got['id']}']"
    if got["attr"]:
        return _attribute(got["attr"], got["op"], next((v for v in (got["dq"], got["sq"], got["raw"]) if v is not None), ""))
    argument = (got["arg"] or "").strip("\"'")
    match got["pseudo"]:
        case "first":
            return ":first"
        case "last":
            return "[last()]"
        case "nth":
            return f"[{int(argument)}]"
        case "has-text":
            return f"[contains(normalize-space(.), {quote(argument)})]"
        case "text-is":
            return f"[normalize-space(.) = {quote(argument)}]"
        case _:
            raise ParserError(f"not a selector: {selector!r}")


def _attribute(name: str, operator: str | None, value: str) -> str:
    wanted = quote(value)
    match operator:
        case None:
            return f"[@{name}]"
        case "=":
            return f"[@{name}={wanted}]"
        case "*=":
            return f"[contains(@{name}, {wanted})]"
        case "^=":
            return f"[starts-with(@{name}, {wanted})]"
        case "~=":
            return f"[contains(concat(' ', normalize-space(@{name}), ' '), {quote(f' {value} ')})]"
        case _:
            return f"[substring(@{name}, string-length(@{name}) - {len(value) - 1}) = {wanted}]"


def quote(value: str) -> str:
    """Quote a string for XPath 1.0, which knows no escapes."""
    if "'" not in value:
        return f"'{value}'"
    if '"' not in value:
        return f'"{value}"'
    return "concat(" + ", \"'\", ".join(f"'{part}'" for part in value.split("'")) + ")"
