"""How datasette is started on the live database: read-only, within limits, with our static files and plugins."""

from __future__ import annotations

from pathlib import Path

SHOWN_ROWS = 5_000
SETTINGS = {
    "sql_time_limit_ms": 20_000,
    "max_returned_rows": SHOWN_ROWS,
    "default_page_size": 50,
    "allow_download": "off",
    "facet_time_limit_ms": 2_000,
}


def command_line(database: str, metadata: str, host: str, port: int) -> list[str]:
    """Arguments of datasette for the live file; never immutable: that would miss the write-ahead log."""
    arguments = ["serve", database, "--metadata", metadata, "--host", host, "--port", str(port)]
    here = Path(__file__)
    arguments += ["--static", f"static-torwatch:{here.with_name('static')}", "--plugins-dir", str(here.with_name("plugins"))]
    for name, value in SETTINGS.items():
        arguments += ["--setting", name, str(value)]
    return arguments
