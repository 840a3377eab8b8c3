"""The health of mirrors: every visit with its verdict, quarantine with growing intervals, and which address to use next."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from torwatch.model import GOOD_OUTCOMES, OBSTACLE_OUTCOMES, Outcome
from torwatch.store.targets import add_event, stamp
from torwatch.store.witnesses import AMBIGUOUS, SILENCES, network_works
from torwatch.units import back_off

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping, Sequence

    from torwatch.store.database import Store
    from torwatch.store.snapshots import Snapshot
    from torwatch.store.targets import Mirror

# The address answered, whatever it said: these never lead to another mirror, for the market is the same there.
UP = GOOD_OUTCOMES | OBSTACLE_OUTCOMES - {Outcome.SEIZED, Outcome.MAINTENANCE} | {Outcome.GONE, Outcome.LAYOUT_CHANGED, Outcome.PARSE_LIMIT}
# What our own tor or key lacks says nothing about the market.
OUR_OWN = frozenset({Outcome.TOR_DOWN, Outcome.ONION_NEEDS_KEY, Outcome.ONION_BAD_KEY})
# "This address", not "this market": another mirror may well answer.
ADDRESS_OUTCOMES = AMBIGUOUS | {
    Outcome.ONION_NOT_FOUND,
    Outcome.ONION_UNREACHABLE,
    Outcome.ONION_REFUSED,
    Outcome.ONION_NEEDS_KEY,
    Outcome.ONION_BAD_KEY,
    Outcome.ONION_BAD_ADDRESS,
    Outcome.TIMEOUT_TOTAL,
    Outcome.STALLED,
    Outcome.RESET,
    Outcome.WRONG_MARKET,
    Outcome.HTTP_ERROR,  # each address has a web server of its own in front
}
WITNESS_TIME = dt.timedelta(minutes=10)  # how near in time another onion's answer must be to show that our own network works
FIRST_QUARANTINE = dt.timedelta(minutes=10)
LONGEST_QUARANTINE = dt.timedelta(days=1)
HISTORY = 20  # visits that a timeline shows and that quarantine looks at


@dataclass(frozen=True, slots=True)
class MirrorVisit:
    """One visit to a mirror."""

    at: str
    source: str
    outcome: str
    reason: str
    elapsed_ms: int | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Greeted:
    """What the front page of an address answered, and where its record lies."""

    url: str
    status: int
    digest: str  # sha256 of the body as it came
    warc: str
    warc_offset: int
    warc_length: int


def judge_visit(outcome: Outcome, *, works: bool | None) -> str:
    """Give up, down or unknown (an address of another market says nothing of this one). `works`: whether our own network did meanwhile, by its witnesses; None: nobody can tell."""
    if outcome in UP:
        return "up"
    if (
        outcome in OUR_OWN
        or outcome is Outcome.WRONG_MARKET
        or (outcome in AMBIGUOUS and not works)
        or (outcome in SILENCES and works is False)
    ):
        return "unknown"
    return "down"


def record_visit(
    connection: sqlite3.Connection,
    mirror_id: int,
    outcome: Outcome,
    reason: str,
    *,
    source: str,
    now: dt.datetime,
    elapsed_ms: int | None = None,
) -> str:
    """Note a visit and give its verdict, by what witnesses met in the last minutes; inside the caller's transaction."""
    works = None
    if outcome in SILENCES:
        target_id = connection.execute("SELECT target_id FROM mirror WHERE id = ?", (mirror_id,)).fetchone()[0]
        works = network_works(connection, target_id, now - WITNESS_TIME, now)
    verdict = judge_visit(outcome, works=works)
    if works is False:
        reason = f"our own network does not work{': ' if reason else ''}{reason}"
    if outcome is Outcome.WRONG_MARKET:
        flag_mirror(connection, mirror_id, reason, now)
    connection.execute(
        "INSERT INTO mirror_visit (mirror_id, at, source, outcome, reason, elapsed_ms, verdict) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (mirror_id, stamp(now), source, outcome.value, reason, elapsed_ms, verdict),
    )
    return verdict


def flag_mirror(connection: sqlite3.Connection, mirror_id: int, reason: str, now: dt.datetime) -> None:
    """Note that an address serves another market's front page, once until it does no more."""
    row = connection.execute(
        "SELECT market.name, mirror.host, (SELECT outcome FROM mirror_visit WHERE mirror_id = mirror.id ORDER BY id DESC LIMIT 1) FROM mirror"
        " JOIN target ON target.id = target_id JOIN market ON market.id = market_id WHERE mirror.id = ?",
        (mirror_id,),
    ).fetchone()
    if row[2] != Outcome.WRONG_MARKET.value:
        add_event(connection, now, "mirror_flagged", row[0], {"host": row[1], "why": reason})


