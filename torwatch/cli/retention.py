"""`torwatch retention`: pages that are old enough go, as the configuration says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from torwatch.cli.context import the_config, the_store
from torwatch.cli.output import print_json, print_table, progress_bar

if TYPE_CHECKING:
    from torwatch.config import Config
    from torwatch.store.database import Store


@click.group()
def retention() -> None:
    """How long pages are kept: `retention.months` of the configuration, and `retention.targets` for single targets."""


@retention.command()
@click.option("--dry-run", is_flag=True, help="Show what would go, take nothing out.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def run(*, dry_run: bool, as_json: bool) -> None:
    """Take the pages out of the archive that have expired. Digests, the chain and what was read from the pages stay.

    It may run while the daemon does, for instance once a day from a timer. Pages that a younger snapshot refers to stay until that one
    expires too. What is taken out cannot be brought back, and no parser can read it again.

    \b
    torwatch retention run --dry-run
    torwatch retention run
    """
    from torwatch.assembly import open_readers, utc_now
    from torwatch.removal.retention import expire, find_due
    from torwatch.replay.versions import Versions

    config, store, now = the_config(), the_store(), utc_now()
    archive = config.archive_directory
    due = find_due(store, archive, months_by_market(config, store), now)
    if due and not dry_run:
        with open_readers(config) as readers, progress_bar("reading") as progress:
            expire(store, archive, due, readers, Versions(archive, config.parsing.directories), now, progress=progress)
    rows = [(one.snapshot.id, one.snapshot.market, one.snapshot.started_at[:16], len(one.offsets), one.size_bytes) for one in due]
    columns = ("snapshot", "market", "started", "pages", "bytes")
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_table(columns, rows, empty="Nothing has expired.")
    if rows:
        click.echo("These would be taken out." if dry_run else "Taken out; `torwatch verify` checks what is left.")


def months_by_market(config: Config, store: Store) -> dict[int, int]:
    """For how many months each market's pages are kept, without those that are kept for ever."""
    section = config.retention
    rows = store.rows("SELECT id, name FROM market")
    months = {row["id"]: section.targets.get(row["name"], section.months) for row in rows}
    return {market_id: number for market_id, number in months.items() if number}
