"""Markets known, targets watched and their mirrors."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from torwatch.store.database import Store

EDITABLE = frozenset(
    {"parser", "every_seconds", "note", "legal_basis", "seconds_per_request", "second_pass", "requests_per_day", "bytes_per_day"}
)


@dataclass(frozen=True, slots=True)
class Mirror:
    """One address of a target."""

    id: int
    host: str
    port: int
    scheme: str

    @property
    def address(self) -> str:
        """The address as a URL without path."""
        default = {"http": 80, "https": 443}[self.scheme]
        return f"{self.scheme}://{self.host}" + ("" if self.port == default else f":{self.port}")


@dataclass(frozen=True, slots=True)
class Target:
    """A market watched."""

    id: int
    market_id: int
    market: str
    parser: str
    every_seconds: int
    state: str
    note: str
    legal_basis: str
    seconds_per_request: float | None
    added_at: str
    mirrors: tuple[Mirror, ...]
    last_snapshot_at: str | None = None
    last_snapshot_state: str | None = None
    second_pass: float | None = None
    requests_per_day: int | None = None  # None: what the configuration says
    bytes_per_day: int | None = None


def stamp(now: dt.datetime) -> str:
    """ISO 8601 text of an aware time in UTC, to the second."""
    return now.astimezone(dt.UTC).isoformat(timespec="seconds")


def add_market(store: Store, name: str, *, now: dt.datetime, facts: Mapping[str, Any] | None = None) -> int:
    """Add a market that is known, watched or not; gives its id. `facts`: title, aliases (list), engine, opened, closed, source.

    Raises UsageError when a market of that name is known already.
    """
    facts = dict(facts or {})
    if store.value("SELECT 1 FROM market WHERE name = ?", (name,)):
        raise UsageError(f"market {name} is known already: see `torwatch market list`")
    with store.write() as connection:
        cursor = connection.execute(
            "INSERT INTO market (name, title, aliases, engine, opened, closed, source, added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                facts.get("title"),
                json.dumps(facts.get("aliases") or []),
                facts.get("engine"),
                facts.get("opened"),
                facts.get("closed"),
                facts.get("source"),
                stamp(now),
            ),
        )
    return int(cursor.lastrowid or 0)


def add_target(
    store: Store,
    market: str,
    mirrors: Sequence[tuple[str, int, str]],
    *,
    parser: str,
    every_seconds: int,
    now: dt.datetime,
    note: str = "",
    legal_basis: str = "",
    seconds_per_request: float | None = None,
    second_pass: float | None = None,
    requests_per_day: int | None = None,
    bytes_per_day: int | None = None,
) -> Target:
    """Watch a market at the given mirrors (host, port, scheme); a target removed before is taken up again with its history.

    Raises UsageError when the market is watched already or an address belongs to another target.
    """
    for host, port, _ in mirrors:
        refuse_used_address(store, host, port)
    with store.write() as connection:
        connection.execute("INSERT OR IGNORE INTO market (name, added_at) VALUES (?, ?)", (market, stamp(now)))
        market_id = connection.execute("SELECT id FROM market WHERE name = ?", (market,)).fetchone()[0]
        known = connection.execute("SELECT id, state FROM target WHERE market_id = ?", (market_id,)).fetchone()
        if known and known["state"] != "removed":
            raise UsageError(f"{market} is watched already: add an address to it with `torwatch target edit {market} --add-mirror ADDRESS`")
        values = {
            "parser": parser,
            "every_seconds": every_seconds,
            "state": "active",
            "note": note,
            "legal_basis": legal_basis,
            "seconds_per_request": seconds_per_request,
            "second_pass": second_pass,
            "requests_per_day": requests_per_day,
            "bytes_per_day": bytes_per_day,
            "changed_at": stamp(now),
        }
        if known:
            target_id = known["id"]
            changes = ", ".join(f"{column} = :{column}" for column in values)
            connection.execute(f"UPDATE target SET {changes} WHERE id = :id", {**values, "id": target_id})
        else:
            values |= {"added_at": stamp(now), "market_id": market_id}
            places = ", ".join(f":{column}" for column in values)
            target_id = connection.execute(f"INSERT INTO target ({', '.join(values)}) VALUES ({places})", values).lastrowid
        connection.executemany(
            "INSERT INTO mirror (target_id, host, port, scheme, added_at) VALUES (?, ?, ?, ?, ?)",
            [(target_id, host, port, scheme, stamp(now)) for host, port, scheme in mirrors],
        )
        add_event(connection, now, "target_added", market, {"mirrors": [mirror[0] for mirror in mirrors], "parser": parser})
    return find_target(store, market)


def refuse_used_address(store: Store, host: str, port: int) -> None:
    """Raise UsageError when a live mirror of any target has this address."""
    owner = store.value(
        "SELECT market.name FROM mirror JOIN target ON target.id = mirror.target_id JOIN market ON market.id = target.market_id"
        " WHERE mirror.host = ? AND mirror.port = ? AND mirror.removed_at IS NULL",
        (host, port),
    )
    if owner:
        raise UsageError(f"{host} is an address of {owner} already: see `torwatch target show {owner}`")


def refuse_mirrors(store: Store, target: Target, added: Collection[tuple[str, int, str]], gone: Collection[str]) -> None:
    """Raise UsageError when an address (host, port, scheme) cannot be added to a target, or those of `gone` not be taken from it then."""
    for host, port, _ in added:
        refuse_used_address(store, host, port)
    refuse_removal(target.market, {mirror.host for mirror in target.mirrors} | {host for host, _, _ in added}, gone)


def refuse_removal(market: str, hosts: Collection[str], gone: Collection[str]) -> None:
    """Raise UsageError when one of `gone` is none of the market's `hosts`, or when they are all that there are."""
    for host in gone:
        if host not in hosts:
            raise UsageError(f"{host} is no address of {market}: see `torwatch target show {market}`")
    if gone and set(gone) == set(hosts):
        only = "the only address" if len(gone) == 1 else "all that there is"
        raise UsageError(f"{', '.join(sorted(gone))} is {only} of {market}: add another first, or `torwatch target remove {market}`")


