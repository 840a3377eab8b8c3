"""`torwatch serve`: datasette on the live database, with our metadata."""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import os
import sys

import click

from torwatch.cli.context import the_config, the_store
from torwatch.errors import UsageError


@click.command()
@click.option("--host", help="Address to listen on; else serve.host of the configuration. There is no password: keep it on this machine.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 for any free one; else serve.port of the configuration.")
@click.option("--open", "open_browser", is_flag=True, help="Open it in a browser.")
@click.option("--metadata-only", is_flag=True, help="Print the metadata as JSON and leave: for a datasette of your own.")
def serve(host: str | None, port: int | None, *, open_browser: bool, metadata_only: bool) -> None:
    """Open the database in datasette, read-only, while the daemon goes on writing it. Ctrl-C ends it."""
    from torwatch.charting import all_charts
    from torwatch.report.datasette import TABLES, build_metadata
    from torwatch.report.datasette_command import command_line
    from torwatch.store.entities import ENTITIES
    from torwatch.store.schema import WORKING_TABLE_NAMES

    config = the_config()
    store = the_store()
    described = {
        entity.name: {column.name: column.description for column in (*entity.claims, *entity.counters) if column.description}
        for entity in ENTITIES
    }
    charts = all_charts(dt.datetime.now(dt.UTC).date())
    hidden = (*WORKING_TABLE_NAMES, "_sqlite_migrations")
    present = {name: [row["name"] for row in store.rows(f"PRAGMA table_info({name})")] for name in TABLES}
    metadata = build_metadata(described, hidden, charts, present)
    if metadata_only:
        click.echo(json.dumps(metadata, indent=2))
        return
    if importlib.util.find_spec("datasette") is None:
        raise UsageError("datasette is not installed: pip install 'torwatch[datasette]'")
    path = config.data_directory / "datasette.json"
    path.write_text(json.dumps(metadata, indent=2), encoding="utf-8")
    arguments = command_line(str(config.database_path), str(path), host or config.serve.host, config.serve.port if port is None else port)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "datasette", *arguments, *(["--open"] if open_browser else [])])  # noqa: S606 - datasette takes our place
