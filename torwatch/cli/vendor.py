"""`torwatch vendor`: accounts over all markets, with the evidence that links them."""

from __future__ import annotations

import dataclasses

import click

from torwatch.cli.context import the_store
from torwatch.cli.output import minute_text, print_json, print_table


@click.group()
def vendor() -> None:
    """Vendor accounts over all markets. An account is not a seller: one seller may hold several.

    \b
    torwatch vendor show leafhouse
    """


@vendor.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def show(name: str, *, as_json: bool) -> None:
    """Show every account of a name, those linked with it by a key, and why; with the countries claimed."""
    from torwatch.normalise.openpgp import fold_handle
    from torwatch.store.vendor_keys import accounts_of

    accounts = accounts_of(the_store(), name, fold_handle(name))
    if as_json:
        print_json([dataclasses.asdict(account) for account in accounts])
        return
    print_table(
        ("market", "account", "name", "stands", "first seen", "why", "claimed origins (standing listings)"),
        [
            (
                one.market,
                one.key,
                one.name,
                "yes" if one.standing else "no",
                minute_text(one.first_seen),
                one.why,
                ", ".join(f"{origin} {listings}" for origin, listings in one.countries.items()) or one.profile_origin,
            )
            for one in accounts
        ],
        empty="No account is known.",
    )
    keys = [(one.market, one.key, key) for one in accounts for key in one.keys]
    if keys:
        click.echo()
        print_table(
            ("market", "account", "fingerprint", "created", "expires", "user id"),
            [
                (
                    market,
                    account,
                    key["fingerprint"] + (" (revoked)" if key["revoked"] else ""),
                    (key["created"] or "")[:10],
                    (key["expires"] or "never")[:10],
                    key["user_id"],
                )
                for market, account, key in keys
            ],
            empty="",
        )
    click.echo("\nSame key: linked, though a key can be copied by an impersonator. Same handle on two markets: a candidate, no more.")
