"""Scrubbing: a name taken out of what others wrote, and nothing of what was deleted left in the file of the database."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from torwatch.store.entities import ENTITIES
from torwatch.store.recurrence import drop_memory
from torwatch.store.schema_evidence import EVIDENCE
from torwatch.store.tables import columns_of, has_table, has_trigger

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping

TOLD_OF_REMOVALS = ("expired", "forgotten", "removal_planned")  # kinds of events without which the archive cannot be checked
EVENT_TRIGGER = "event_keeps_its_words"
DERIVED = {
    "origin": ("raw",),
    "destination": ("raw",),
    "quantity": ("title", "category"),
    "substance": ("title", "category"),
}  # from which words
WHO = frozenset({"vendor", "name"})  # claims that tell who it is: other accounts keep their own
DIGESTS = frozenset({"description", "profile", "pgp"})
SHOWN_OF = {
    entity.name: tuple(
        column.name for column in (*entity.claims, *entity.counters) if column.affinity == "TEXT" and column.name not in WHO | DIGESTS
    )
    for entity in ENTITIES
}
COUNTED_OF = {entity.name: tuple(column.name for column in entity.counters if column.affinity == "TEXT") for entity in ENTITIES}
SAID_IN_FEEDBACK = ("product", "body", "rating", "price_text", "date", "age", "delivery")
OF_MARKET = "market_id = :market"
THE_MARKET = "id = :market"
EVERY_ROW = "1"
OF_SNAPSHOT = "snapshot_id IN (SELECT id FROM snapshot WHERE market_id = :market)"
IN_A_TEXT = (
    "digest IN (SELECT description FROM listing WHERE market_id = :market UNION SELECT profile FROM vendor WHERE market_id = :market"
    " UNION SELECT old FROM change WHERE market_id = :market UNION SELECT new FROM change WHERE market_id = :market"
    " UNION SELECT json_extract(new, '$.description') FROM change WHERE market_id = :market AND cause = 'new'"
    " UNION SELECT json_extract(new, '$.profile') FROM change WHERE market_id = :market AND cause = 'new')"
)
# Table → (columns that hold words of pages or people, which of its rows).
WORDS = {
    "listing": ((*SHOWN_OF["listing"], "path"), OF_MARKET),
    "vendor": ((*SHOWN_OF["vendor"], "path"), OF_MARKET),
    "listing_counter": (COUNTED_OF["listing"], OF_SNAPSHOT),
    "vendor_counter": (COUNTED_OF["vendor"], OF_SNAPSHOT),
    "feedback": (SAID_IN_FEEDBACK, OF_MARKET),
    "text": (("body",), IN_A_TEXT),
    "stage_listing": ((*SHOWN_OF["listing"], "path"), OF_SNAPSHOT),
    "stage_vendor": ((*SHOWN_OF["vendor"], "path"), OF_SNAPSHOT),
    "stage_feedback": (SAID_IN_FEEDBACK, OF_SNAPSHOT),
    "stage_total": (("scope",), OF_SNAPSHOT),
    "stage_scope": (("scope",), OF_SNAPSHOT),
    "visit": (("path", "reason"), OF_SNAPSHOT),
    "failure": (("path", "reason"), OF_SNAPSHOT),
    "snapshot": (("reason", "cut_short"), OF_MARKET),
    "hold": (("reason", "figures", "why"), OF_SNAPSHOT),
    "page_seen": (("path",), OF_MARKET),
    "second_pass_list": (("scope",), OF_SNAPSHOT),
    "second_pass_page": (("scope", "path", "reason"), OF_SNAPSHOT),
    "mirror_visit": (("reason",), EVERY_ROW),
    "canary_visit": (("reason",), EVERY_ROW),
    "pace": (("why",), EVERY_ROW),
    "rest": (("why",), EVERY_ROW),
    "market": (("source",), THE_MARKET),
    "session": (("lost_why",), EVERY_ROW),
    "target": (("note", "legal_basis"), EVERY_ROW),
    "event": (("detail",), EVERY_ROW),
    "alert": (("key", "title", "body"), EVERY_ROW),
    "alert_delivery": (("error",), EVERY_ROW),
    "request": (("arguments", "result"), EVERY_ROW),
    "journal_queue": (("fields",), EVERY_ROW),
}


def scrub_tables(connection: sqlite3.Connection, market_id: int, scrub: Callable[[str], str]) -> None:
    """Put what a market's pages and people said through `scrub`, inside the caller's transaction.

    What was derived from a text that changed is deleted: it is derived anew. Of rows that only the spelling of the name told apart one stays.
    """
    connection.create_function("scrubbed", 1, lambda text: scrub(text) if isinstance(text, str) else text)
    connection.create_function("scrubbed_change", 2, lambda field, text: scrub_change(field, text, scrub))
    bound = {"market": market_id}
    drop_memory(connection, market_id)
    with open_log(connection):
        for table, (columns, which) in WORDS.items():
            known = columns_of(connection, table)
            for name in (column for column in columns if column in known):
                connection.execute(
                    f"UPDATE OR REPLACE {table} SET {name} = scrubbed({name}) WHERE {which} AND {name} IS NOT scrubbed({name})", bound
                )
    for name in ("old", "new"):
        connection.execute(
            f"UPDATE change SET {name} = scrubbed_change(field, {name}) WHERE {OF_MARKET} AND {name} IS NOT scrubbed_change(field, {name})",
            bound,
        )
    for table, columns in DERIVED.items():
        changed = " OR ".join(f"{column} IS NOT scrubbed({column})" for column in columns)
        connection.execute(f"DELETE FROM {table} WHERE {OF_MARKET} AND ({changed})", bound)
    if has_table(connection, "normalised"):
        connection.execute(f"DELETE FROM normalised WHERE {OF_MARKET}", bound)  # else only what changes later would be looked at


def empty_events(connection: sqlite3.Connection, market: str) -> None:
    """Leave of the events of a market that they were, and when; of what was taken out of the archive all, for the chain."""
    with open_log(connection):
        connection.execute(
            "UPDATE event SET detail = '{}' WHERE subject = ? AND kind NOT IN (SELECT value FROM json_each(?))",
            (market, json.dumps(TOLD_OF_REMOVALS)),
        )


def change_event(connection: sqlite3.Connection, event_id: int, detail: Mapping[str, Any]) -> None:
    """Write the detail of one event anew, inside the caller's transaction."""
    with open_log(connection):
        connection.execute("UPDATE event SET detail = ? WHERE id = ?", (json.dumps(dict(detail)), event_id))


