"""Forgetting: one vendor account, or a whole market, taken out of a database: rows, texts, derived values, sets of ids.

It works on the live database and on backups of any version: what to delete is found by the columns that the tables have. What stays is
counts; other people's texts stay, with the forgotten name taken out of them (`scrubbing`).
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from torwatch.store import capture
from torwatch.store.person import TEXT_CLAIMS, said_by
from torwatch.store.scrubbing import DERIVED
from torwatch.store.tables import columns_of, has_table, ordinary_tables, tables_with

if TYPE_CHECKING:
    import sqlite3

    from torwatch.store.database import Store
    from torwatch.store.person import Person

STAYS = frozenset({"listing", "feedback"})  # their rows that only name a vendor stay when it goes


def forget_person(connection: sqlite3.Connection, person: Person) -> Counter[str]:
    """Delete an account inside the caller's transaction; gives the rows deleted by table."""
    connection.execute("PRAGMA defer_foreign_keys = ON")
    deleted: Counter[str] = Counter()
    ids = {
        entity: {
            row[0]
            for row in connection.execute(
                f"SELECT id FROM {entity} WHERE market_id = ? AND key IN (SELECT value FROM json_each(?))",
                (person.market_id, json.dumps(sorted(keys))),
            )
        }
        for entity, keys in (("listing", person.listings), ("vendor", person.vendors))
    }
    feedback = (
        "market_id = ?1 AND (vendor IN (SELECT value FROM json_each(?2)) OR listing_key IN (SELECT value FROM json_each(?3))"
        " OR vendor_id IN (SELECT value FROM json_each(?4)) OR listing_id IN (SELECT value FROM json_each(?5)))"
    )
    bound = (person.market_id, *(json.dumps(sorted(one)) for one in (person.vendors, person.listings, ids["vendor"], ids["listing"])))
    entries = {row[0] for row in connection.execute(f"SELECT key FROM feedback WHERE {feedback}", bound)}
    deleted["feedback"] += connection.execute(f"DELETE FROM feedback WHERE {feedback}", bound).rowcount
    for entity, keys in (("listing", person.listings), ("vendor", person.vendors), ("feedback", entries)):
        deleted["change"] += connection.execute(
            "DELETE FROM change WHERE market_id = ? AND entity = ? AND key IN (SELECT value FROM json_each(?))",
            (person.market_id, entity, json.dumps(sorted(keys))),
        ).rowcount
    for entity, numbers in ids.items():
        wanted = json.dumps(sorted(numbers))
        chosen = "IN (SELECT value FROM json_each(?))"
        spells = f"SELECT id FROM spell WHERE entity = '{entity}' AND entity_id {chosen}"
        connection.execute(f"DELETE FROM miss WHERE spell_id IN ({spells})", (wanted,))
        deleted["spell"] += connection.execute(f"DELETE FROM spell WHERE entity = '{entity}' AND entity_id {chosen}", (wanted,)).rowcount
        if entity == "vendor":
            connection.execute(f"UPDATE listing SET vendor_id = NULL WHERE vendor_id {chosen}", (wanted,))
        for table in set(tables_with(connection, f"{entity}_id")) - STAYS:
            deleted[table] += connection.execute(f"DELETE FROM {table} WHERE {entity}_id {chosen}", (wanted,)).rowcount
        deleted[entity] += connection.execute(f"DELETE FROM {entity} WHERE id {chosen}", (wanted,)).rowcount
        take_out_of_sets(connection, entity, numbers, person)
    forget_staged(connection, person)
    forget_alerts(connection, person, ids["vendor"])
    forget_texts(connection, person.digests)
    forget_inputs(connection, person)
    return deleted


def forget_staged(connection: sqlite3.Connection, person: Person) -> None:
    """Delete what an unfinished snapshot of the market (of a backup; the live one was ended) has read of the account."""
    of_market = "snapshot_id IN (SELECT id FROM snapshot WHERE market_id = ?1)"
    for table, column, keys in (
        ("stage_listing", "key", person.listings),
        ("stage_listing", "vendor", person.vendors),
        ("stage_vendor", "key", person.vendors),
        ("stage_scope", "key", person.listings),
        ("stage_feedback", "listing_key", person.listings),
        ("stage_feedback", "vendor", person.vendors),
    ):
        if column in columns_of(connection, table):
            wanted = json.dumps(sorted(keys))
            connection.execute(
                f"DELETE FROM {table} WHERE {of_market} AND {column} IN (SELECT value FROM json_each(?2))", (person.market_id, wanted)
            )
    if has_table(connection, "visit"):
        own = json.dumps(sorted(person.paths))
        connection.execute(
            f"UPDATE visit SET key = NULL WHERE {of_market} AND path IN (SELECT value FROM json_each(?2))", (person.market_id, own)
        )


