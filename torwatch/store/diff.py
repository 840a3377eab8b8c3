"""The set-based diff: what the running snapshot staged against what is known, in SQL, in one transaction.

Absence is not removal (design: measurement 2.2): only a complete snapshot counts a miss, and only the configured number of misses in
a row, or the market's own "gone", ends a spell. A field is taken from the strongest source that can show it; a weaker source fills
it only while no stronger one was ever read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.model import Source
from torwatch.store import capture
from torwatch.store.entities import SOURCE_BIT, Entity

if TYPE_CHECKING:
    import sqlite3

STRENGTH = (Source.DETAIL, Source.INDEX, Source.VENDOR_TABLE)  # strongest first
ALIAS = {Source.DETAIL: "d", Source.INDEX: "i", Source.VENDOR_TABLE: "v"}

Coverage = Mapping[Source, frozenset[str]]  # which claims a source of this market can show


@dataclass(frozen=True, slots=True)
class Tally:
    """What one diff wrote, for one entity."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    back: int = 0
    gone: int = 0
    missed: int = 0


def claim_sql(claim: str, coverage: Coverage) -> str:
    """The new value of a claim: from the strongest source read now that covers it, unless a stronger one was read before."""
    branches = []
    stronger_bits = 0
    for source in STRENGTH:
        if claim not in coverage.get(source, frozenset()):
            continue
        alias = ALIAS[source]
        never_stronger = f" AND (coalesce(e.sources, 0) & {stronger_bits}) = 0" if stronger_bits else ""
        branches.append(f"WHEN {alias}.key IS NOT NULL{never_stronger} THEN {alias}.{claim}")
        stronger_bits |= SOURCE_BIT[source]
    return f"CASE {' '.join(branches)} ELSE e.{claim} END" if branches else f"e.{claim}"


def strongest_value(column: str) -> str:
    """A counter or attribute: the first source that shows a value, else what is known."""
    return f"coalesce(d.{column}, i.{column}, v.{column}, e.{column})"


def source_joins(entity: Entity) -> str:
    """Join what each source of this snapshot said, and what is known, to the key."""
    stage = entity.stage_table
    sources = "\n".join(
        f"LEFT JOIN {stage} AS {alias} ON {alias}.snapshot_id = :snapshot AND {alias}.key = k.key AND {alias}.source = {SOURCE_BIT[source]}"
        for source, alias in ALIAS.items()
    )
    return (
        f"FROM (SELECT key, sum(source) AS sources FROM {stage} WHERE snapshot_id = :snapshot GROUP BY key) AS k\n{sources}\n"
        f"LEFT JOIN {entity.name} AS e ON e.market_id = :market AND e.key = k.key"
    )


def diff_entity(
    connection: sqlite3.Connection, entity: Entity, *, snapshot: int, market: int, coverage: Coverage, complete: bool, confirm_misses: int
) -> Tally:
    """Apply the staged rows of one entity; must run inside the finalising transaction.

    `complete` says that every page that would show a known one was read; `confirm_misses` complete misses in a row end a spell.
    """
    bound = {"snapshot": snapshot, "market": market, "entity": entity.name, "confirm": confirm_misses}
    make_merged(connection, entity, bound, coverage)
    new = insert_new(connection, entity, bound)
    changed = update_changed(connection, entity, bound)
    write_counters(connection, entity, bound)
    back = open_spells(connection, entity, bound)
    close_misses_of_seen(connection, entity, bound)
    gone = close_gone(connection, entity, bound)
    missed = count_misses(connection, entity, bound) if complete else 0
    seen = store_visits_and_capture(connection, entity, bound, complete=complete)
    connection.execute("DROP TABLE temp.merged")
    return Tally(seen=seen, new=new, changed=changed, back=back, gone=gone, missed=missed)


