"""`torwatch normalise`: claimed countries, prices, quantities and substances, one at a time or as a stream of JSON lines."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import click

from torwatch.cli.stored import stored
from torwatch.errors import TorwatchError
from torwatch.model import MarketFacts

LONGEST_LINE_BYTES = 4_000_000  # a title is under a kilobyte; a longer line is no JSON line of ours
FIELDS = ("text", "market", "category")


@dataclasses.dataclass(frozen=True, slots=True)
class Ask:
    """One thing to normalise. `text` None: the page shows nothing."""

    text: str | None
    market: str | None = None
    category: str | None = None


@click.group()
def normalise() -> None:
    """Normalise claimed countries, prices, quantities and substances.

    Without --json: texts as arguments, or a text a line on standard input, and a readable answer a line. With --json: JSON lines
    {"text": …, "market": … or null, "category": …} in, one JSON line out for each, at once; a line that cannot be read gives
    {"error": …} in its place, and the exit code is 2 at the end.
    """


@lru_cache(maxsize=1024)
def facts_for(market: str | None, directories: tuple[Path, ...] = ()) -> MarketFacts:
    """Give what a market's parser declares ('-' counts as '_'); the defaults, with the name, for a market without a parser or none at all.

    Raises ParserError where the parser is there and fails, UsageError for an unsafe directory.
    """
    if not market:
        return MarketFacts()
    registry = importlib.import_module("torwatch.parsing.registry")  # lxml comes with it: only where a market is named
    wanted = market.strip().lower().replace("-", "_").replace(" ", "_")
    place = _places(directories).get(wanted)
    if place is None:
        return MarketFacts(name=wanted)
    facts: MarketFacts = registry.load_place(place).market.facts
    return facts


@lru_cache(maxsize=8)
def _places(directories: tuple[Path, ...]) -> dict[str, Any]:
    found: dict[str, Any] = importlib.import_module("torwatch.parsing.registry").find_parsers(directories)
    return found


Normaliser = Callable[[Ask, tuple[Path, ...]], dict[str, Any]]


def _ship_from(ask: Ask, directories: tuple[Path, ...]) -> dict[str, Any]:
    from torwatch.normalise.shipping import normalise_ship_from

    return _shipping(normalise_ship_from(ask.text, facts_for(ask.market, directories)))


def _ship_to(ask: Ask, directories: tuple[Path, ...]) -> dict[str, Any]:
    from torwatch.normalise.shipping import normalise_ship_to

    return _shipping(normalise_ship_to(ask.text, facts_for(ask.market, directories)))


def _shipping(value: Any) -> dict[str, Any]:
    fields = dataclasses.asdict(value)
    return {"class": str(fields.pop("ship_class")), **fields}


def _price(ask: Ask, directories: tuple[Path, ...]) -> dict[str, Any]:
    from torwatch.normalise.price import normalise_price

    return dataclasses.asdict(normalise_price(ask.text, facts_for(ask.market, directories)))


def _quantity(ask: Ask, directories: tuple[Path, ...]) -> dict[str, Any]:
    from torwatch.normalise.quantity import normalise_quantity

    return dataclasses.asdict(normalise_quantity(ask.text or "", ask.category, facts_for(ask.market, directories)))


def _substance(ask: Ask, directories: tuple[Path, ...]) -> dict[str, Any]:  # noqa: ARG001 - one signature for all; it needs no facts
    from torwatch.normalise.substance import normalise_substance

    return dataclasses.asdict(normalise_substance(ask.text or "", ask.category, ask.market))


def _add(name: str, function: Normaliser, what: str, *, category: bool) -> None:
    """Make one command of the group; the commands differ in the normaliser and in whether a category helps it."""

    @normalise.command(name, help=what)
    @click.argument("texts", nargs=-1)
    @click.option("--market", help="The market the texts are from: its parser says what a bare sign or code means there.")
    @click.option("--category", help="The market's own category.", hidden=not category)
    @click.option("--directory", "directories", multiple=True, type=click.Path(path_type=Path), help="A directory of your own parsers.")
    @click.option("--json", "as_json", is_flag=True, help="JSON lines in, JSON lines out.")
    def command(texts: tuple[str, ...], market: str | None, category: str | None, directories: tuple[Path, ...], *, as_json: bool) -> None:
        defaults = Ask(None, market, category)
        if as_json:
            asks = (dataclasses.replace(defaults, text=text) for text in texts) if texts else read_asks(_stdin_lines(), defaults)
            answer_json(asks, function, directories)
        else:
            answer_text(
                texts or (line.decode("utf-8", "replace").rstrip("\r\n") for line in _stdin_lines()), defaults, function, directories
            )


def read_asks(lines: Iterable[bytes], defaults: Ask) -> Iterator[Ask | str]:
    """Read JSON lines: an Ask, or one line that says what is wrong with the line. A field that is absent takes the default."""
    for line in lines:
        try:
            asked = json.loads(line) if len(line) <= LONGEST_LINE_BYTES else None
        except (ValueError, RecursionError) as error:
            yield f"not a JSON line: {type(error).__name__}"
            continue
        if not isinstance(asked, dict):
            yield 'not a JSON object with a "text"'
            continue
        wrong = [name for name in FIELDS if not isinstance(asked.get(name), str | None)]
        if "text" not in asked or wrong:
            yield f'"{wrong[0]}" must be a text or null' if wrong else 'the object has no "text"'
            continue
        yield Ask(asked["text"], asked.get("market") or defaults.market, asked.get("category") or defaults.category)


def answer_json(asks: Iterable[Ask | str], function: Normaliser, directories: tuple[Path, ...] = ()) -> None:
    """Write one JSON line for each ask as soon as it is answered; leave with exit code 2 at the end where a line was bad."""
    bad: list[int] = []
    number = 0
    for number, ask in enumerate(asks, start=1):
        answer = {"error": ask} if isinstance(ask, str) else _answer(ask, function, directories)
        if "error" in answer:
            bad.append(number)
        click.echo(json.dumps(answer))
    if bad:
        of = f"{number} lines" if number > 1 else "1 line"
        click.echo(f"Error: {len(bad)} of {of} could not be normalised, the first is line {bad[0]}", err=True)
        click.get_current_context().exit(2)


def _answer(ask: Ask, function: Normaliser, directories: tuple[Path, ...]) -> dict[str, Any]:
    try:
        return function(ask, directories)
    except TorwatchError as error:
        return {"error": str(error)}


def answer_text(texts: Iterable[str], defaults: Ask, function: Normaliser, directories: tuple[Path, ...]) -> None:
    """Print a readable line for each text: the text made harmless for a terminal, then what it was normalised to."""
    from torwatch.normalise.text import visible

    for text in texts:
        fields = function(dataclasses.replace(defaults, text=text), directories)
        shown = ("=".join((name, _show(value))) for name, value in fields.items() if value not in (None, "", (), []))
        click.echo(f"{visible(text)}\t{visible(' '.join(shown))}")


def _show(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ",".join(":".join(map(str, item)) if isinstance(item, tuple | list) else str(item) for item in value)
    return str(value)


def _stdin_lines() -> Iterator[bytes]:
    stream = sys.stdin.buffer
    if stream.isatty():
        click.echo("Type a text a line; Ctrl-D ends.", err=True)
    while line := stream.readline():
        yield line


_add("ship-from", _ship_from, "Claimed origin → class, countries, regions, exclusions.", category=False)
_add("ship-to", _ship_to, "Claimed destination → class, countries, regions, exclusions.", category=False)
_add("price", _price, "Displayed price → exact amount, currency, unit.", category=False)
_add("quantity", _quantity, "Title → total amount of one order in g, ml or units, and the dose.", category=True)
_add("substance", _substance, "Title and category → substance group.", category=True)
normalise.add_command(stored)
