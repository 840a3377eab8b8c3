"""The judgement of a finished walk: complete, partial, failed, or held for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

COMPLETE_SHARE = 0.98  # distinct rows of the market's own count that a complete list must reach (design: architecture, "Store")
LAYOUT_SHARE = 0.1  # of the pages of one kind: fewer that differ are single odd pages, more are a redesign


@dataclass(frozen=True, slots=True)
class HoldRule:
    """When a snapshot is held instead of diffed, and how many complete misses end a spell."""

    max_fall: float = 0.4
    confirm_misses: int = 2


@dataclass(frozen=True, slots=True)
class Signs:
    """What the walk itself knows of how it went: why it was cut short, and which field drifted; "" for neither."""

    cut_short: str = ""
    drift: str = ""


def judge(
    connection: sqlite3.Connection, snapshot_id: int, market_id: int, rule: HoldRule, signs: Signs, *, accepted: bool = False
) -> tuple[str, str, bool]:
    """(state, reason, whether it is held for a fall) of a snapshot whose walk is over; its visits and staged rows are read.

    Failed: no list page could be read. Held: more than LAYOUT_SHARE of the pages of one kind lost their layout, a field drifted, or the
    listings seen fall more than `rule.max_fall` below those that stood (a redesign must never become thousands of "removed").
    Complete: every page of every list is `ok` and the distinct rows reach COMPLETE_SHARE of the market's own count where it prints one.
    `accepted`: a person looked and said that what was seen is real, so it is not held.
    """
    total, good = connection.execute(
        "SELECT count(*), coalesce(sum(outcome IN ('ok', 'unchanged')), 0) FROM visit"
        " WHERE snapshot_id = ? AND kind IN ('home', 'listing-index')",
        (snapshot_id,),
    ).fetchone()
    doubt = "" if accepted else changed_layout(connection, snapshot_id) or signs.drift
    fall = "" if accepted or doubt or good < total else great_fall(connection, snapshot_id, market_id, rule)
    if doubt or fall:
        return "held", doubt or fall, bool(fall)
    if not good:
        return "failed", joined(signs.cut_short, "no page of the list could be read" + worst_outcome(connection, snapshot_id)), False
    if good < total:
        missing = f"{total - good} of {total} pages of the list could not be read" + worst_outcome(connection, snapshot_id)
        return "partial", joined(signs.cut_short, missing), False
    short = short_list(connection, snapshot_id)
    if short or signs.cut_short:
        return "partial", joined(signs.cut_short, short), False
    return "complete", "", False


def joined(*parts: str) -> str:
    """The parts that say something, as one sentence."""
    return "; ".join(part for part in parts if part)


def great_fall(connection: sqlite3.Connection, snapshot_id: int, market_id: int, rule: HoldRule) -> str:
    """How far the listings seen fell below those that stood, when that is further than the rule allows; else ""."""
    seen = connection.execute("SELECT count(DISTINCT key) FROM stage_listing WHERE snapshot_id = ?", (snapshot_id,)).fetchone()[0]
    known = connection.execute("SELECT count(*) FROM listing WHERE market_id = ? AND standing = 1", (market_id,)).fetchone()[0]
    if known and seen < known * (1 - rule.max_fall):
        return f"{seen} listings seen, {known} stood before: a fall of more than {rule.max_fall:.0%}"
    return ""


def short_list(connection: sqlite3.Connection, snapshot_id: int) -> str:
    """Which list showed fewer distinct rows than the market's own count of it; "" when none did."""
    row = connection.execute(
        "SELECT t.scope, t.total, count(s.key) AS seen FROM stage_total AS t LEFT JOIN stage_scope AS s"
        " ON s.snapshot_id = t.snapshot_id AND s.scope = t.scope WHERE t.snapshot_id = ? AND t.total > 0"
        " GROUP BY t.scope HAVING count(s.key) < t.total * ? ORDER BY t.total DESC LIMIT 1",
        (snapshot_id, COMPLETE_SHARE),
    ).fetchone()
    return f"the market counts {row['total']} listings in {row['scope'] or 'its list'}, {row['seen']} were seen" if row else ""


def changed_layout(connection: sqlite3.Connection, snapshot_id: int) -> str:
    """Which kind of page lost its layout in more than LAYOUT_SHARE of its pages, and how it shows; "" when none did."""
    row = connection.execute(
        "SELECT kind, sum(outcome = 'layout_changed') AS changed, count(*) AS pages,"
        " max(CASE WHEN outcome = 'layout_changed' THEN reason END) AS reason FROM visit WHERE snapshot_id = ? AND outcome IS NOT NULL"
        " GROUP BY kind HAVING changed > pages * ? ORDER BY changed DESC LIMIT 1",
        (snapshot_id, LAYOUT_SHARE),
    ).fetchone()
    return f"the layout of {row['kind']} pages changed on {row['changed']} of {row['pages']}: {row['reason']}" if row else ""


def worst_outcome(connection: sqlite3.Connection, snapshot_id: int) -> str:
    """The commonest failure of a snapshot with its reason, as the end of a sentence; single pages that are gone are none."""
    row = connection.execute(
        "SELECT outcome, max(reason) AS reason, count(*) AS pages FROM visit WHERE snapshot_id = ? AND outcome NOT IN ('ok', 'unchanged')"
        " AND (outcome <> 'gone' OR kind IN ('home', 'listing-index'))"
        " GROUP BY outcome ORDER BY pages DESC LIMIT 1",
        (snapshot_id,),
    ).fetchone()
    if row is None:
        return ""
    return f": {row['outcome']}" + (f" ({row['reason']})" if row["reason"] else "")
