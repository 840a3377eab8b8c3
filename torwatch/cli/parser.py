"""`torwatch parser`: try, check and list parsers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from torwatch.cli.context import the_config
from torwatch.cli.parser_archive import find_archived, is_address
from torwatch.cli.parser_list import list_
from torwatch.cli.parser_new import new
from torwatch.cli.parser_options import AS_JSON, DIRECTORY, parser_directories, shorten
from torwatch.cli.replay import replay
from torwatch.errors import ParserError, UsageError
from torwatch.model import Listing, Outcome, PageKind, Parsed
from torwatch.parsing.parse_page import find_strange_links, parse_bytes
from torwatch.parsing.registry import Parser, find_parsers, load_parser

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torwatch.model import MarketFacts, Price

KIND_OF_OUTCOME: Mapping[Outcome, str] = {
    Outcome.LOGIN: "login", Outcome.CAPTCHA: "captcha", Outcome.PHISHING_CHECK: "captcha", Outcome.QUEUE: "queue", Outcome.BANNED: "banned",
    Outcome.GONE: "error", Outcome.HTTP_ERROR: "error", Outcome.MAINTENANCE: "other", Outcome.SEIZED: "other", Outcome.EMPTY: "other",
    Outcome.NOT_TEXT: "other", Outcome.TOO_LARGE: "other", Outcome.PARSE_LIMIT: "other",
}  # fmt: skip
SHOWN_ROWS = 5
SHOWN_LINKS = 8
FAULT_WIDTH = 400


@click.group()
def parser() -> None:
    """Write, try, check and list parsers."""


parser.add_command(list_)
parser.add_command(new)
parser.add_command(replay)


@parser.command("try")
@click.argument("name")
@click.argument("pages", nargs=-1, required=True)
@click.option(
    "--path", "page_path", default="", help="Path and query the page was fetched from; without it the page itself tells its kind."
)
@DIRECTORY
@AS_JSON
def try_(name: str, pages: tuple[str, ...], page_path: str, directories: tuple[Path, ...], *, as_json: bool) -> None:
    """Run the parser NAME on PAGES: records, labels that no field took, timings.

    A page is a saved file, or an onion URL (or its path and query) whose newest copy in the archive is taken.
    With --json one object a line and page: page, kind, outcome, listings, vendor, feedback, unmatched, milliseconds.
    """
    chosen = load_parser(name, parser_directories(directories))
    for page in pages:
        given = open_given(page, page_path)
        started = time.perf_counter()
        try:
            parsed = parse_bytes(chosen, given.body, path=given.path, content_type=given.content_type, fetched_at=given.visited)
        except ParserError as error:
            parsed = Parsed(Outcome.LAYOUT_CHANGED, PageKind.OTHER, reason=str(error))
        elapsed_ms = (time.perf_counter() - started) * 1000
        if as_json:
            click.echo(json.dumps(describe(chosen, page, parsed) | {"milliseconds": round(elapsed_ms, 2)}, ensure_ascii=False))
        else:
            show(given.name, parsed, elapsed_ms)
            show_strange_links(
                find_strange_links(chosen.market, given.body, path=given.path, content_type=given.content_type, fetched_at=given.visited)
            )
            if parsed.outcome is Outcome.LAYOUT_CHANGED and not given.path:
                click.echo("No address was given, and a record's key may stand in it: say --path /path/of/the/page")


@dataclasses.dataclass(frozen=True, slots=True)
class Given:
    """A page to try: where it came from, and what is known of its visit."""

    name: str
    body: bytes
    path: str
    visited: dt.datetime
    content_type: str = ""


def open_given(page: str, page_path: str) -> Given:
    """Read a saved file, or the newest stored copy of an address. Raises UsageError where there is neither."""
    file = Path(page)
    lost = file.parent != Path("/") and file.parent.is_dir()  # a folder of this machine: then a file was meant
    if is_address(page) or (page.startswith("/") and not file.exists() and not lost):
        stored = find_archived(the_config().archive_directory, page)
        visited = dt.datetime.fromisoformat(stored.date)
        name = f"{stored.url} of {visited:%Y-%m-%d %H:%M} UTC"
        return Given(name, stored.body, page_path or stored.url, visited, stored.content_type)
    try:
        return Given(page, file.read_bytes(), page_path, dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC))
    except OSError as error:
        raise UsageError(f"{page} cannot be read: {error.strerror}") from error


def describe(chosen: Parser, page: str, parsed: Parsed) -> dict[str, Any]:
    """Turn a Parsed into the JSON object of `parser try --json`."""
    from torwatch.normalise.price import normalise_price

    return {
        "page": page,
        "kind": KIND_OF_OUTCOME.get(parsed.outcome, "other" if parsed.kind is PageKind.HOME else parsed.kind.value),
        "outcome": parsed.outcome.value,
        "reason": parsed.reason,
        "truncated": parsed.truncated,
        "listings": [describe_listing(one, chosen.market.facts, normalise_price) for one in parsed.listings],
        "vendor": describe_record(parsed.vendors[0]) if parsed.vendors else None,
        "feedback": [describe_record(one) for one in parsed.feedback],
        "page_info": describe_record(parsed.info) if parsed.info else None,
        "links": len(parsed.links),
        "unmatched": list(parsed.unmatched),
    }


def describe_record(record: Any) -> dict[str, Any]:
    """Turn a record into plain values."""
    return {
        entry.name: list(value) if isinstance(value := getattr(record, entry.name), tuple) else value
        for entry in dataclasses.fields(record)
    }


def describe_listing(listing: Listing, facts: MarketFacts, normalise_price: Callable[[str, MarketFacts], Price]) -> dict[str, Any]:
    """A listing with its price normalised, and its destinations as a list where there are several."""
    out = describe_record(listing)
    price = normalise_price(listing.price_raw, facts) if listing.price_raw else None
    out |= {
        "price": price.amount if price else None,
        "currency": price.currency if price else None,
        "price_unit": price.unit if price else None,
    }
    if listing.ship_to_raw:
        out["ship_to"] = [one.strip() for one in listing.ship_to_raw.split(",") if one.strip()]
    return out


def show(page: str, parsed: Parsed, elapsed_ms: float) -> None:
    """Print what one page gave, for a person."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None, highlight=False)
    state = parsed.outcome.value + (", cut off" if parsed.truncated else "")
    console.print(Text(f"{page}: {parsed.kind.value} page, {state}, {elapsed_ms:.1f} ms" + (f": {parsed.reason}" if parsed.reason else "")))
    for label, rows in (("listing", parsed.listings), ("vendor", parsed.vendors), ("feedback", parsed.feedback)):
        if not rows:
            continue
        table = Table(
            "field",
            *(f"{label} {number + 1}" for number in range(min(len(rows), SHOWN_ROWS))),
            title=f"{len(rows)} {label}{'s' if label == 'listing' and len(rows) > 1 else ''}",
            title_justify="left",
        )
        described = [describe_record(one) for one in rows[:SHOWN_ROWS]]
        for name in described[0]:
            values = [one[name] for one in described]
            if any(value not in (None, []) and (name != "promoted" or value) for value in values):
                table.add_row(name, *(Text(shorten(value)) for value in values))
        console.print(table)
    if parsed.links:
        kinds = [one.kind.value for one in parsed.links]
        console.print("links: " + ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)))
    if parsed.unmatched:
        console.print(Text("labels that no field took: " + ", ".join(parsed.unmatched)))


