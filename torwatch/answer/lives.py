"""How long listings and vendors stand: the lives between looks, counted alike ones together."""

from __future__ import annotations

import numpy as np

from torwatch.answer.looks import NEVER, Looks, Spells
from torwatch.measure.survival import Life


def lives_by_market(looks: Looks, spells: Spells, until: str) -> dict[int, dict[Life, int]]:
    """By market the lives of what the watch saw begin, and how many there are of each.

    What stood at a market's first complete look had lived for an unknown time, so its age is unknown and it is left out. A life that is
    still open at the end of the period ends, for us, at the market's newest complete look.
    """
    size = len(looks.number) + 1
    by_then = looks.at <= until
    missed = np.where((spells.missed != NEVER) & by_then[spells.missed], spells.missed, NEVER)
    packed = (spells.opened * size + np.where(missed == NEVER, 0, spells.last_seen + 1)) * size + missed + 1
    kinds, counts = np.unique(packed, return_counts=True)
    rest, ended = np.divmod(kinds, size)
    begun, seen = np.divmod(rest, size)
    complete = (looks.state == "complete") & by_then
    edges = {int(market): np.flatnonzero(complete & (looks.market == market))[[0, -1]] for market in np.unique(looks.market[complete])}
    found: dict[int, dict[Life, int]] = {}
    for start, last, end, count in zip(begun.tolist(), seen.tolist(), ended.tolist(), counts.tolist(), strict=True):
        market = int(looks.market[start])
        if market not in edges or start <= edges[market][0]:
            continue
        day = looks.day
        if end:
            life = Life(0.0, float(day[last - 1 if last else start] - day[start]), float(day[end - 1] - day[start]))
        else:
            life = Life(0.0, max(0.0, float(day[edges[market][1]] - day[start])), None)
        lives = found.setdefault(market, {})
        lives[life] = lives.get(life, 0) + count
    return found
