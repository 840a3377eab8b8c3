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
    from torwatch.traces import Forgotten

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
    show it to the next snapshot too.

    \b
    torwatch forget vendor dream/teashop --why "request 2026-17"
    """
    from torwatch.assembly import open_readers, utc_now
    from torwatch.forgetting import forget_vendor
    from torwatch.versions import Versions

    market, slash, name = account.partition("/")
    if not slash or not name:
        raise UsageError(f"{account!r} is not MARKET/VENDOR, for instance dream/teashop")
    config, store = the_config(), the_store()
    ask(f"Forget {name} of {market} for good?", yes=yes or as_json)
    with alone(config), open_readers(config) as readers, progress_bar("reading") as progress:
        done = forget_vendor(
            store,
            config.archive_directory,
            market,
            name,
            why=why,
            readers=readers,
            versions=Versions(config.archive_directory, config.parsing.directories),
            now=utc_now(),
            progress=progress,
        )
    tell(done, as_json=as_json)


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
    from torwatch.assembly import utc_now
    from torwatch.clearance import forget_target

    config, store = the_config(), the_store()
    ask(f"Forget all that is known of {market} for good?", yes=yes or as_json)
    with alone(config):
        done = forget_target(store, config.archive_directory, market, why=why, now=utc_now())
    tell(done, as_json=as_json)


def ask(question: str, *, yes: bool) -> None:
    """Let a person confirm."""
    if not yes:
        click.confirm(question, abort=True)


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
        print_json({"rows": dict(done.rows), "records": done.records, "backups": done.backups, "manifests": done.manifests})
        return
    click.echo(
        f"{sum(done.rows.values())} rows and {done.records} records of the archive are gone; {len(done.backups)} backups were made anew."
    )
    for backup in done.backups:
        click.echo(f"  {backup}")
    click.echo("Copies that others hold (exports, bundles, file backups of yours) are beyond torwatch.")
