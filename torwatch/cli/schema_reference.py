"""docs/schema.md, written from a database as this version makes it and from the descriptions that datasette shows."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torwatch.charting import all_charts
from torwatch.report.columns import SOURCES, WATCH, describe_column, describe_tables
from torwatch.report.datasette import TABLES
from torwatch.report.queries import QUERIES
from torwatch.store.database import open_store
from torwatch.store.entities import ENTITIES
from torwatch.store.schema import WORKING_TABLE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torwatch.store.database import Store

HEAD = """# The database

Written from the program by `make docs`; do not edit it by hand.

One SQLite file, `torwatch.db` in the data folder. Read it with anything that reads SQLite; `torwatch serve` opens it in datasette with
these descriptions. Times are ISO 8601 in UTC. What a market shows is stored **as displayed**, beside what was made of it; empty (NULL)
means that the page shows that there is none.

- A **claim** (title, price, ship-from …) gives a `change` row when it differs; a **counter** (views, sales, stock, last seen) moves by
  itself and goes to a series; what is **derived** (claimed origin, substance group, converted price) is made anew when a normaliser gets
  better and never counts as a change.
- `standing = 1`: offered as far as is known. A listing that one snapshot did not see still stands: it went only when its own page says
  so, or when as many complete snapshots in a row as `hold.confirm_misses` says did not see it.
- Replaying the rows of `change` up to a snapshot gives the state at that snapshot exactly.
"""
WORKING_HEAD = """
## Working tables

Hidden in datasette, of use to torwatch only, and different in the next version without notice: """


def write_schema_reference() -> str:
    """docs/schema.md: every table and view with its columns, and the canned queries."""
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "torwatch.db") as store:
        tables, views = (list(describe_kind(store, kind)) for kind in ("table", "view"))
    queries = [
        "\n## Canned queries\n\n| name | answers |\n|---|---|",
        *(f"| `{one.name}` | {one.title}. {one.description} |" for one in QUERIES),
        *(f"| `chart_{one.name}` | {one.title}. {one.description} |" for one in all_charts(dt.date.max)),
    ]
    working = WORKING_HEAD + ", ".join(f"`{name}`" for name in sorted(WORKING_TABLE_NAMES)) + "."
    return "\n".join([HEAD, "## Tables\n", *tables, "\n## Views\n", *views, *queries, working]) + "\n"


def describe_kind(store: Store, kind: str) -> Iterator[str]:
    """A section for each table or view that people read."""
    hidden = {*WORKING_TABLE_NAMES, "_sqlite_migrations"}
    for row in store.rows(
        "SELECT name FROM sqlite_master WHERE type = ? AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name", (kind,)
    ):
        if row["name"] not in hidden:
            yield describe_table(store, row["name"])


def describe_table(store: Store, name: str) -> str:
    """Name, description and columns of one table or view."""
    facts: dict[str, Any] = dict(TABLES.get(name, {}))
    said = {one.name: {column.name: column.description for column in (*one.claims, *one.counters)} for one in ENTITIES}
    said = describe_tables(TABLES, said)
    links = {row["from"]: f"→ `{row['table']}`" for row in store.rows(f"PRAGMA foreign_key_list({name})")}
    lines = [
        f"### {name}\n",
        facts.get("description", ""),
        f"\nSource: {SOURCES.get(name, WATCH)}.",
        "\n| column | type | meaning |\n|---|---|---|",
    ]
    for column in store.rows(f"PRAGMA table_info({name})"):
        meaning = " ".join(filter(None, (describe_column(name, column["name"], said), links.get(column["name"], ""))))
        lines.append(f"| `{column['name']}` | {column['type'].lower()} | {meaning.replace('|', chr(92) + '|')} |")
    return "\n".join([*lines, ""])
