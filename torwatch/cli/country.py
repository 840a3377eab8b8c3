"""`torwatch country`: claimed countries that were not understood, the work list of whoever keeps the alias table."""

from __future__ import annotations

import dataclasses

import click

from torwatch.cli.context import check_market_name, the_store
from torwatch.cli.output import print_csv, print_json, print_table
from torwatch.errors import UsageError

COLUMNS = ("direction", "market", "raw", "standing", "listings", "vendors")


@click.group()
def country() -> None:
    """Claimed countries: what was not understood, and origins that say nothing.

    \b
    torwatch country unknown                        texts that no rule could read, with counts
    torwatch country defaults                       markets whose origins are only a form's first option
    """


@country.command()
@click.option("--market", help="Only this market.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV for a spreadsheet.")
def unknown(market: str | None, *, as_json: bool, as_csv: bool) -> None:
    """List raw ship-from and ship-to texts that were not understood, the most frequent first.

    standing: listings that stand now and say so; listings: all that ever did; vendors: profiles that say so.
    """
    from torwatch.store.shipping import unknown_texts

    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    store = the_store()
    name = None if market is None else check_market_name(market)
    if name is not None and store.value("SELECT 1 FROM market WHERE name = ?", (name,)) is None:
        raise UsageError(f"market {name} is not known: see `torwatch market list`")
    texts = unknown_texts(store, name)
    if as_json:
        print_json([dataclasses.asdict(text) for text in texts])
        return
    rows = [[getattr(text, column) for column in COLUMNS] for text in texts]
    if as_csv:
        print_csv(COLUMNS, rows)
        return
    print_table(COLUMNS, rows, empty="Every claimed country was understood.")


@country.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def defaults(*, as_json: bool) -> None:
    """List how often declared origins equal the first option of the market's own form.

    Where most do, the origin says nothing: the market is flagged, its listings stay.
    """
    from torwatch.store.shipping import default_origins

    found = default_origins(the_store())
    if as_json:
        print_json([dataclasses.asdict(market) for market in found])
        return
    print_table(
        ("market", "first option", "declared", "equal to it", "percent", "flagged"),
        [(one.market, one.default_origin, one.declared, one.same, one.percent, "yes" if one.flagged else "no") for one in found],
        empty="No watched market is known to have a default origin.",
    )
