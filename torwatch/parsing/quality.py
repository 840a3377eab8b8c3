"""Quality rules: what a parser must keep beyond its fixtures, checked by `torwatch parser check`."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from torwatch.errors import ParserError
from torwatch.model import Evidence, Feedback, Listing, Outcome, PageKind, Parsed, Vendor
from torwatch.parserkit.decode import open_tree
from torwatch.parserkit.obstacles import Obstacle
from torwatch.parserkit.selectors import compile_selector
from torwatch.parsing.fixture import Fixture, expectations, find_fixtures
from torwatch.parsing.parse_page import RECORD_OF, parse_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torwatch.parsing.registry import Parser

_FORBIDDEN = re.compile(
    r"^\s*(?:import|from)\s+(?:requests|socket|urllib|http|subprocess|os|sys|time|random|threading|asyncio|pathlib|sqlite3)\b|\bopen\(|\bdatetime\.now\(|^\s*global\s",
    re.MULTILINE,
)
_OF_TORWATCH = re.compile(r"^\s*(?:from\s+torwatch(?!\.parserkit\b)[\w.]*|import\s+torwatch(?!\.parserkit\b))", re.MULTILINE)
_RECORDS = {"Listing": Listing, "Vendor": Vendor, "Feedback": Feedback}


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule that a parser breaks; `where` is a fixture, a source file or a declaration."""

    where: str
    what: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Report:
    """What checking one parser gave."""

    parser: str
    fixtures: int
    values: int
    faults: tuple[Fault, ...]


def check_parser(parser: Parser) -> Report:
    """Run a parser's fixtures, value by value, then its declarations and sources against the rules."""
    faults = [*check_declarations(parser), *check_sources(parser)]
    values, kinds = 0, set()
    try:
        fixtures = find_fixtures(parser.path.parent) if parser.path.name == "parser.py" else []
    except ParserError as error:
        return Report(parser.name, 0, 0, (*faults, Fault("expected", str(error))))
    for fixture in fixtures:
        try:
            parsed = fixture.parse(parser)
        except ParserError as error:
            faults.append(Fault(fixture.name, str(error)))
            continue
        kinds.add(parsed.kind)
        for one in expectations(fixture.expected):
            values += 1
            fault = one.fault(parsed)
            if fault:
                faults.append(Fault(fixture.name, fault))
        faults += [Fault(fixture.name, what) for what in check_records(parsed)]
        faults += [Fault(fixture.name, what) for what in check_pieces(parser, fixture)]
    missing = [
        kind for kind, spec in parser.market.specs.items() if spec.evidence is not Evidence.GATE_ONLY and PageKind(kind) not in kinds
    ]
    faults += [Fault("expected", f"no fixture of a {kind} page, which the market declares") for kind in missing]
    return Report(parser.name, len(fixtures), values, tuple(faults))


def check_declarations(parser: Parser) -> list[Fault]:
    """Check that what a market declares can be meant: selectors compile, patterns compile, fields exist."""
    market, faults = parser.market, []
    selectors = [one for shapes in market.shapes.values() for one in ((shapes,) if isinstance(shapes, str) else shapes)]
    selectors += [rule.selector for rule in market.obstacles if rule.selector] + ([market.empty] if market.empty else [])
    for selector in selectors:
        try:
            compile_selector(selector)
        except ParserError as error:
            faults.append(Fault("MARKET", str(error)))
    for pattern in market.kinds:
        try:
            re.compile(pattern)
        except re.error as error:
            faults.append(Fault("MARKET.kinds", f"{pattern!r}: {error}"))
    for kind, spec in market.specs.items():
        record = RECORD_OF.get(PageKind(kind))
        known = {entry.name for entry in fields(_RECORDS[record.__name__])} if record is not None else set()
        faults += [
            Fault("MARKET.specs", f"{kind}: a {record.__name__ if record else 'page'} has no field {name}")
            for name in (*spec.mandatory, *spec.optional)
            if name not in known
        ]
    if not market.specs:
        faults.append(Fault("MARKET", "declares no page kind (specs)"))
    return faults


def check_sources(parser: Parser) -> list[Fault]:
    """Check that a parser is pure as far as its text shows, and imports nothing of torwatch but the kit."""
    faults = []
    for source in parser.sources:
        words = source.read_text(encoding="utf-8")
        faults += [Fault(source.name, f"a parser is pure: {match.group().strip()}") for match in _FORBIDDEN.finditer(words)]
        faults += [Fault(source.name, f"a parser imports the kit only: {match.group().strip()}") for match in _OF_TORWATCH.finditer(words)]
    return faults


def check_records(parsed: Parsed) -> Iterable[str]:
    """Yield what is wrong with the records of a page: no key, text not collapsed, an empty string for nothing, a path that leads elsewhere."""
    records: tuple[Listing | Vendor | Feedback, ...] = (*parsed.listings, *parsed.vendors, *parsed.feedback)
    for record in records:
        label = f"{type(record).__name__} {getattr(record, 'key', None) or getattr(record, 'name', '')}"
        for entry in fields(record):
            value = getattr(record, entry.name)
            if value == "":
                yield f"{label}: {entry.name} is '', nothing is None"
            elif isinstance(value, str) and entry.name not in {"description", "profile"} and value != " ".join(value.split()):
                yield f"{label}: {entry.name} is not collapsed: {value!r}"
        path = getattr(record, "path", None)
        if path is not None and not path.startswith("/"):
            yield f"{label}: path {path!r} is not a path"
    yield from (f"link {one.path!r} is not a path" for one in parsed.links if not one.path.startswith("/"))


def check_pieces(parser: Parser, fixture: Fixture) -> Iterable[str]:
    """Yield what goes wrong when the page is cut off: a cut page may give fewer records, never other keys, never an exception."""
    body = fixture.page.read_bytes()
    whole = fixture.parse(parser)
    if whole.outcome is not Outcome.OK:
        return
    keys = {one.key for one in whole.listings}
    for share in (0.35, 0.6, 0.85):
        piece = body[: int(len(body) * share)]
        try:
            open_tree(piece)
        except Obstacle:
            continue
        cut = parse_bytes(parser, piece, path=fixture.expected.get("path", ""), fetched_at=fixture.visited)
        strange = {one.key for one in cut.listings} - keys
        if strange:
            yield f"cut off at {share:.0%} it gives keys that the whole page does not have: {', '.join(sorted(strange))}"