def note_greeting(
    connection: sqlite3.Connection, snapshot: Snapshot, mirror: Mirror, outcome: Outcome, reason: str, record: Greeted, *, now: dt.datetime
) -> None:
    """Note the front page by which an address was judged before a walk went on there, or did not; inside the caller's transaction."""
    met = {"snapshot": snapshot.id, "host": mirror.host, "outcome": outcome.value, "reason": reason}
    add_event(connection, now, "mirror_greeted", snapshot.market, met | asdict(record))


def record_snapshot(connection: sqlite3.Connection, snapshot_id: int, now: dt.datetime) -> None:
    """Note what a walk met at the mirror that it ended with, from the fetch log: ok when one page was, else what most pages met."""
    row = connection.execute(
        "SELECT snapshot.mirror_id, outcome, max(visit.reason) AS reason, max(visit.at) AS at FROM visit JOIN snapshot ON snapshot.id = visit.snapshot_id"
        " AND coalesce(visit.mirror_id, snapshot.mirror_id) = snapshot.mirror_id WHERE snapshot_id = ? AND outcome IS NOT NULL GROUP BY outcome"
        " ORDER BY outcome IN ('ok', 'unchanged') DESC, count(*) DESC, outcome LIMIT 1",
        (snapshot_id,),
    ).fetchone()
    if row is not None and row["mirror_id"] is not None:
        good = row["outcome"] in GOOD_OUTCOMES
        at = dt.datetime.fromisoformat(row["at"]) if good and row["at"] else now  # when it answered last: it may not any more
        record_visit(connection, row["mirror_id"], Outcome(row["outcome"]), "" if good else row["reason"], source="snapshot", now=at)


def change_mirror(store: Store, snapshot_id: int, left: int, taken: int, outcome: Outcome, reason: str, *, now: dt.datetime) -> None:
    """Note why a walk left a mirror, and which one it goes on at: a resumed walk begins there."""
    with store.write() as connection:
        record_visit(connection, left, outcome, reason, source="snapshot", now=now)
        connection.execute("UPDATE snapshot SET mirror_id = ? WHERE id = ?", (taken, snapshot_id))


def visits_of(store: Store, mirror_id: int, limit: int = HISTORY) -> list[MirrorVisit]:
    """The newest visits to a mirror, oldest first."""
    rows = store.rows(
        "SELECT at, source, outcome, reason, elapsed_ms, verdict FROM mirror_visit WHERE mirror_id = ? ORDER BY at DESC, id DESC LIMIT ?",
        (mirror_id, limit),
    )
    return [MirrorVisit(*row) for row in reversed(rows)]


def quarantined_until(visits: Sequence[MirrorVisit]) -> dt.datetime | None:
    """Until when a mirror rests after failures that mean its address: ten minutes, doubled by each further one in a row, a day at most.

    An address of another market rests a day at once.
    """
    if visits and visits[-1].outcome == Outcome.WRONG_MARKET.value:
        return dt.datetime.fromisoformat(visits[-1].at) + LONGEST_QUARANTINE
    failures = 0
    for visit in reversed(visits):
        if visit.outcome not in ADDRESS_OUTCOMES or visit.verdict == "up":
            break
        failures += visit.verdict == "down" or visit.outcome in OUR_OWN
    if not failures:
        return None
    return dt.datetime.fromisoformat(visits[-1].at) + back_off(failures, FIRST_QUARANTINE, LONGEST_QUARANTINE)


def next_mirror(mirrors: Sequence[Mirror], visits: Mapping[int, Sequence[MirrorVisit]], last: int | None, now: dt.datetime) -> Mirror:
    """The address to use: the last one while it is not at rest, else the next that is not; when all rest, the one that wakes first."""
    places = {mirror.id: place for place, mirror in enumerate(mirrors)}
    start = places.get(last, 0) if last is not None else 0
    ordered = [*mirrors[start:], *mirrors[:start]]
    wakes = {mirror.id: quarantined_until(visits.get(mirror.id, ())) for mirror in ordered}
    for mirror in ordered:
        until = wakes[mirror.id]
        if until is None or until <= now:
            return mirror
    return min(ordered, key=lambda mirror: wakes[mirror.id] or now)


def other_mirror(
    mirrors: Sequence[Mirror], visits: Mapping[int, Sequence[MirrorVisit]], current: int, left: Collection[int], now: dt.datetime
) -> Mirror | None:
    """Another address to go on at: the next after the current one that is not at rest and was not `left` for failing; None: there is none."""
    place = next((place for place, mirror in enumerate(mirrors) if mirror.id == current), 0)
    for mirror in (*mirrors[place + 1 :], *mirrors[:place]):
        until = quarantined_until(visits.get(mirror.id, ()))
        if mirror.id != current and mirror.id not in left and (until is None or until <= now):
            return mirror
    return None
