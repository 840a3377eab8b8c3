"""`torwatch target`: the markets watched and their addresses."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from torwatch.cli import target_keys
from torwatch.cli.context import Duration, Size, check_market_name, the_config, the_store
from torwatch.cli.output import duration_text, minute_text, print_json, print_table
from torwatch.cli.target_mirrors import import_mirrors, not_listed, phishing
from torwatch.cli.target_state import as_json, clock, probe, show
from torwatch.errors import TorError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from torwatch.store.targets import Target


def addresses(texts: tuple[str, ...]) -> list[tuple[str, int, str]]:
    """Checked (host, port, scheme) of each address; UsageError tells what is wrong with the first that is not an onion."""
    from torwatch.tor.address import parse_onion

    checked = [parse_onion(text) for text in texts]
    unique = dict.fromkeys((address.host, address.port, address.scheme) for address in checked)
    return list(unique)


@click.group()
def target() -> None:
    """The markets watched and their mirrors.

    \b
    torwatch target add ADDRESS.onion --market dream
    torwatch target list --json
    torwatch target edit dream --every 3d --add-mirror ADDRESS2.onion
    """


@click.command()
@click.argument("address", nargs=-1, required=True)
@click.option("--market", required=True, help="Short name of the market, for instance white_house.")
@click.option("--parser", help="Parser that reads its pages; without it, the parser called as the market, or the one its front page fits.")
@click.option("--every", type=Duration(), help="Time between snapshots, for instance 7d; else schedule.every of the configuration.")
@click.option("--note", default="", help="Free words for your colleagues.")
@click.option("--legal-basis", default="", help="On what ground this market is watched: case number, mandate, research permit.")
@click.option("--seconds-per-request", type=click.FloatRange(min=0), help="Own rate of this target; else crawl.seconds_per_request.")
@click.option("--second-pass", type=click.FloatRange(0, 1), help="Own share of pages of the second pass; else crawl.second_pass.")
@target_keys.option
@click.option("--requests-per-day", type=click.IntRange(min=0), help="Own budget, 0: none; else crawl.requests_per_day.")
@click.option("--bytes-per-day", type=Size(), help="Own budget, for instance 500MB, 0: none; else crawl.bytes_per_day.")
@click.option("--json", "as_json_", is_flag=True, help="Print the target as JSON.")
def add(
    address: tuple[str, ...],
    market: str,
    parser: str | None,
    every: int | None,
    note: str,
    legal_basis: str,
    seconds_per_request: float | None,
    second_pass: float | None,
    key_files: tuple[Path, ...],
    requests_per_day: int | None,
    bytes_per_day: int | None,
    *,
    as_json_: bool,
) -> None:
    """Watch a market at one or more onion addresses (mirrors of the same market).

    \b
    torwatch add ADDRESS.onion --market dream
    torwatch add ADDRESS.onion MIRROR.onion --market other --parser dream --every 3d --legal-basis "case 12/345"
    torwatch add ADDRESS.onion --market closed --client-auth-key-file ADDRESS.auth_private
    """
    from torwatch.store.targets import add_target, refuse_used_address
    from torwatch.tor.address import parse_onion

    name = check_market_name(market)
    mirrors = addresses(address)
    config = the_config()
    store = the_store(create=True)
    for host, port, _ in mirrors:
        refuse_used_address(store, host, port)
    with target_keys.keeping_keys(key_files, {host for host, _, _ in mirrors}) as opened:
        added = add_target(
            store,
            name,
            mirrors,
            parser=choose_parser(parser, name, parse_onion(address[0]).url("/").rstrip("/")),
            every_seconds=every or int(config.schedule.every.total_seconds()),
            now=clock(),
            note=note,
            legal_basis=legal_basis,
            seconds_per_request=seconds_per_request,
            second_pass=second_pass,
            requests_per_day=requests_per_day,
            bytes_per_day=bytes_per_day,
        )
    if as_json_:
        print_json(as_json(added))
        return
    click.echo(f"Watching {added.market} every {duration_text(added.every_seconds)} with parser {added.parser}:")
    for mirror in added.mirrors:
        click.echo(f"  {mirror.address}")
    target_keys.tell_kept(key_files, opened)
    if not legal_basis:
        click.echo(f"No legal basis is noted yet: torwatch target edit {added.market} --legal-basis TEXT")
    click.echo(f"Next: torwatch snapshot now {added.market}   (or let the daemon, torwatch run, take it)")


def choose_parser(parser: str | None, market: str, address: str | None = None) -> str:
    """The name of a parser that exists: the one asked for, else the one called as the market, else the one that the front page fits."""
    from torwatch.parsing.registry import find_parsers, load_parser

    directories = the_config().parsing.directories
    if parser is not None:
        return load_parser(parser, directories).name
    if market in find_parsers(directories):
        return load_parser(market, directories).name
    if address is None:
        raise UsageError(f"no parser is called {market!r}: name one with --parser (`torwatch parser list` shows them)")
    click.echo(f"No parser is called {market}: looking at the front page of {address} …", err=True)
    return propose(address)


def propose(address: str) -> str:
    """Ask the market's own front page; take a sure proposal, ask about one that is not. Raises UsageError when none can be taken."""
    from torwatch.cli.snapshot import run_or_queue

    remedy = "name one with --parser (`torwatch parser list` shows them)"
    try:
        found = run_or_queue("propose", {"address": address})
    except TorError as error:
        raise TorError(f"no parser can be proposed without Tor, {remedy}: {error}") from error
    if found["name"] is None:
        raise UsageError(f"no parser can be proposed ({found['why']}): {remedy}")
    line = f"{found['name']}, {'sure' if found['sure'] else 'not sure'} ({found['confidence']:.0%}): {found['why']}"
    click.echo(f"Proposed parser: {line}", err=True)
    if found["sure"]:
        return str(found["name"])
    if not sys.stdin.isatty():
        raise UsageError(f"the front page does not settle which parser fits (best: {line}): {remedy}")
    click.confirm(f"Use parser {found['name']}?", abort=True, err=True)
    return str(found["name"])