@contextlib.contextmanager
def open_log(connection: sqlite3.Connection) -> Iterator[None]:
    """Let lines of the event log be written anew meanwhile: it only grows, but what is to be forgotten goes out of it too."""
    guarded = has_trigger(connection, EVENT_TRIGGER)
    if guarded:
        connection.execute(f"DROP TRIGGER {EVENT_TRIGGER}")
    yield  # a fault undoes the whole transaction, and so this too
    if guarded:
        connection.execute(next(statement for statement in EVIDENCE if EVENT_TRIGGER in statement))


def scrub_change(field: str | None, text: Any, scrub: Callable[[str], str]) -> Any:
    """A value of a change row without the name; the first state of a thing holds all its claims."""
    if not isinstance(text, str) or field in WHO | DIGESTS:
        return text
    if field is not None:
        return scrub(text)
    claims = json.loads(text)
    clean = scrub_claims(claims, scrub)
    return text if clean == claims else json.dumps(clean, ensure_ascii=False, separators=(",", ":"))


def scrub_claims(claims: dict[str, Any], scrub: Callable[[str], str]) -> dict[str, Any]:
    """Claims without the name; who the account is stays, and so do digests."""
    return {claim: scrub(value) if isinstance(value, str) and claim not in WHO | DIGESTS else value for claim, value in claims.items()}


def overwrite_deleted(connection: sqlite3.Connection) -> None:
    """Let nothing of what was deleted remain in the file: the search index is made anew, and the whole file is written anew."""
    connection.execute("PRAGMA secure_delete = ON").fetchall()
    if has_table(connection, "listing_search"):
        connection.execute("INSERT INTO listing_search (listing_search) VALUES ('rebuild')")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
