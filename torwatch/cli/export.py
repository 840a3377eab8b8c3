"""`torwatch export`: listings, vendors, changes and snapshots as files for other tools, or as a public data set."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import click

from torwatch.cli.context import the_config, the_store
from torwatch.errors import UsageError


@click.command()
@click.option(
    "--format", "form", type=click.Choice(("csv", "jsonl", "parquet")), default="csv", show_default=True, help="Form of the files."
)
@click.option("--public", is_flag=True, help="Withhold free text, hash pseudonyms, bin what few share: for publication.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("torwatch-export"),
    show_default=True,
    help="Folder to write.",
)
@click.option("--force", is_flag=True, help="Write into a folder that is not empty.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def export(form: str, output: Path, *, public: bool, force: bool, as_json: bool) -> None:
    """Write the tables as files, all of the same moment, with a data dictionary and a citation file.

    \b
    torwatch export --format parquet -o watch       partitioned by market and month
    torwatch export --public -o for-the-archive     for others: no texts, no names
    """
    from torwatch import __version__
    from torwatch.assembly import utc_now
    from torwatch.normalise.text import csv_cell, visible
    from torwatch.report.export import TABLES, cite_export, describe_export, export_table
    from torwatch.report.guard import Guard, small_cells
    from torwatch.store.reader import open_reader, stream

    the_store()  # makes sure that it exists and is of this version
    if output.exists() and any(output.iterdir()) and not force:
        raise UsageError(f"{output} is not empty: name another folder with --output, or write into it with --force")
    output.mkdir(parents=True, exist_ok=True)
    made_at, secret, counts = utc_now().isoformat(timespec="seconds"), secrets.token_bytes(32), {}
    with open_reader(the_config().database_path) as connection, click.progressbar(TABLES, label="Exporting", hidden=as_json) as bar:
        for table in bar:
            guard = Guard(secret, small_cells(table, stream(connection, table.sql))) if public else None
            counts[table.name] = export_table(
                output, table, stream(connection, table.sql), form, guard, clean=lambda cell: csv_cell(visible(cell))
            )
    dictionary = describe_export(counts, made_at=made_at, version=__version__, public=public)
    (output / "dictionary.json").write_text(json.dumps(dictionary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (output / "CITATION.cff").write_text(cite_export(made_at=made_at, version=__version__), encoding="utf-8")
    if as_json:
        click.echo(json.dumps({"folder": str(output), "format": form, "public": public, "rows": counts}))
        return
    click.echo(f"Wrote {', '.join(f'{number} {name}' for name, number in counts.items())} to {output}.")
