"""The text of a skeleton parser: declarations, rules with the values found as comments, and parse()."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.model import PageKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torwatch.parsing.skeleton_detail import Parts
    from torwatch.parsing.skeleton_links import Template
    from torwatch.parsing.skeleton_pairs import Pairs
    from torwatch.parsing.skeleton_rows import Rule

WIDTH = 60
CONSTANTS = {PageKind.LISTING_INDEX: "INDEX", PageKind.LISTING: "DETAIL", PageKind.VENDOR: "SELLER", PageKind.FEEDBACK: "RATINGS"}
RECORDS = {PageKind.LISTING_INDEX: "Listing", PageKind.LISTING: "Listing", PageKind.VENDOR: "Vendor", PageKind.FEEDBACK: "Feedback"}
MANDATORY = {
    PageKind.LISTING_INDEX: ("title", "vendor", "price_raw"),
    PageKind.LISTING: ("title", "vendor"),
    PageKind.VENDOR: ("name",),
    PageKind.FEEDBACK: (),
}


@dataclass(frozen=True, slots=True)
class Design:
    """All that goes into a skeleton. `shapes` and `parts` by kind of page; `always`: fields that every record of the pages had, by kind."""

    name: str
    title: str
    templates: tuple[Template, ...]
    shapes: Mapping[PageKind, str]
    parts: Mapping[PageKind, Parts]
    always: Mapping[PageKind, frozenset[str]]
    iso2: bool = False
    comma: bool = False  # prices are written "1.250,50"


def write_source(design: Design) -> str:
    """Give the text of parser.py."""
    kinds = [kind for kind in CONSTANTS if kind in design.parts]
    body = "\n".join([_market(design, kinds), *(_constant(design, kind) for kind in kinds), "", "", *_parse(kinds)])
    names = ["KindSpec", "Market", "Page", "PageKind", "Record", *(f"{RECORDS[kind]}" for kind in kinds)]
    names += [
        name for name in ("Each", "Evidence", "Fields", "Keys", "Lines", "Rows", "Single", "Source") if re.search(rf"\b{name}\b", body)
    ]
    imported = "\n".join(f"    {name}," for name in sorted(set(names)))
    head = f'"""{_plain(design.title)}: a skeleton written by `torwatch parser new` from {"saved pages"}. Check every value by eye, then say here what is special."""\n\n'
    return f"{head}from collections.abc import Iterator\n\nfrom torwatch.parserkit import (\n{imported}\n)\n\n{body}\n"


def _plain(value: str) -> str:
    return re.sub(r"[^\w .,:'()-]", "", value)[:WIDTH] or "A market"


def quoted(value: str) -> str:
    """Write a string as Python source."""
    if '"' in value or not value.isprintable():
        return repr(value)
    return f'r"{value}"' if "\\" in value and not value.endswith("\\") else repr(value) if "\\" in value else f'"{value}"'


def comment(value: str) -> str:
    """Write a value found on a page as a comment: one line, printable, not too long."""
    words = "".join(char if char.isprintable() else "?" for char in " ".join(value.split()))
    return f"  # {words[:WIDTH]}{'…' if len(words) > WIDTH else ''}"


def _market(design: Design, kinds: Sequence[PageKind]) -> str:
    lines = ["MARKET = Market(", f"    {quoted(design.name)},", f"    title={quoted(_plain(design.title))},", "    kinds={"]
    lines += [f"        {quoted(one.pattern)}: PageKind.{one.kind.name}," for one in design.templates]
    lines += ["    },", "    shapes={  # what the page itself shows; asked in this order, the first match wins"]
    lines += [f"        PageKind.{kind.name}: {quoted(shape)}," for kind, shape in design.shapes.items()]
    lines += ["    },", "    specs={  # mandatory: what every record shows; optional: watched for drift"]
    for kind in kinds:
        must, may = _split_fields(design, kind)
        lines.append(f"        PageKind.{kind.name}: KindSpec({_tuple(must)}, {_tuple(may)}),")
    if not kinds:
        lines.append(
            "        PageKind.LISTING: KindSpec(evidence=Evidence.GATE_ONLY),  # only gates were given: the pages behind are not known"
        )
    lines += [
        "    },",
        '    obstacles=(),  # the market\'s own: obstacle("gone", text="This item was removed"); common gates are known to the kit',
        "    empty=\"\",  # a selector for an empty result: p:has-text('No items here')",
        f"    signs=({quoted('title:' + _plain(design.title).replace('(', '.').replace(')', '.'))},),  # how `torwatch add` recognises it",
        '    dates="DMY",  # order of day, month, year',
        *(["    iso2=True,  # origins are written as codes: US, NL, WW"] if design.iso2 else []),
        *(['    decimal=",",  # prices are written 1.250,50'] if design.comma else []),
        '    # currency="USD",  # what a bare "$" or number means there',
        ")",
    ]
    return "\n".join(lines)


def _tuple(names: Sequence[str]) -> str:
    return "(" + ", ".join(quoted(name) for name in names) + ("," if len(names) == 1 else "") + ")"


def _split_fields(design: Design, kind: PageKind) -> tuple[list[str], list[str]]:
    parts = design.parts[kind]
    names = parts.fields + [
        name for name, there in (("description", parts.lines and kind is PageKind.LISTING), ("category", parts.each)) if there
    ]
    names += [name for name, there in (("profile", parts.lines and kind is PageKind.VENDOR), ("pgp_keys", parts.keys)) if there]
    must = [name for name in MANDATORY[kind] if name in names and name in design.always.get(kind, frozenset())]
    return must, [name for name in dict.fromkeys(names) if name not in {*must, "key", "path"}]


def _constant(design: Design, kind: PageKind) -> str:
    parts, make = design.parts[kind], RECORDS[kind]
    repeated = kind in {PageKind.LISTING_INDEX, PageKind.FEEDBACK}
    lines = [f"{CONSTANTS[kind]} = {'Rows' if repeated else 'Single'}("]
    lines += [f"    {quoted(parts.rows)},"] if repeated else []
    lines.append(f"    {make},")
    for pairs in parts.pairs:
        lines += _fields(pairs)
    lines += [f"    {name}={_rule(rule)},{comment(rule.example)}" for name, rule in parts.rules]
    if parts.each:
        lines.append(f"    category=Each({quoted(parts.each + ' a')}),")
    if parts.lines:
        lines.append(f"    {'profile' if kind is PageKind.VENDOR else 'description'}=Lines({quoted(parts.lines)}),")
    if parts.keys:
        lines.append(f"    pgp_keys=Keys({quoted(parts.keys)}),")
    return "\n".join([*lines, ")"])


def _fields(pairs: Pairs) -> list[str]:
    lines = ["    Fields(", f"        {quoted(pairs.scope)},", "        {"]
    shown = set()
    for label, name in pairs.labels.items():
        example = comment(pairs.values[name]) if name and name in pairs.values and name not in shown else ""
        shown.add(name)
        lines.append(
            f"            {quoted(label)}: {quoted(name) if name else None},{example or ('  # known, not read here' if name is None else '')}"
        )
    return [*lines, "        },", f"        label={quoted(pairs.label)},", f"        shape={quoted(pairs.shape)},", "    ),"]


def _rule(rule: Rule) -> str:
    return f"({quoted(rule.selector)}, {quoted(rule.pattern)})" if rule.pattern else quoted(rule.selector)


def _parse(kinds: Sequence[PageKind]) -> list[str]:
    lines = ["def parse(page: Page) -> Iterator[Record]:", '    """Give the records of one page, and the links onward."""']
    reads: dict[PageKind, Any] = {
        PageKind.LISTING_INDEX: "yield from INDEX.read_or_empty(page)",
        PageKind.LISTING: "yield from filter(None, [DETAIL.read(page, key=page.key, path=page.path or None, source=Source.DETAIL)])",
        PageKind.VENDOR: "yield from filter(None, [SELLER.read(page, path=page.path or None)])",
        PageKind.FEEDBACK: "yield from RATINGS.read(page)",
    }
    if kinds:
        lines.append("    match page.kind:")
        for kind in kinds:
            lines += [f"        case PageKind.{kind.name}:", f"            {reads[kind]}"]
    return [*lines, "    yield from page.links()"]