def make_merged(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object], coverage: Coverage) -> None:
    """Collect only the keys that are new, back or different, with old and new values side by side."""
    claims = [column.name for column in entity.claims]
    new_values = ",\n".join(f"{claim_sql(claim, coverage)} AS new_{claim}" for claim in claims)
    old_values = ", ".join(f"e.{claim} AS old_{claim}" for claim in claims)
    differs = " OR ".join(f"new_{claim} IS NOT old_{claim}" for claim in claims)
    connection.execute(
        f"CREATE TEMP TABLE merged AS SELECT k.key AS key, e.id AS id, coalesce(e.standing, 0) AS was_standing,\n"
        f"coalesce(e.sources, 0) AS old_sources, coalesce(e.sources, 0) | k.sources AS sources, {strongest_value('path')} AS path,\n"
        f"{new_values},\n{old_values}\n{source_joins(entity)}\n"
        f"WHERE e.id IS NULL OR e.standing = 0 OR (e.sources | k.sources) <> e.sources OR {strongest_value('path')} IS NOT e.path OR {differs}",
        bound,
    )


def insert_new(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object]) -> int:
    """Insert what was never seen, with one `new` change row that holds the whole first state as JSON."""
    claims = [column.name for column in entity.claims]
    values = ", ".join(f"new_{claim}" for claim in claims)
    pairs = ", ".join(f"'{claim}', new_{claim}" for claim in claims)
    connection.execute(
        "INSERT INTO change (snapshot_id, market_id, entity, key, new, cause)"
        f" SELECT :snapshot, :market, :entity, key, json_patch('{{}}', json_object({pairs})), 'new' FROM temp.merged WHERE id IS NULL",
        bound,
    )
    return connection.execute(
        f"INSERT INTO {entity.name} (market_id, key, {', '.join(claims)}, path, standing, sources, first_snapshot_id)"
        f" SELECT :market, key, {values}, path, 0, sources, :snapshot FROM temp.merged WHERE id IS NULL ORDER BY key",
        bound,
    ).rowcount


def update_changed(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object]) -> int:
    """Write one change row a field that differs, then the new values. Gives the number of entities with a changed claim."""
    claims = [column.name for column in entity.claims]
    detail = SOURCE_BIT[Source.DETAIL]
    for claim in claims:
        connection.execute(
            "INSERT INTO change (snapshot_id, market_id, entity, key, field, old, new, cause)"
            f" SELECT :snapshot, :market, :entity, key, '{claim}', old_{claim}, new_{claim},"
            f" CASE WHEN (old_sources & {detail}) = 0 AND (sources & {detail}) THEN 'refined' ELSE 'changed' END"
            f" FROM temp.merged WHERE id IS NOT NULL AND new_{claim} IS NOT old_{claim} ORDER BY key",
            bound,
        )
    assignments = ", ".join(f"{claim} = new_{claim}" for claim in claims)
    connection.execute(
        f"UPDATE {entity.name} SET {assignments}, path = merged.path, sources = merged.sources"
        f" FROM temp.merged AS merged WHERE merged.id = {entity.name}.id",
    )
    differs = " OR ".join(f"new_{claim} IS NOT old_{claim}" for claim in claims)
    count: int = connection.execute(f"SELECT count(*) FROM temp.merged WHERE id IS NOT NULL AND ({differs})").fetchone()[0]
    return count


def write_counters(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object]) -> None:
    """Add a row to the counter series of every entity one of whose counters moved, and keep the newest beside its claims."""
    counters = [column.name for column in entity.counters]
    values = ", ".join(f"{strongest_value(counter)} AS {counter}" for counter in counters)
    moved = " OR ".join(f"{strongest_value(counter)} IS NOT e.{counter}" for counter in counters)
    connection.execute(
        f"INSERT INTO {entity.counter_table} ({entity.name}_id, snapshot_id, {', '.join(counters)})"
        f" SELECT e.id, :snapshot, {values} {source_joins(entity)} WHERE {moved}",
        bound,
    )
    connection.execute(
        f"UPDATE {entity.name} SET {', '.join(f'{counter} = series.{counter}' for counter in counters)}"
        f" FROM {entity.counter_table} AS series WHERE series.snapshot_id = :snapshot AND series.{entity.name}_id = {entity.name}.id",
        bound,
    )


