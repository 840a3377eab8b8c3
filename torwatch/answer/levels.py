"""How many there are, where the data carry a level; else the reason why not. No level stands without its coverage."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from torwatch.answer.asking import percents
from torwatch.answer.words import method_name
from torwatch.measure.abundance import count_seen, coverage_limits, ever_at_least, schnabel, schumacher_eschmeyer, two_passes
from torwatch.measure.estimate import Estimate, Refusal
from torwatch.report import answer_sql as sql
from torwatch.report.document import Interval

if TYPE_CHECKING:
    from torwatch.answer.asking import Asking
    from torwatch.answer.histories import History
    from torwatch.answer.scope import Scope
    from torwatch.report.document import Cell, Section

GAUGED_LOOKS = 4  # the last ones: a gauge over the market's whole life would count what is long gone as unseen


@dataclass(frozen=True, slots=True)
class _Level:
    """One estimator on one market: what it gave, and how many of those it counts were seen."""

    market: str
    found: Estimate | Refusal
    seen: int


def gauge_histories(histories: list[History], seed: int) -> list[Estimate | Refusal]:
    """The coverage of each market's last looks."""
    rng = np.random.default_rng(seed)
    return [coverage_limits(history.by_vendor(GAUGED_LOOKS), len(history.seen[-GAUGED_LOOKS:]), rng) for history in histories]


def seen_of_standing(scope: Scope, histories: list[History], coverages: list[Estimate | Refusal]) -> float | None:
    """How much was seen of what stands, all markets together, by the lower limits of their coverage; None where one is not known."""
    weighed, total = 0.0, 0
    for history, gauge in zip(histories, coverages, strict=True):
        standing = int((scope.standing & (scope.market == history.number)).sum())
        if standing and not isinstance(gauge, Estimate):
            return None
        if isinstance(gauge, Estimate):
            weighed += standing * (gauge.value if gauge.low is None else gauge.low)
            total += standing
    return weighed / total if total else None


def level_sections(asking: Asking, histories: list[History], coverages: list[Estimate | Refusal]) -> list[Section]:
    """Coverage with its interval, levels with theirs, and which estimators refused, market by market."""
    levels = [level for history in histories for level in _levels(history, asking.question.seed)]
    bounds = [_least(history) for history in histories]
    for history, gauge, least in zip(histories, coverages, bounds, strict=True):
        levels += [_Level(history.market, found, 0) for found in (gauge, least) if isinstance(found, Refusal)]
    rows: list[tuple[Cell, ...]] = []
    refused: list[tuple[Cell, ...]] = []
    for level in levels:
        named = method_name(level.found.method, asking.question.language)
        if isinstance(level.found, Refusal):
            refused.append((level.market, named, level.found.told(asking.question.language)))
            continue
        covered = round(100 * min(1.0, level.seen / level.found.value), 2)
        rows.append((level.market, named, round(level.found.value), _limits(level.found), covered, _covered(level)))
    market, method = ("market", "markt"), ("method", "methode")
    limits = ("95 %", "95 %", "limits")
    columns = (market, method, ("level", "niveau"), limits, ("coverage, %", "dekking, %", "coverage"), ("95 %", "95 %", "coverage_limits"))
    note = (
        "Listings that stand and that the market's lists can show; what they hide is in no level. Coverage: the share of the level that was seen.",
        "Aanbiedingen die staan en die de lijsten van de markt kunnen tonen; wat zij verbergen zit in geen niveau. Dekking: het geziene deel ervan.",
    )
    titles = ("Levels not printed, and why", "Niveaus die niet vermeld zijn, en waarom")
    none = ("No estimator was refused.", "Geen schatter is geweigerd.")
    why = ("No level is printed: see below.", "Er is geen niveau vermeld: zie hieronder.")
    return [
        _coverage_section(asking, histories, coverages, bounds),
        asking.section("levels", ("Estimated levels", "Geschatte niveaus"), columns, rows, sql.LOOKS, note, why),
        asking.section("levels_refused", titles, (market, method, ("why not", "waarom niet")), refused, sql.LOOKS, reason=none),
    ]


def _least(history: History) -> Estimate | Refusal:
    """The least ever listed in the last looks; those that are not complete ask first for what earlier ones did not see (ADR 7)."""
    return ever_at_least(history.seen[-GAUGED_LOOKS:], independent=bool(history.complete[-GAUGED_LOOKS:].all()))


def _coverage_section(
    asking: Asking, histories: list[History], coverages: list[Estimate | Refusal], bounds: list[Estimate | Refusal]
) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for history, gauge, least in zip(histories, coverages, bounds, strict=True):
        seen = history.seen[-GAUGED_LOOKS:]
        shown = (round(100 * gauge.value, 2), percents(gauge)) if isinstance(gauge, Estimate) else (None, None)
        ever = round(least.value) if isinstance(least, Estimate) else None
        rows.append((history.market, len(seen), int(seen.any(axis=0).sum()), *shown, ever))
    columns = (
        ("market", "markt"), ("looks", "keren"), ("seen", "gezien"), ("coverage, %", "dekking, %", "coverage"),
        ("95 %", "95 %", "limits"), ("at least", "minstens"),
    )  # fmt: skip
    note = (
        (
            f"Good\u2013Turing over the last {GAUGED_LOOKS} looks, limits by draws of whole vendors, and Chao2 as the lower bound of ever listed in them;"
            " a dash: see below why."
        ),
        (
            f"Good\u2013Turing over de laatste {GAUGED_LOOKS} keren, grenzen door trekkingen van hele verkopers, en Chao2 als ondergrens van ooit aangeboden"
            " daarin; een streep: zie hieronder waarom."
        ),
    )
    return asking.section("coverage", ("Coverage", "Dekking"), columns, rows, sql.LOOKS, note)


def _levels(history: History, seed: int) -> list[_Level]:
    """Chapman from two passes; Schnabel and its check over the looks that fit into one median life."""
    chapman = two_passes(
        history.first,
        history.pages,
        window_days=history.pass_days,
        median_life_days=history.median_life_days,
        independent=True,
        rng=random.Random(seed),  # noqa: S311 - a bootstrap wants a seeded generator
    )
    window, seen = history.near_closed()
    occasions, met = count_seen(seen), int(seen.any(axis=0).sum())
    median = history.median_life_days
    return [
        _Level(history.market, chapman, len(history.first.union(*history.pages))),
        _Level(history.market, schnabel(occasions, window_days=window, median_life_days=median), met),
        _Level(history.market, schumacher_eschmeyer(occasions, window_days=window, median_life_days=median), met),
    ]


def _limits(found: Estimate) -> Interval | None:
    return None if found.low is None or found.high is None else Interval(round(found.low), round(found.high))


def _covered(level: _Level) -> Interval | None:
    """The share of the level that was seen: the limits that the level's own give."""
    limits = _limits(level.found) if isinstance(level.found, Estimate) else None
    return limits and Interval(*(round(100 * min(1.0, level.seen / max(1.0, limit)), 2) for limit in (limits.high, limits.low)))