def take_out_of_sets(connection: sqlite3.Connection, entity: str, numbers: set[int], person: Person) -> None:
    """Take ids out of the sets of who was seen."""
    for row in connection.execute("SELECT snapshot_id, pass, ids FROM capture WHERE entity = ?", (entity,)).fetchall():
        known = set(capture.decode_ids(row[2]))
        if known & numbers:
            left = known - numbers
            connection.execute(
                "UPDATE capture SET ids = ?, size = ? WHERE snapshot_id = ? AND entity = ? AND pass = ?",
                (capture.encode_ids(left), len(left), row[0], entity, row[1]),
            )
    if entity == "listing" and has_table(connection, "second_pass_page"):
        for row in connection.execute(
            "SELECT snapshot_id, path, ids, strays FROM second_pass_page"
            " WHERE outcome IS NOT NULL AND snapshot_id IN (SELECT id FROM snapshot WHERE market_id = ?)",
            (person.market_id,),
        ).fetchall():
            known = set(capture.decode_ids(row[2])) if row[2] else set()
            strays = [key for key in json.loads(row[3]) if key not in person.listings]
            left = known - numbers
            if left != known or len(strays) != len(json.loads(row[3])):
                connection.execute(
                    "UPDATE second_pass_page SET ids = ?, strays = ?, size = ? WHERE snapshot_id = ? AND path = ?",
                    (capture.encode_ids(left) if row[2] else None, json.dumps(strays), len(left) + len(strays), row[0], row[1]),
                )


def forget_alerts(connection: sqlite3.Connection, person: Person, vendor_ids: set[int]) -> None:
    """Delete the alerts about the account, its links and its listings; they are known by their keys."""
    if not has_table(connection, "alert"):
        return
    connection.execute(
        "DELETE FROM alert WHERE EXISTS (SELECT 1 FROM json_each(?2) AS one WHERE alert.key = 'listing ' || alert.rule || ' ' || ?1 || ' ' || one.value)"
        " OR EXISTS (SELECT 1 FROM json_each(?3) AS one WHERE alert.key LIKE 'vendor % ' || one.value OR alert.key LIKE 'vendor % ' || one.value || ' %')",
        (person.market, json.dumps(sorted(person.listings)), json.dumps(sorted(vendor_ids))),
    )
    drop_deliveries(connection)


def drop_deliveries(connection: sqlite3.Connection) -> None:
    """Delete the deliveries of alerts that are gone: in a backup nothing else does."""
    connection.execute("DELETE FROM alert_delivery WHERE alert_id NOT IN (SELECT id FROM alert)")


def forget_texts(connection: sqlite3.Connection, digests: set[str]) -> None:
    """Delete texts that nobody shows or showed any more; only after the listings, whose words the search index takes out by them."""
    still: set[str] = set()
    for entity, claims in (("listing", ("description",)), ("vendor", ("profile", "pgp"))):
        for claim in claims:
            still |= {row[0] for row in connection.execute(f"SELECT DISTINCT {claim} FROM {entity} WHERE {claim} IS NOT NULL")}
    for cause, old, new in connection.execute(
        "SELECT cause, old, new FROM change WHERE entity <> 'feedback' AND (cause = 'new' OR field IN ('description', 'profile', 'pgp'))"
    ):
        claims_then = json.loads(new or "{}") if cause == "new" else {"description": old, "profile": new}
        still |= {str(value) for claim, value in claims_then.items() if claim in TEXT_CLAIMS and value}
    connection.executemany("DELETE FROM text WHERE digest = ?", [(digest,) for digest in sorted(digests - still)])


