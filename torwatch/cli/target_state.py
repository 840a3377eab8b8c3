"""`torwatch target show|probe`: one target and the health of its mirrors, with their history as a small timeline."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from torwatch.cli.context import the_config, the_store
from torwatch.cli.output import duration_text, minute_text, print_fields, print_json, print_table
from torwatch.cli.target_keys import kept_for
from torwatch.cli.target_mirrors import not_listed

if TYPE_CHECKING:
    from torwatch.store.spending import Agreed, Rest, Spent
    from torwatch.store.targets import Target


def clock() -> Any:
    """Now, aware UTC."""
    from torwatch.assembly import utc_now

    return utc_now()


def as_json(target: Target) -> dict[str, Any]:
    """A target for scripts."""
    found = dataclasses.asdict(target)
    found["mirrors"] = [mirror.address for mirror in target.mirrors]
    return found


def timeline(visits: list[dict[str, Any]]) -> str:
    """A mirror's visits on one line, oldest first: ● up, ○ down, · not known, ! another market's front page, with the span and the newest reason."""
    signs = {"up": "●", "down": "○", "unknown": "·"}
    line = "".join("!" if visit["outcome"] == "wrong_market" else signs[visit["verdict"]] for visit in visits)
    newest = visits[-1]
    why = newest["outcome"] + (f": {newest['reason']}" if newest["reason"] else "")
    return f"{line}  {minute_text(visits[0]['at'])} to {minute_text(newest['at'])}; ● up ○ down · unknown{' ! another market' if '!' in line else ''}; last {why}"


@click.command()
@click.argument("name")
@click.option("--json", "as_json_", is_flag=True, help="Print JSON.")
def show(name: str, *, as_json_: bool) -> None:
    """Show one target: NAME is a market, a target's id or one of its addresses."""
    from torwatch.store.mirrors import quarantined_until, visits_of
    from torwatch.store.snapshots import list_snapshots
    from torwatch.store.spending import agreed_with, load_pace, rests, spent_on
    from torwatch.store.targets import find_target

    store = the_store()
    found = find_target(store, name, with_removed=True)
    spent, pace, rest = spent_on(store, found.id, clock().date()), load_pace(store, found.id), rests(store).get(found.id)
    agreed = agreed_with(found, the_config().crawl)
    histories = {mirror.address: visits_of(store, mirror.id) for mirror in found.mirrors}
    addresses = {mirror.address: mirror.host for mirror in found.mirrors}
    keyed = kept_for(addresses.values())
    unlisted = not_listed(store, found.market, addresses.values())
    snapshots = list_snapshots(store, found.market, limit=10)
    if as_json_:
        print_json(
            as_json(found)
            | {"agreed": dataclasses.asdict(agreed), "spent_today": dataclasses.asdict(spent), "slow_down": pace.slow_down if pace else 1.0}
            | {"rest": {"until": rest.until.isoformat(), "why": rest.why, "faults": rest.faults} if rest and rest.until > clock() else None}
            | {"snapshots": [dataclasses.asdict(one) for one in snapshots]}
            | {"not_on_signed_list": unlisted}
            | {"client_keys": [address for address, host in addresses.items() if host in keyed]}
            | {"visits": {address: [dataclasses.asdict(visit) for visit in visits] for address, visits in histories.items()}}
        )
        return
    print_fields(
        {
            "market": found.market,
            "state": found.state,
            "parser": found.parser,
            "every": duration_text(found.every_seconds),
            "seconds per request": f"{agreed.seconds_per_request:g}",
            "slowed down": f"{pace.slow_down:.1f} times, by {pace.why}, at {minute_text(pace.at.isoformat())}"
            if pace and pace.why
            else None,
            "spent today": spent_text(spent, agreed),
            "left alone": rest_text(rest),
            "second pass": None if found.second_pass is None else f"{found.second_pass:.0%} of the list pages",
            "legal basis": found.legal_basis or "none noted",
            "note": found.note,
            "added": minute_text(found.added_at),
        }
    )
    for address, visits in histories.items():
        click.echo(f"mirror  {address}{'  (client key kept)' if addresses[address] in keyed else ''}")
        if addresses[address] in unlisted:
            click.echo("        not on the list that the market signed: may be a phishing copy")
        until = quarantined_until(visits)
        if until is not None and until > clock():
            click.echo(f"        at rest until {minute_text(until.isoformat())}: another address is used meanwhile, where there is one")
        if visits:
            click.echo(f"        {timeline([dataclasses.asdict(visit) for visit in visits])}")
    print_table(
        ("snapshot", "started", "state", "listings", "reason"),
        [(one.id, minute_text(one.started_at), one.state, one.listings, one.reason) for one in snapshots],
        empty=f"No snapshot yet: torwatch snapshot now {found.market}",
    )


def spent_text(spent: Spent, agreed: Agreed) -> str:
    """What the day (UTC) took of a target, of its budgets where it has any."""
    requests = f" of {agreed.requests_per_day}" if agreed.requests_per_day else ""
    size = f" of {agreed.bytes_per_day / 1e6:g}" if agreed.bytes_per_day else ""
    return f"{spent.requests}{requests} requests, {spent.received_bytes / 1e6:.1f}{size} MB"


def rest_text(rest: Rest | None) -> str | None:
    """Until when a target is left alone, and why; None when it is not."""
    return f"until {minute_text(rest.until.isoformat())}: {rest.why}" if rest is not None and rest.until > clock() else None


@click.command()
@click.argument("name")
@click.option("--json", "as_json_", is_flag=True, help="Print JSON.")
def probe(name: str, *, as_json_: bool) -> None:
    """Fetch the front page of every mirror now, and say whether and why it answers. Exit code 1 when none does."""
    from torwatch.cli.snapshot import run_or_queue
    from torwatch.store.targets import find_target

    found = find_target(the_store(), name)
    result = run_or_queue("probe", {"target": found.market})
    lines = result["mirrors"]
    if as_json_:
        print_json(lines)
    else:
        print_table(
            ("mirror", "verdict", "outcome", "status", "ms", "reason"),
            [
                (line["mirror"][:16] + "…", line["verdict"], line["outcome"], line["status"], line["elapsed_ms"], line["reason"])
                for line in lines
            ],
            empty="This target has no address.",
        )
        for line in lines:
            click.echo(f"{line['mirror'][:16]}…  {timeline(line['history'])}")
    if not any(line["outcome"] == "ok" for line in lines):
        click.get_current_context().exit(1)
