"""`torwatch market`: markets known, also those not watched, so that a figure can say "watched of known"."""

from __future__ import annotations

import json

import click

from torwatch.cli.context import check_market_name, the_store
from torwatch.cli.output import print_json, print_table


@click.group()
def market() -> None:
    """Markets known, also those not watched.

    \b
    torwatch market add valhalla --opened 2013-10 --closed 2019-05 --source "Europol 2019"
    torwatch market list
    """


@market.command()
@click.argument("name")
@click.option("--title", help="Full name.")
@click.option("--alias", "aliases", multiple=True, help="Another name; may be given again.")
@click.option("--engine", help="Software family, for instance eckmar.")
@click.option("--opened", help="When it opened, as far as known: 2019, 2019-05 or 2019-05-31.")
@click.option("--closed", help="When it closed.")
@click.option("--source", help="Who says so.")
def add(name: str, aliases: tuple[str, ...], **facts: str | None) -> None:
    """Note a market that exists or existed, without watching it."""
    from torwatch.assembly import utc_now
    from torwatch.store.targets import add_market

    for key in ("opened", "closed"):
        check_date(facts[key], key)
    folded = check_market_name(name)
    add_market(the_store(create=True), folded, now=utc_now(), facts={**facts, "aliases": list(aliases)})
    click.echo(f"Noted {folded}.")


def check_date(text: str | None, option: str) -> None:
    """Refuse what is not a year, month or day."""
    import re

    if text is not None and not re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", text):
        raise click.BadParameter(f"{text!r} is no date: write 2019, 2019-05 or 2019-05-31", param_hint=f"--{option}")


@market.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_command(*, as_json: bool) -> None:
    """List the markets known."""
    rows = the_store(create=True).rows(
        "SELECT market.*, target.state AS watched, (SELECT count(*) FROM snapshot WHERE snapshot.market_id = market.id) AS snapshots,"
        " (SELECT count(*) FROM listing WHERE listing.market_id = market.id AND standing = 1) AS listings"
        " FROM market LEFT JOIN target ON target.market_id = market.id AND target.state <> 'removed' ORDER BY market.name"
    )
    if as_json:
        print_json([dict(row) | {"aliases": json.loads(row["aliases"])} for row in rows])
        return
    print_table(
        ("market", "watched", "opened", "closed", "snapshots", "listings", "source"),
        [
            (row["name"], row["watched"] or "no", row["opened"], row["closed"], row["snapshots"], row["listings"], row["source"])
            for row in rows
        ],
        empty="No market is known yet: torwatch market add NAME, or torwatch add ADDRESS.onion --market NAME",
    )
