"""`torwatch db`: care for the database."""

from __future__ import annotations

from pathlib import Path

import click

from torwatch.cli.context import the_config, the_store
from torwatch.cli.output import progress_bar
from torwatch.errors import StoreError, UsageError

MANY = 20  # faults that are printed


@click.group()
def db() -> None:
    """Back the database up, check it and give back unused space."""


@db.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--keep", type=click.IntRange(min=1), help="Without TARGET: afterwards delete all but so many of the newest.")
def backup(target: Path | None, keep: int | None) -> None:
    """Copy the database to TARGET, also while the daemon runs, and verify the copy. A backup never replaces a file.

    Without TARGET it goes to backups/ in the data folder, named by the time (UTC).

    \b
    torwatch db backup torwatch-2026-01-05.db
    torwatch db backup --keep 14
    """
    from torwatch.assembly import utc_now
    from torwatch.store.backup import back_up, backup_path, drop_old_backups
    from torwatch.store.targets import add_event

    if target is not None and keep is not None:
        raise UsageError("--keep counts the backups in the data folder: leave TARGET out, or --keep")
    store = the_store()
    copy = target or backup_path(the_config().data_directory, utc_now())
    with progress_bar("copying") as progress:
        size = back_up(store.connection, copy, progress)
    with store.write() as connection:
        add_event(connection, utc_now(), "backed_up", "", {"file": str(copy.resolve())})  # `forget` has to find it
    click.echo(f"{copy}: {size} bytes, verified")
    for old in drop_old_backups(copy.parent, keep) if keep else ():
        click.echo(f"{old}: deleted, {keep} newer ones are there")


@db.command()
@click.pass_context
def check(context: click.Context) -> None:
    """Let SQLite check the database and its references; exit code 1 when something is wrong. `torwatch verify` checks the archive.

    SQLite keeps no checksums: a figure that was altered inside a sound page it does not notice.
    """
    from torwatch.store.backup import find_faults

    faults = find_faults(the_store().connection)
    for fault in faults[:MANY]:
        click.echo(fault)
    if faults:
        more = f" ({len(faults) - MANY:,} more are not shown)" if len(faults) > MANY else ""
        click.echo(
            f"The database is damaged{more}: restore a backup, or run `torwatch rebuild --from-archive --force`; look at the disk.",
            err=True,
        )
        context.exit(1)
    click.echo("The database is whole.")


@db.command()
def compact() -> None:
    """Give back the space that the database no longer uses. The daemon must not be running."""
    from torwatch.store.backup import compact as give_back
    from torwatch.store.database import writer_lock

    config, store = the_config(), the_store()
    with writer_lock(config.database_path) as ours:
        if not ours:
            raise UsageError("the daemon is running: stop it first, compacting rewrites the whole database")
        before, after = give_back(store.connection, config.database_path)
    if after > before:
        raise StoreError(f"{config.database_path} grew while it was compacted: is another process writing to it?")
    click.echo(f"{config.database_path}: {before} bytes before, {after} after")
