"""History: the state at any snapshot replayed from `change` alone, the present one, and whom a snapshot saw."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from torwatch.store import capture
from torwatch.store.entities import LISTING, VENDOR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torwatch.store.database import Store
    from torwatch.store.state import State


def replay(store: Store, market_id: int, snapshot_id: int | None = None) -> State:
    """The listings and vendors that stood after a snapshot (None: now), from the change rows alone."""
    known: dict[tuple[str, str], dict[str, Any]] = {}
    standing: set[tuple[str, str]] = set()
    rows = store.rows(
        "SELECT entity, key, field, new, cause FROM change WHERE market_id = ? AND entity <> 'feedback' AND snapshot_id <= ? ORDER BY id",
        (market_id, snapshot_id if snapshot_id is not None else 2**62),
    )
    for row in rows:
        identity = (row["entity"], row["key"])
        match row["cause"]:
            case "new":
                known[identity] = json.loads(row["new"])
                standing.add(identity)
            case "back":
                standing.add(identity)
            case "gone_explicit" | "missed":
                standing.discard(identity)
            case _:
                if row["new"] is None:
                    known[identity].pop(row["field"], None)
                else:
                    known[identity][row["field"]] = row["new"]
    return {identity: {name: str(value) for name, value in known[identity].items()} for identity in standing}


def present_state(store: Store, market_id: int) -> State:
    """The listings and vendors that stand now, from their tables."""
    state: State = {}
    for entity in (LISTING, VENDOR):
        claims = [column.name for column in entity.claims]
        for row in store.rows(f"SELECT key, {', '.join(claims)} FROM {entity.name} WHERE market_id = ? AND standing = 1", (market_id,)):
            state[entity.name, row["key"]] = {name: str(row[name]) for name in claims if row[name] is not None}
    return state


def seen_in(store: Store, entity: str, snapshot_id: int) -> list[int]:
    """Ids of the entities that a snapshot saw: from the spells when it was complete, from its set of ids otherwise."""
    stored = store.value("SELECT ids FROM capture WHERE snapshot_id = ? AND entity = ? AND pass = 'A'", (snapshot_id, entity))
    if stored is not None:
        return capture.decode_ids(stored)
    rows: Iterable[Any] = store.rows(
        "SELECT spell.entity_id FROM spell JOIN snapshot ON snapshot.id = ?1"
        " JOIN snapshot AS opened ON opened.id = spell.opened_snapshot_id AND opened.market_id = snapshot.market_id"
        " WHERE snapshot.state = 'complete' AND spell.entity = ?2 AND spell.opened_snapshot_id <= ?1"
        " AND (spell.first_missed_snapshot_id IS NULL OR spell.first_missed_snapshot_id > ?1)"
        " AND NOT EXISTS (SELECT 1 FROM miss WHERE miss.spell_id = spell.id AND miss.snapshot_id = ?1) ORDER BY 1",
        (snapshot_id, entity),
    )
    return [row[0] for row in rows]
