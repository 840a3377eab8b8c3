"""How many there are, where the data carry a level; else the reason why not. No level stands without its coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from torwatch.answer.lives import lives_by_market
from torwatch.answer.looks import NEVER, Array
from torwatch.measure.abundance import chao2, count_seen, coverage_limits
from torwatch.measure.estimate import Estimate, Refusal
from torwatch.measure.survival import kaplan_meier, median_life_days
from torwatch.report import answer_sql as sql
from torwatch.store.capture import decode_ids
from torwatch.store.captures import FIRST, read_occasions

if TYPE_CHECKING:
    from torwatch.answer.asking import Asking
    from torwatch.measure.abundance import Occasions
    from torwatch.report.document import Cell, Section

LAST_LOOKS = 4  # that the coverage gauge and Schnabel use: one window, not the market's whole life


@dataclass(frozen=True, slots=True)
class _Market:
    """One market's last looks: who was seen at which, and how many things each vendor has that were seen j times (column j)."""

    id: int
    name: str
    looks: int
    window_days: float
    median_life_days: float | None
    seen: int
    occasions: Occasions | None
    by_vendor: Array


def level_sections(asking: Asking) -> list[Section]:
    """Coverage with its interval, levels, and which estimators refused, market by market."""
    markets = _read_markets(asking)
    rng = np.random.default_rng(asking.question.seed)
    gauges: list[tuple[Cell, ...]] = []
    for market in markets:
        found: tuple[Estimate | Refusal, ...] = ()
        if market.occasions is not None:
            found = (coverage_limits(market.by_vendor, market.looks, rng), chao2(market.occasions))
        shown = [one if isinstance(one, Estimate) else None for one in found] or [None, None]
        gauge, least = shown
        limits = f"{asking.percent(gauge.low)}\u2013{asking.percent(gauge.high)}" if gauge else None
        gauges.append(
            (
                market.name,
                market.looks,
                market.seen,
                round(100 * gauge.value, 2) if gauge else None,
                limits,
                round(least.value) if least else None,
            )
        )
    columns = (
        ("market", "markt"),
        ("looks", "keren"),
        ("seen", "gezien"),
        ("coverage, %", "dekking, %"),
        ("95 %", "95 %"),
        ("at least", "minstens"),
    )
    note = (
        (
            f"Good\u2013Turing over the last {LAST_LOOKS} looks, limits by draws of whole vendors, and Chao2 as the lower bound of ever listed in them;"
            " a dash: too few looks."
        ),
        (
            f"Good\u2013Turing over de laatste {LAST_LOOKS} keren, grenzen door trekkingen van hele verkopers, en Chao2 als ondergrens van ooit aangeboden"
            " daarin; een streep: te weinig keren."
        ),
    )
    return [asking.section("coverage", ("Coverage", "Dekking"), columns, gauges, sql.SNAPSHOTS, note)]


def _read_markets(asking: Asking) -> list[_Market]:
    scope, question = asking.scope, asking.question
    lives = lives_by_market(scope.looks, scope.spells, question.parameters["until"])
    missed_look, missed_id = _misses(asking)
    owner_market = scope.market[scope.spells.owner]
    markets = []
    for row in asking.rows(sql.SNAPSHOTS):
        occasions, sets = read_occasions(asking.store, row["market_id"], "listing", question.since, question.until)
        chosen = [at for at, occasion in enumerate(occasions) if occasion.pass_name == FIRST][-LAST_LOOKS:]
        curve = kaplan_meier(lives.get(row["market_id"], {}))
        median = None if isinstance(curve, Refusal) else median_life_days(curve)
        if not chosen:
            markets.append(_Market(row["market_id"], row["market"], 0, 0.0, median, 0, None, np.zeros((0, 1))))
            continue
        listings = np.flatnonzero(scope.market == row["market_id"])
        spells = scope.spells.take(owner_market == row["market_id"])
        seen = np.zeros((len(chosen), len(listings)), dtype=bool)
        for line, at in zip(seen, chosen, strict=True):
            if occasions[at].complete:
                look = int(scope.looks.place(np.array([occasions[at].snapshot_id]))[0])
                stood = (spells.opened <= look) & ((spells.missed == NEVER) | (spells.missed > look))
                line[np.searchsorted(listings, spells.owner[stood])] = True
                line[np.isin(scope.id[listings], missed_id[missed_look == look])] = False
            else:
                line[np.isin(scope.id[listings], decode_ids(sets.get(at, b"")) if at in sets else [])] = True
        times = seen.sum(axis=0)
        vendors, vendor = np.unique(scope.vendor[listings], return_inverse=True)
        width = len(chosen) + 1
        by_vendor = np.bincount(vendor * width + times, minlength=len(vendors) * width).reshape(-1, width)
        by_vendor[:, 0] = 0
        window = (occasions[chosen[-1]].at - occasions[chosen[0]].at).total_seconds() / 86_400
        markets.append(
            _Market(row["market_id"], row["market"], len(chosen), window, median, int((times > 0).sum()), count_seen(seen), by_vendor)
        )
    return markets


def _misses(asking: Asking) -> tuple[Array, Array]:
    """(look, listing id) of every miss inside a spell."""
    found = asking.store.gather(
        "SELECT miss.snapshot_id, spell.entity_id FROM miss JOIN spell ON spell.id = miss.spell_id WHERE spell.entity = 'listing'",
        {},
        lambda rows: np.fromiter(rows, dtype=[("snapshot", "i8"), ("listing", "i8")]),
    )
    return asking.scope.looks.place(found["snapshot"]), found["listing"]
