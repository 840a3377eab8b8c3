"""Rolling back: a market's history as it stood before a snapshot, so that the archive can be replayed from there on.

Nothing that a person decided and nothing of other markets is touched. Must run inside the caller's transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.store import capture
from torwatch.store.entities import ENTITIES, Entity
from torwatch.store.recurrence import drop_memory
from torwatch.store.second_pass import unsettle_second_passes

if TYPE_CHECKING:
    import sqlite3

LATER = "IN (SELECT id FROM snapshot WHERE market_id = :market AND id >= :snapshot)"


def roll_back(connection: sqlite3.Connection, *, market: int, snapshot: int) -> None:
    """Undo what `snapshot` and every later one of the market wrote; the snapshot rows themselves stay."""
    bound = {"market": market, "snapshot": snapshot}
    connection.execute(f"DELETE FROM feedback WHERE first_snapshot_id {LATER}", bound)
    for entity in ENTITIES:
        restore_claims(connection, entity, bound)
        restore_counters(connection, entity, bound)
        restore_spells(connection, entity, bound)
    unsettle_second_passes(connection, bound)
    for table in ("snapshot_page", "failure", "fill_rate", "capture", "feedback_shown", "change"):
        connection.execute(f"DELETE FROM {table} WHERE snapshot_id {LATER}", bound)
    for entity in reversed(ENTITIES):
        forget_new(connection, entity, bound)
    drop_memory(connection, market)
    connection.execute("DELETE FROM normalised WHERE market_id = :market", bound)  # claims went back without change rows: look at all again


def restore_claims(connection: sqlite3.Connection, entity: Entity, bound: dict[str, int]) -> None:
    """Give every changed claim the value it had before."""
    for column in entity.claims:
        connection.execute(
            f"UPDATE {entity.name} SET {column.name} = CAST(first.old AS {column.affinity}) FROM (SELECT key, old, min(id) FROM change"
            f" WHERE snapshot_id {LATER} AND entity = '{entity.name}' AND field = '{column.name}' GROUP BY key) AS first"
            f" WHERE {entity.name}.market_id = :market AND {entity.name}.key = first.key",
            bound,
        )


def restore_counters(connection: sqlite3.Connection, entity: Entity, bound: dict[str, int]) -> None:
    """Drop the later points of the counter series and show the newest that remains."""
    name, series = entity.name, entity.counter_table
    touched = f"SELECT {name}_id FROM {series} WHERE snapshot_id {LATER}"
    connection.execute(f"CREATE TEMP TABLE touched AS {touched}", bound)
    connection.execute(f"DELETE FROM {series} WHERE snapshot_id {LATER}", bound)
    for column in entity.counters:
        connection.execute(
            f"UPDATE {name} SET {column.name} = (SELECT {column.name} FROM {series} WHERE {series}.{name}_id = {name}.id"
            f" ORDER BY snapshot_id DESC LIMIT 1) WHERE id IN (SELECT {name}_id FROM temp.touched)"
        )
    connection.execute("DROP TABLE temp.touched")


def restore_spells(connection: sqlite3.Connection, entity: Entity, bound: dict[str, int]) -> None:
    """Drop later spells and misses, open again what was closed later, and set who stands."""
    named = {**bound, "entity": entity.name}
    connection.execute(f"DELETE FROM miss WHERE snapshot_id {LATER}", bound)
    connection.execute(f"DELETE FROM spell WHERE entity = :entity AND opened_snapshot_id {LATER}", named)
    ended = f"SELECT key FROM change WHERE snapshot_id {LATER} AND entity = :entity AND cause IN ('gone_explicit', 'missed')"
    connection.execute(
        "UPDATE spell SET why = NULL, last_seen_snapshot_id = NULL, first_missed_snapshot_id = NULL WHERE entity = :entity"
        " AND id IN (SELECT max(s.id) FROM spell AS s JOIN"
        f" {entity.name} AS e ON e.id = s.entity_id AND e.market_id = :market WHERE s.entity = :entity AND e.key IN ({ended}) GROUP BY s.entity_id)",
        named,
    )
    connection.execute(
        "UPDATE spell SET last_seen_snapshot_id = NULL, first_missed_snapshot_id = NULL WHERE entity = :entity AND why IS NULL"
        f" AND entity_id IN (SELECT id FROM {entity.name} WHERE market_id = :market)",
        named,
    )
    connection.execute(
        f"UPDATE {entity.name} SET standing = EXISTS (SELECT 1 FROM spell WHERE spell.entity = :entity AND spell.entity_id = {entity.name}.id"
        " AND spell.why IS NULL) WHERE market_id = :market",
        named,
    )
    restore_running_misses(connection, entity, named)


def restore_running_misses(connection: sqlite3.Connection, entity: Entity, named: dict[str, object]) -> None:
    """Set the first of the misses in a row with which an open spell ended before the snapshot."""
    earlier = connection.execute(
        "SELECT id, state FROM snapshot WHERE market_id = :market AND id < :snapshot AND state IN ('complete', 'partial') ORDER BY id DESC",
        named,
    ).fetchall()
    newest_complete = next((row["id"] for row in earlier if row["state"] == "complete"), None)
    if newest_complete is None:
        return
    candidates = connection.execute(
        "SELECT spell.id, spell.entity_id, spell.opened_snapshot_id FROM spell JOIN miss ON miss.spell_id = spell.id"
        f" AND miss.snapshot_id = ? JOIN {entity.name} AS e ON e.id = spell.entity_id WHERE spell.entity = ? AND spell.why IS NULL",
        (newest_complete, entity.name),
    ).fetchall()
    if not candidates:
        return
    seen_partial = {
        row["snapshot_id"]: set(capture.decode_ids(row["ids"]))
        for row in connection.execute("SELECT snapshot_id, ids FROM capture WHERE entity = ? AND pass = 'A'", (entity.name,))
    }
    for spell in candidates:
        missed = {row[0] for row in connection.execute("SELECT snapshot_id FROM miss WHERE spell_id = ?", (spell["id"],))}
        first_missed, last_seen = None, spell["opened_snapshot_id"]
        for row in earlier:
            if row["id"] < spell["opened_snapshot_id"]:
                break
            if row["state"] == "complete" and row["id"] in missed:
                first_missed = row["id"]
            elif row["state"] == "complete" or spell["entity_id"] in seen_partial.get(row["id"], ()):
                last_seen = row["id"]
                break
        if first_missed is not None:
            connection.execute(
                "UPDATE spell SET first_missed_snapshot_id = ?, last_seen_snapshot_id = ? WHERE id = ?",
                (first_missed, last_seen, spell["id"]),
            )


def forget_new(connection: sqlite3.Connection, entity: Entity, bound: dict[str, int]) -> None:
    """Delete what was first seen later, and the visits that were made later."""
    name = entity.name
    connection.execute(f"DELETE FROM {name}_visit WHERE first_snapshot_id {LATER}", bound)
    connection.execute(
        f"UPDATE {name}_visit SET at = '', row_digest = NULL, snapshot_id = first_snapshot_id WHERE snapshot_id {LATER}", bound
    )
    detail_bit = 4
    connection.execute(
        f"UPDATE {name} SET sources = sources & ~{detail_bit} WHERE market_id = :market"
        f" AND NOT EXISTS (SELECT 1 FROM {name}_visit WHERE {name}_visit.{name}_id = {name}.id)",
        bound,
    )
    if name == "vendor":
        gone = f"SELECT id FROM vendor WHERE first_snapshot_id {LATER}"
        connection.execute(f"UPDATE listing SET vendor_id = NULL WHERE vendor_id IN ({gone})", bound)
        connection.execute(f"UPDATE feedback SET vendor_id = NULL WHERE vendor_id IN ({gone})", bound)
    else:
        connection.execute(
            f"UPDATE feedback SET listing_id = NULL WHERE listing_id IN (SELECT id FROM listing WHERE first_snapshot_id {LATER})", bound
        )
    connection.execute(f"DELETE FROM {name} WHERE first_snapshot_id {LATER}", bound)
