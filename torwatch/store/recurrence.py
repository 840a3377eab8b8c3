"""Recurrence: a row of an imported file that is, sign for sign, the row its listing was last imported from says what is known already.

Such a row is staged from the listing's own claims, without being read again. That holds while the newest snapshot of the market is the
import that left the memory, by the same layout and the same version, and nothing was rolled back or forgotten since; else the memory is
dropped and begins anew. It may be empty at any time: then every row is read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from torwatch.model import Source
from torwatch.store.entities import LISTING, VENDOR
from torwatch.store.precedence import SOURCE_BIT
from torwatch.store.tables import has_table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

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


def find_known(connection: sqlite3.Connection, market_id: int, digests: Sequence[str]) -> dict[int, int]:
    """Place in `digests` → id of the listing that was last imported from that very row."""
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples: this runs for every row of a file
    cursor.execute(
        "SELECT one.key, known.listing_id FROM json_each(?) AS one CROSS JOIN imported_row AS known"
        " ON known.market_id = ? AND known.digest = one.value",
        (json.dumps(digests), market_id),
    )
    return dict(cursor)


def find_ids(connection: sqlite3.Connection, market_id: int, keys: Sequence[str]) -> dict[str, int]:
    """Key → id of those of these listings that are known."""
    found = connection.execute(
        "SELECT key, id FROM listing WHERE market_id = ? AND key IN (SELECT value FROM json_each(?))", (market_id, json.dumps(keys))
    )
    return dict(map(tuple, found))


def stage_known(connection: sqlite3.Connection, snapshot_id: int, listings: Sequence[int], shown: frozenset[str]) -> int:
    """Stage listings as they are known, with the claims `shown` by the file; gives how many were not staged yet."""
    claims = [column.name for column in LISTING.claims if column.name in shown]
    columns = ["key", *claims, *(column.name for column in LISTING.counters), "path"]
    return connection.execute(
        f"INSERT OR IGNORE INTO stage_listing (snapshot_id, source, {', '.join(columns)})"
        f" SELECT ?, {SOURCE_BIT[Source.DETAIL]}, {', '.join(f'listing.{column}' for column in columns)}"
        " FROM json_each(?) AS one CROSS JOIN listing ON listing.id = one.value",
        (snapshot_id, json.dumps(listings)),
    ).rowcount


def note_fresh(connection: sqlite3.Connection, rows: Iterable[tuple[str, str | None]]) -> None:
    """Note (key, digest) of the rows that were read and staged; no digest: one that must be read each time."""
    connection.executemany("INSERT INTO fresh_row (key, digest) VALUES (?, ?)", rows)


def stage_vendors(connection: sqlite3.Connection, snapshot_id: int) -> None:
    """Stage the vendors that the staged listings name, where they are not yet."""
    connection.execute(
        f"INSERT OR IGNORE INTO {VENDOR.stage_table} (snapshot_id, key, source, name)"
        f" SELECT DISTINCT snapshot_id, vendor, {SOURCE_BIT[Source.INDEX]}, vendor FROM stage_listing"
        " WHERE snapshot_id = ? AND vendor IS NOT NULL",
        (snapshot_id,),
    )


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
