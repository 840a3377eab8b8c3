"""The lives in a simulated market: when each listing stands and who keeps which shop, drawn from a seed.

Lives are exponential and births a stratified Poisson process, so the market is stationary from the first day. Times are days since the epoch.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a market moves: mean days between events, of one listing or one vendor."""

    listing_life: float = 120.0
    vendor_life: float = 500.0
    price: float = 35.0
    title: float = 180.0
    description: float = 120.0
    ship_from: float = 240.0
    ship_to: float = 240.0
    profile: float = 150.0
    feedback: float = 25.0
    absence: float = 12.0  # mean length of a listing's absence
    absent_share: float = 0.2  # of listings that vanish once and come back


@dataclass(frozen=True, slots=True)
class Life:
    """When one listing stands: days since the epoch."""

    born: float
    end: float
    away_from: float
    away_until: float
    vendor: int
    seed: int

    def stands(self, day: float) -> bool:
        """Whether it stands on a day."""
        return self.born <= day < self.end and not self.away_from <= day < self.away_until


class Population:
    """All lives so far: drawn when they are first needed, always in the same order, so that it never matters who asked first.

    About `listings` stand at a time, kept by the vendors of `shops` shops, of which the first are the largest.
    """

    def __init__(self, seed: int, *, listings: int, shops: int, pace: Pace) -> None:
        self.listings, self.shops, self.pace = listings, shops, pace
        self.lives: list[Life] = []
        self.lives_of: dict[int, list[int]] = {}  # by the vendor's number
        self.shop_ends: list[list[float]] = [[] for _ in range(shops)]  # when its first vendor came, then when each left
        self._stream = random.Random(f"{seed}/listings")
        self._shop_streams = [random.Random(f"{seed}/shop/{shop}") for shop in range(shops)]
        self._shop_weights = list(accumulate(1 / (shop + 3) ** 0.8 for shop in range(shops)))

    def draw_until(self, day: float) -> None:
        """Draw every listing that is born up to a day."""
        # A listing ends with its own life or with its vendor's: births must make up for both ends.
        births_per_day = self.listings * (1 / self.pace.listing_life + 1 / self.pace.vendor_life)
        mean_life = self.listings / births_per_day
        while True:
            index = len(self.lives)
            late = index - self.listings
            if late >= 0 and late / births_per_day > day:
                return
            draw = self._stream
            start, length, shop_draw, away_draw, away_at, away_length = (draw.random() for _ in range(6))
            seed = draw.getrandbits(62)
            shop = bisect_right(self._shop_weights, shop_draw * self._shop_weights[-1])
            if late < 0:
                number, shop_born, shop_end = self._occupant(shop, 0.0)
                born = max(shop_born, -exponential(start, mean_life))
                end = min(shop_end, exponential(length, self.pace.listing_life))
            else:
                born = (late + start) / births_per_day
                number, _, shop_end = self._occupant(shop, born)
                end = min(shop_end, born + exponential(length, self.pace.listing_life))
            away_from = away_until = end
            if away_draw < self.pace.absent_share:
                away_from = max(born, 0.0) + (end - max(born, 0.0)) * away_at
                away_until = away_from + exponential(away_length, self.pace.absence)
            self.lives.append(Life(born, end, away_from, away_until, number, seed))
            self.lives_of.setdefault(number, []).append(index)

    def _occupant(self, shop: int, day: float) -> tuple[int, float, float]:
        """The vendor who keeps a shop on a day: its number, since when, until when."""
        ends, stream = self.shop_ends[shop], self._shop_streams[shop]
        if not ends:  # the first end lies before the epoch: it is when the first vendor came
            ends += [-stream.expovariate(1 / self.pace.vendor_life), stream.expovariate(1 / self.pace.vendor_life)]
        while ends[-1] <= day:
            ends.append(ends[-1] + stream.expovariate(1 / self.pace.vendor_life))
        generation = bisect_right(ends, day)
        return shop + self.shops * (generation - 1), ends[generation - 1], ends[generation]


def exponential(draw: float, mean: float) -> float:
    """Exponential life from a uniform draw, at least an hour: nothing is born dead."""
    return max(1 / 24, -mean * math.log1p(-draw))
