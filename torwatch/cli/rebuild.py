"""`torwatch rebuild`: the whole database made again from the archive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from torwatch.cli.context import the_config
from torwatch.cli.output import print_json, progress_bar
from torwatch.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torwatch.config import Config
    from torwatch.replay.pages import Readers
    from torwatch.replay.rebuild import Rebuilt


@click.command()
@click.option("--from-archive", is_flag=True, help="Make it from the pages and the journal of the archive: there is no other source yet.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The database to make; else the configured one.")
@click.option("--force", is_flag=True, help="Replace a database that is there; it is kept beside the new one.")
@click.option("--dask", "cluster", metavar="ADDRESS", help="Read the pages on a Dask cluster, for instance tcp://10.0.0.5:8786.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rebuild(output: Path | None, cluster: str | None, *, from_archive: bool, force: bool, as_json: bool) -> None:
    """Make the whole database again from the archive, each page read by the parser version that read it first.

    It uses all cores. It can be stopped at any time: called again, it goes on behind the last snapshot that it finished. Nothing is replaced
    before all of it is done. The daemon must not be running when the configured database is made again.

    \b
    torwatch rebuild --from-archive --output again.db
    torwatch rebuild --from-archive --force
    torwatch rebuild --from-archive --output again.db --dask tcp://10.0.0.5:8786
    """
    from torwatch.store.database import writer_lock
    from torwatch.store.rebuilt import put_in_place

    config = the_config()
    target = config.database_path if output is None else output
    ours = output is None or target.resolve() == config.database_path.resolve()
    if not from_archive:
        raise UsageError("say what from: torwatch rebuild --from-archive")
    if target.exists() and not force:
        raise UsageError(f"{target} is there already: name another with --output, or replace it with --force (the old one is kept)")
    with writer_lock(target) as free:
        if not free:
            raise UsageError(f"another torwatch writes to {target}: stop the daemon first, or name another file with --output")
        done, work = make(config, target, cluster)
        kept = put_in_place(work, target)
        if ours:
            note_rebuilt(config, done)
    tell(target, kept, done, as_json=as_json)


def make(config: Config, target: Path, cluster: str | None) -> tuple[Rebuilt, Path]:
    """Make the database beside its place; gives what was made, and the finished file."""
    from torwatch.assembly import rebuilding, walk_settings
    from torwatch.replay.rebuild import Rebuild

    with (
        rebuilding(config, target) as (tools, work),
        readers_of(config, cluster) as readers,
        progress_bar("reading the archive again") as progress,
    ):
        done = Rebuild(tools, readers, walk_settings(config).hold, directories=config.parsing.directories, progress=progress).run()
    return done, work


def readers_of(config: Config, cluster: str | None) -> AbstractContextManager[Readers]:
    """What reads the pages: this machine's cores, or a cluster."""
    from torwatch.assembly import open_readers, parser_limits

    if cluster is None:
        return open_readers(config)
    from torwatch.replay.cluster import ClusterReaders

    return ClusterReaders(cluster, parser_limits(config))


def note_rebuilt(config: Config, done: Rebuilt) -> None:
    """Write in the event log that this database was made again."""
    from torwatch.assembly import utc_now
    from torwatch.ledger import open_journaled
    from torwatch.store.targets import add_event

    with open_journaled(config.database_path, config.archive_directory) as store, store.write() as connection:
        add_event(connection, utc_now(), "rebuilt", "", {"snapshots": done.snapshots, "pages": done.pages, "notes": done.notes})


def tell(target: Path, kept: Path | None, done: Rebuilt, *, as_json: bool) -> None:
    """Print what was made."""
    if as_json:
        print_json(
            {
                "database": str(target),
                "kept": str(kept) if kept else None,
                "snapshots": done.snapshots,
                "pages": done.pages,
                "journal_rows": dict(done.rows),
                "notes": done.notes,
            }
        )
        return
    click.echo(f"{target}: {done.snapshots} snapshots made again from {done.pages} pages and {sum(done.rows.values())} rows of the journal")
    for note in done.notes:
        click.echo(f"Note: {note}.")
    if kept:
        click.echo(f"The database that was there is kept: {kept}")
