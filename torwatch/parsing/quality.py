"""Quality rules: what a parser must keep beyond its fixtures, checked by `torwatch parser check`. Each fault is one line with its remedy.

A declared kind or obstacle that cannot have a fixture is excused by a line in NOTES.md: `no fixture: KIND - why`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from torwatch.errors import ParserError
from torwatch.model import Evidence, Feedback, Listing, Outcome, PageKind, Parsed, Vendor
from torwatch.parserkit.decode import open_tree
from torwatch.parserkit.obstacles import Obstacle
from torwatch.parserkit.selectors import compile_selector
from torwatch.parsing.fixture import Fixture, expectations, find_fixtures
from torwatch.parsing.parse_page import RECORD_OF, parse_bytes
from torwatch.parsing.scrub import find_remains

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from torwatch.parsing.registry import Parser

_FORBIDDEN = re.compile(
    r"^\s*(?:import|from)\s+(?:requests|socket|urllib|http|subprocess|os|sys|time|random|threading|asyncio|pathlib|sqlite3)\b|\bopen\(|\bdatetime\.now\(|^\s*global\s",
    re.MULTILINE,
)
_OF_TORWATCH = re.compile(r"^\s*(?:from\s+torwatch(?!\.parserkit\b)[\w.]*|import\s+torwatch(?!\.parserkit\b))", re.MULTILINE)
_EXCUSE = re.compile(r"^[\s*>-]*`?(?:no fixture|allowed):\s*([\w\s,`-]+?)`?\s+(?:-|\u2013|\u2014|because)\s", re.MULTILINE | re.IGNORECASE)
_RECORDS = {"Listing": Listing, "Vendor": Vendor, "Feedback": Feedback}


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule that a parser breaks; `where` is a fixture, a source file or a declaration."""

    where: str
    what: str  # with its remedy

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
    """Run a parser's fixtures, value by value, then its declarations, sources and notes against the rules."""
    faults = [*check_declarations(parser), *check_sources(parser)]
    values, excused = 0, read_excuses(parser)
    met: set[Outcome | PageKind] = set()
    try:
        fixtures = find_fixtures(parser.path.parent) if parser.path.name == "parser.py" else []
    except ParserError as error:
        return Report(parser.name, 0, 0, (*faults, Fault("expected", str(error))))
    for fixture in fixtures:
        try:
            parsed = fixture.parse(parser)
        except ParserError as error:
            faults.append(Fault(fixture.name, f"{error}: mend parse()"))
            continue
        met |= {parsed.outcome, parsed.kind}
        wanted = list(expectations(fixture.expected))
        values += len(wanted)
        found = [*(fault for one in wanted if (fault := one.fault(parsed))), *check_records(parsed), *check_pieces(parser, fixture)]
        found += [*check_meaning(parser, parsed, excused), *check_page(fixture)]
        faults += [Fault(fixture.name, what) for what in found]
    return Report(parser.name, len(fixtures), values, (*faults, *check_coverage(parser, met), *check_pages(parser)))


def check_coverage(parser: Parser, met: Collection[Outcome | PageKind]) -> list[Fault]:
    """Check that every kind of page and every obstacle that a market declares itself has a fixture, or a reason in its notes why not.

    Obstacles of an engine family are the family's: they need no fixture in each member.
    """
    market, excused = parser.market, read_excuses(parser)
    kinds = [PageKind(kind) for kind, spec in market.specs.items() if spec.evidence is not Evidence.GATE_ONLY]
    faults = [
        Fault(
            "expected", f"no fixture of a {kind} page, which the market declares: save one, or say in NOTES.md `no fixture: {kind} - why`"
        )
        for kind in kinds
        if kind not in met and kind.value not in excused
    ]
    own = dict.fromkeys(rule.outcome for rule in market.obstacles) if not market.engine else {}
    return faults + [
        Fault(
            "expected",
            f"no fixture of the obstacle {one}, which the market declares: save one, or say in NOTES.md `no fixture: {one} - why`",
        )
        for one in own
        if one not in met and one.value not in excused
    ]


def read_excuses(parser: Parser) -> frozenset[str]:
    """Give what NOTES.md excuses: lines `no fixture: KIND, KIND - why` and `allowed: duplicate_keys - why`."""
    notes = parser.path.with_name("NOTES.md")
    if parser.path.name != "parser.py" or not notes.is_file():
        return frozenset()
    lines = _EXCUSE.findall(notes.read_text(encoding="utf-8"))
    return frozenset(name for names in lines for name in re.split(r"[\s,]+", names.strip().strip("`")) if name)


def check_meaning(parser: Parser, parsed: Parsed, excused: Collection[str] = ()) -> Iterable[str]:
    """Yield what contradicts what the fields mean: the same listing twice, an origin that only the title says, links to nowhere known."""
    counts = Counter(one.key for one in parsed.listings if not one.promoted)
    twice = [key for key, count in counts.items() if count > 1]
    if twice and "duplicate_keys" not in excused:
        yield f"the key {twice[0]!r} comes {counts[twice[0]]} times and no row is promoted: narrow the rows, read promoted=Has(…), or say in NOTES.md `allowed: duplicate_keys - why`"
    for one in parsed.listings:
        origin, title = one.ship_from_raw or "", one.title or ""
        if (
            ":" not in origin
            and re.search(rf"(?i)ships? from:?\s*{re.escape(origin)}\b", title)
            and origin
            and origin not in (one.ship_to_raw or "")
        ):
            yield f"listing {one.key}: ship_from_raw {origin!r} stands in the title: read it from its own element"
    wrong = next((one for one in parsed.links if parser.market.kind_of(one.path)[0] is None), None)
    if wrong is not None:
        yield f"the link {wrong.path!r} is of no declared kind: add its pattern to MARKET.kinds"
    if parsed.outcome is Outcome.LAYOUT_CHANGED and not parsed.reason:
        yield "layout_changed without a reason: say in LayoutChanged(…) what is missing"


def check_page(fixture: Fixture) -> Iterable[str]:
    """Yield what a fixture's page still holds and must not: data-URIs, scripts, the address it was saved from."""
    for what in find_remains(fixture.page.read_bytes()):
        yield f"{fixture.page.name} holds {what}: take it out (`torwatch parser new` writes scrubbed copies)"


def check_pages(parser: Parser) -> list[Fault]:
    """Check that no page lies there without expected values."""
    if parser.path.name != "parser.py":
        return []
    folder = parser.path.parent
    try:
        used = {fixture.page.name for fixture in find_fixtures(folder)}
    except ParserError:
        return []
    return [
        Fault("pages", f"{page.name} has no expected values: write expected/{page.stem}.json, or take it out")
        for page in sorted((folder / "pages").glob("*.html"))
        if page.name not in used
    ]


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
        faults.append(Fault("MARKET", "declares no page kind: add specs={PageKind.…: KindSpec(…)}"))
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
