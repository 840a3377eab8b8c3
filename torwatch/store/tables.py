"""The tables that a database has, whatever its version: found by their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


def ordinary_tables(connection: sqlite3.Connection) -> list[str]:
    """The tables that hold rows of ours."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [row[0] for row in rows if not row[0].startswith(("sqlite_", "_sqlite", "listing_search"))]


def columns_of(connection: sqlite3.Connection, table: str) -> set[str]:
    """The names of a table's columns."""
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def tables_with(connection: sqlite3.Connection, column: str) -> list[str]:
    """The tables that have a column."""
    return [table for table in ordinary_tables(connection) if column in columns_of(connection, table)]


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Whether there is a table of this name."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)).fetchone() is not None


def has_trigger(connection: sqlite3.Connection, name: str) -> bool:
    """Whether there is a trigger of this name."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = ?", (name,)).fetchone() is not None
