"""Reading the database as it stands at one moment, row by row, without holding up whoever writes it."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

from torwatch.store.database import Store, check_header, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def open_to_look(path: Path) -> Store:
    """Open the database only to read, as it stands: nothing is migrated or written, and little has to be loaded.

    What cannot be looked at so (absent, damaged, of a torwatch without one of the tables looked at) is opened as `open_store` does, which
    says what is wrong or mends it.
    """
    try:
        check_header(path)
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error):
        return open_store(path, create=False)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("SELECT 1 FROM snapshot, session, hold, spending, rest LIMIT 0")
    except sqlite3.Error:
        connection.close()
        return open_store(path, create=False)
    return Store(path, connection)


@contextlib.contextmanager
def open_reader(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection in one read transaction: all that is read through it is of the same moment.

    One thread at a time may use it, not always the same: pyarrow reads in a thread of its own.
    """
    with contextlib.closing(
        sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
    ) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        yield connection


def stream(connection: sqlite3.Connection, sql: str) -> Iterator[dict[str, Any]]:
    """The rows of a query, one at a time."""
    for row in connection.execute(sql):
        yield dict(row)
