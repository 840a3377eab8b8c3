"""`torwatch rates`: the exchange rates that prices are converted with, imported from a file and listed."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torwatch.cli.context import the_store
from torwatch.cli.output import print_csv, print_json, print_table, show
from torwatch.errors import UsageError

if TYPE_CHECKING:
    from torwatch.store.rates import RateLike

PAIR = re.compile(r"([A-Z]{3,5})/([A-Z]{3,5})")


@click.group()
def rates() -> None:
    """Exchange rates: import a table, list what is there.

    \b
    torwatch rates import ecb.csv --source ECB      lines: date,base,quote,rate[,source]
    torwatch rates list
    """


@rates.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--source", default="import", show_default=True, help="Who says so, for lines that do not name a source.")
@click.option("--skip-faulty", is_flag=True, help="Import the good lines although others are faulty.")
@click.option("--replace", is_flag=True, help="Let the file overwrite stored rates of the same pair, time and source.")
def import_command(file: Path, source: str, *, skip_faulty: bool, replace: bool) -> None:
    """Import rates from a CSV file with the header date,base,quote,rate or date,base,quote,rate,source.

    A date alone means 00:00 UTC. One unit of base is worth rate units of quote. Every faulty line is listed; nothing is written while
    there is one, unless --skip-faulty. Importing a file again changes nothing.
    """
    from torwatch.normalise.rates import read_rates_csv
    from torwatch.store.rates import add_rates, compare_rates

    if not source.strip():
        raise click.BadParameter("a source must have a name", param_hint="--source")
    found, faults = read_rates_csv(read_lines(file), source.strip())
    store = the_store(create=True)
    conflicts = () if replace else compare_rates(store, found)[1].conflicts
    for fault in faults:
        click.echo(f"line {fault.line}: {show(fault.reason)}", err=True)
    for rate, stored in conflicts:
        click.echo(describe_conflict(rate, stored), err=True)
    bad = len(faults) + len(conflicts)
    if bad and not skip_faulty:
        raise UsageError(f"nothing was imported, {count(bad, 'line')} cannot be used: mend the file, or leave them out with --skip-faulty")
    done = add_rates(store, found, replace=replace)
    parts = [f"{count(done.added, 'rate')} added", f"{done.known} known already"]
    parts += [f"{done.replaced} replaced"] if done.replaced else []
    parts += [f"{count(bad, 'line')} skipped"] if bad else []
    click.echo(", ".join(parts) + ".")


def read_lines(file: Path) -> list[str]:
    """The lines of a UTF-8 file. Raises UsageError for another encoding."""
    try:
        with file.open(encoding="utf-8") as handle:
            return list(handle)
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 text (byte {error.start}): save it as CSV in UTF-8") from error


def count(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def describe_conflict(rate: RateLike, stored: str) -> str:
    """One line for a rate that stands in the database with another figure."""
    return (
        f"{rate.base}/{rate.quote} of {rate.at:%Y-%m-%d %H:%M} by {show(rate.source)}: the file says {rate.rate:f}, {stored} is stored"
        " (--replace takes the file's)"
    )


@rates.command("list")
@click.option("--pair", help="Every rate of one pair, for instance BTC/USD; else a line for each pair and source.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV; with --pair in the form that `rates import` reads.")
def list_command(pair: str | None, *, as_json: bool, as_csv: bool) -> None:
    """List the stored rates: imported ones, and the ones that markets quote."""
    from torwatch.store.rates import all_rates, plain, summarise_rates

    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    named = PAIR.fullmatch(pair.strip().upper()) if pair is not None else None
    if pair is not None and named is None:
        raise click.BadParameter(f"{pair!r} is no pair such as BTC/USD", param_hint="--pair")
    store = the_store(create=True)
    columns: tuple[str, ...]
    if named:
        columns = ("date", "base", "quote", "rate", "source")
        lines = [
            {"date": rate.at.isoformat(), "base": rate.base, "quote": rate.quote, "rate": plain(rate.rate), "source": rate.source}
            for rate in all_rates(store, named[1], named[2])
        ]
    else:
        columns = ("base", "quote", "source", "rates", "first_at", "last_at", "last_rate")
        lines = [dataclasses.asdict(summary) for summary in summarise_rates(store)]
    if as_json:
        print_json(lines)
        return
    rows = [[line[column] for column in columns] for line in lines]
    if as_csv:
        print_csv(columns, rows)
        return
    print_table(columns, rows, empty="No rate is stored: torwatch rates import FILE.csv --source NAME")