def list_targets(store: Store, *, with_removed: bool = False) -> list[Target]:
    """Every target with its live mirrors and newest snapshot, by market name."""
    rows = store.rows(
        "SELECT target.*, market.name AS market, newest.started_at AS last_at, newest.state AS last_state"
        " FROM target JOIN market ON market.id = target.market_id"
        " LEFT JOIN snapshot AS newest ON newest.id = (SELECT max(id) FROM snapshot WHERE target_id = target.id)"
        " WHERE target.state <> 'removed' OR ? ORDER BY market.name",
        (with_removed,),
    )
    mirrors: dict[int, list[Mirror]] = {}
    for row in store.rows("SELECT * FROM mirror WHERE removed_at IS NULL ORDER BY id"):
        mirrors.setdefault(row["target_id"], []).append(Mirror(row["id"], row["host"], row["port"], row["scheme"]))
    return [
        Target(
            id=row["id"],
            market_id=row["market_id"],
            market=row["market"],
            parser=row["parser"],
            every_seconds=row["every_seconds"],
            state=row["state"],
            note=row["note"],
            legal_basis=row["legal_basis"],
            seconds_per_request=row["seconds_per_request"],
            added_at=row["added_at"],
            mirrors=tuple(mirrors.get(row["id"], ())),
            last_snapshot_at=row["last_at"],
            last_snapshot_state=row["last_state"],
            second_pass=row["second_pass"],
            requests_per_day=row["requests_per_day"],
            bytes_per_day=row["bytes_per_day"],
        )
        for row in rows
    ]


def find_target(store: Store, name: str, *, with_removed: bool = False) -> Target:
    """The target of a market name, a target id or a mirror's address. Raises UsageError, with near names, when there is none."""
    targets = list_targets(store, with_removed=with_removed)
    wanted = name.strip().lower()
    for target in targets:
        if wanted in {target.market.lower(), str(target.id)} or any(mirror.host in wanted for mirror in target.mirrors):
            return target
    import difflib  # noqa: PLC0415 - only a name that is not known needs it

    near = difflib.get_close_matches(wanted, [target.market for target in targets], n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "see `torwatch target list`"
    raise UsageError(f"no target is called {name!r}: {hint}")


def edit_target(store: Store, target: Target, changes: Mapping[str, Any], *, now: dt.datetime) -> None:
    """Change the given columns of a target (see EDITABLE)."""
    unknown = set(changes) - EDITABLE
    if unknown:
        raise UsageError(f"a target has no {', '.join(sorted(unknown))}")
    with store.write() as connection:
        for column, value in changes.items():
            connection.execute(f"UPDATE target SET {column} = ?, changed_at = ? WHERE id = ?", (value, stamp(now), target.id))
        connection.execute("DELETE FROM rest WHERE target_id = ? AND faults = 0", (target.id,))  # its budget may be another one now
        add_event(connection, now, "target_edited", target.market, dict(changes))


def set_state(store: Store, target: Target, state: str, *, now: dt.datetime, why: str = "") -> None:
    """Make a target active, paused or removed; its history stays, the addresses of a removed one are freed."""
    with store.write() as connection:
        connection.execute("UPDATE target SET state = ?, changed_at = ? WHERE id = ?", (state, stamp(now), target.id))
        if state == "removed":
            connection.execute("UPDATE mirror SET removed_at = ? WHERE target_id = ? AND removed_at IS NULL", (stamp(now), target.id))
        add_event(connection, now, f"target_{state}", target.market, {"why": why} if why else {})


def add_mirror(store: Store, target: Target, host: str, port: int, scheme: str, *, now: dt.datetime) -> None:
    """Add one address to a target. Raises UsageError when any target has it already."""
    refuse_used_address(store, host, port)
    with store.write() as connection:
        connection.execute(
            "INSERT INTO mirror (target_id, host, port, scheme, added_at) VALUES (?, ?, ?, ?, ?)",
            (target.id, host, port, scheme, stamp(now)),
        )
        add_event(connection, now, "mirror_added", target.market, {"host": host})


def remove_mirror(store: Store, target: Target, host: str, *, now: dt.datetime) -> None:
    """Take one address from a target; the last one cannot be taken. Raises UsageError."""
    refuse_removal(target.market, {mirror.host for mirror in target.mirrors}, {host})
    with store.write() as connection:
        connection.execute(
            "UPDATE mirror SET removed_at = ? WHERE target_id = ? AND host = ? AND removed_at IS NULL", (stamp(now), target.id, host)
        )
        add_event(connection, now, "mirror_removed", target.market, {"host": host})


def add_event(connection: Any, now: dt.datetime, kind: str, subject: str, detail: Mapping[str, Any]) -> None:
    """Append one line to the log of what people and the daemon did; inside the caller's transaction."""
    connection.execute(
        "INSERT INTO event (at, kind, subject, detail) VALUES (?, ?, ?, ?)", (stamp(now), kind, subject, json.dumps(dict(detail)))
    )