target.add_command(add, "add")
target.add_command(show)
target.add_command(probe)
target.add_command(import_mirrors)


@target.command("list")
@click.option("--all", "with_removed", is_flag=True, help="Also those removed.")
@click.option("--json", "as_json_", is_flag=True, help="Print a JSON list.")
def list_command(*, with_removed: bool, as_json_: bool) -> None:
    """List the targets."""
    from torwatch.store.targets import list_targets

    targets = list_targets(the_store(create=True), with_removed=with_removed)
    if as_json_:
        print_json([as_json(one) for one in targets])
        return
    print_table(
        ("market", "parser", "every", "state", "mirrors", "last snapshot"),
        [
            (
                one.market,
                one.parser,
                duration_text(one.every_seconds),
                one.state,
                len(one.mirrors),
                f"{minute_text(one.last_snapshot_at)} {one.last_snapshot_state}" if one.last_snapshot_at else "none yet",
            )
            for one in targets
        ],
        empty="No market is watched yet: torwatch add ADDRESS.onion --market NAME",
    )


@target.command()
@click.argument("name")
@click.option("--parser", help="Parser that reads its pages.")
@click.option("--every", type=Duration(), help="Time between snapshots, for instance 3d.")
@click.option("--note", help="Free words for your colleagues.")
@click.option("--legal-basis", help="On what ground this market is watched.")
@click.option("--seconds-per-request", type=click.FloatRange(min=0), help="Own rate of this target.")
@click.option("--second-pass", type=click.FloatRange(0, 1), help="Own share of pages of the second pass.")
@click.option("--requests-per-day", type=click.IntRange(min=0), help="Own budget of requests, 0: none.")
@click.option("--bytes-per-day", type=Size(), help="Own budget of bytes, for instance 500MB; 0: none.")
@click.option("--add-mirror", multiple=True, metavar="ADDRESS", help="A further address of the same market; may be given again.")
@click.option("--remove-mirror", multiple=True, metavar="ADDRESS", help="An address to leave; may be given again.")
@target_keys.option
@click.option("--forget-client-auth-key", "forget", is_flag=True, help="Delete the client keys of its addresses.")
def edit(
    name: str,
    parser: str | None,
    add_mirror: tuple[str, ...],
    remove_mirror: tuple[str, ...],
    key_files: tuple[Path, ...],
    *,
    forget: bool,
    **changes: Any,
) -> None:
    """Change a target; a running daemon sees it at once.

    \b
    torwatch target edit dream --every 3d --add-mirror ADDRESS2.onion
    torwatch target edit closed --client-auth-key-file ADDRESS.auth_private
    """
    from torwatch.store import targets

    store = the_store()
    found = targets.find_target(store, name)
    new = {("every_seconds" if key == "every" else key): value for key, value in changes.items() if value is not None}
    if parser is not None:
        new["parser"] = choose_parser(parser, found.market)
    to_add, to_remove = addresses(add_mirror), addresses(remove_mirror)
    if not (new or to_add or to_remove or key_files or forget):
        raise UsageError("nothing to change: name an option, see `torwatch target edit --help`")
    if key_files and forget:
        raise UsageError("keep a client key or forget it: give --client-auth-key-file or --forget-client-auth-key")
    hosts = {mirror.host for mirror in found.mirrors} | {host for host, _, _ in to_add}
    targets.refuse_mirrors(store, found, to_add, {host for host, _, _ in to_remove})  # before anything is changed
    with target_keys.keeping_keys(key_files, hosts) as opened:
        if new:
            targets.edit_target(store, found, new, now=clock())
        for host, port, scheme in to_add:
            targets.add_mirror(store, found, host, port, scheme, now=clock())
        for host, _, _ in to_remove:
            targets.remove_mirror(store, targets.find_target(store, found.market), host, now=clock())
    forgotten = target_keys.forget_keys(hosts if forget else {host for host, _, _ in to_remove})
    click.echo(f"Changed {found.market}.")
    for host in not_listed(store, found.market, {host for host, _, _ in to_add}):
        click.echo(f"Warning: {phishing(host, found.market)}", err=True)
    target_keys.tell_kept(key_files, opened)
    for host in forgotten:
        click.echo(f"The client key of {host} is deleted.")
    if forget and not forgotten:
        raise UsageError(f"{found.market} has no client key: see `torwatch target show {found.market}`")


def change_state(name: str, state: str, why: str = "") -> Target:
    """Give a target another state."""
    from torwatch.store import targets

    store = the_store()
    found = targets.find_target(store, name)
    targets.set_state(store, found, state, now=clock(), why=why)
    return found


@target.command()
@click.argument("name")
def pause(name: str) -> None:
    """Take no further snapshots until resumed; one under way stops and keeps what it has."""
    click.echo(f"Paused {change_state(name, 'paused').market}.")


@target.command()
@click.argument("name")
def resume(name: str) -> None:
    """Take snapshots again."""
    click.echo(f"Resumed {change_state(name, 'active').market}.")


@target.command()
@click.argument("name")
@click.option("--why", default="", help="Reason, for the event log.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, why: str, *, yes: bool) -> None:
    """Stop watching a market. Its history and archive stay; `torwatch add` takes it up again."""
    if not yes:
        click.confirm(f"Stop watching {name}? Its history stays.", abort=True)
    removed = change_state(name, "removed", why)
    forgotten = target_keys.forget_keys({mirror.host for mirror in removed.mirrors})
    click.echo(f"Removed {removed.market}; its history stays{', its client keys are deleted' if forgotten else ''}.")