def forget_inputs(connection: sqlite3.Connection, person: Person) -> None:
    """Delete what was derived from claims that nobody else makes or made."""
    others: dict[str, set[str]] = {}
    for entity, keys in (("listing", person.listings), ("vendor", person.vendors)):
        for claims in said_by(connection, person.market_id, entity, keys, others=True):
            for claim in ("title", "ship_from", "ship_to"):
                if claim in claims or len(claims) > 1:  # a first state leaves out what was not claimed
                    others.setdefault(claim, set()).add(str(claims.get(claim) or ""))
    claim_of = {"origin": "ship_from", "destination": "ship_to", "quantity": "title", "substance": "title"}
    for table, (column, *_) in DERIVED.items():
        claim = claim_of[table]
        only = (person.inputs.get(claim, set()) | {""}) - others.get(claim, set())
        connection.executemany(
            f"DELETE FROM {table} WHERE market_id = ? AND {column} = ?", [(person.market_id, one) for one in sorted(only)]
        )


def forget_market(connection: sqlite3.Connection, market: str) -> Counter[str]:
    """Delete a market, its target and all that is known of either, inside the caller's transaction; gives the rows deleted by table."""
    connection.execute("PRAGMA defer_foreign_keys = ON")
    row = connection.execute("SELECT id FROM market WHERE name = ?", (market,)).fetchone()
    deleted: Counter[str] = Counter()
    if row is None:
        return deleted
    digests = {
        str(value)
        for entity in ("listing", "vendor")
        for claims in said_by(connection, row[0], entity, (), others=True)
        for claim, value in claims.items()
        if claim in TEXT_CLAIMS and value is not None
    }
    chosen = {
        "market_id": "?1",
        "target_id": "SELECT id FROM target WHERE market_id = ?1",
        "mirror_id": "SELECT mirror.id FROM mirror JOIN target ON target.id = target_id WHERE market_id = ?1",
        "snapshot_id": "SELECT id FROM snapshot WHERE market_id = ?1",
        "listing_id": "SELECT id FROM listing WHERE market_id = ?1",
        "vendor_id": "SELECT id FROM vendor WHERE market_id = ?1",
        "opened_snapshot_id": "SELECT id FROM snapshot WHERE market_id = ?1",
        "spell_id": "SELECT spell.id FROM spell JOIN snapshot ON snapshot.id = opened_snapshot_id WHERE market_id = ?1",
    }
    last = ("spell", "feedback", "listing", "vendor", "hold", "snapshot", "mirror", "target")
    tables = [table for table in ordinary_tables(connection) if table not in {*last, "market", "manifest", "event"}]
    for table in (*tables, *last):
        names = {column[1] for column in connection.execute(f"PRAGMA table_info({table})")} | (
            {"snapshot_id"} if table == "hold" else set()
        )
        of_market = [f"{name} IN ({which})" for name, which in chosen.items() if name in names]
        if of_market:
            deleted[table] += connection.execute(f"DELETE FROM {table} WHERE {' OR '.join(of_market)}", (row[0],)).rowcount
    if has_table(connection, "alert"):
        connection.execute("DELETE FROM alert WHERE subject = ?", (market,))
        drop_deliveries(connection)
    deleted["market"] += connection.execute("DELETE FROM market WHERE id = ?", (row[0],)).rowcount
    forget_texts(connection, digests)
    return deleted


def ids_of(store: Store, market_id: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The ids of a market's rows that other rows refer to, by table."""
    target = "target_id IN (SELECT id FROM target WHERE market_id = ?)"
    which = {"market": "id = ?", "target": "market_id = ?", "snapshot": "market_id = ?", "mirror": target}
    return tuple(
        (table, tuple(row["id"] for row in store.rows(f"SELECT id FROM {table} WHERE {condition}", (market_id,))))
        for table, condition in which.items()
    )


def hosts_of(store: Store, market_id: int) -> tuple[str, ...]:
    """Every address that a market was ever watched at."""
    rows = store.rows("SELECT DISTINCT host FROM mirror JOIN target ON target.id = target_id WHERE market_id = ? ORDER BY 1", (market_id,))
    return tuple(row["host"] for row in rows)


def imported_files(connection: sqlite3.Connection, market: str | None = None) -> list[tuple[int, dict[str, Any]]]:
    """(event, what it says) of every file that was imported into a market, or into any, and not forgotten with its market since."""
    rows = connection.execute(
        "SELECT id, detail FROM event WHERE kind = 'imported' AND detail <> '{}' AND (?1 IS NULL OR subject = ?1) ORDER BY id", (market,)
    )
    return [(row[0], json.loads(row[1])) for row in rows]