def open_spells(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object]) -> int:
    """Open a spell for what is new or back. Gives the number of those that came back."""
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
        f"UPDATE spell SET last_seen_snapshot_id = NULL, first_missed_snapshot_id = NULL"
        f" WHERE entity = :entity AND why IS NULL AND first_missed_snapshot_id IS NOT NULL AND entity_id IN"
        f" (SELECT e.id FROM {entity.stage_table} AS s JOIN {entity.name} AS e ON e.market_id = :market AND e.key = s.key"
        f" WHERE s.snapshot_id = :snapshot)",
        bound,
    )


def unseen_sql(entity: Entity) -> str:
    """Known ones that stand and that this snapshot did not see."""
    return (
        f"SELECT e.id, e.key FROM {entity.name} AS e WHERE e.market_id = :market AND e.standing = 1"
        f" AND NOT EXISTS (SELECT 1 FROM {entity.stage_table} AS s WHERE s.snapshot_id = :snapshot AND s.key = e.key)"
    )


def last_seen_sql() -> str:
    """The newest snapshot in which the entity of `spell` was seen: before its first running miss, if there is one."""
    return (
        "(SELECT max(p.id) FROM snapshot AS p WHERE p.market_id = :market AND p.id < coalesce(spell.first_missed_snapshot_id, :snapshot)"
        " AND p.state = 'complete' AND p.id >= spell.opened_snapshot_id"
        " AND NOT EXISTS (SELECT 1 FROM miss WHERE miss.spell_id = spell.id AND miss.snapshot_id = p.id))"
    )


def close_gone(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object]) -> int:
    """End the spells of those whose own page says that they are gone, and that no other page showed."""
    connection.execute(
        f"CREATE TEMP TABLE ended AS SELECT u.id, u.key FROM ({unseen_sql(entity)}) AS u WHERE u.key IN"
        f" (SELECT key FROM visit WHERE snapshot_id = :snapshot AND kind = :entity AND outcome = 'gone' AND key IS NOT NULL)",
        bound,
    )
    return end_spells(connection, entity, bound, why="gone_explicit")


def count_misses(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object]) -> int:
    """Note a complete miss of every standing one not seen; end the spell of those that reached `confirm`."""
    connection.execute(
        f"INSERT INTO miss (spell_id, snapshot_id) SELECT spell.id, :snapshot FROM ({unseen_sql(entity)}) AS u"
        f" JOIN spell ON spell.entity = :entity AND spell.entity_id = u.id AND spell.why IS NULL",
        bound,
    )
    connection.execute(
        f"UPDATE spell SET last_seen_snapshot_id = coalesce({last_seen_sql()}, opened_snapshot_id), first_missed_snapshot_id = :snapshot"
        f" WHERE why IS NULL AND first_missed_snapshot_id IS NULL AND id IN (SELECT spell_id FROM miss WHERE snapshot_id = :snapshot)"
        f" AND entity = :entity",
        bound,
    )
    connection.execute(
        f"CREATE TEMP TABLE ended AS SELECT u.id, u.key FROM ({unseen_sql(entity)}) AS u"
        f" JOIN spell ON spell.entity = :entity AND spell.entity_id = u.id AND spell.why IS NULL"
        f" WHERE (SELECT count(*) FROM miss WHERE miss.spell_id = spell.id AND miss.snapshot_id >= spell.first_missed_snapshot_id) >= :confirm",
        bound,
    )
    return end_spells(connection, entity, bound, why="missed")


def end_spells(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object], *, why: str) -> int:
    """Close the spells of the entities in temp.ended, write their change rows, drop the table."""
    with_why = {**bound, "why": why}
    connection.execute(
        f"UPDATE spell SET last_seen_snapshot_id = coalesce(last_seen_snapshot_id, {last_seen_sql()}, opened_snapshot_id),"
        " first_missed_snapshot_id = coalesce(first_missed_snapshot_id, :snapshot), why = :why"
        " WHERE entity = :entity AND why IS NULL AND entity_id IN (SELECT id FROM temp.ended)",
        with_why,
    )
    connection.execute(f"UPDATE {entity.name} SET standing = 0 WHERE id IN (SELECT id FROM temp.ended)")
    ended = connection.execute(
        "INSERT INTO change (snapshot_id, market_id, entity, key, cause)"
        " SELECT :snapshot, :market, :entity, key, :why FROM temp.ended ORDER BY key",
        with_why,
    ).rowcount
    connection.execute("DROP TABLE temp.ended")
    return ended


