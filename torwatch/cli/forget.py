"""`torwatch forget`: a vendor account or a target, taken out of everything on request."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from torwatch.cli.context import the_config, the_store
from torwatch.cli.output import print_json, progress_bar
from torwatch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torwatch.config import Config
    from torwatch.forget_request import ForgetRequest
    from torwatch.removal.traces import Forgotten

WHY = click.option("--why", required=True, help="Reason, for the event log and the chain: a file number, never the name itself.")
YES = click.option("--yes", is_flag=True, help="Do not ask first.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON; implies --yes.")


@click.group()
def forget() -> None:
    """Take a vendor account or a target out of database, search index, archive, journal and our own backups, for good.

    Counts and digests stay, and a tombstone in the chain, so that `torwatch verify` still holds. What others wrote stays, without the name.
    """


@forget.command()
@click.argument("account", metavar="MARKET/VENDOR")
@WHY
@YES
@JSON
def vendor(account: str, why: str, *, yes: bool, as_json: bool) -> None:
    """Forget one vendor account with its listings, texts, keys and the feedback on it. The daemon must not be running.

    Accounts on other markets are accounts of their own: `torwatch vendor show NAME` names them. A market that still shows the vendor will
    show it to the next snapshot too. A snapshot that was stopped half-way is ended with the pages that it has.

    \b
    torwatch forget vendor dream/teashop --why "request 2026-17"
    """
    from torwatch.removal.account import request_vendor

    market, slash, name = account.partition("/")
    if not slash or not name:
        raise UsageError(f"{account!r} is not MARKET/VENDOR, for instance dream/teashop")
    store = the_store()
    request = request_vendor(store, market, name, why)
    ask(f"Forget {name} of {market} for good?", yes=yes or as_json)
    carry_out(request, as_json=as_json)


@forget.command()
@click.argument("market")
@WHY
@YES
@JSON
def target(market: str, why: str, *, yes: bool, as_json: bool) -> None:
    """Forget a market with its target: pages, history, addresses. The daemon must not be running.

    \b
    torwatch forget target dream --why "order of 2026-03-01"
    """
    from torwatch.removal.market import request_target

    store = the_store()
    request = request_target(store, market, why)
    ask(f"Forget all that is known of {market} for good?", yes=yes or as_json)
    carry_out(request, as_json=as_json)


@forget.command()
@JSON
def resume(*, as_json: bool) -> None:
    """Finish a request to forget that was cut off (power, kill, full disk). The daemon must not be running.

    \b
    torwatch forget resume
    """
    from torwatch.forget_request import read_request

    request = read_request(the_config().data_directory)
    if request is None:
        raise UsageError("no request to forget was cut off: there is nothing to resume")
    carry_out(request, as_json=as_json)


def ask(question: str, *, yes: bool) -> None:
    """Let a person confirm."""
    if not yes:
        click.confirm(question, abort=True)


def carry_out(request: ForgetRequest, *, as_json: bool) -> None:
    """Do what is requested, after what was cut off before, and print what went."""
    from torwatch.assembly import offline_tools, open_readers
    from torwatch.forget_request import read_request
    from torwatch.removal.oblivion import carry_out as do
    from torwatch.replay.versions import Versions

    config, store = the_config(), the_store()
    with alone(config), offline_tools(config, store) as tools, open_readers(config) as readers:
        versions = Versions(config.archive_directory, config.parsing.directories)
        cut_off = read_request(config.data_directory)
        if cut_off is not None and cut_off.is_of_the_same(request):
            request = cut_off  # it knows what was read of pages that are gone meanwhile
        elif cut_off is not None:
            click.echo(f"Finishing first what was cut off: {cut_off.why}", err=True)
            with progress_bar("reading") as progress:
                do(tools, cut_off, readers, versions, progress=progress)
        with progress_bar("reading") as progress:
            done = do(tools, request, readers, versions, progress=progress)
    tell(done, as_json=as_json)


@contextmanager
def alone(config: Config) -> Iterator[None]:
    """Keep the daemon away meanwhile."""
    from torwatch.store.database import writer_lock

    with writer_lock(config.database_path) as ours:
        if not ours:
            raise UsageError("the daemon is running: stop it first, forgetting rewrites database and archive")
        yield


def tell(done: Forgotten, *, as_json: bool) -> None:
    """Print what went."""
    if as_json:
        print_json({"rows": dict(done.rows), "records": done.records, "backups": done.backups, "out_of_reach": done.out_of_reach})
        return
    click.echo(
        f"{sum(done.rows.values())} rows and {done.records} records of the archive are gone; {len(done.backups)} backups were made anew."
    )
    for backup in done.backups:
        click.echo(f"  {backup}")
    if done.out_of_reach:
        click.echo("Not where they were made, so not cleaned; delete them or clean them where they are now:")
    for backup in done.out_of_reach:
        click.echo(f"  {backup}")
    click.echo("Exports, bundles and copies that you or others made are beyond torwatch: delete them.")
