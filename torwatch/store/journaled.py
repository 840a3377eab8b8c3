"""The rows that no archived page can tell: queued by triggers with the write that makes them, handed to the journal after its commit.

So nothing that writes such a row needs to know of the journal, and a kill between commit and journal loses nothing: what waits in the
queue is handed over the next time. A line may then be written twice; the newest line of a row holds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

# Table → which of its rows, "" for all; in the order in which they can be written with their references.
JOURNALED = {
    "market": "",
    "target": "",
    "mirror": "",
    "session": "",
    "mirror_visit": "",
    "canary_visit": "",
    "snapshot": "",
    "hold": "",
    "rate": "market_id IS NULL",  # a market's own quotes are read from its pages
    "event": "",
    "manifest": "",
}
# Table → which of its rows belong to a snapshot ("ended"): these move with every page, so they are queued when the snapshot ends.
AT_THE_END = {
    "second_pass_list": "snapshot_id = ended.id",
    "second_pass_page": "snapshot_id = ended.id",
    "spending": "target_id = ended.target_id AND day >= substr(ended.started_at, 1, 10)",
}
ENDS = "journal_snapshot_ends"
ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Queued:
    """One row as it was written, or the key of one that was deleted."""

    id: int
    at: str
    entity: str
    gone: bool
    fields: dict[str, Any]


def has_triggers(connection: sqlite3.Connection) -> bool:
    """Whether the triggers were made."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (ENDS,)).fetchone() is not None


def renew_triggers(connection: sqlite3.Connection) -> None:
    """Make the triggers anew for the columns that the tables have now; rows of a table that had none are queued as they stand."""
    had = {
        row[0]
        for row in connection.execute("SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'journal\\_%' ESCAPE '\\'")
    }
    for table, which in JOURNALED.items():
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        key = [column for column in columns if column[5]]
        for act, alias, chosen, gone in (("insert", "new", columns, 0), ("update", "new", columns, 0), ("delete", "old", key, 1)):
            name = f"journal_{table}_{act}"
            when = f" WHEN {alias}.{which}" if which else ""
            connection.execute(f"DROP TRIGGER IF EXISTS {name}")
            connection.execute(
                f"CREATE TRIGGER {name} AFTER {act} ON {table}{when} BEGIN INSERT INTO journal_queue (entity, gone, fields)"
                f" VALUES ('{table}', {gone}, {object_sql(chosen, f'{alias}.')}); END"
            )
        if table not in had:
            where = f" WHERE {which}" if which else ""
            connection.execute(f"INSERT INTO journal_queue (entity, fields) SELECT '{table}', {object_sql(columns)} FROM {table}{where}")
    renew_end_trigger(connection)


def renew_end_trigger(connection: sqlite3.Connection) -> None:
    """Make the trigger that queues, when a snapshot ends, the rows that moved with its pages; where there was none, those of ended ones."""
    fresh = not has_triggers(connection)
    connection.execute(f"DROP TRIGGER IF EXISTS {ENDS}")
    steps = []
    for table, which in AT_THE_END.items():
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        names = [column for column in columns if column[2] != "BLOB"]  # JSON holds none: sets of ids are made again with the history
        into = f"INSERT INTO journal_queue (entity, fields) SELECT '{table}', {object_sql(names)} FROM {table}"
        steps.append(f"{into} WHERE {which.replace('ended.', 'new.')};")
        if fresh:
            connection.execute(f"{into} WHERE EXISTS (SELECT 1 FROM snapshot AS ended WHERE ended.state <> 'running' AND {which})")
    connection.execute(
        f"CREATE TRIGGER {ENDS} AFTER UPDATE OF state ON snapshot WHEN old.state = 'running' AND new.state <> 'running'"
        f" BEGIN {' '.join(steps)} END"
    )


def object_sql(columns: Iterable[Any], alias: str = "") -> str:
    """SQL of a JSON object of the columns, which are rows of `PRAGMA table_info`; numbers keep all their digits."""
    pairs = []
    for column in columns:
        value = f"{alias}{column[1]}"
        if column[2] == "REAL":
            value = f"CASE WHEN {value} IS NOT NULL THEN json(printf('%!.17g', {value})) END"
        pairs.append(f"'{column[1]}', {value}")
    return f"json_object({', '.join(pairs)})"


def waiting(connection: sqlite3.Connection) -> list[Queued]:
    """The oldest rows that wait for the journal."""
    rows = connection.execute("SELECT id, at, entity, gone, fields FROM journal_queue ORDER BY id LIMIT ?", (ROWS_AT_ONCE,))
    return [Queued(row[0], row[1], row[2], bool(row[3]), json.loads(row[4])) for row in rows]


def drop_waiting(connection: sqlite3.Connection, through: int) -> None:
    """Take out of the queue what the journal has."""
    connection.execute("DELETE FROM journal_queue WHERE id <= ?", (through,))


def told_rows(connection: sqlite3.Connection, table: str) -> Iterator[dict[str, Any]]:
    """The rows of a journaled table as the journal is to have them."""
    where = f" WHERE {JOURNALED[table]}" if JOURNALED[table] else ""
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    return (json.loads(row[0]) for row in connection.execute(f"SELECT {object_sql(columns)} FROM {table}{where}"))


def waiting_keys(connection: sqlite3.Connection) -> dict[tuple[str, tuple[Any, ...]], bool]:
    """(table, key) of every row that waits for the journal, and whether it was deleted."""
    keys = {table: key_columns(connection, table) for table in JOURNALED}
    rows = connection.execute("SELECT entity, fields, gone FROM journal_queue ORDER BY id").fetchall()
    told = [(entity, json.loads(fields), bool(gone)) for entity, fields, gone in rows if entity in keys]
    return {(entity, tuple(fields[name] for name in keys[entity])): gone for entity, fields, gone in told}


def put_rows(connection: sqlite3.Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as the journal has them; fields that the table does not have (of another version) are left out."""
    known = [column[1] for column in connection.execute(f"PRAGMA table_info({table})")]
    for fields in rows:
        chosen = [name for name in known if name in fields]
        connection.execute(
            f"INSERT INTO {table} ({', '.join(chosen)}) VALUES ({', '.join('?' * len(chosen))})", [fields[name] for name in chosen]
        )


def key_columns(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    """The columns that tell one row of a table from another."""
    return tuple(column[1] for column in connection.execute(f"PRAGMA table_info({table})") if column[5])
