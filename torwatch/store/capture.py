"""A capture: whom one pass of a snapshot saw, as a compact set of ids: ascending differences as variable-length integers, then zlib.

Exactly recoverable. Complete first passes need none: whom they saw follows from the spells.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from torwatch.store.entities import Entity

FIRST = "A"  # pass of a snapshot that the history believes
SECOND = "B"  # its independent sample
HELD = "H"  # the first pass of a snapshot that is held for a fall; no history reads it

CONTINUE = 0x80
LOW_BITS = 0x7F


def encode_ids(ids: Iterable[int]) -> bytes:
    """Encode a set of positive ids; the order and repeats of `ids` do not matter."""
    out = bytearray()
    previous = 0
    for value in sorted(set(ids)):
        step = value - previous
        previous = value
        while step > LOW_BITS:
            out.append(step & LOW_BITS | CONTINUE)
            step >>= 7
        out.append(step)
    return zlib.compress(bytes(out), 9)


def decode_ids(data: bytes) -> list[int]:
    """Give back the ids, ascending."""
    ids = []
    value = step = shift = 0
    for byte in zlib.decompress(data):
        step |= (byte & LOW_BITS) << shift
        if byte & CONTINUE:
            shift += 7
            continue
        value += step
        ids.append(value)
        step = shift = 0
    return ids


def known_ids(connection: sqlite3.Connection, entity: Entity, snapshot_id: int, market_id: int) -> set[int]:
    """The ids of those staged by a snapshot that the history of its market knows."""
    rows = connection.execute(
        f"SELECT e.id FROM {entity.stage_table} AS s JOIN {entity.name} AS e ON e.market_id = ? AND e.key = s.key WHERE s.snapshot_id = ?"
        f" UNION SELECT id FROM {entity.unchanged_table}",
        (market_id, snapshot_id),
    )
    return {row[0] for row in rows}


def keep(connection: sqlite3.Connection, snapshot_id: int, entity: Entity, pass_name: str, ids: Collection[int]) -> None:
    """Keep whom a pass of a snapshot saw, in place of what was kept of it before; inside the caller's transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO capture (snapshot_id, entity, pass, size, ids) VALUES (?, ?, ?, ?, ?)",
        (snapshot_id, entity.name, pass_name, len(ids), encode_ids(ids)),
    )
