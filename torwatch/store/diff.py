"""The set-based diff: what the running snapshot staged against what is known, in SQL, in one transaction.

One pass compares every staged row with what is known and keeps the few that may change something; all that follows works on those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.model import Source
from torwatch.store import capture, spells, staging
from torwatch.store.precedence import ALIAS, SOURCE_BIT, claim_sql, may_change_claims, may_move_counters, source_joins, strongest_value

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from torwatch.store.entities import Entity
    from torwatch.store.precedence import Coverage


@dataclass(frozen=True, slots=True)
class Tally:
    """What one diff wrote, for one entity."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    back: int = 0
    gone: int = 0
    missed: int = 0


def diff_entity(
    connection: sqlite3.Connection, entity: Entity, *, snapshot: int, market: int, coverage: Coverage, complete: bool, confirm_misses: int
) -> Tally:
    """Apply the staged rows of one entity; must run inside the finalising transaction.

    `complete` says that every page that would show a known one was read; `confirm_misses` complete misses in a row end a spell.
    """
    bound = {"snapshot": snapshot, "market": market, "entity": entity.name, "confirm": confirm_misses}
    find_touched(connection, entity, bound, coverage)
    make_merged(connection, entity, bound, coverage)
    new = insert_new(connection, entity, bound)
    changed = update_changed(connection, entity, bound)
    write_counters(connection, entity, bound)
    back = spells.open_spells(connection, entity, bound)
    spells.close_misses_of_seen(connection, entity, bound)
    gone = spells.close_gone(connection, entity, bound)
    missed = spells.count_misses(connection, entity, bound) if complete else 0
    write_visits(connection, entity, bound)
    seen = staging.count_staged(connection, entity, snapshot) if complete else write_capture(connection, entity, snapshot, market)
    connection.execute("DROP TABLE temp.merged")
    connection.execute("DROP TABLE temp.touched")
    return Tally(seen=seen, new=new, changed=changed, back=back, gone=gone, missed=missed)


def find_touched(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object], coverage: Coverage) -> None:
    """Collect the keys one of whose staged rows may change a claim or move a counter: the one pass over all that was staged."""
    claims, counters = may_change_claims(entity, coverage), may_move_counters(entity)
    connection.execute("CREATE TEMP TABLE touched (key TEXT PRIMARY KEY, claims INTEGER NOT NULL, counters INTEGER NOT NULL) WITHOUT ROWID")
    connection.execute(
        f"INSERT INTO temp.touched (key, claims, counters) SELECT s.key, {claims}, {counters} FROM {entity.stage_table} AS s"
        f" LEFT JOIN {entity.name} AS e ON e.market_id = :market AND e.key = s.key WHERE s.snapshot_id = :snapshot AND ({claims} OR {counters})"
        " ON CONFLICT DO UPDATE SET claims = max(claims, excluded.claims), counters = max(counters, excluded.counters)",
        bound,
    )


def make_merged(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object], coverage: Coverage) -> None:
    """Collect only the keys that are new, back or different, with old and new values side by side."""
    claims = [column.name for column in entity.claims]
    new_values = ",\n".join(f"{claim_sql(claim, coverage)} AS new_{claim}" for claim in claims)
    old_values = ", ".join(f"e.{claim} AS old_{claim}" for claim in claims)
    differs = " OR ".join(f"new_{claim} IS NOT old_{claim}" for claim in claims)
    read = " | ".join(f"({alias}.key IS NOT NULL) * {SOURCE_BIT[source]}" for source, alias in ALIAS.items())
    connection.execute(
        f"CREATE TEMP TABLE merged AS SELECT k.key AS key, e.id AS id, coalesce(e.standing, 0) AS was_standing,\n"
        f"coalesce(e.sources, 0) AS old_sources, coalesce(e.sources, 0) | {read} AS sources, {strongest_value('path')} AS path,\n"
        f"{new_values},\n{old_values}\n{source_joins(entity, 'temp.touched')}\n"
        f"WHERE k.claims AND (e.id IS NULL OR e.standing = 0 OR (e.sources | {read}) <> e.sources"
        f" OR {strongest_value('path')} IS NOT e.path OR {differs})",
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
        f" SELECT e.id, :snapshot, {values} {source_joins(entity, 'temp.touched')} WHERE k.counters AND ({moved})",
        bound,
    )
    connection.execute(
        f"UPDATE {entity.name} SET {', '.join(f'{counter} = series.{counter}' for counter in counters)}"
        f" FROM {entity.counter_table} AS series WHERE series.snapshot_id = :snapshot AND series.{entity.name}_id = {entity.name}.id",
        bound,
    )


def write_visits(connection: sqlite3.Connection, entity: Entity, bound: Mapping[str, object]) -> None:
    """Remember whose own page was read now and how its index row looked."""
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
    connection.execute(
        f"UPDATE {name}_visit SET snapshot_id = :snapshot, at = (SELECT started_at FROM snapshot WHERE id = :snapshot)"
        f" WHERE {name}_id IN (SELECT id FROM {entity.unchanged_table})",
        bound,
    )


def write_capture(connection: sqlite3.Connection, entity: Entity, snapshot: int, market: int) -> int:
    """Keep the set of all that a partial snapshot saw; gives how many. Of a complete one it follows from the spells."""
    seen = capture.known_ids(connection, entity, snapshot, market)
    capture.keep(connection, snapshot, entity, capture.FIRST, seen)
    return len(seen)


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


def count_shown(connection: sqlite3.Connection, *, snapshot: int, market: int) -> None:
    """Keep how many entries of feedback the pages showed of each listing, where the number moved; no entry read says nothing."""
    connection.execute(
        "INSERT INTO feedback_shown (listing_id, snapshot_id, shown) SELECT listing.id, :snapshot, seen.shown FROM"
        " (SELECT listing_key, count(*) AS shown FROM stage_feedback WHERE snapshot_id = :snapshot AND listing_key IS NOT NULL GROUP BY 1) AS seen"
        " JOIN listing ON listing.market_id = :market AND listing.key = seen.listing_key WHERE seen.shown IS NOT"
        " (SELECT shown FROM feedback_shown AS before WHERE before.listing_id = listing.id ORDER BY before.snapshot_id DESC LIMIT 1)",
        {"snapshot": snapshot, "market": market},
    )


def link_vendors(connection: sqlite3.Connection, *, snapshot: int, market: int) -> None:
    """Point the listings that this snapshot touched to their vendor account."""
    connection.execute(
        "UPDATE listing SET vendor_id = (SELECT id FROM vendor WHERE vendor.market_id = :market AND vendor.key = listing.vendor)"
        " WHERE market_id = :market AND key IN (SELECT key FROM change WHERE snapshot_id = :snapshot AND entity = 'listing')",
        {"snapshot": snapshot, "market": market},
    )
