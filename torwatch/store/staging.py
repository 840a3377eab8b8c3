"""Staging: what the pages of a running snapshot said, kept apart until the snapshot ends and is diffed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torwatch.store.entities import ENTITIES, LISTING, VENDOR, Entity
from torwatch.store.precedence import SOURCE_BIT

if TYPE_CHECKING:
    import sqlite3

    from torwatch.model import Source

Row = Mapping[str, Any]

FEEDBACK_COLUMNS = (
    "key",
    "vendor",
    "listing_key",
    "product",
    "buyer_hash",
    "body",
    "rating",
    "stars",
    "price_text",
    "date",
    "age",
    "delivery",
)


@dataclass(frozen=True, slots=True)
class EntityRow:
    """One claim row: the values are by column name of the entity; absent names are stored as NULL."""

    key: str
    source: Source
    values: Row
    path: str | None = None
    row_digest: str | None = None
    promoted: bool = False


@dataclass(frozen=True, slots=True)
class StagedPage:
    """All that one page gave, ready for the staging tables."""

    listings: tuple[EntityRow, ...] = ()
    vendors: tuple[EntityRow, ...] = ()
    feedback: tuple[Row, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()  # (digest, body)
    scope: str = ""  # which list an index page belongs to
    total: int | None = None  # entries that the market counts in that list
    pages: int | None = None
    fills: tuple[tuple[str, str, int, int], ...] = field(default=())  # (kind, field, filled, records)
    rates: tuple[tuple[str, str, str], ...] = ()  # (base, quote, rate) as the page's own double quotes say


def stage_pages(connection: sqlite3.Connection, snapshot_id: int, pages: Sequence[StagedPage]) -> None:
    """Add the rows of a group of pages; a key met again from the same source keeps its normal row over a promoted one."""
    stage_entity(connection, LISTING, snapshot_id, (row for page in pages for row in page.listings))
    stage_entity(connection, VENDOR, snapshot_id, (row for page in pages for row in page.vendors))
    connection.executemany("INSERT OR IGNORE INTO text (digest, body) VALUES (?, ?)", [text for page in pages for text in page.texts])
    connection.executemany(
        f"INSERT OR IGNORE INTO stage_feedback (snapshot_id, {', '.join(FEEDBACK_COLUMNS)})"
        f" VALUES ({', '.join('?' * (len(FEEDBACK_COLUMNS) + 1))})",
        [(snapshot_id, *(row.get(column) for column in FEEDBACK_COLUMNS)) for page in pages for row in page.feedback],
    )
    connection.executemany(
        "INSERT INTO stage_rate (snapshot_id, base, quote, rate) VALUES (?, ?, ?, ?)",
        [(snapshot_id, *rate) for page in pages for rate in page.rates],
    )
    with_total = [page for page in pages if page.total is not None or page.pages is not None]
    connection.executemany(
        "INSERT INTO stage_total (snapshot_id, scope, total, pages) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " total = max(coalesce(total, 0), coalesce(excluded.total, total, 0)), pages = coalesce(excluded.pages, pages)",
        [(snapshot_id, page.scope, page.total, page.pages) for page in with_total],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO stage_scope (snapshot_id, scope, key) VALUES (?, ?, ?)",
        [(snapshot_id, page.scope, row.key) for page in with_total for row in page.listings],
    )
    connection.executemany(
        "INSERT INTO stage_fill (snapshot_id, kind, field, filled, records) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " filled = filled + excluded.filled, records = records + excluded.records",
        [(snapshot_id, *fill) for page in pages for fill in page.fills],
    )


def stage_entity(connection: sqlite3.Connection, entity: Entity, snapshot_id: int, rows: Iterable[EntityRow]) -> None:
    """Insert the rows of one entity; of one key and source the first normal row wins, also over a promoted one that came earlier."""
    shown = [column.name for column in (*entity.claims, *entity.counters)]
    columns = [*shown, "path", "row_digest", "promoted"]
    renewed = ", ".join(f"{column} = excluded.{column}" for column in columns)
    connection.executemany(
        f"INSERT INTO {entity.stage_table} (snapshot_id, key, source, {', '.join(columns)}) VALUES ({', '.join('?' * (len(columns) + 3))})"
        f" ON CONFLICT DO UPDATE SET {renewed} WHERE {entity.stage_table}.promoted AND NOT excluded.promoted",
        (
            (snapshot_id, row.key, SOURCE_BIT[row.source], *map(row.values.get, shown), row.path, row.row_digest, int(row.promoted))
            for row in rows
        ),
    )


def stage_unchanged(connection: sqlite3.Connection, entity: Entity, ids: Collection[int]) -> None:
    """Stage those that a source shows just as it did in the snapshot before, by their ids alone: nothing of theirs need be compared.

    They stand, nothing misses them, no claim or counter of theirs moves, and no row of theirs is staged beside. In the transaction of the diff.
    """
    connection.execute(f"INSERT INTO {entity.unchanged_table} (id) SELECT value FROM json_each(?)", (json.dumps(list(ids)),))


def count_staged(connection: sqlite3.Connection, entity: Entity, snapshot_id: int) -> int:
    """How many distinct ones are staged, unchanged ones among them."""
    count: int = connection.execute(
        f"SELECT (SELECT count(DISTINCT key) FROM {entity.stage_table} WHERE snapshot_id = ?) + (SELECT count(*) FROM {entity.unchanged_table})",
        (snapshot_id,),
    ).fetchone()[0]
    return count


def staged_keys(connection: sqlite3.Connection, snapshot_id: int, keys: Sequence[str]) -> set[str]:
    """Which of these keys of listings are staged for a snapshot already."""
    found = connection.execute(
        "SELECT key FROM stage_listing WHERE snapshot_id = ? AND key IN (SELECT value FROM json_each(?))", (snapshot_id, json.dumps(keys))
    )
    return {row[0] for row in found}


STAGE_TABLES = ("stage_listing", "stage_vendor", "stage_feedback", "stage_total", "stage_scope", "stage_fill", "stage_rate")


def clear(connection: sqlite3.Connection, snapshot_id: int) -> None:
    """Drop what was staged for a snapshot, once it is diffed or rejected."""
    for entity in ENTITIES:
        connection.execute(f"DELETE FROM {entity.unchanged_table}")
    for table in STAGE_TABLES:
        others = f"SELECT EXISTS (SELECT 1 FROM {table} WHERE snapshot_id < ?1) OR EXISTS (SELECT 1 FROM {table} WHERE snapshot_id > ?1)"
        shared = connection.execute(others, (snapshot_id,)).fetchone()[0]
        # Without a condition SQLite drops whole pages instead of row after row.
        connection.execute(*(f"DELETE FROM {table} WHERE snapshot_id = ?", (snapshot_id,)) if shared else (f"DELETE FROM {table}",))