def show_strange_links(paths: tuple[str, ...]) -> None:
    """Print the paths that no kind fits: an author who overlooks a category among them watches half a market."""
    if paths:
        more = f" and {len(paths) - SHOWN_LINKS} more" if len(paths) > SHOWN_LINKS else ""
        click.echo(f"links of no declared kind, never followed: {', '.join(map(shorten, paths[:SHOWN_LINKS]))}{more}")


@parser.command("check")
@click.argument("names", nargs=-1)
@DIRECTORY
@AS_JSON
def check(names: tuple[str, ...], directories: tuple[Path, ...], *, as_json: bool) -> int:
    """Run the fixtures of parsers value by value, and the rules every parser keeps; without NAMES, of all.

    Leaves with 1 when anything is wrong.
    """
    from torwatch.parsing.quality import check_parser

    faults, everywhere = 0, parser_directories(directories)
    for name in names or tuple(find_parsers(everywhere)):
        try:
            report = check_parser(load_parser(name, everywhere))
        except ParserError as error:
            faults += 1
            click.echo(json.dumps({"parser": name, "faults": [str(error)]}) if as_json else f"{name}: {error}")
            continue
        faults += len(report.faults)
        if as_json:
            click.echo(json.dumps(dataclasses.asdict(report), ensure_ascii=False))
            continue
        click.echo(
            f"{report.parser}: {report.fixtures} pages, {report.values} values, {'all right' if not report.faults else f'{len(report.faults)} wrong'}"
        )
        for fault in report.faults:
            click.echo(f"  {shorten(str(fault), FAULT_WIDTH)}")
    return 1 if faults else 0
