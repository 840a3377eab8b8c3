"""Snapshots and the spells between them as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torwatch.store.database import Store

Array = np.ndarray[Any, Any]
WEEK_DAYS = 7
NEVER = -1  # no such snapshot: a spell that is still open was missed in none


@dataclass(frozen=True, slots=True)
class Looks:
    """Every snapshot, in the order of the numbers: number, market, begin and state. A look is known by its place in these arrays."""

    number: Array
    market: Array
    at: Array  # ISO 8601 in UTC: sorts as time does
    day: Array  # the same moment in days since 1970
    state: Array

    def place(self, numbers: Array) -> Array:
        """The places of snapshots by their numbers; NEVER for 0."""
        return np.where(numbers > 0, np.searchsorted(self.number, numbers), NEVER)


@dataclass(frozen=True, slots=True)
class Spells:
    """Spells by the id of their owner: the looks that opened them, saw the owner last, and missed it first."""

    owner: Array
    opened: Array
    last_seen: Array
    missed: Array

    def take(self, chosen: Array, owner: Array | None = None) -> Spells:
        """The chosen ones; `owner` names the owners anew."""
        owners = self.owner[chosen] if owner is None else owner
        return Spells(owners, self.opened[chosen], self.last_seen[chosen], self.missed[chosen])


def week_ends(first: int, last: int) -> list[int]:
    """The days that end a week, back from the last one, as long as they are no earlier than the first."""
    return list(range(last - WEEK_DAYS * ((last - first) // WEEK_DAYS), last + 1, WEEK_DAYS))


def read_looks(store: Store) -> Looks:
    """Every snapshot of the database."""
    rows = store.rows("SELECT id, market_id, started_at, state FROM snapshot ORDER BY id")
    at = np.array([row[2] for row in rows], dtype="U32")
    days = np.array([row[2][:19] for row in rows], dtype="datetime64[s]").astype("i8") / 86_400
    return Looks(
        np.array([row[0] for row in rows], dtype="i8"),
        np.array([row[1] for row in rows], dtype="i8"),
        at,
        days,
        np.array([row[3] for row in rows], dtype="U16"),
    )


def read_spells(store: Store, looks: Looks) -> tuple[Spells, Spells]:
    """(spells of listings, spells of vendors) in one scan; the three snapshots of a spell come over as one number."""
    base = int(looks.number[-1]) + 1 if len(looks.number) else 1
    found = store.gather(
        "SELECT CASE entity WHEN 'vendor' THEN -entity_id ELSE entity_id END,"
        " (opened_snapshot_id * :base + coalesce(last_seen_snapshot_id, 0)) * :base + coalesce(first_missed_snapshot_id, 0) FROM spell",
        {"base": base},
        lambda rows: np.fromiter(rows, dtype=[("owner", "i8"), ("packed", "i8")]),
    )
    packed, missed = np.divmod(found["packed"], base)
    opened, seen = np.divmod(packed, base)
    spells = Spells(found["owner"], looks.place(opened), looks.place(seen), looks.place(missed))
    listings = spells.owner > 0
    return spells.take(listings), spells.take(~listings, -spells.owner[~listings])
