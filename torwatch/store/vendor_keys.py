"""Keys and handles that accounts ever showed, and the accounts that share one.

They are read from the change rows written since the last time, outside the transaction; what was read is found in `normalised`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.errors import UsageError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from torwatch.store.database import Store

KIND = "vendor_key"


KeyRow = tuple[str, str, "dt.datetime | None", "dt.datetime | None", bool, str]  # fingerprint, key id, created, expires, revoked, user id


@dataclass(frozen=True, slots=True)
class KeyReader:
    """What reads keys out of text and folds a name, with its version."""

    version: str
    keys: Callable[[str], Iterable[KeyRow]]
    handle: Callable[[str], str]


def write_vendor_keys(store: Store, market_id: int, reader: KeyReader) -> None:
    """Bring keys and handles of a market's accounts up to date; a kill loses nothing, what is missing is read the next time."""
    newest = int(store.value("SELECT coalesce(max(id), 0) FROM change") or 0)
    done = store.row("SELECT version, change_id FROM normalised WHERE market_id = ? AND kind = ?", (market_id, KIND))
    afresh = done is None or done["version"] != reader.version
    after = 0 if done is None or afresh else int(done["change_id"])
    said = store.rows(
        "SELECT vendor.id, change.snapshot_id, CASE WHEN change.cause = 'new' THEN json_extract(change.new, '$.name')"
        " WHEN change.field = 'name' THEN change.new END AS name, text.body FROM change"
        " JOIN vendor ON vendor.market_id = change.market_id AND vendor.key = change.key"
        " LEFT JOIN text ON text.digest = CASE WHEN change.cause = 'new' THEN json_extract(change.new, '$.pgp')"
        " WHEN change.field = 'pgp' THEN change.new END"
        " WHERE change.id > ? AND +change.market_id = ? AND change.entity = 'vendor'"
        " AND (change.cause = 'new' OR change.field IN ('name', 'pgp')) ORDER BY change.id",
        (after, market_id),
    )
    keys = [
        (
            row["id"],
            fingerprint,
            key_id,
            text_of(created),
            text_of(expires),
            int(revoked),
            user_id,
            row["snapshot_id"],
        )
        for row in said
        if row["body"]
        for fingerprint, key_id, created, expires, revoked, user_id in reader.keys(row["body"])
    ]
    handles = [
        (row["id"], handle, row["name"], row["snapshot_id"]) for row in said if row["name"] and (handle := reader.handle(row["name"]))
    ]
    with store.write() as connection:
        if afresh:
            for table in ("vendor_key", "vendor_handle"):
                connection.execute(f"DELETE FROM {table} WHERE vendor_id IN (SELECT id FROM vendor WHERE market_id = ?)", (market_id,))
        connection.executemany("INSERT OR IGNORE INTO vendor_key VALUES (?, ?, ?, ?, ?, ?, ?, ?)", keys)
        connection.executemany("INSERT OR IGNORE INTO vendor_handle VALUES (?, ?, ?, ?)", handles)
        connection.execute(
            "INSERT INTO normalised (market_id, kind, version, change_id) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET version = excluded.version, change_id = excluded.change_id",
            (market_id, KIND, reader.version, newest),
        )


def text_of(at: dt.datetime | None) -> str | None:
    """A time as stored."""
    return None if at is None else at.isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Account:
    """One vendor account with its keys, what it claims, and why it belongs here: named, linked (same key) or candidate (same handle)."""

    id: int
    market: str
    key: str
    name: str | None
    standing: int
    why: str
    first_seen: str
    profile_origin: str | None
    keys: tuple[dict[str, Any], ...]
    countries: dict[str, int]  # claimed origin → standing listings


def accounts_of(store: Store, name: str, handle: str) -> list[Account]:
    """The accounts of a name or handle on all markets, those that share a key with one of them, and candidates by handle.

    Linked accounts are followed as far as keys lead; candidates are not followed. Raises UsageError when none is known.
    """
    named = [
        row["id"]
        for row in store.rows(
            "SELECT id FROM vendor WHERE key = ?1 OR name = ?1 UNION SELECT vendor_id FROM vendor_handle WHERE handle = ?2 ORDER BY 1",
            (name, handle),
        )
    ]
    if not named:
        raise UsageError(f"no vendor is called {name!r}: see the table vendor (`torwatch serve`)")
    reasons = dict.fromkeys(named, "named")
    waiting = list(named)
    while waiting:
        one = waiting.pop()
        for row in store.rows("SELECT other_vendor_id, evidence, shared FROM vendor_link WHERE vendor_id = ?", (one,)):
            other, linked = row["other_vendor_id"], row["evidence"] == "pgp"
            if linked:
                if other not in reasons:
                    waiting.append(other)
                if not reasons.get(other, "").startswith("linked"):
                    reasons[other] = f"linked: same key {row['shared']}"
            else:
                reason = f"candidate only: same handle {row['shared']}"
                if reasons.get(other) in {None, "named"}:
                    reasons[other] = reason
    return [read_account(store, number, why) for number, why in sorted(reasons.items())]


def read_account(store: Store, vendor_id: int, why: str) -> Account:
    """One account."""
    row = store.rows(
        "SELECT vendor.*, market.name AS market, snapshot.started_at FROM vendor JOIN market ON market.id = vendor.market_id"
        " JOIN snapshot ON snapshot.id = vendor.first_snapshot_id WHERE vendor.id = ?",
        (vendor_id,),
    )[0]
    keys = store.rows(
        "SELECT fingerprint, key_id, created, expires, revoked, user_id FROM vendor_key WHERE vendor_id = ? ORDER BY first_snapshot_id, fingerprint",
        (vendor_id,),
    )
    countries = store.rows(
        "SELECT coalesce(nullif(claimed_origin, ''), 'undeclared') AS origin, count(*) AS listings FROM listing"
        " WHERE vendor_id = ? AND standing = 1 GROUP BY 1 ORDER BY 2 DESC, 1",
        (vendor_id,),
    )
    return Account(
        row["id"],
        row["market"],
        row["key"],
        row["name"],
        row["standing"],
        why,
        row["started_at"],
        row["claimed_origin"],
        tuple(dict(key) for key in keys),
        {one["origin"]: one["listings"] for one in countries},
    )
