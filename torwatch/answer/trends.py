"""The course of the offer by week and month: all watched markets, and the panel watched throughout; held weeks are gaps."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from torwatch.answer.asking import share_cells
from torwatch.answer.looks import NEVER, WEEK_DAYS, Array, Looks, week_ends
from torwatch.answer.scope import GOOD
from torwatch.measure.share import ratio_intervals
from torwatch.report import answer_sql as sql

if TYPE_CHECKING:
    from torwatch.answer.asking import Asking
    from torwatch.measure.estimate import Estimate, Refusal
    from torwatch.report.document import Cell, Section

UNUSED = ("held", "rejected")
EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class _Course:
    """Days that end a week, by day the listings of the country and its share of those that declare (all markets, panel), and what came to pass."""

    days: list[int]
    here: list[Array]
    shares: list[list[Estimate | Refusal]]
    held: list[Array]
    marks: list[str]
    markets: int
    panel: int


def trend_sections(asking: Asking) -> list[Section]:
    """By week and by month."""
    course = _course(asking)
    weeks = list(range(len(course.days)))
    months = [at for at in weeks if at + 1 == len(weeks) or _date(course.days[at + 1]).month != _date(course.days[at]).month]
    return [
        _section(asking, "trend_week", ("Trend by week", "Verloop per week"), course, weeks),
        _section(asking, "trend_month", ("Trend by month", "Verloop per maand"), course, months),
    ]


def _section(asking: Asking, key: str, titles: tuple[str, str], course: _Course, chosen: list[int]) -> Section:
    code = asking.question.country
    rows: list[tuple[Cell, ...]] = []
    for at in chosen:
        row: list[Cell] = [_date(course.days[at]).isoformat()]
        for here, shares, held in zip(course.here, course.shares, course.held, strict=True):
            row += [None, None, None] if held[at] else [round(float(here[at]), 2), *share_cells(shares[at])]
        rows.append((*row, course.marks[at]))
    columns = (
        ("to", "tot"),
        (f"{code}, all", f"{code}, alle", "here"),
        ("%", "%", "percent"),
        ("95 %", "95 %", "limits"),
        (f"{code}, panel", f"{code}, panel", "panel_here"),
        ("%", "%", "panel_percent"),
        ("95 %", "95 %", "panel_limits"),
        ("+/\u2212/h", "+/\u2212/w", "marks"),
    )
    note = (
        (
            f"Standing listings and share of declared, with limits by draws of whole vendors; all {course.markets} markets, and the panel of {course.panel} watched throughout;"
            " + a market came, \u2212 one went (it closed, or no good look for a week or one rhythm more); h a snapshot is held or rejected and no other was taken that"
            " week: a gap."
        ),
        (
            f"Staand aanbod en aandeel van opgegeven, met grenzen door trekkingen van hele verkopers; alle {course.markets} markten, en het panel van {course.panel} die steeds gevolgd zijn;"
            " + markt erbij, \u2212 markt weg (gesloten, of een week of een ronde langer geen goede keer); w een opname wacht of is verworpen en er is die week geen"
            " andere: een gat."
        ),
    )
    return asking.section(key, titles, columns, rows, sql.TREND, note)


def _course(asking: Asking) -> _Course:
    scope, looks = asking.scope, asking.scope.looks
    since, until = asking.question.parameters["since"], asking.question.parameters["until"]
    inside = (looks.at >= since) & (looks.at <= until)
    good = inside & np.isin(looks.state, GOOD)
    watched = asking.rows(f"{sql.WATCHED} ORDER BY 1")
    if not watched:
        return _Course([], [], [], [], [], 0, 0)
    markets = np.array([row["market_id"] for row in watched])
    begun, ended, ends = (np.array([_day(row[name]) for row in watched]) for name in ("begins", "last_good", "ends"))
    day = np.floor(looks.day).astype("i8")
    first, last = int(begun.min()), int(ended.max())
    days = week_ends(first, last)
    panel = (begun <= days[0]) & (ends >= last)  # one that came later would look like growth
    sets = (np.ones(len(markets), dtype=bool), panel)
    held = [_held(looks, good, day, days, dict(zip(markets[among].tolist(), begun[among].tolist(), strict=True))) for among in sets]
    marks = [_marks(begun, ends, end, days[0]) + (asking.say("h", "w") if held[0][at] else "") for at, end in enumerate(days)]
    here, shares = [], []
    for among in sets:
        ours, declared = (
            _standing(asking, np.array(days), day, weight, markets[among], ends[among])
            for weight in (scope.weight, scope.declared.astype(float))
        )
        here.append(ours.sum(axis=0))
        rng = np.random.default_rng(asking.question.seed)
        shares.append(ratio_intervals(ours, declared, scope.vendor_market.tolist(), rng))
    return _Course(days, here, shares, held, marks, len(markets), int(panel.sum()))


def _standing(asking: Asking, days: Array, day: Array, weight: Array, markets: Array, ends: Array) -> Array:
    """Vendors x days: the weight of the listings that stand at the end of each day: what opened by then less what was missed by then.

    `ends`: by market the last day on which what stood there counts; none of it does afterwards.
    """
    scope = asking.scope
    spells = scope.spells.take(np.isin(scope.market[scope.spells.owner], markets))
    counted, size = weight[spells.owner], len(days) + 1
    until = ends[np.searchsorted(markets, scope.market[spells.owner])] + 1
    came_at = day[spells.opened]
    gone_at = np.maximum(came_at, np.where(spells.missed == NEVER, until, np.minimum(until, day[spells.missed])))
    row = scope.vendor[spells.owner] * size
    came, went = (np.bincount(row + np.searchsorted(days, moved), counted, len(scope.vendors) * size) for moved in (came_at, gone_at))
    return np.cumsum((came - went).reshape(-1, size), axis=1).round(9)[:, :-1]  # what came and went is nothing, not a rest of rounding


def _held(looks: Looks, good: Array, day: Array, days: list[int], begun: dict[int, int]) -> Array:
    """By week: a market that counts already was looked at, the snapshot is held or was rejected, and no other snapshot of it was taken.

    `begun`: market → day of its first good look; a market that never had one leaves no gap, because nothing of it is counted.
    """
    gaps = np.zeros(len(days), dtype=bool)
    begins = np.array([begun.get(int(market), days[-1] + 1) for market in looks.market])
    held = np.isin(looks.state, UNUSED) & (day >= begins) & (day <= days[-1])
    for look in np.flatnonzero(held):
        week = int(np.searchsorted(days, day[look]))
        others = good & (looks.market == looks.market[look]) & (day <= days[week]) & (day > days[week] - WEEK_DAYS)
        gaps[week] |= not others.any()
    return gaps


def _marks(begun: Array, ends: Array, end: int, first: int) -> str:
    """What came and went in the week to `end`; what was there on the first day did not come."""
    came = (begun > max(first, end - WEEK_DAYS)) & (begun <= end)
    went = (ends >= end - WEEK_DAYS) & (ends < end)  # the first week in which the market does not count
    return "+" * int(came.sum()) + "\u2212" * int(went.sum())


def _date(day: int) -> dt.date:
    return EPOCH + dt.timedelta(days=day)


def _day(date: str) -> int:
    return (dt.date.fromisoformat(date) - EPOCH).days
