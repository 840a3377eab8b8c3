"""History: the state at any snapshot replayed from `change`, and what differs between two snapshots."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.store import capture
from torwatch.store.entities import LISTING, VENDOR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torwatch.store.database import Store

Claims = dict[str, Any]  # claim name → value; NULL claims are absent
State = dict[tuple[str, str], Claims]  # (entity, key) → claims, of what stands


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs between two states; `field` None: the whole thing came or went."""

    entity: str
    key: str
    field: str | None
    old: Any
    new: Any


def replay(store: Store, market_id: int, snapshot_id: int | None = None) -> State:
    """The listings and vendors that stood after a snapshot (None: now), from the change rows alone."""
    known: State = {}
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


def differences(before: State, after: State) -> list[Difference]:
    """What differs between two states, sorted; a thing that came or went is one difference."""
    found = [Difference(*identity, None, None, after[identity]) for identity in after.keys() - before.keys()]
    found += [Difference(*identity, None, before[identity], None) for identity in before.keys() - after.keys()]
    for identity in before.keys() & after.keys():
        old, new = before[identity], after[identity]
        found += [
            Difference(*identity, name, old.get(name), new.get(name)) for name in old.keys() | new.keys() if old.get(name) != new.get(name)
        ]
    return sorted(found, key=lambda difference: (difference.entity, difference.key, difference.field or ""))


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
