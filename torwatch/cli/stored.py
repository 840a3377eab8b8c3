"""`torwatch normalise stored`: the normalised values in the database, brought up to what this version makes of the raw claims."""

from __future__ import annotations

import click

from torwatch.cli.context import the_config, the_store
from torwatch.cli.output import print_json, print_table


@click.command()
@click.option("--market", help="Only this target.")
@click.option("--again", is_flag=True, help="Normalise every distinct text anew, also those that are of this version already.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def stored(market: str | None, *, again: bool, as_json: bool) -> None:
    """Bring the normalised values in the database up to date.

    The daemon does it at the end of each snapshot; after an upgrade this does it at once. Only distinct texts are normalised, and no
    change row is written: what a market claims has not changed.
    """
    from torwatch.normalisers import normalisers_for
    from torwatch.parsing.registry import load_parser
    from torwatch.store.derived import write_derived
    from torwatch.store.shipping import note_default_origin
    from torwatch.store.targets import find_target, list_targets

    store = the_store()
    targets = list_targets(store, with_removed=True) if market is None else [find_target(store, market, with_removed=True)]
    rows = []
    for target in targets:
        facts = load_parser(target.parser, the_config().parsing.directories).market
        note_default_origin(store, target.market_id, facts.default_origin)
        counts = write_derived(store, target.market_id, normalisers_for(facts.facts), again=again)
        rows += [{"market": target.market, "kind": kind, "normalised": number} for kind, number in counts.items()]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("market", "kind", "texts normalised"), [tuple(row.values()) for row in rows], empty="No market is watched: torwatch add ADDRESS"
    )
