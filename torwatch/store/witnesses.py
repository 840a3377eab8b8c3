"""Witnesses of our own Tor network: canary onions, and what other targets met meanwhile. Without one, a silence is nobody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.model import Outcome
from torwatch.store.targets import stamp

if TYPE_CHECKING:
    import datetime as dt
    import sqlite3

    from torwatch.model import Fetched

# A hung onion and a dead network of our own look the same.
AMBIGUOUS = frozenset({Outcome.TIMEOUT_CONNECT, Outcome.ONION_UNKNOWN})
# What a market meets as well when our own network breaks: as a rule the address is to blame, not when every witness is silent too.
SILENCES = AMBIGUOUS | {Outcome.TIMEOUT_TOTAL, Outcome.STALLED, Outcome.RESET, Outcome.ONION_UNREACHABLE, Outcome.ONION_NOT_FOUND}


def is_silence(fetched: Fetched) -> bool:
    """Whether a page may have failed because our own network does not work."""
    return fetched.status is None and fetched.outcome in SILENCES


def is_answer(fetched: Fetched) -> bool:
    """Whether something was reached over Tor: a page, or an onion whose web server is down."""
    return fetched.status is not None or fetched.outcome is Outcome.ONION_REFUSED


def record_canary(connection: sqlite3.Connection, host: str, fetched: Fetched) -> None:
    """Note what a canary met; inside the caller's transaction."""
    connection.execute(
        "INSERT INTO canary_visit (host, at, answered, outcome, reason, elapsed_ms) VALUES (?, ?, ?, ?, ?, ?)",
        (host, stamp(fetched.fetched_at), is_answer(fetched), fetched.outcome.value, fetched.reason, fetched.elapsed_ms),
    )


def network_works(connection: sqlite3.Connection, target_id: int, since: dt.datetime, until: dt.datetime) -> bool | None:
    """Whether our own network worked between two moments, by the newest word of the witnesses; None: there is none.

    It worked when a canary or a page of another target answered. It did not when the canaries stayed silent; where none was asked, when
    other targets met silences like this one.
    """
    between = (stamp(since), stamp(until))
    answered = connection.execute(
        "SELECT max(at) FROM (SELECT max(at) AS at FROM canary_visit WHERE answered AND at BETWEEN ? AND ?"
        " UNION ALL SELECT max(visit.at) FROM visit JOIN snapshot ON snapshot.id = visit.snapshot_id"
        "  WHERE target_id <> ? AND status IS NOT NULL AND visit.at BETWEEN ? AND ?"
        " UNION ALL SELECT max(mirror_visit.at) FROM mirror_visit JOIN mirror ON mirror.id = mirror_id"
        "  WHERE target_id <> ? AND verdict = 'up' AND mirror_visit.at BETWEEN ? AND ?)",
        (*between, target_id, *between, target_id, *between),
    ).fetchone()[0]
    asked, silent = connection.execute(
        "SELECT count(*), max(at) FILTER (WHERE NOT answered) FROM canary_visit WHERE at BETWEEN ? AND ?", between
    ).fetchone()
    if not asked:
        ambiguous = ", ".join(f"'{outcome}'" for outcome in sorted(AMBIGUOUS))
        silent = connection.execute(
            "SELECT max(visit.at) FROM visit JOIN snapshot ON snapshot.id = visit.snapshot_id WHERE target_id <> ? AND visit.at BETWEEN ? AND ?"
            f" AND (outcome IN ({ambiguous}) OR (outcome IS NULL AND status IS NULL))",
            (target_id, *between),
        ).fetchone()[0]
    if answered is not None and (silent is None or answered >= silent):
        return True
    return None if silent is None else False
