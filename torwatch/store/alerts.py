"""Alerts as the database keeps them: each once, with the deliveries that are still to be made, and what rules look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from torwatch.store.targets import stamp

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Sequence

    from torwatch.store.database import Store

Kind = Literal["change", "health"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that somebody should hear of; `key` makes it one, whenever it is noticed again."""

    key: str
    kind: Kind
    rule: str
    subject: str  # the market, or what of this machine
    title: str
    body: str = ""
    snapshot_id: int | None = None


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """An alert with its number and what became of it."""

    id: int
    at: str
    kind: str
    rule: str
    subject: str
    title: str
    body: str
    snapshot_id: int | None
    waiting: int  # destinations that have not got it
    sent: int
    error: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """One alert that one destination has not got."""

    alert_id: int
    at: str
    kind: str
    title: str
    body: str
    attempts: int
    tried_at: str | None


def add_alerts(store: Store, alerts: Iterable[Alert], destinations: Collection[str], *, now: dt.datetime) -> int:
    """Keep those that are new and note to whom each is to be told; gives how many were new."""
    new = 0
    with store.write() as connection:
        for alert in alerts:
            cursor = connection.execute(
                "INSERT INTO alert (key, at, kind, rule, subject, title, body, snapshot_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (key) DO NOTHING",
                (alert.key, stamp(now), alert.kind, alert.rule, alert.subject, alert.title, alert.body, alert.snapshot_id),
            )
            if cursor.rowcount:
                new += 1
                connection.executemany(
                    "INSERT INTO alert_delivery (alert_id, destination) VALUES (?, ?)", [(cursor.lastrowid, one) for one in destinations]
                )
    return new


def list_alerts(store: Store, *, limit: int = 50, waiting: bool = False) -> list[KeptAlert]:
    """The newest alerts first; with `waiting` only those that some destination has not got."""
    rows = store.rows(
        "SELECT alert.id, at, kind, rule, subject, title, body, snapshot_id, count(d.alert_id) - count(d.sent_at) AS waiting,"
        " count(d.sent_at) AS sent, coalesce(max(d.error), '') AS error FROM alert LEFT JOIN alert_delivery AS d ON d.alert_id = alert.id"
        " GROUP BY alert.id HAVING NOT ? OR waiting > 0 ORDER BY alert.id DESC LIMIT ?",
        (waiting, limit),
    )
    return [KeptAlert(**dict(row)) for row in rows]


def waiting_for(store: Store, destination: str) -> list[Waiting]:
    """What a destination has not got, oldest first."""
    rows = store.rows(
        "SELECT alert.id, at, kind, title, body, attempts, tried_at FROM alert_delivery JOIN alert ON alert.id = alert_id"
        " WHERE destination = ? AND sent_at IS NULL ORDER BY alert.id",
        (destination,),
    )
    return [Waiting(*row) for row in rows]


def last_sent_at(store: Store, destination: str, kind: str) -> str | None:
    """When a destination last got alerts of a kind."""
    sent: str | None = store.value(
        "SELECT max(sent_at) FROM alert_delivery JOIN alert ON alert.id = alert_id WHERE destination = ? AND kind = ?", (destination, kind)
    )
    return sent


def note_delivery(store: Store, destination: str, alert_ids: Sequence[int], error: str, *, now: dt.datetime) -> None:
    """Note one attempt to tell these alerts; `error` "" when it was made."""
    with store.write() as connection:
        connection.executemany(
            "UPDATE alert_delivery SET attempts = attempts + 1, tried_at = ?1, error = ?2, sent_at = iif(?2 = '', ?1, NULL)"
            " WHERE destination = ?3 AND alert_id = ?4",
            [(stamp(now), error, destination, alert_id) for alert_id in alert_ids],
        )


def forget_destinations(store: Store, present: Collection[str]) -> None:
    """Drop what waits for destinations that are no longer configured."""
    if store.value("SELECT 1 FROM alert_delivery WHERE sent_at IS NULL LIMIT 1") is None:
        return
    with store.write() as connection:
        for (destination,) in connection.execute("SELECT DISTINCT destination FROM alert_delivery WHERE sent_at IS NULL").fetchall():
            if destination not in present:
                connection.execute("DELETE FROM alert_delivery WHERE destination = ? AND sent_at IS NULL", (destination,))
