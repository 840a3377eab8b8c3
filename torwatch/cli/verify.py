"""`torwatch verify`: whether archive, chain and database are what they were when they were sealed."""

from __future__ import annotations

import re

import click

from torwatch.cli.context import the_config, the_store
from torwatch.cli.output import print_json, progress_bar
from torwatch.errors import UsageError


@click.command()
@click.option("--head", default="", help="A chain head (sha256) that was deposited elsewhere: it must be in the chain.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def verify(context: click.Context, head: str, *, as_json: bool) -> None:
    """Check every file, record and manifest of the archive, the chain, and what the database says of them.

    Every break is one line; exit code 1 when there is one. The head that is printed is worth depositing elsewhere, for instance in a
    case file or as an RFC 3161 time stamp: only against it a chain shows that was cut off at its end.

    \b
    torwatch verify
    torwatch verify --head 5f0c…
    """
    from torwatch import evidence

    head = head.strip().lower()
    if head and not re.fullmatch(r"[0-9a-f]{64}", head):
        raise UsageError("--head takes a sha256, 64 hex digits, as `torwatch verify` prints it")
    with progress_bar("checking") as progress:
        verdict = evidence.verify(the_store(), the_config().archive_directory, head=head, progress=progress)
    if as_json:
        from dataclasses import asdict

        print_json(asdict(verdict))
    else:
        for line in verdict.breaks:
            click.echo(line)
        found = f"{len(verdict.breaks)} breaks" if verdict.breaks else "no break"
        click.echo(f"{verdict.snapshots} snapshots, {verdict.records} records: {found}.")
        click.echo(f"Chain head: {verdict.head or 'none yet'}")
        for note in verdict.notes:
            click.echo(f"Note: {note}.")
    if verdict.breaks:
        context.exit(1)
