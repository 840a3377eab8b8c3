"""Status: what one look at a running torwatch should tell, and what of it needs a person.

Named tuples, not dataclasses: a monitor looks once a minute, and five dataclasses are a tenth of the time that a look takes.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA: Final = 1  # raised when a field of `status --json` goes or changes its meaning; new fields do not raise it
EXIT_CODES: Final = {"ok": 0, "warning": 3, "critical": 4}  # apart from 1 (a fault of the command) and 2 (wrong usage)
STALE_AFTER: Final = dt.timedelta(minutes=2)
STARTED_WITHIN: Final = dt.timedelta(
    minutes=10
)  # TimeoutStartSec of the unit: nothing is heard of a daemon while tor stands still on its way
LITTLE_DISK_BYTES: Final = 5_000_000_000
FULL_DISK_BYTES: Final = 500_000_000
SESSION_WARNING: Final = dt.timedelta(days=2)

State = Literal["ok", "warning", "critical"]


class Pulse(NamedTuple):
    """What the daemon last wrote of itself, beside the database."""

    at: str
    process_id: int
    tor: Literal["starting", "ready", "down"]
    tor_problem: str
    walking: tuple[str, ...]  # markets


class TargetStatus(NamedTuple):
    """One target: its last snapshot, its next, and how much of the market was seen."""

    market: str
    state: str
    last_snapshot: int | None
    last_state: str | None
    last_reason: str
    last_started_at: str | None
    next_due_at: str | None  # None where it is not active
    listings: int | None
    coverage: float | None  # share of the market's own count, None where it prints none
    requests_today: int = 0  # what the day (UTC) took of it
    received_bytes_today: int = 0
    waits_for: str = ""  # why it is left alone until next_due_at


class SessionStatus(NamedTuple):
    """A session of a person that a market needs."""

    market: str
    state: str
    expected_until: str | None
    lost_at: str | None = None


class Problem(NamedTuple):
    """One thing that is not as it should be, and what to do."""

    level: Literal["warning", "critical"]
    what: str
    remedy: str


class Status(NamedTuple):
    """Everything on the one screen."""

    schema: int
    at: str
    state: State
    problems: tuple[Problem, ...]
    daemon: Literal["running", "stopped", "hanging"]
    pulse: Pulse | None
    targets: tuple[TargetStatus, ...]
    holds: int
    sessions: tuple[SessionStatus, ...]
    disk_free_bytes: int
    database_bytes: int


def status_document(status: Status) -> dict[str, Any]:
    """The status as plain dictionaries and lists, for JSON."""
    return status._asdict() | {
        "pulse": status.pulse and status.pulse._asdict(),
        **{name: [one._asdict() for one in getattr(status, name)] for name in ("problems", "targets", "sessions")},
    }


def write_pulse(path: Path, pulse: Pulse) -> None:
    """Write it whole or not at all. Raises OSError."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps(pulse._asdict()), encoding="utf-8")
    os.replace(fresh, path)  # noqa: PTH105 - Path.replace is the same call, and this one says that it is atomic


def read_pulse(path: Path) -> Pulse | None:
    """The pulse that was written last; None where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Pulse(**{**found, "walking": tuple(found["walking"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def judge_status(
    *,
    now: dt.datetime,
    locked: bool,
    pulse: Pulse | None,
    targets: tuple[TargetStatus, ...],
    holds: int,
    sessions: tuple[SessionStatus, ...],
    forgetting: bool,
    disk_free_bytes: int,
    database_bytes: int,
) -> Status:
    """Put the status together and say what needs a person. `locked`: somebody holds the writer lock; `forgetting`: a request to forget has not ended."""
    heard_within = STARTED_WITHIN if pulse is not None and pulse.tor == "starting" else STALE_AFTER
    stale = pulse is None or now - dt.datetime.fromisoformat(pulse.at) > heard_within
    daemon: Literal["running", "stopped", "hanging"] = "stopped" if not locked else "hanging" if stale else "running"
    problems = [
        *_daemon_problems(daemon, pulse),
        *_disk_problems(disk_free_bytes),
        *(problem for target in targets for problem in _target_problems(target, now)),
        *(problem for session in sessions for problem in _session_problems(session, now)),
    ]
    if holds:
        problems.append(Problem("warning", f"{holds} held snapshots wait for a person", "torwatch hold list"))
    if forgetting:
        problems.append(
            Problem("warning", "a request to forget has not ended", "if it was cut off, stop the daemon: torwatch forget resume")
        )
    levels = {problem.level for problem in problems}
    state: State = "critical" if "critical" in levels else "warning" if levels else "ok"
    return Status(
        schema=SCHEMA,
        at=now.isoformat(timespec="seconds"),
        state=state,
        problems=tuple(problems),
        daemon=daemon,
        pulse=None if daemon == "stopped" else pulse,
        targets=targets,
        holds=holds,
        sessions=sessions,
        disk_free_bytes=disk_free_bytes,
        database_bytes=database_bytes,
    )


def _daemon_problems(daemon: str, pulse: Pulse | None) -> list[Problem]:
    if daemon == "stopped":
        return [Problem("critical", "the daemon does not run", "systemctl start torwatch, or torwatch run")]
    if daemon == "hanging":
        return [Problem("critical", "a process holds the database, but the daemon gives no sign of life", "read its log; start it anew")]
    if pulse is not None and pulse.tor == "starting":
        what = f"the daemon starts: tor is not in the network yet ({pulse.tor_problem})"
        return [Problem("warning", what, "wait; if it stays, look at this machine's network and clock")]
    if pulse is not None and pulse.tor == "down":
        return [Problem("critical", f"tor does not answer: {pulse.tor_problem}", "it is started again; if it stays, read tor/tor.log")]
    return []


def _disk_problems(free_bytes: int) -> list[Problem]:
    if free_bytes >= LITTLE_DISK_BYTES:
        return []
    level: Literal["warning", "critical"] = "critical" if free_bytes < FULL_DISK_BYTES else "warning"
    return [Problem(level, f"only {free_bytes // 1_000_000} MB of disk are free", "free some space, or move data_directory")]


def _target_problems(target: TargetStatus, now: dt.datetime) -> list[Problem]:
    if target.state != "active":
        return []
    if target.last_state in {"failed", "partial"}:
        what = f"the last snapshot of {target.market} is {target.last_state}: {target.last_reason or 'no reason stored'}"
        return [Problem("warning", what, f"torwatch snapshot show {target.last_snapshot}")]
    if target.next_due_at is not None and target.last_state != "running":
        late = now - dt.datetime.fromisoformat(target.next_due_at)
        if late > dt.timedelta(days=1):
            return [Problem("warning", f"{target.market} has been due for {late.days} days", "see that the daemon runs")]
    return []


def _session_problems(session: SessionStatus, now: dt.datetime) -> list[Problem]:
    if session.state == "lost":
        return [Problem("warning", f"the session of {session.market} is lost", "give it a new one: docs/operations.md")]
    if session.state == "good" and session.expected_until:
        left = dt.datetime.fromisoformat(session.expected_until) - now
        if left < SESSION_WARNING:
            return [Problem("warning", f"the session of {session.market} ends at {session.expected_until}", "renew it before")]
    return []
