"""A market as it stood after any of its snapshots: the present rows with every later change taken back, newest first.

It costs one look at the table and one at the changes since, however long the history before is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torwatch.errors import UsageError
from torwatch.store.entities import ENTITIES
from torwatch.store.targets import stamp

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from torwatch.store.database import Store
    from torwatch.store.entities import Entity

Claims = dict[str, str]  # claim name → value; claims that are NULL are absent
State = dict[tuple[str, str], Claims]  # (entity, key) → claims, of what stands
ENDED = ("gone_explicit", "missed")
# keys of an entity that a change row of the snapshots after :after, up to :until, names
TOUCHED = (
    "SELECT key FROM change WHERE entity = :entity AND snapshot_id IN"
    " (SELECT id FROM snapshot WHERE market_id = :market AND id > :after AND id <= :until)"
)


def state_after(store: Store, market_id: int, snapshot_id: int, touched: tuple[int, int] | None = None) -> State:
    """(entity, key) → claims of the listings and vendors that stood after a snapshot.

    `touched` (a, b): only of those that a change row of a snapshot after a, up to b, names; all others stood alike after both.
    """
    state: State = {}
    with store.one_moment():
        for entity in ENTITIES:
            claims = [column.name for column in entity.claims]
            for key, values in entity_after(store, entity, market_id, snapshot_id, claims, touched).items():
                state[entity.name, key] = values
    return state


def entity_after(
    store: Store, entity: Entity, market_id: int, snapshot_id: int, claims: Sequence[str], touched: tuple[int, int] | None = None
) -> dict[str, Claims]:
    """Key → the named claims, of one entity; as `state_after`. To be called within `one_moment`."""
    place_of = {claim: place for place, claim in enumerate(claims, 2)}
    bound = {"market": market_id, "snapshot": snapshot_id, "entity": entity.name}
    among = ""
    if touched is not None:
        bound |= {"after": touched[0], "until": touched[1]}
        among = f" AND key IN ({TOUCHED})"
    rows: dict[str, Any] = {
        row[0]: row
        for row in store.rows(
            f"SELECT key, standing, {', '.join(claims)} FROM {entity.name} WHERE market_id = :market AND first_snapshot_id <= :snapshot{among}",
            bound,
        )
    }
    later = store.rows(
        "SELECT key, field, old, cause FROM change WHERE snapshot_id IN (SELECT id FROM snapshot WHERE market_id = :market AND id > :snapshot)"
        " AND entity = :entity AND cause <> 'new' ORDER BY id DESC",
        bound,
    )
    for key, field, old, cause in later:
        row = rows.get(key)
        if row is None:
            continue
        if not isinstance(row, list):
            row = rows[key] = list(row)
        if field is None:
            row[1] = int(cause in ENDED)  # before it ended it stood, before it came back it did not
        elif field in place_of:
            row[place_of[field]] = old
    return {
        key: {claim: str(value) for claim, value in zip(claims, tuple(row)[2:], strict=True) if value is not None}
        for key, row in rows.items()
        if row[1]
    }


def newest_snapshot_at(store: Store, market_id: int, at: dt.datetime) -> int | None:
    """The newest complete or partial snapshot of a market that had ended at a time; None before the first."""
    found: int | None = store.value(
        "SELECT max(id) FROM snapshot WHERE market_id = ? AND state IN ('complete', 'partial') AND coalesce(ended_at, started_at) <= ?",
        (market_id, stamp(at)),
    )
    return found


def market_named(store: Store, name: str) -> int:
    """The id of a market. Raises UsageError when none has this name."""
    found = store.value("SELECT id FROM market WHERE name = ?", (name,))
    if found is None:
        raise UsageError(f"no market is called {name!r}: see `torwatch market list`")
    return int(found)


def markets_with_snapshots(store: Store) -> list[tuple[int, str]]:
    """(id, name) of the markets of which something was ever stored, by name."""
    rows = store.rows("SELECT id, name FROM market WHERE id IN (SELECT market_id FROM snapshot) ORDER BY name")
    return [(row["id"], row["name"]) for row in rows]
