"""Sessions as the database knows them: lent, lost, taken back, and how long they last; never a cookie."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.store.targets import Target, add_event, stamp

if TYPE_CHECKING:
    from torwatch.store.database import Store


@dataclass(frozen=True, slots=True)
class SessionState:
    """The session of one target."""

    target_id: int
    market: str
    state: str
    cookies: int
    imported_at: str
    lost_at: str | None
    lost_why: str
    expected_until: str | None


def usual_life(store: Store, target_id: int) -> dt.timedelta | None:
    """The median life of the target's sessions that were lost; None when none was yet."""
    rows = store.rows("SELECT imported_at, lost_at FROM session WHERE target_id = ? AND lost_at IS NOT NULL", (target_id,))
    from statistics import median  # noqa: PLC0415 - it loads fractions and decimal, and few starts need it

    lives = [(dt.datetime.fromisoformat(row["lost_at"]) - dt.datetime.fromisoformat(row["imported_at"])).total_seconds() for row in rows]
    return dt.timedelta(seconds=median(lives)) if lives else None


def begin_session(store: Store, target: Target, cookies: int, *, now: dt.datetime) -> None:
    """Note a session that was lent; one before it ends."""
    life = usual_life(store, target.id)
    with store.write() as connection:
        connection.execute("UPDATE session SET state = 'dropped' WHERE target_id = ?", (target.id,))
        connection.execute(
            "INSERT INTO session (target_id, cookies, imported_at, expected_until) VALUES (?, ?, ?, ?)",
            (target.id, cookies, stamp(now), stamp(now + life) if life else None),
        )
        add_event(connection, now, "session_imported", target.market, {"cookies": cookies})


def lose_session(store: Store, target: Target, why: str, *, now: dt.datetime) -> None:
    """Note that the market asks for a login again, with the command that goes on; once for each session."""
    with store.write() as connection:
        lost = connection.execute(
            "UPDATE session SET state = 'lost', lost_at = ?, lost_why = ? WHERE target_id = ? AND state = 'good'",
            (stamp(now), why, target.id),
        )
        if lost.rowcount:
            command = f"torwatch session renew {target.market} cookies.txt"
            add_event(connection, now, "session_needed", target.market, {"why": why, "command": command})


def end_session(store: Store, target: Target, *, now: dt.datetime) -> bool:
    """Note that a session was taken back; False when there was none."""
    with store.write() as connection:
        dropped = connection.execute("UPDATE session SET state = 'dropped' WHERE target_id = ? AND state <> 'dropped'", (target.id,))
        if dropped.rowcount:
            add_event(connection, now, "session_dropped", target.market, {})
        return bool(dropped.rowcount)


def list_sessions(store: Store) -> list[SessionState]:
    """The sessions that are lent now, by market."""
    rows = store.rows(
        "SELECT target_id, market.name AS market, session.state, cookies, imported_at, lost_at, lost_why, expected_until FROM session"
        " JOIN target ON target.id = target_id JOIN market ON market.id = market_id WHERE session.state <> 'dropped' ORDER BY market.name"
    )
    return [SessionState(*row) for row in rows]


def is_lent(store: Store, target_id: int) -> bool:
    """Whether the target has a session that nobody took back."""
    return store.value("SELECT 1 FROM session WHERE target_id = ? AND state <> 'dropped'", (target_id,)) is not None


def waits_for_session(store: Store, target_id: int) -> bool:
    """Whether the target waits for a person to renew its session."""
    return store.value("SELECT 1 FROM session WHERE target_id = ? AND state = 'lost'", (target_id,)) is not None
