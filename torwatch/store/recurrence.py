"""Recurrence: a row of an imported file that is, sign for sign, one of the file before says what is known already.

The listing of such a row is seen unchanged; the row is not read again. That holds while the newest snapshot of the market is the import that
left the memory, by the same layout and the same version, and nothing was rolled back or forgotten since; else the memory is dropped and
begins anew. It holds no row but the newest import's, so that all of its listings stand and none of them is missed. It may be empty at any
time: then every row is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.model import Source
from torwatch.store import staging
from torwatch.store.entities import LISTING, VENDOR
from torwatch.store.precedence import SOURCE_BIT
from torwatch.store.tables import has_table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from torwatch.store.snapshots import Snapshot


def begin_recurrence(connection: sqlite3.Connection, snapshot: Snapshot) -> None:
    """Keep the market's memory if it holds for the import `snapshot`, else drop it."""
    holds = connection.execute(
        "SELECT 1 FROM import_memory AS m JOIN snapshot AS old ON old.id = m.snapshot_id JOIN snapshot AS new ON new.id = ?1"
        " WHERE m.market_id = ?2 AND old.id = (SELECT max(id) FROM snapshot WHERE market_id = ?2 AND id <> ?1) AND old.source = 'import'"
        " AND old.parser_digest = new.parser_digest AND old.torwatch_version = new.torwatch_version",
        (snapshot.id, snapshot.market_id),
    ).fetchone()
    if holds is None:
        drop_memory(connection, snapshot.market_id)


def known_rows(connection: sqlite3.Connection, market_id: int) -> dict[str, int]:
    """Digest of each row that the newest import had → id of its listing."""
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples: a market may have many
    cursor.execute("SELECT digest, listing_id FROM imported_row WHERE market_id = ?", (market_id,))
    return dict(cursor)


def find_listing(connection: sqlite3.Connection, market_id: int, key: str) -> int | None:
    """The id of a listing, None for one never seen."""
    row = connection.execute("SELECT id FROM listing WHERE market_id = ? AND key = ?", (market_id, key)).fetchone()
    return row[0] if row else None


def stage_unchanged(connection: sqlite3.Connection, snapshot_id: int, listings: Collection[int]) -> None:
    """Stage listings whose rows recur, and the vendors that they name."""
    staging.stage_unchanged(connection, LISTING, listings)
    connection.execute(
        f"INSERT OR IGNORE INTO {VENDOR.stage_table} (snapshot_id, key, source, name) SELECT ?, vendor, {SOURCE_BIT[Source.INDEX]}, vendor"
        f" FROM (SELECT DISTINCT e.vendor FROM {LISTING.unchanged_table} AS same CROSS JOIN listing AS e ON e.id = same.id)"
        " WHERE vendor IS NOT NULL",
        (snapshot_id,),
    )


def forget_rows(connection: sqlite3.Connection, listings: Iterable[int]) -> None:
    """Remember no more the rows of listings that a file has otherwise, or not at all: of what is remembered, all stood at the newest import."""
    connection.executemany("DELETE FROM imported_row WHERE listing_id = ?", ((listing,) for listing in listings))


def note_fresh(connection: sqlite3.Connection, rows: Iterable[tuple[str, str]]) -> None:
    """Note (key, digest) of rows that were read and staged, and need not be read again."""
    connection.executemany("INSERT INTO fresh_row (key, digest) VALUES (?, ?)", rows)


def end_recurrence(connection: sqlite3.Connection, snapshot: Snapshot) -> None:
    """After the diff of `snapshot`: remember which rows its listings came from."""
    connection.execute(
        "INSERT OR REPLACE INTO imported_row (listing_id, market_id, digest) SELECT listing.id, listing.market_id, fresh.digest"
        " FROM fresh_row AS fresh CROSS JOIN listing ON listing.market_id = ? AND listing.key = fresh.key",
        (snapshot.market_id,),
    )
    connection.execute("INSERT OR REPLACE INTO import_memory (market_id, snapshot_id) VALUES (?, ?)", (snapshot.market_id, snapshot.id))
    connection.execute("DELETE FROM fresh_row")  # empty but inside an import's transaction


def drop_memory(connection: sqlite3.Connection, market_id: int) -> None:
    """Remember nothing of what was imported into a market; databases of older versions remember nothing anyway."""
    for table in ("import_memory", "imported_row"):
        if has_table(connection, table):
            connection.execute(f"DELETE FROM {table} WHERE market_id = ?", (market_id,))
