"""How often to look at a market: what its present rhythm sees at best, from the lives measured so far, and what another would cost."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.measure.estimate import Refusal
from torwatch.measure.survival import Life, kaplan_meier, longest_rhythm_days, median_life_days, seen_at_best

if TYPE_CHECKING:
    from torwatch.store.database import Store

DAY_SECONDS = 86_400
WANTED = (0.8, 0.9)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """One interval between complete crawls, in days; `at_best`: share of all listings it sees; the cost of a year of it (None: unknown)."""

    every_days: float
    at_best: float
    pages_a_year: float | None
    hours_a_year: float | None


def advise(store: Store, market_id: int, every_seconds: int, seconds_per_request: float) -> tuple[float | None, list[Rhythm]] | Refusal:
    """The median life in days (None: the curve does not come down so far), and the present rhythm with those that reach 80 and 90 %."""
    steps = kaplan_meier(listing_lives(store, market_id))
    if isinstance(steps, Refusal):
        return steps
    pages = store.value(
        "SELECT pages FROM snapshot WHERE market_id = ? AND state = 'complete' AND pages > 0 ORDER BY id DESC LIMIT 1", (market_id,)
    )
    rhythms = []
    for days in (every_seconds / DAY_SECONDS, *(longest_rhythm_days(steps, share) for share in WANTED)):
        yearly = None if pages is None or not days else pages * 365 / days
        hours = None if yearly is None else yearly * seconds_per_request / 3600
        rhythms.append(Rhythm(days, seen_at_best(steps, days) if days else 1.0, yearly, hours))
    return median_life_days(steps), rhythms


def listing_lives(store: Store, market_id: int) -> list[Life]:
    """Every spell of the market's listings as a life.

    Age counts from the first sight. What stood at the first snapshot had lived for an unknown time before, so its age is unknown and it
    is left out; a life still open ends at the newest complete snapshot.
    """
    complete = [
        (row[0], row[1])
        for row in store.rows("SELECT id, started_at FROM snapshot WHERE market_id = ? AND state = 'complete' ORDER BY id", (market_id,))
    ]
    if not complete:
        return []
    rows = store.rows(
        "SELECT opened.started_at AS opened, seen.started_at AS seen, missed.started_at AS missed FROM spell"
        " JOIN snapshot AS opened ON opened.id = spell.opened_snapshot_id AND opened.market_id = ?"
        " LEFT JOIN snapshot AS seen ON seen.id = spell.last_seen_snapshot_id"
        " LEFT JOIN snapshot AS missed ON missed.id = spell.first_missed_snapshot_id"
        " WHERE spell.entity = 'listing' AND opened.id > ?",
        (market_id, complete[0][0]),
    )
    lives = []
    for row in rows:
        begun, missed = row["opened"], row["missed"]
        last = row["seen"] or (begun if missed else max(begun, complete[-1][1]))
        lives.append(Life(0.0, _days(begun, last), None if missed is None else _days(begun, missed)))
    return lives


def _days(start: str, end: str) -> float:
    return (dt.datetime.fromisoformat(end) - dt.datetime.fromisoformat(start)).total_seconds() / DAY_SECONDS
