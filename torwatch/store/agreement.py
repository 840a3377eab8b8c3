"""Agreement: two held snapshots in a row that saw the same of a market, which speaks for a real fall instead of a faulty look.

Of a snapshot held for a fall the set of known listings that it saw is kept, as a pass of its own ("H") that no history reads.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.store import capture
from torwatch.store.entities import LISTING

if TYPE_CHECKING:
    import sqlite3

    from torwatch.store.holds import Hold

AGREEING_SHARE = 0.9  # of all listings that either saw, those that both saw


@dataclass(frozen=True, slots=True)
class Offer:
    """Held snapshots of one market, first to last, that agree: to be accepted together where the fall is real."""

    market: str
    first: int
    last: int

    def sentence(self) -> str:
        """What to type."""
        return (
            f"Snapshots {self.first} and {self.last} of {self.market} saw the same. If the fall is real:"
            f" torwatch hold accept {self.first} --through {self.last} --why …"
        )


def note_fall(connection: sqlite3.Connection, snapshot_id: int, market_id: int) -> list[int]:
    """Keep whom a snapshot that is held for a fall saw; gives the waiting ones before it that agree with it, oldest first.

    A good snapshot between two ends the row. One that saw no known listing agrees with nothing: a page that is not understood looks so.
    """
    seen = capture.known_ids(connection, LISTING, snapshot_id, market_id)
    capture.keep(connection, snapshot_id, LISTING, capture.HELD, seen)
    agreeing: list[int] = []
    earlier = connection.execute(
        "SELECT snapshot.id, hold.decision, capture.ids FROM snapshot LEFT JOIN hold ON hold.snapshot_id = snapshot.id"
        " LEFT JOIN capture ON capture.snapshot_id = snapshot.id AND capture.entity = 'listing' AND capture.pass = ?"
        " WHERE snapshot.market_id = ? AND snapshot.id < ? AND snapshot.state IN ('complete', 'partial', 'held') ORDER BY snapshot.id DESC",
        (capture.HELD, market_id, snapshot_id),
    )
    for row in earlier:
        if row["ids"] is None or row["decision"] is not None or not agree(seen, set(capture.decode_ids(row["ids"]))):
            break
        agreeing.append(row["id"])
    return agreeing[::-1]


def agree(one: set[int], other: set[int]) -> bool:
    """Whether two sets of listings are nearly the same."""
    return bool(one & other) and len(one & other) >= AGREEING_SHARE * len(one | other)


def find_offers(holds: list[Hold]) -> list[Offer]:
    """The rows of waiting holds, oldest first, that agree: one offer for each row."""
    offers: dict[tuple[str, int], Offer] = {}
    waiting = {hold.snapshot_id: hold for hold in holds if hold.decision is None}
    for hold in waiting.values():
        agreeing = [number for number in json.loads(hold.figures).get("agrees_with", ()) if number in waiting]
        if agreeing:
            offers[hold.market, agreeing[0]] = Offer(hold.market, agreeing[0], hold.snapshot_id)
    return list(offers.values())
