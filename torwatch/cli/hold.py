"""`torwatch hold`: snapshots that wait for a person."""

from __future__ import annotations

import dataclasses

import click

from torwatch.cli.context import the_config, the_store
from torwatch.cli.output import print_fields, print_json, print_table
from torwatch.errors import UsageError


@click.group()
def hold() -> None:
    """Snapshots that wait for a person: a redesign, or a fall too great to believe.

    \b
    torwatch hold list
    torwatch hold show 12
    torwatch hold accept 12 --why "the market removed all vendors of category X, see its news page"
    torwatch hold accept 12 --through 14 --why "three looks agree: the market shrank"
    torwatch hold reject 12 --why "redesign; parser mended, see snapshot 13"
    """


@hold.command("list")
@click.option("--all", "decided", is_flag=True, help="Also those decided.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_command(*, decided: bool, as_json: bool) -> None:
    """List the snapshots that wait."""
    from torwatch.store.agreement import find_offers  # loaded only when the command runs
    from torwatch.store.holds import list_holds

    found = list_holds(the_store(), decided=decided)
    if as_json:
        print_json([dataclasses.asdict(one) for one in found])
        return
    print_table(
        ("snapshot", "market", "started", "decision", "reason"),
        [(one.snapshot_id, one.market, one.started_at[:16], one.decision or "waits", one.reason) for one in found],
        empty="No snapshot is held.",
    )
    for offer in find_offers(found):
        click.echo(offer.sentence())


@hold.command()
@click.argument("snapshot", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(snapshot: int, *, as_json: bool) -> None:
    """Show why a snapshot is held, with its figures and the pages kept as examples."""
    from torwatch.store.agreement import find_offers
    from torwatch.store.holds import find_hold, list_holds

    found = find_hold(the_store(), snapshot)
    folder = the_config().data_directory / "held" / found.market / str(snapshot)
    pages = sorted(str(path) for path in folder.glob("*.html"))
    if as_json:
        print_json(dataclasses.asdict(found) | {"pages": pages})
        return
    print_fields(
        {
            "snapshot": found.snapshot_id,
            "market": found.market,
            "state": found.state,
            "started": found.started_at,
            "reason": found.reason,
            "figures": found.figures,
            "decision": found.decision or "waits",
            "why": found.why,
        }
    )
    for page in pages:
        click.echo(f"page  {page}")
    if found.decision is None:
        click.echo(
            f"Real: torwatch hold accept {snapshot} --why …   Not real: torwatch hold reject {snapshot} --why …\n"
            "Redesign: mend the parser (torwatch parser try NAME page), then torwatch parser replay NAME"
        )
        for offer in find_offers(list_holds(the_store())):
            if offer.market == found.market and offer.first <= snapshot <= offer.last:
                click.echo(offer.sentence())


@hold.command()
@click.argument("snapshot", type=int)
@click.option("--through", type=int, help="Also accept the held ones of this market up to this number.")
@click.option("--why", required=True, help="Reason, for the event log.")
def accept(snapshot: int, through: int | None, why: str) -> None:
    """Say that what a held snapshot saw is real: it enters the history in its place, and later snapshots are applied after it."""
    from torwatch.assembly import utc_now
    from torwatch.cli.replay import run_replay
    from torwatch.cli.replay import show as show_replay
    from torwatch.store.database import is_locked
    from torwatch.store.holds import decide, find_hold, list_holds

    store = the_store()
    if is_locked(the_config().database_path):
        raise UsageError("the daemon is running: stop it first, an accepted snapshot rewrites the history that it adds to")
    first = find_hold(store, snapshot)
    if through is not None and through < snapshot:
        raise UsageError(f"--through {through} comes before snapshot {snapshot}: name the first one, and with --through the last")
    cut_off = first.decision == "accepted" and first.state == "held"  # decided, and the history not made anew: a kill came between
    if first.decision is not None and not cut_off:
        raise UsageError(f"snapshot {snapshot} is {first.decision} already")
    chosen = [
        one
        for one in list_holds(store)
        if one.market_id == first.market_id and first.snapshot_id <= one.snapshot_id <= (through or snapshot)
    ]
    for one in chosen:
        decide(store, one, "accepted", why=why, now=utc_now())
    show_replay(first.market, run_replay(first.market, snapshot, dry_run=False), dry_run=False)


@hold.command()
@click.argument("snapshot", type=int)
@click.option("--why", required=True, help="Reason, for the event log.")
def reject(snapshot: int, why: str) -> None:
    """Say that what a held snapshot saw is not real: it stays archived and out of the history."""
    from torwatch.assembly import utc_now
    from torwatch.store.holds import decide, find_hold

    store = the_store()
    found = find_hold(store, snapshot)
    if found.decision is not None:
        raise UsageError(f"snapshot {snapshot} is {found.decision} already")
    decide(store, found, "rejected", why=why, now=utc_now())
    click.echo(f"Rejected snapshot {snapshot} of {found.market}; its pages stay in the archive.")
