"""What is temporary in a connection: where it goes, and the tables that a running diff keeps to itself. Light, since every command opens the store."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

SEEN_UNCHANGED = ("listing", "vendor")


def unchanged_table(entity: str) -> str:
    """The table of the ids of those that the running snapshot saw just as the snapshot before it had."""
    return f"temp.unchanged_{entity}"


def make_temporary(connection: sqlite3.Connection, folder: Path) -> None:
    """The temporary tables of a connection that writes snapshots.

    What a diff compares grows with the market: all that is temporary and does not fit the cache goes to files without a name in `folder`, on
    the disk of the database, which is the one known to be large enough and encrypted.
    """
    connection.execute("PRAGMA temp_store = FILE")
    connection.execute("PRAGMA temp.cache_size = -8000").fetchall()
    if os.access(folder, os.W_OK | os.X_OK):  # else SQLite looks for another place
        quoted = str(folder.resolve()).replace("'", "''")
        connection.execute(f"PRAGMA temp_store_directory = '{quoted}'").fetchall()
    for entity in SEEN_UNCHANGED:
        connection.execute(f"CREATE TABLE {unchanged_table(entity)} (id INTEGER PRIMARY KEY)")
