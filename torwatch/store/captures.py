"""The capture histories of a market: who was seen at which occasion, recovered exactly from spells, misses and sets of ids.

An occasion is one look at a market that the history believes: pass A of a complete or partial snapshot, and its pass B where one was
made. Failed, held and rejected snapshots are no occasions: whom they saw is not known to the history.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.store import capture
from torwatch.store.entities import ENTITIES
from torwatch.store.second_pass import pages_caught, stray_ids
from torwatch.store.targets import stamp

if TYPE_CHECKING:
    from torwatch.store.database import Store

FIRST = capture.FIRST


@dataclass(frozen=True, slots=True)
class Occasion:
    """One look: `complete` says that an absence from it is a miss; pass B is a sample and never complete."""

    snapshot_id: int
    pass_name: str
    at: dt.datetime
    state: str
    complete: bool


@dataclass(frozen=True, slots=True)
class CaptureHistories:
    """Occasions in order, and by entity id a bit set: bit t says "seen at occasion t". Ids seen at no occasion are left out.

    A listing that only second passes saw has no row in the history: it has a negative id, the same at every occasion.
    """

    occasions: tuple[Occasion, ...]
    seen: dict[int, int]


def capture_histories(
    store: Store, market_id: int, entity: str, *, since: dt.datetime | None = None, until: dt.datetime | None = None
) -> CaptureHistories:
    """The histories of every "listing" or "vendor" of a market over the snapshots begun from `since` to `until`, both included.

    Raises ValueError for another entity.
    """
    if entity not in {known.name for known in ENTITIES}:
        raise ValueError(f"no capture history of {entity!r}: it is kept of listings and vendors")
    occasions, sets = read_occasions(store, market_id, entity, since, until)
    seen = _seen_in_complete(store, market_id, entity, occasions)
    seconds = {one.snapshot_id: 1 << place for place, one in enumerate(occasions) if one.pass_name == capture.SECOND}
    for snapshot_id, caught in pages_caught(store, seconds, stray_ids(store, market_id)):
        for entity_id in caught:
            seen[entity_id] = seen.get(entity_id, 0) | seconds[snapshot_id]
    for place, ids in sets.items():
        bit = 1 << place
        for entity_id in capture.decode_ids(ids):
            seen[entity_id] = seen.get(entity_id, 0) | bit
    return CaptureHistories(tuple(occasions), {entity_id: bits for entity_id, bits in sorted(seen.items()) if bits})


def read_occasions(
    store: Store, market_id: int, entity: str, since: dt.datetime | None, until: dt.datetime | None
) -> tuple[list[Occasion], dict[int, bytes]]:
    """The occasions in order, and by place the encoded ids of those that are kept as a set."""
    rows = store.rows(
        "SELECT snapshot.id, snapshot.state, snapshot.started_at, first.ids AS first_ids, second.ids AS second_ids FROM snapshot"
        " LEFT JOIN capture AS first ON first.snapshot_id = snapshot.id AND first.entity = :entity AND first.pass = :first"
        " LEFT JOIN capture AS second ON second.snapshot_id = snapshot.id AND second.entity = :entity AND second.pass = :second"
        " WHERE snapshot.market_id = :market AND snapshot.state IN ('complete', 'partial')"
        " AND (:since IS NULL OR snapshot.started_at >= :since) AND (:until IS NULL OR snapshot.started_at <= :until) ORDER BY snapshot.id",
        {
            "entity": entity,
            "first": FIRST,
            "second": capture.SECOND,
            "market": market_id,
            "since": None if since is None else stamp(since),
            "until": None if until is None else stamp(until),
        },
    )
    occasions: list[Occasion] = []
    sets: dict[int, bytes] = {}
    for row in rows:
        at = dt.datetime.fromisoformat(row["started_at"])
        if row["first_ids"] is not None:
            sets[len(occasions)] = row["first_ids"]
        occasions.append(Occasion(row["id"], FIRST, at, row["state"], complete=row["state"] == "complete"))
        if row["second_ids"] is not None:
            sets[len(occasions)] = row["second_ids"]
            occasions.append(Occasion(row["id"], capture.SECOND, at, row["state"], complete=False))
    return occasions, sets


def _seen_in_complete(store: Store, market_id: int, entity: str, occasions: list[Occasion]) -> dict[int, int]:
    """By id the complete occasions inside its spells, but for the misses in them."""
    bit_of = {occasion.snapshot_id: 1 << place for place, occasion in enumerate(occasions) if occasion.complete}
    if not bit_of:
        return {}
    bits_before = _BitsBefore(bit_of)
    seen: dict[int, int] = {}
    spells = store.rows(
        f"SELECT spell.entity_id, spell.opened_snapshot_id, spell.first_missed_snapshot_id FROM spell"
        f" JOIN {entity} AS e ON e.id = spell.entity_id AND e.market_id = ? WHERE spell.entity = ?",
        (market_id, entity),
    )
    for entity_id, opened, first_missed in spells:
        bits = bits_before.all if first_missed is None else bits_before.snapshot(first_missed)
        seen[entity_id] = seen.get(entity_id, 0) | (bits & ~bits_before.snapshot(opened))
    misses = store.rows(
        f"SELECT spell.entity_id, miss.snapshot_id FROM miss JOIN spell ON spell.id = miss.spell_id"
        f" JOIN {entity} AS e ON e.id = spell.entity_id AND e.market_id = ? WHERE spell.entity = ?",
        (market_id, entity),
    )
    for entity_id, snapshot_id in misses:
        seen[entity_id] &= ~bit_of.get(snapshot_id, 0)
    return seen


class _BitsBefore:
    """The bits of all complete occasions before a snapshot, each worked out once."""

    def __init__(self, bit_of: dict[int, int]) -> None:
        self._bit_of = bit_of
        self._known: dict[int, int] = {}
        self.all = sum(bit_of.values())

    def snapshot(self, snapshot_id: int) -> int:
        """The bits of the complete occasions whose snapshot is older than this one."""
        if snapshot_id not in self._known:
            self._known[snapshot_id] = sum(bit for number, bit in self._bit_of.items() if number < snapshot_id)
        return self._known[snapshot_id]


def second_pass_pages(store: Store, market_id: int, snapshot_id: int) -> tuple[frozenset[int], ...]:
    """The listings caught on each page of a snapshot's second pass, by the ids of `capture_histories`.

    Listings come in pages, so an interval is drawn from whole pages.
    """
    return tuple(caught for _, caught in pages_caught(store, (snapshot_id,), stray_ids(store, market_id)))
