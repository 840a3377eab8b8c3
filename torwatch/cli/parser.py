"""`torwatch parser`: try, check and list parsers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from torwatch.cli.replay import replay
from torwatch.errors import ParserError, UsageError
from torwatch.model import Evidence, Listing, Outcome, PageKind, Parsed
from torwatch.parsing.parse_page import parse_bytes
from torwatch.parsing.registry import Parser, find_parsers, load_parser, load_place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torwatch.model import MarketFacts, Price

KIND_OF_OUTCOME: Mapping[Outcome, str] = {
    Outcome.LOGIN: "login", Outcome.CAPTCHA: "captcha", Outcome.PHISHING_CHECK: "captcha", Outcome.QUEUE: "queue", Outcome.BANNED: "banned",
    Outcome.GONE: "error", Outcome.HTTP_ERROR: "error", Outcome.MAINTENANCE: "other", Outcome.SEIZED: "other", Outcome.EMPTY: "other",
    Outcome.NOT_TEXT: "other", Outcome.TOO_LARGE: "other", Outcome.PARSE_LIMIT: "other",
}  # fmt: skip
DIRECTORY = click.option(
    "--directory", "directories", multiple=True, type=click.Path(path_type=Path), help="A directory of your own parsers (repeatable)."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="JSON lines for scripts.")
SHOWN_ROWS = 5
WIDTH = 100


@click.group()
def parser() -> None:
    """Try, check and list parsers."""


parser.add_command(replay)


@parser.command("try")
@click.argument("name")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--path", "page_path", default="", help="Path and query the page was fetched from; without it the page itself tells its kind."
)
@DIRECTORY
@AS_JSON
def try_(name: str, files: tuple[Path, ...], page_path: str, directories: tuple[Path, ...], *, as_json: bool) -> None:
    """Run the parser NAME on saved FILES: records, labels that no field took, timings.

    With --json one object a line and file: page, kind, outcome, listings, vendor, feedback.
    """
    chosen = load_parser(name, directories)
    for file in files:
        try:
            body, visited = file.read_bytes(), dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC)
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror}") from error
        started = time.perf_counter()
        try:
            parsed = parse_bytes(chosen, body, path=page_path, fetched_at=visited)
        except ParserError as error:
            parsed = Parsed(Outcome.LAYOUT_CHANGED, PageKind.OTHER, reason=str(error))
        elapsed_ms = (time.perf_counter() - started) * 1000
        if as_json:
            click.echo(json.dumps(describe(chosen, str(file), parsed), ensure_ascii=False))
        else:
            show(file, parsed, elapsed_ms)


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


def show(file: Path, parsed: Parsed, elapsed_ms: float) -> None:
    """Print what one page gave, for a person."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None, highlight=False)
    state = parsed.outcome.value + (", cut off" if parsed.truncated else "")
    console.print(Text(f"{file}: {parsed.kind.value} page, {state}, {elapsed_ms:.1f} ms" + (f": {parsed.reason}" if parsed.reason else "")))
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
                table.add_row(name, *(Text(_short(value)) for value in values))
        console.print(table)
    if parsed.links:
        kinds = [one.kind.value for one in parsed.links]
        console.print("links: " + ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)))
    if parsed.unmatched:
        console.print(Text("labels that no field took: " + ", ".join(parsed.unmatched)))


def _short(value: Any) -> str:
    words = " ".join(str(value).split()) if value not in (None, []) else ""
    words = "".join(char if char.isprintable() else "\ufffd" for char in words)  # what a page says must not steer the terminal
    return words if len(words) <= WIDTH else words[: WIDTH - 1] + "…"


@parser.command("list")
@DIRECTORY
@AS_JSON
def list_(directories: tuple[Path, ...], *, as_json: bool) -> None:
    """List the parsers: the door each came through, its engine, and how well each kind of page is known."""
    rows: list[dict[str, Any]] = []
    for place in find_parsers(directories).values():
        try:
            loaded, fault = load_place(place), ""
        except ParserError as error:
            loaded, fault = None, str(error)
        rows.append(
            {
                "name": place.name,
                "title": loaded.market.title if loaded else "",
                "door": place.door,
                "archived": place.archived,
                "engine": loaded.market.engine if loaded else "",
                "evidence": {kind.value: known.value for kind, known in loaded.evidence.items()} if loaded else {},
                "digest": loaded.digest if loaded else "",
                "fault": fault,
            }
        )
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("parser", "market", "door", "engine", "evidence")
    for row in rows:
        evidence = row["fault"] or _evidence(row["evidence"])
        table.add_row(row["name"], row["title"], row["door"] + (", archived" if row["archived"] else ""), row["engine"], evidence)
    Console(highlight=False).print(table)


def _evidence(known: Mapping[str, str]) -> str:
    """Group the kinds of page by how well they are known: "page: listing, vendor; described: feedback"."""
    groups = {one.value: [kind for kind, evidence in known.items() if evidence == one.value] for one in Evidence}
    return "; ".join(f"{name}: {', '.join(kinds)}" for name, kinds in groups.items() if kinds)


@parser.command("check")
@click.argument("names", nargs=-1)
@DIRECTORY
@AS_JSON
def check(names: tuple[str, ...], directories: tuple[Path, ...], *, as_json: bool) -> int:
    """Run the fixtures of parsers value by value, and the rules every parser keeps; without NAMES, of all.

    Leaves with 1 when anything is wrong.
    """
    from torwatch.parsing.quality import check_parser

    faults = 0
    for name in names or tuple(find_parsers(directories)):
        try:
            report = check_parser(load_parser(name, directories))
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
            click.echo(f"  {_short(str(fault))}")
    return 1 if faults else 0
