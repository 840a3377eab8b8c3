"""How far a snapshot is: pages planned, fetched, parsed, failed, spared and left, by kind, and how long the rest will take."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.store.frontier import OWN_VISITS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from torwatch.store.database import Store

FRESH = "fresh"  # in snapshot_page beside the outcomes: own pages that were not asked for, because they are as they were
DRAWN = "second pass"
LAST_PAGES = 200  # pages by which the time of the rest is measured
LEAST_PAGES = 20
LONGEST_GAP_SECONDS = 600  # between two pages of a walk that goes on; a longer one is a stop
DAY_SECONDS = 86_400
MEAN_JITTER = 1.1  # the pause is lengthened at random by up to a fifth


@dataclass(frozen=True, slots=True)
class KindProgress:
    """Pages of one kind. planned = fetched + left + skipped; fetched = parsed + gone + failed.

    `fresh`: own pages of things seen that were not due, so never planned; `left`: still to fetch; `skipped`: planned and never asked for.
    """

    kind: str
    planned: int
    fetched: int
    parsed: int
    gone: int
    failed: int
    fresh: int
    skipped: int
    left: int


def page_totals(store: Store, snapshot_id: int) -> list[tuple[str, str, int]]:
    """(page kind, outcome, pages) of a snapshot, ended or running, in order; the second pass as a kind of its own.

    Beside the outcomes: "left", still to fetch; "skipped", planned and never asked for; "fresh", not due and so never planned.
    """
    running = store.value("SELECT state = 'running' FROM snapshot WHERE id = ?", (snapshot_id,))
    if running:
        rows = store.rows(
            "SELECT kind, coalesce(outcome, 'left') AS outcome, count(*) AS pages FROM visit WHERE snapshot_id = ? GROUP BY 1, 2",
            (snapshot_id,),
        )
    else:
        rows = store.rows("SELECT kind, outcome, pages FROM snapshot_page WHERE snapshot_id = ?", (snapshot_id,))
    counted = [(row["kind"], row["outcome"], row["pages"]) for row in rows]
    if running:
        counted += [(kind, FRESH, pages) for kind, pages in count_fresh(store.connection, snapshot_id)]
    rows = store.rows("SELECT outcome, count(*) AS pages FROM second_pass_page WHERE snapshot_id = ? GROUP BY 1", (snapshot_id,))
    counted += [(DRAWN, row["outcome"] or ("left" if running else "skipped"), row["pages"]) for row in rows]
    return sorted(counted)


def page_progress(totals: Iterable[tuple[str, str, int]]) -> list[KindProgress]:
    """The progress of a snapshot by kind, from its page_totals."""
    by_kind: dict[str, dict[str, int]] = {}
    for kind, outcome, pages in totals:
        by_kind.setdefault(kind, {})[outcome] = pages
    return [progress_of(kind, pages) for kind, pages in by_kind.items()]


def progress_of(kind: str, pages: dict[str, int]) -> KindProgress:
    """The progress of one kind from its pages by outcome."""
    parsed = pages.get("ok", 0) + pages.get("unchanged", 0)
    gone, fresh, skipped, left = (pages.get(name, 0) for name in ("gone", FRESH, "skipped", "left"))
    planned = sum(pages.values()) - fresh
    fetched = planned - skipped - left
    return KindProgress(kind, planned, fetched, parsed, gone, fetched - parsed - gone, fresh, skipped, left)


def count_fresh(connection: sqlite3.Connection, snapshot_id: int) -> list[tuple[str, int]]:
    """(kind, number) of things seen in this snapshot whose own page was read before and was not due again."""
    counted = []
    for kind, name in OWN_VISITS.items():
        number = connection.execute(
            f"SELECT count(*) FROM (SELECT DISTINCT key FROM stage_{name} WHERE snapshot_id = :snapshot) AS staged"
            f" JOIN snapshot ON snapshot.id = :snapshot JOIN {name} AS e ON e.market_id = snapshot.market_id AND e.key = staged.key"
            f" JOIN {name}_visit AS seen ON seen.{name}_id = e.id WHERE staged.key NOT IN"
            f" (SELECT key FROM visit WHERE snapshot_id = :snapshot AND kind = '{kind.value}' AND key IS NOT NULL)",
            {"snapshot": snapshot_id},
        ).fetchone()[0]
        if number:
            counted.append((kind.value, int(number)))
    return counted


def seconds_left(
    store: Store, snapshot_id: int, left: int, seconds_per_request: float, room: int | None = None, per_day: int = 0
) -> float | None:
    """About how long so many pages that are left will take; None when none is. Pages that the walk does not know yet are not in it.

    From the pace of the newest pages, before there are some from the configured one. `room`: requests that the day's budget still holds, of `per_day`.
    """
    if not left:
        return None
    rows = store.rows(
        "SELECT at FROM (SELECT at FROM visit WHERE snapshot_id = ?1 AND at IS NOT NULL UNION ALL"
        " SELECT at FROM second_pass_page WHERE snapshot_id = ?1 AND at IS NOT NULL) ORDER BY at DESC LIMIT ?2",
        (snapshot_id, LAST_PAGES),
    )
    moments = [dt.datetime.fromisoformat(row["at"]) for row in rows]
    gaps = [(later - earlier).total_seconds() for later, earlier in itertools.pairwise(moments)]
    steady = [gap for gap in gaps if gap <= LONGEST_GAP_SECONDS]
    pace = sum(steady) / len(steady) if len(steady) >= LEAST_PAGES else seconds_per_request * MEAN_JITTER
    if room is None or left <= room:
        return left * pace
    return room * pace + (left - room) * max(pace, DAY_SECONDS / per_day)
