"""`torwatch parser`: try, check and list parsers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import click

from torwatch.model import Outcome, PageKind, Parsed
from torwatch.parsing.parse_page import parse_bytes
from torwatch.parsing.registry import Parser, find_parsers, load_parser

KIND_OF_OUTCOME = {
    Outcome.LOGIN: "login", Outcome.CAPTCHA: "captcha", Outcome.PHISHING_CHECK: "captcha", Outcome.QUEUE: "queue", Outcome.BANNED: "banned",
    Outcome.GONE: "error", Outcome.HTTP_ERROR: "error", Outcome.MAINTENANCE: "other", Outcome.SEIZED: "other", Outcome.EMPTY: "other",
    Outcome.NOT_TEXT: "other", Outcome.TOO_LARGE: "other", Outcome.PARSE_LIMIT: "other",
}  # fmt: skip


@click.group()
def parser() -> None:
    """Try, check and list parsers."""


@parser.command("try")
@click.argument("name")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--path", "page_path", default="", help="Path and query the file was saved from; without it the page itself tells its kind.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line and file.")
@click.option("--directory", "directories", multiple=True, type=click.Path(path_type=Path), help="A directory of your own parsers.")
def try_(name: str, files: tuple[Path, ...], page_path: str, *, as_json: bool, directories: tuple[Path, ...]) -> None:
    """Run the parser NAME on saved FILES and show what it reads."""
    chosen = load_parser(name, directories)
    for file in files:
        body = file.read_bytes()
        started = time.perf_counter()
        fetched_at = dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC)
        parsed = parse_bytes(chosen, body, path=page_path, fetched_at=fetched_at)
        elapsed = time.perf_counter() - started
        if as_json:
            click.echo(json.dumps(describe(chosen, str(file), parsed), ensure_ascii=False))
        else:
            click.echo(f"{file}: {parsed.kind} {parsed.outcome} {parsed.reason} {elapsed * 1000:.1f} ms")


def describe(chosen: Parser, page: str, parsed: Parsed) -> dict[str, Any]:
    """Turn a Parsed into the JSON object of `parser try --json`."""
    kind = KIND_OF_OUTCOME.get(parsed.outcome, "other" if parsed.kind is PageKind.HOME else parsed.kind.value)
    return {
        "page": page,
        "kind": kind,
        "outcome": parsed.outcome.value,
        "reason": parsed.reason,
        "truncated": parsed.truncated,
        "listings": [describe_listing(chosen, one) for one in parsed.listings],
        "vendor": describe_record(parsed.vendors[0]) if parsed.vendors else None,
        "feedback": [describe_record(one) for one in parsed.feedback],
        "unmatched": list(parsed.unmatched),
    }


def describe_record(record: Any) -> dict[str, Any]:
    """Turn a record into plain values."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in dataclasses.asdict(record).items()}


def describe_listing(chosen: Parser, listing: Any) -> dict[str, Any]:
    """A listing with its price normalised and its destinations as a list where there are several."""
    from torwatch.normalise.price import normalise_price  # noqa: PLC0415 - only this command needs the normaliser, start-up stays quick

    out = describe_record(listing)
    price = normalise_price(listing.price_raw, chosen.market.facts) if listing.price_raw else None
    out |= {
        "price": price.amount if price else None,
        "currency": price.currency if price else None,
        "price_unit": price.unit if price else None,
    }
    if listing.ship_to_raw and "," in listing.ship_to_raw:
        out["ship_to"] = [one.strip() for one in listing.ship_to_raw.split(",")]
    return out


@parser.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(*, as_json: bool) -> None:
    """List the parsers, the door each came through and how well each kind of page is known."""
    for place in find_parsers().values():
        click.echo(json.dumps({"name": place.name, "door": place.door}) if as_json else f"{place.name}  {place.door}")
