"""Backups of the database: taken while it is in use, verified, whole or not at all; and its check and compaction."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from torwatch.errors import StoreError, UsageError
from torwatch.store.database import translate_errors

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from torwatch.store.database import Store

SIDES = ("-wal", "-shm", "-journal", ".part")
NAMED = re.compile(r"torwatch-\d{4}-\d\d-\d\dT\d{6}\.db")
PAGES_AT_ONCE = 4096  # copied between two looks at the progress


def backup_path(data_directory: Path, now: dt.datetime) -> Path:
    """Where a backup of this moment goes; makes its folder. Raises StoreError when that cannot be made."""
    folder = data_directory / "backups"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {folder} cannot be made: {error.strerror}") from error
    return folder / f"torwatch-{now:%Y-%m-%dT%H%M%S}.db"


def backup_before(database: Path, migration: str) -> Path:
    """Where the backup before a migration goes; one that is there, of an upgrade that was killed or taken back, stays."""
    first = database.with_name(f"{database.name}.before-{migration}")
    number, keep = 1, first
    while keep.exists():
        number += 1
        keep = first.with_name(f"{first.name}-{number}")
    return keep


def drop_old_backups(folder: Path, keep: int) -> list[Path]:
    """Delete all but the newest `keep` backups that `backup_path` named; gives those that went."""
    named = sorted(path for path in folder.glob("torwatch-*.db") if NAMED.fullmatch(path.name))
    for path in named[:-keep]:
        path.unlink()
    return named[:-keep]


def back_up(connection: sqlite3.Connection, target: Path, progress: Callable[[int, int], None] = lambda _done, _of: None) -> int:
    """Copy the database of an open connection to `target` and verify the copy; gives its size in bytes.

    `progress` gets (pages copied, pages in all). Raises UsageError when the target is there already, StoreError when the copy is not whole.
    """
    if target.exists():
        raise UsageError(f"{target} is there already: give another name, a backup never replaces one")
    scratch = target.with_name(target.name + ".part")
    scratch.unlink(missing_ok=True)
    try:
        with contextlib.closing(sqlite3.connect(scratch)) as copy:
            scratch.chmod(0o600)
            connection.backup(copy, pages=PAGES_AT_ONCE, progress=lambda _status, left, total: progress(total - left, total))
            faults = find_faults(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        if faults:
            raise StoreError(f"the copy is not whole ({faults[0]}): run `torwatch db check`, and check the disk")
        scratch.replace(target)
    except sqlite3.Error as error:
        raise StoreError(f"the backup {target} cannot be made ({error}): check its folder and the free space") from error
    finally:
        scratch.unlink(missing_ok=True)
    return target.stat().st_size


def known_backups(store: Store) -> tuple[list[Path], list[str]]:
    """(the copies of a database that torwatch itself made and that are there, those that are not where they were made).

    Before migrations and rebuilds, by timers, and on request; one that `drop_old_backups` deleted is in neither.
    """
    data = store.path.parent
    found = (*data.glob(f"{store.path.name}.before-*"), *(data / "backups").glob("*.db"))
    ours = {path for path in found if not path.name.endswith(SIDES)}
    asked = {Path(row["file"]) for row in store.rows("SELECT json_extract(detail, '$.file') AS file FROM event WHERE kind = 'backed_up'")}
    elsewhere = {path for path in asked if path.parent != data / "backups"}
    return sorted(path for path in ours | elsewhere if path.is_file()), sorted(str(path) for path in elsewhere if not path.is_file())


def unfinished_files(database: Path) -> list[Path]:
    """What a kill left of backups, and of a rebuild that was never finished."""
    data = database.parent
    return [*data.glob(f"{database.name}*.part*"), *data.glob(f"{database.name}.rebuilding*"), *(data / "backups").glob("*.part*")]


def find_faults(connection: sqlite3.Connection) -> list[str]:
    """What SQLite's own checks find: damage, and rows that refer to rows that are not there."""
    found = []
    try:
        found += [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        for table, row, other, _ in connection.execute("PRAGMA foreign_key_check"):
            found.append(f"{table}: row {row} refers to a row of {other} that is not there")
    except sqlite3.DatabaseError as error:  # too damaged even to be checked to the end
        found.append(str(error))
    return found


def compact(connection: sqlite3.Connection, path: Path) -> tuple[int, int]:
    """Give back unused space; gives the size in bytes (before, after). Raises StoreError, and all is as it was."""
    with translate_errors(path):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        before = path.stat().st_size
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return before, path.stat().st_size
