"""A fixture of a parser: a saved page and the JSON that it must give, checked one field at a time.

`expected/X.json` belongs to `pages/X.html` (or names another in "page"). Named fields are compared, others are not:
"path", "content_type", "fetched_at" (of the visit, default noon of 1 January 2026 UTC) · "outcome" (default ok), "reason" (a part of it), "kind",
"truncated" · "listings", "vendors", "feedback" (lists of records, in page order: their number counts), "vendor" (the first) · "info" · "links" (each must
be among those found) · "count": {"links": 7}.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.errors import ParserError
from torwatch.parsing.parse_page import parse_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torwatch.model import Parsed
    from torwatch.parsing.registry import Parser

VISITED = "2026-01-01T12:00:00+00:00"
RECORDS = ("listings", "vendors", "feedback")
KNOWN = {
    "page",
    "path",
    "content_type",
    "fetched_at",
    "outcome",
    "reason",
    "kind",
    "truncated",
    *RECORDS,
    "vendor",
    "info",
    "links",
    "count",
    "note",
}


@dataclass(frozen=True, slots=True)
class Fixture:
    """One page with what it must give."""

    name: str
    page: Path
    expected: Mapping[str, Any]

    @property
    def visited(self) -> dt.datetime:
        """The time of the visit, aware UTC."""
        return dt.datetime.fromisoformat(self.expected.get("fetched_at", VISITED))

    def parse(self, parser: Parser) -> Parsed:
        """Parse the page as if it had just been fetched, at the fixture's own time."""
        return parse_bytes(
            parser,
            self.page.read_bytes(),
            path=self.expected.get("path", ""),
            content_type=self.expected.get("content_type", ""),
            fetched_at=self.visited,
        )


@dataclass(frozen=True, slots=True)
class Expectation:
    """One value that a page must give: `name` says which ("listing 3: price_raw")."""

    name: str
    part: str
    index: int | None
    field: str
    want: Any

    def fault(self, parsed: Parsed) -> str:
        """Say what is wrong, '' where the page gives what it must."""
        got = self.value(parsed)
        if self.part == "links":
            return "" if any(self.want.items() <= one.items() for one in got) else f"no link {self.want}"
        if self.field == "reason":
            return "" if self.want in got else f"{self.name} is {got!r}, without {self.want!r}"
        return "" if got == self.want else f"{self.name} is {got!r}, not {self.want!r}"

    def value(self, parsed: Parsed) -> Any:
        """Give what the page gave here, as JSON has it (lists, not tuples)."""
        if self.part == "page":
            return plain(getattr(parsed, self.field))
        if self.part == "count":
            return len(getattr(parsed, self.field))
        if self.part == "links":
            return [{"kind": one.kind.value, "path": one.path, "key": one.key, "priority": one.priority} for one in parsed.links]
        if self.part == "info":
            return plain(getattr(parsed.info, self.field)) if parsed.info is not None else None
        rows = getattr(parsed, self.part)
        return plain(getattr(rows[self.index or 0], self.field)) if (self.index or 0) < len(rows) else None


def load_fixture(expected: Path) -> Fixture:
    """Read `expected/X.json`; raises ParserError where it cannot be read, names an unknown part, or has no page."""
    try:
        content = json.loads(expected.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ParserError(f"{expected} is not JSON: {error}") from error
    unknown = sorted(set(content) - KNOWN) if isinstance(content, dict) else [f"{content!r:.40}"]
    if unknown or not isinstance(content, dict):
        raise ParserError(f"{expected}: unknown part {', '.join(unknown)}")
    page = expected.parent.parent / "pages" / content.get("page", f"{expected.stem}.html")
    if not page.is_file():
        raise ParserError(f"{expected}: its page {page.name} is not in {page.parent}")
    return Fixture(expected.stem, page, content)


def find_fixtures(folder: Path) -> list[Fixture]:
    """Load every fixture of a parser's folder."""
    return [load_fixture(path) for path in sorted((folder / "expected").glob("*.json"))]


def expectations(expected: Mapping[str, Any]) -> Iterator[Expectation]:
    """Yield every value that the page must give, one by one."""
    yield from _expect_page(expected)
    yield from _expect_records(expected)
    for field, want in expected.get("vendor", {}).items():
        yield Expectation(f"vendor: {field}", "vendors", 0, field, want)
    for field, want in expected.get("info", {}).items():
        yield Expectation(f"info: {field}", "info", None, field, want)
    for index, want in enumerate(expected.get("links", [])):
        yield Expectation(f"link {index + 1}: {want.get('path')}", "links", index, "", want)
    for field, want in expected.get("count", {}).items():
        yield Expectation(f"number of {field}", "count", None, field, want)


def _expect_page(expected: Mapping[str, Any]) -> Iterator[Expectation]:
    yield Expectation("outcome", "page", None, "outcome", expected.get("outcome", "ok"))
    for field in ("reason", "kind", "truncated"):
        if field in expected:
            yield Expectation(field, "page", None, field, expected[field])


def _expect_records(expected: Mapping[str, Any]) -> Iterator[Expectation]:
    for part in RECORDS:
        if part in expected:
            if part not in expected.get("count", {}):
                yield Expectation(f"number of {part}", "count", None, part, len(expected[part]))
            for index, record in enumerate(expected[part]):
                for field, want in record.items():
                    yield Expectation(f"{part.removesuffix('s')} {index + 1}: {field}", part, index, field, want)


def plain(value: Any) -> Any:
    """Turn a value of a record into what JSON can hold."""
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    return getattr(value, "value", value)
