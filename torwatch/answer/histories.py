"""Who was seen at which of a market's last looks, as arrays; the same as store/captures.py says one listing at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from torwatch.answer.looks import NEVER, Array
from torwatch.measure.abundance import near_closed
from torwatch.measure.estimate import Refusal
from torwatch.measure.survival import kaplan_meier, median_life_days
from torwatch.store.capture import decode_ids
from torwatch.store.captures import FIRST, Occasion, read_occasions, second_pass_pages

if TYPE_CHECKING:
    from torwatch.answer.asking import Asking
    from torwatch.answer.lives import Lives

LAST_LOOKS = 8
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class History:
    """A market's last looks: `seen` is looks x listings; `first` and `pages` are the two passes of the last snapshot that has both."""

    market: str
    number: int  # of the market
    at_day: Array
    complete: Array  # by look
    seen: Array
    vendor: Array  # of each listing, a place in the scope
    median_life_days: float | None
    first: set[int]
    pages: tuple[frozenset[int], ...]
    pass_days: float  # what pass A took, of that snapshot

    def by_vendor(self, looks: int) -> Array:
        """Vendors x (looks + 1): how many listings of each were seen j times in the last looks, in column j; none in column 0."""
        seen = self.seen[-looks:]
        vendors, vendor = np.unique(self.vendor, return_inverse=True)
        width = len(seen) + 1
        table = np.bincount(vendor * width + seen.sum(axis=0), minlength=len(vendors) * width).reshape(-1, width)
        table[:, 0] = 0
        return table

    def near_closed(self) -> tuple[float, Array]:
        """(days, looks) of the last complete looks, as few as tell the level: see measure/abundance.py.

        Partial looks are left out: they ask first for pages that earlier ones did not see (ADR 7).
        """
        return near_closed(self.at_day[self.complete], self.seen[self.complete], self.median_life_days)


def read_histories(asking: Asking, markets: dict[int, str], lives: dict[int, Lives]) -> list[History]:
    """The last looks of markets (number → name) in the period; `lives`: those of their listings, by market."""
    scope, question = asking.scope, asking.question
    missed_look, missed_id = _misses(asking)
    owner_market = scope.market[scope.spells.owner]
    histories = []
    for market, name in markets.items():
        occasions, sets = read_occasions(asking.store, market, "listing", question.since, question.until)
        chosen = [at for at, occasion in enumerate(occasions) if occasion.pass_name == FIRST][-LAST_LOOKS:]
        listings = np.flatnonzero(scope.market == market)
        spells = scope.spells.take(owner_market == market)
        owner = np.searchsorted(listings, spells.owner)
        seen = np.zeros((len(chosen), len(listings)), dtype=bool)
        for line, at in zip(seen, chosen, strict=True):
            if occasions[at].complete:
                look = int(scope.looks.place(np.array([occasions[at].snapshot_id]))[0])
                line[owner[(spells.opened <= look) & ((spells.missed == NEVER) | (spells.missed > look))]] = True
                line[np.isin(scope.id[listings], missed_id[missed_look == look])] = False
            elif at in sets:
                line[np.isin(scope.id[listings], decode_ids(sets[at]))] = True
        curve = kaplan_meier(lives.get(market, {}))
        first, pages, days = _two_passes(asking, market, occasions, dict(zip(chosen, seen, strict=True)), scope.id[listings])
        histories.append(
            History(
                name,
                market,
                np.array([occasions[at].at.timestamp() / DAY_SECONDS for at in chosen]),
                np.array([occasions[at].complete for at in chosen], dtype=bool),
                seen,
                scope.vendor[listings],
                None if isinstance(curve, Refusal) else median_life_days(curve),
                first,
                pages,
                days,
            )
        )
    return histories


def _two_passes(
    asking: Asking, market: int, occasions: list[Occasion], seen: dict[int, Array], ids: Array
) -> tuple[set[int], tuple[frozenset[int], ...], float]:
    """(pass A, the pages of pass B, the days that pass A took) of the newest snapshot that has both, else of the newest; see two_passes."""
    both = [at for at, occasion in enumerate(occasions) if occasion.pass_name != FIRST and at - 1 in seen]
    if not both:
        newest = set(ids[seen[max(seen)]].tolist()) if seen else set()
        return newest, (), 0.0
    second = occasions[both[-1]]
    days = asking.store.value(
        "SELECT julianday(coalesce(ended_at, started_at)) - julianday(started_at) FROM snapshot WHERE id = ?", (second.snapshot_id,)
    )
    pages = second_pass_pages(asking.store, market, second.snapshot_id)
    return set(ids[seen[both[-1] - 1]].tolist()), pages, float(days)


def _misses(asking: Asking) -> tuple[Array, Array]:
    """(look, listing id) of every miss inside a spell."""
    found = asking.store.gather(
        "SELECT miss.snapshot_id, spell.entity_id FROM miss JOIN spell ON spell.id = miss.spell_id WHERE spell.entity = 'listing'",
        {},
        lambda rows: np.fromiter(rows, dtype=[("snapshot", "i8"), ("listing", "i8")]),
    )
    return asking.scope.looks.place(found["snapshot"]), found["listing"]
