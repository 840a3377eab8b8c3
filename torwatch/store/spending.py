"""How hard a target is asked: what was agreed, what each day took, how much it is slowed down, and until when it rests."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from torwatch.store.targets import stamp

if TYPE_CHECKING:
    import sqlite3

    from torwatch.store.database import Store
    from torwatch.store.targets import Target


class Limits(Protocol):
    """Limits for all targets: those of the configuration, or of a walk's settings."""

    @property
    def seconds_per_request(self) -> float:
        """Least distance of two requests."""

    @property
    def requests_per_day(self) -> int:
        """Budget, 0: none."""

    @property
    def bytes_per_day(self) -> int:
        """Budget, 0: none."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """How hard one target may be asked; a budget of 0 is none."""

    seconds_per_request: float
    requests_per_day: int
    bytes_per_day: int


@dataclass(frozen=True, slots=True)
class Spent:
    """Requests sent and bytes received of one target in one day (UTC)."""

    requests: int = 0
    received_bytes: int = 0


@dataclass(frozen=True, slots=True)
class KeptPace:
    """How many times slower than agreed a target was asked (`why`: what for), as of `at`; before `at` nothing is asked."""

    slow_down: float
    why: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Rest:
    """A target is left alone until then: its day's budget is spent (no faults), or so many faults in a row stopped its walk."""

    until: dt.datetime
    why: str
    faults: int = 0


def agreed_with(target: Target, general: Limits) -> Agreed:
    """The target's own limits where it has any, else those for all."""
    return Agreed(
        general.seconds_per_request if target.seconds_per_request is None else target.seconds_per_request,
        general.requests_per_day if target.requests_per_day is None else target.requests_per_day,
        int(general.bytes_per_day) if target.bytes_per_day is None else target.bytes_per_day,
    )


def spent_on(store: Store, target_id: int, day: dt.date) -> Spent:
    """What a day took so far."""
    row = store.row("SELECT requests, received_bytes FROM spending WHERE target_id = ? AND day = ?", (target_id, day.isoformat()))
    return Spent(*row) if row else Spent()


def add_spending(connection: sqlite3.Connection, target_id: int, day: dt.date, spent: Spent) -> None:
    """Add to what a day took; inside the caller's transaction."""
    connection.execute(
        "INSERT INTO spending (target_id, day, requests, received_bytes) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " requests = requests + excluded.requests, received_bytes = received_bytes + excluded.received_bytes",
        (target_id, day.isoformat(), spent.requests, spent.received_bytes),
    )


def add_spending_at(connection: sqlite3.Connection, host: str, port: int, day: dt.date, spent: Spent) -> None:
    """Add to what a day took of the target that has this address, if one has; inside the caller's transaction."""
    owner = connection.execute("SELECT target_id FROM mirror WHERE host = ? AND port = ? AND removed_at IS NULL", (host, port)).fetchone()
    if owner is not None:
        add_spending(connection, owner["target_id"], day, spent)


def load_pace(store: Store, target_id: int) -> KeptPace | None:
    """The pace that was kept of a target; None when there is none."""
    row = store.row("SELECT slow_down, why, at FROM pace WHERE target_id = ?", (target_id,))
    return None if row is None else KeptPace(row["slow_down"], row["why"], dt.datetime.fromisoformat(row["at"]))


def keep_pace(connection: sqlite3.Connection, target_id: int, pace: KeptPace) -> None:
    """Keep the pace of a target; inside the caller's transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO pace (target_id, slow_down, why, at) VALUES (?, ?, ?, ?)",
        (target_id, round(pace.slow_down, 3), pace.why, stamp(pace.at)),
    )


def rests(store: Store) -> dict[int, Rest]:
    """The rest of every target that was given one, by target, whether it is over or not."""
    rows = store.rows("SELECT target_id, until, why, faults FROM rest")
    return {row["target_id"]: Rest(dt.datetime.fromisoformat(row["until"]), row["why"], row["faults"]) for row in rows}


def keep_rest(store: Store, target_id: int, rest: Rest) -> None:
    """Leave a target alone for some time."""
    with store.write() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO rest (target_id, until, why, faults) VALUES (?, ?, ?, ?)",
            (target_id, stamp(rest.until), rest.why, rest.faults),
        )


def end_rest(connection: sqlite3.Connection, target_id: int) -> None:
    """Forget the rest of a target: it was asked again, and a page was read; inside the caller's transaction."""
    connection.execute("DELETE FROM rest WHERE target_id = ?", (target_id,))