def store_visits_and_capture(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object], *, complete: bool) -> int:
    """Remember whose own page was read now and how its index row looked; a partial snapshot keeps the set of all seen."""
    name, stage = entity.name, entity.stage_table
    connection.execute(
        f"INSERT INTO {name}_visit ({name}_id, first_snapshot_id, snapshot_id, at, row_digest)"
        f" SELECT e.id, :snapshot, :snapshot, snapshot.started_at, coalesce(i.row_digest, old.row_digest) FROM {stage} AS d"
        f" JOIN {name} AS e ON e.market_id = :market AND e.key = d.key JOIN snapshot ON snapshot.id = :snapshot"
        f" LEFT JOIN {stage} AS i ON i.snapshot_id = :snapshot AND i.key = d.key AND i.source = {SOURCE_BIT[Source.INDEX]}"
        f" LEFT JOIN {name}_visit AS old ON old.{name}_id = e.id"
        f" WHERE d.snapshot_id = :snapshot AND d.source = {SOURCE_BIT[Source.DETAIL]}"
        f" ON CONFLICT ({name}_id) DO UPDATE SET snapshot_id = excluded.snapshot_id, at = excluded.at, row_digest = excluded.row_digest",
        bound,
    )
    seen_sql = (
        f"SELECT DISTINCT e.id FROM {stage} AS s JOIN {name} AS e ON e.market_id = :market AND e.key = s.key"
        " WHERE s.snapshot_id = :snapshot ORDER BY e.id"
    )
    ids = [row[0] for row in connection.execute(seen_sql, bound)]
    if not complete:
        connection.execute(
            "INSERT OR REPLACE INTO capture (snapshot_id, entity, size, ids) VALUES (?, ?, ?, ?)",
            (bound["snapshot"], name, len(ids), capture.encode_ids(ids)),
        )
    return len(ids)


def diff_feedback(connection: sqlite3.Connection, *, snapshot: int, market: int) -> int:
    """Add the feedback entries never seen before; feedback that leaves a page is not a change. Gives how many were new."""
    bound = {"snapshot": snapshot, "market": market}
    columns = "vendor, listing_key, product, buyer_hash, body, rating, stars, price_text, date, age, delivery"
    connection.execute(
        "INSERT INTO change (snapshot_id, market_id, entity, key, cause) SELECT :snapshot, :market, 'feedback', s.key, 'new'"
        " FROM stage_feedback AS s WHERE s.snapshot_id = :snapshot AND NOT EXISTS"
        " (SELECT 1 FROM feedback AS f WHERE f.market_id = :market AND f.key = s.key) ORDER BY s.key",
        bound,
    )
    return connection.execute(
        f"INSERT INTO feedback (market_id, vendor_id, listing_id, key, {columns}, first_snapshot_id)"
        " SELECT :market, (SELECT id FROM vendor WHERE vendor.market_id = :market AND vendor.key = s.vendor),"
        " (SELECT id FROM listing WHERE listing.market_id = :market AND listing.key = s.listing_key),"
        f" s.key, {', '.join('s.' + column for column in columns.split(', '))}, :snapshot"
        " FROM stage_feedback AS s WHERE s.snapshot_id = :snapshot AND NOT EXISTS"
        " (SELECT 1 FROM feedback AS f WHERE f.market_id = :market AND f.key = s.key) ORDER BY s.key",
        bound,
    ).rowcount


def link_vendors(connection: sqlite3.Connection, *, snapshot: int, market: int) -> None:
    """Point the listings that this snapshot touched to their vendor account."""
    connection.execute(
        "UPDATE listing SET vendor_id = (SELECT id FROM vendor WHERE vendor.market_id = :market AND vendor.key = listing.vendor)"
        " WHERE market_id = :market AND key IN (SELECT key FROM change WHERE snapshot_id = :snapshot AND entity = 'listing')",
        {"snapshot": snapshot, "market": market},
    )
