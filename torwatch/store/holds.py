"""Holds: snapshots that wait for a person, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.errors import UsageError
from torwatch.store.capture import HELD
from torwatch.store.targets import add_event, stamp

if TYPE_CHECKING:
    import datetime as dt

    from torwatch.store.database import Store


@dataclass(frozen=True, slots=True)
class Hold:
    """One held snapshot; `decision` is None while it waits."""

    snapshot_id: int
    market: str
    market_id: int
    state: str
    started_at: str
    reason: str
    figures: str  # JSON: what was seen
    decision: str | None
    decided_at: str | None
    why: str


SELECT = (
    "SELECT hold.snapshot_id, market.name AS market, market.id AS market_id, snapshot.state, snapshot.started_at, hold.reason, hold.figures,"
    " hold.decision, hold.decided_at, hold.why FROM hold JOIN snapshot ON snapshot.id = hold.snapshot_id"
    " JOIN market ON market.id = snapshot.market_id"
)


def list_holds(store: Store, *, decided: bool = False) -> list[Hold]:
    """Holds that wait, oldest first; with `decided` also the others."""
    rows = store.rows(f"{SELECT} WHERE hold.decision IS NULL OR ? ORDER BY hold.snapshot_id", (decided,))
    return [Hold(**dict(row)) for row in rows]


def find_hold(store: Store, snapshot_id: int) -> Hold:
    """One hold. Raises UsageError when the snapshot is not and was never held."""
    row = store.row(f"{SELECT} WHERE hold.snapshot_id = ?", (snapshot_id,))
    if row is None:
        raise UsageError(f"snapshot {snapshot_id} is not held: see `torwatch hold list`")
    return Hold(**dict(row))


def decide(store: Store, hold: Hold, decision: str, *, why: str, now: dt.datetime) -> None:
    """Write what a person decided; a rejected snapshot is out of the history at once, an accepted one enters it by a replay."""
    with store.write() as connection:
        connection.execute(
            "UPDATE hold SET decision = ?, decided_at = ?, why = ? WHERE snapshot_id = ?", (decision, stamp(now), why, hold.snapshot_id)
        )
        if decision == "rejected":
            connection.execute("UPDATE snapshot SET state = 'rejected' WHERE id = ? AND state = 'held'", (hold.snapshot_id,))
        connection.execute("DELETE FROM capture WHERE snapshot_id = ? AND pass = ?", (hold.snapshot_id, HELD))
        add_event(connection, now, f"hold_{decision}", hold.market, {"snapshot": hold.snapshot_id, "why": why})
