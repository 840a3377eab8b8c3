"""A database that is being made again: what its rows come from, how far it is, and how it takes the place of another."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

from torwatch.errors import StoreError
from torwatch.store.journaled import put_rows, told_rows
from torwatch.store.signals import take_as_told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from torwatch.store.database import Store

MARK = "rebuild_mark"  # a table that is there while the work is under way
SIDE_FILES = ("-wal", "-shm")


def work_path(target: Path) -> Path:
    """Where a database is made before it takes the place of `target`."""
    return target.with_name(target.name + ".rebuilding")


def begun_from(work: Path) -> str:
    """The digest of the journal from which an unfinished database was begun; "" when that cannot be told."""
    with contextlib.closing(sqlite3.connect(work)) as connection, contextlib.suppress(sqlite3.DatabaseError):
        return str(connection.execute(f"SELECT journal FROM {MARK}").fetchone()[0])
    return ""


def is_begun(store: Store) -> bool:
    """Whether the rows of the journal are written already."""
    return store.value("SELECT 1 FROM sqlite_master WHERE name = ?", (MARK,)) is not None


def begin(connection: sqlite3.Connection, journal_digest: str, rows: Mapping[str, Iterable[dict[str, Any]]], ended: set[int]) -> None:
    """Write every row that the journal has; a snapshot without a number of pages is one that is still to be made."""
    connection.execute(f"CREATE TABLE {MARK} (journal TEXT NOT NULL)")
    connection.execute(f"INSERT INTO {MARK} VALUES (?)", (journal_digest,))
    for table, recorded in rows.items():
        unmade = ended if table == "snapshot" else set()
        put_rows(connection, table, (fields | {"pages": None} if fields.get("id") in unmade else fields for fields in recorded))


def still_to_make(store: Store) -> set[int]:
    """The snapshots that ended and are not made again yet."""
    return {row[0] for row in store.rows("SELECT id FROM snapshot WHERE pages IS NULL AND state <> 'running'")}


TOTALS = ("announced_listings", "listings", "vendors", "new_feedback", "pages", "received_bytes")


def restore_totals(connection: sqlite3.Connection, fields: Mapping[str, Any]) -> None:
    """Give a snapshot the totals that it had: of what was forgotten since, counts stay."""
    assignments = ", ".join(f"{name} = :{name}" for name in TOTALS)
    connection.execute(f"UPDATE snapshot SET {assignments} WHERE id = :id", {name: fields[name] for name in ("id", *TOTALS)})


def finish(connection: sqlite3.Connection, recorded: Mapping[int, Mapping[str, Any]]) -> None:
    """Take out what only the work needed, and count as told what is old: the journal does not say which alerts there were.

    `recorded` has the snapshots as the journal has them, by number: of one that came out otherwise the journal is to be told.
    """
    take_as_told(connection)
    connection.execute(f"DROP TABLE {MARK}")
    connection.execute("DELETE FROM journal_queue")  # the journal has these rows: they came from it
    for row in list(told_rows(connection, "snapshot")):
        if any(row[name] != value for name, value in recorded.get(row["id"], {}).items() if name in row):
            connection.execute("UPDATE snapshot SET id = id WHERE id = ?", (row["id"],))  # which queues it


def put_in_place(work: Path, target: Path) -> Path | None:
    """Let a finished, closed database take the place of `target`; gives where the one that was there lies now. Raises StoreError."""
    try:
        kept = set_aside(target) if target.exists() else None
        work.replace(target)
    except OSError as error:
        raise StoreError(f"{target} cannot be put in place: {error.strerror}; the finished database is {work}") from error
    return kept


def set_aside(target: Path) -> Path:
    """Give a database a name under which it is kept."""
    number = 1
    while (kept := target.with_name(f"{target.name}.before-rebuild-{number}")).exists():
        number += 1
    for side in ("", *SIDE_FILES):
        file = target.with_name(target.name + side)
        if file.exists():
            file.rename(kept.with_name(kept.name + side))
    return kept


def discard(work: Path) -> None:
    """Delete an unfinished database."""
    for side in ("", *SIDE_FILES):
        work.with_name(work.name + side).unlink(missing_ok=True)
