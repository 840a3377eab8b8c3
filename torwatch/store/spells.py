"""Spells: when a listing or vendor stood, opened by the first sight and closed by complete misses or the market's own "gone".

Absence is not removal (design: measurement 2.2): only a complete snapshot counts a miss, and only the configured number of misses in
a row, or the market's own "gone", ends a spell. All of it runs inside the finalising transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.store import capture

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from torwatch.store.entities import Entity

# The newest complete snapshot in which the entity of `spell` was seen. The unary + makes SQLite walk back from the newest snapshot instead
# of sorting all of the market's.
SEEN_COMPLETE = (
    "(SELECT p.id FROM snapshot AS p WHERE +p.market_id = :market AND p.id < :snapshot AND p.state = 'complete'"
    " AND p.id >= spell.opened_snapshot_id"
    " AND NOT EXISTS (SELECT 1 FROM miss WHERE miss.spell_id = spell.id AND miss.snapshot_id = p.id) ORDER BY p.id DESC LIMIT 1)"
)


def open_spells(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object]) -> int:
    """Open a spell for what is new or back, from temp.merged. Gives the number of those that came back."""
    name = entity.name
    back: int = connection.execute(
        "INSERT INTO change (snapshot_id, market_id, entity, key, cause)"
        " SELECT :snapshot, :market, :entity, key, 'back' FROM temp.merged WHERE id IS NOT NULL AND was_standing = 0 ORDER BY key",
        bound,
    ).rowcount
    connection.execute(
        f"INSERT INTO spell (entity, entity_id, opened_snapshot_id) SELECT :entity, e.id, :snapshot"
        f" FROM temp.merged AS m JOIN {name} AS e ON e.market_id = :market AND e.key = m.key WHERE m.was_standing = 0 ORDER BY e.id",
        bound,
    )
    connection.execute(
        f"UPDATE {name} SET standing = 1 FROM temp.merged AS m"
        f" WHERE m.was_standing = 0 AND {name}.market_id = :market AND {name}.key = m.key",
        bound,
    )
    return back


def close_misses_of_seen(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object]) -> None:
    """Forget the running miss of what was seen again; its `miss` rows stay, they are the capture history."""
    connection.execute(
        "UPDATE spell SET last_seen_snapshot_id = NULL, first_missed_snapshot_id = NULL"
        " WHERE entity = :entity AND why IS NULL AND first_missed_snapshot_id IS NOT NULL AND EXISTS"
        f" (SELECT 1 FROM {entity.name} AS e JOIN {entity.stage_table} AS s ON s.snapshot_id = :snapshot AND s.key = e.key"
        " WHERE e.id = spell.entity_id AND e.market_id = :market)",
        bound,
    )


def close_gone(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object]) -> int:
    """End the spells of those whose own page says that they are gone, and that no other page showed."""
    connection.execute(
        "CREATE TEMP TABLE ended AS SELECT e.id, e.key FROM (SELECT DISTINCT key FROM visit WHERE snapshot_id = :snapshot AND kind = :entity"
        f" AND outcome = 'gone' AND key IS NOT NULL) AS gone JOIN {entity.name} AS e ON e.market_id = :market AND e.key = gone.key"
        f" WHERE e.standing = 1 AND e.id NOT IN (SELECT id FROM {entity.unchanged_table})"
        f" AND NOT EXISTS (SELECT 1 FROM {entity.stage_table} AS s WHERE s.snapshot_id = :snapshot AND s.key = e.key)",
        bound,
    )
    date_first_miss(connection, bound, "temp.ended")
    return end_spells(connection, entity, bound, why="gone_explicit")


def count_misses(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object]) -> int:
    """Note a complete miss of every standing one not seen; end the spell of those that reached `confirm`."""
    connection.execute(
        # With the ORDER BY SQLite merges two indexes instead of looking every key up: a third of the time. CROSS JOIN: the few unseen first.
        f"CREATE TEMP TABLE unseen AS SELECT u.id, u.key, spell.id AS spell_id FROM {entity.name} AS u"
        " CROSS JOIN spell ON spell.entity = :entity AND spell.entity_id = u.id AND spell.why IS NULL WHERE u.market_id = :market AND u.key IN"
        f" (SELECT key FROM {entity.name} WHERE market_id = :market AND standing = 1 AND id NOT IN (SELECT id FROM {entity.unchanged_table})"
        f" EXCEPT SELECT key FROM {entity.stage_table} WHERE snapshot_id = :snapshot ORDER BY key)",
        bound,
    )
    date_first_miss(connection, bound, "temp.unseen")
    connection.execute("INSERT INTO miss (spell_id, snapshot_id) SELECT spell_id, :snapshot FROM temp.unseen ORDER BY spell_id", bound)
    connection.execute(
        "CREATE TEMP TABLE ended AS SELECT u.id, u.key FROM temp.unseen AS u JOIN spell ON spell.id = u.spell_id"
        " WHERE (SELECT count(*) FROM miss WHERE miss.spell_id = spell.id AND miss.snapshot_id >= spell.first_missed_snapshot_id) >= :confirm",
        bound,
    )
    connection.execute("DROP TABLE temp.unseen")
    return end_spells(connection, entity, bound, why="missed")


def date_first_miss(connection: sqlite3.Connection, bound: Mapping[str, object], missing: str) -> None:
    """Date the interval in which each of the table `missing` may have gone, where none runs yet: last seen, first missed now.

    Only a partial snapshot since the newest complete one can have seen it later than a complete one did: either that one saw it, or a
    later partial one did and took the running miss away.
    """
    wanted = {row[0] for row in connection.execute(f"SELECT id FROM {missing}")}
    if not wanted:
        return
    connection.execute("CREATE TEMP TABLE glimpsed (id INTEGER PRIMARY KEY, snapshot_id INTEGER NOT NULL)")
    captures = connection.execute(
        "SELECT capture.snapshot_id, capture.ids FROM snapshot JOIN capture ON capture.snapshot_id = snapshot.id AND capture.entity = :entity"
        " AND capture.pass = 'A' WHERE snapshot.market_id = :market AND snapshot.state = 'partial' AND snapshot.id < :snapshot AND snapshot.id >"
        " (SELECT coalesce(max(id), 0) FROM snapshot WHERE market_id = :market AND state = 'complete' AND id < :snapshot) ORDER BY snapshot.id",
        bound,
    ).fetchall()
    for snapshot_id, ids in captures:
        connection.executemany(
            "INSERT OR REPLACE INTO temp.glimpsed (id, snapshot_id) VALUES (?, ?)",
            [(entity_id, snapshot_id) for entity_id in wanted.intersection(capture.decode_ids(ids))],
        )
    glimpsed = "(SELECT glimpsed.snapshot_id FROM temp.glimpsed WHERE glimpsed.id = spell.entity_id)"
    connection.execute(
        f"UPDATE spell SET last_seen_snapshot_id = coalesce({glimpsed}, {SEEN_COMPLETE}, opened_snapshot_id), first_missed_snapshot_id = :snapshot"
        f" WHERE entity = :entity AND why IS NULL AND first_missed_snapshot_id IS NULL AND entity_id IN (SELECT id FROM {missing})",
        bound,
    )
    connection.execute("DROP TABLE temp.glimpsed")


def end_spells(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object], *, why: str) -> int:
    """Close the spells of the entities in temp.ended, write their change rows, drop the table."""
    with_why = {**bound, "why": why}
    connection.execute(
        "UPDATE spell SET why = :why WHERE entity = :entity AND why IS NULL AND entity_id IN (SELECT id FROM temp.ended)", with_why
    )
    connection.execute(f"UPDATE {entity.name} SET standing = 0 WHERE id IN (SELECT id FROM temp.ended)")
    ended = connection.execute(
        "INSERT INTO change (snapshot_id, market_id, entity, key, cause)"
        " SELECT :snapshot, :market, :entity, key, :why FROM temp.ended ORDER BY key",
        with_why,
    ).rowcount
    connection.execute("DROP TABLE temp.ended")
    return ended
