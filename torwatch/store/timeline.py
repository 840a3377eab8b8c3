"""The timeline of one listing or vendor: what changed, and how each snapshot saw it or did not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.errors import UsageError
from torwatch.store.captures import FIRST, capture_histories

if TYPE_CHECKING:
    from torwatch.store.database import Store


@dataclass(frozen=True, slots=True)
class Subject:
    """One listing or vendor: its id, market, key, present name and path."""

    id: int
    entity: str
    market_id: int
    market: str
    key: str
    name: str | None
    path: str | None


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a timeline; `what` is a claim's name, or new, back, gone_explicit, missed, or one of the absence states."""

    at: str
    snapshot_id: int
    what: str
    old: str | None = None
    new: str | None = None
    cause: str = ""


def find_subjects(store: Store, entity: str, key: str, market: str | None = None) -> list[Subject]:
    """Those whose key, or whose present name where no key fits, is `key`. Raises UsageError when there is none."""
    label = {"listing": "title", "vendor": "name"}[entity]
    for column in ("key", label):
        rows = store.rows(
            f"SELECT e.id, '{entity}' AS entity, e.market_id, market.name AS market, e.key, e.{label} AS name, e.path FROM {entity} AS e"
            f" JOIN market ON market.id = e.market_id WHERE e.{column} = ? AND (? IS NULL OR market.name = ?) ORDER BY market.name, e.key",
            (key, market, market),
        )
        if rows:
            return [Subject(**dict(row)) for row in rows]
    where = f" on {market}" if market else ""
    raise UsageError(f"no {entity} has the key or {label} {key!r}{where}: find one with `torwatch search` or `torwatch vendor show`")


def changes_of(store: Store, subject: Subject) -> list[Moment]:
    """Its change rows, oldest first; the first state is one line a claim."""
    moments: list[Moment] = []
    rows = store.rows(
        "SELECT change.*, snapshot.started_at FROM change JOIN snapshot ON snapshot.id = change.snapshot_id"
        " WHERE change.market_id = ? AND change.entity = ? AND change.key = ? ORDER BY change.id",
        (subject.market_id, subject.entity, subject.key),
    )
    for row in rows:
        at, snapshot_id, cause = row["started_at"], row["snapshot_id"], row["cause"]
        if cause == "new":
            first = json.loads(row["new"] or "{}")
            moments.append(Moment(at, snapshot_id, "new", cause=cause))
            moments += [Moment(at, snapshot_id, name, None, str(value), cause) for name, value in first.items()]
        else:
            moments.append(Moment(at, snapshot_id, row["field"] or cause, row["old"], row["new"], cause))
    return moments


def absences_of(store: Store, subject: Subject) -> list[Moment]:
    """How each snapshot since the first sight saw it: one of the five states, oldest first.

    seen; not_seen_complete: every page that would show it was read; not_seen_partial: not all were; fetch_failed: its own page, or the
    whole snapshot, could not be read; gone_explicit: its own page said so. Held and rejected snapshots say nothing.
    """
    histories = capture_histories(store, subject.market_id, subject.entity)
    bits = histories.seen.get(subject.id, 0)
    seen = {one.snapshot_id: bool(bits >> place & 1) for place, one in enumerate(histories.occasions) if one.pass_name == FIRST}
    gone = {one.snapshot_id for one in changes_of(store, subject) if one.cause == "gone_explicit"}
    first = store.value(f"SELECT first_snapshot_id FROM {subject.entity} WHERE id = ?", (subject.id,))
    rows = store.rows(
        "SELECT snapshot.id, snapshot.state, snapshot.started_at, EXISTS (SELECT 1 FROM failure WHERE failure.snapshot_id = snapshot.id"
        " AND failure.path = ?) AS failed FROM snapshot WHERE market_id = ? AND id >= ? AND state IN ('complete', 'partial', 'failed') ORDER BY id",
        (subject.path, subject.market_id, first),
    )
    moments = []
    for row in rows:
        if seen.get(row["id"]):
            what = "seen"
        elif row["id"] in gone:
            what = "gone_explicit"
        elif row["state"] == "failed" or row["failed"]:
            what = "fetch_failed"
        else:
            what = f"not_seen_{row['state']}"
        moments.append(Moment(row["started_at"], row["id"], what, cause="look"))
    return moments
