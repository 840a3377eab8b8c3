"""Markets as arrays, and the looks taken of them: who stands when, which list pages are read, who is seen on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PAGE_LISTINGS = 25
DUTCH_SHARE = 0.113
WEEK_DAYS, MONTH_DAYS = 7.0, 30.0


@dataclass(frozen=True, slots=True)
class Model:
    """A market: listings that stand at a time, their mean life, vendors ever, and how long it is watched."""

    name: str
    standing: int
    life_days: float
    vendors: int
    watch_days: float
    reviews: int  # in all of it

    @property
    def median_life_days(self):
        """Of exponential lives."""
        return self.life_days * np.log(2)


# The second has the published totals of the Hansa study (123,132 listings, 3,625 vendors and 258,184 reviews ever) and its rates: one look sees 17 % of
# all listings, monthly looks 85 %, weekly looks 96 %, which exponential lives of 86 days over 420 days give.
MODELS = (
    Model("small", 2_000, 90.0, 250, 364.0, 20_000),
    Model("Hansa", 20_932, 86.0, 3_625, 420.0, 258_184),
    Model("large", 50_000, 90.0, 5_000, 364.0, 500_000),
)


@dataclass(frozen=True, slots=True)
class Market:
    """Everything that ever stood: first and last day, vendor, whether the vendor is Dutch, whether no list shows it, its place in the lists."""

    born: np.ndarray
    end: np.ndarray
    vendor: np.ndarray
    dutch: np.ndarray
    hidden: np.ndarray
    place: np.ndarray

    def standing(self, day):
        """Who stands on a day, hidden ones too."""
        return (self.born <= day) & (day < self.end)


def draw_market(model: Model, rng: np.random.Generator, *, hidden: float = 0.0) -> Market:
    """Exponential lives, births that make up for the ends, vendors of very unlike sizes; whole vendors are Dutch or not."""
    born_later = rng.poisson(model.standing * model.watch_days / model.life_days)
    born = np.concatenate([np.full(model.standing, -1.0), rng.uniform(0, model.watch_days, born_later)])
    end = np.maximum(born, 0) + rng.exponential(model.life_days, born.size)
    weights = rng.lognormal(0.0, 1.0, model.vendors)
    vendor = rng.choice(model.vendors, born.size, p=weights / weights.sum())
    dutch = rng.random(model.vendors) < DUTCH_SHARE
    return Market(born, end, vendor, dutch, rng.random(born.size) < hidden, rng.permutation(born.size))


def take_look(market, day, rng, *, window_days=0.0, share=1.0, errors=0.0, last_read=None, moved=False):
    """Ids seen on each list page that was read, as a list of arrays.

    Pages are read in random order over the window. `last_read` (by page number, changed here) makes a look ask first for pages never or
    longest ago read, as the crawl does; `moved`: another sort order.
    """
    known = np.flatnonzero((market.born <= day + window_days) & (day < market.end) & ~market.hidden)
    order = known[np.argsort(rng.permutation(market.born.size)[known] if moved else market.place[known])]
    pages = -(-order.size // PAGE_LISTINGS)
    wanted = max(1, round(share * pages))
    chosen = rng.permutation(pages)
    if last_read is not None:
        chosen = chosen[np.argsort(last_read[chosen], kind="stable")]
    chosen = chosen[:wanted]
    if last_read is not None:
        last_read[chosen] = day
    chosen = chosen[rng.random(wanted) >= errors]
    times = day + window_days * rng.random(chosen.size)
    seen = []
    for page, at in zip(chosen, times, strict=True):
        ids = order[page * PAGE_LISTINGS : (page + 1) * PAGE_LISTINGS]
        seen.append(ids[(market.born[ids] <= at) & (at < market.end[ids])] if window_days else ids)
    return seen


def draw_sales(model: Model, rng: np.random.Generator):
    """(orders, feedback): of the orders 71 to 88 % are reviewed, which share it is differs from market to market."""
    reviewed = rng.uniform(0.71, 0.88)
    orders = rng.poisson(model.reviews / reviewed)
    return int(orders), int(rng.binomial(orders, reviewed))


def vendor_table(market, ids):
    """Vendors x 1 x 5 for `share_intervals`: every listing declares, its vendor's country alone."""
    count = np.bincount(market.vendor[ids], minlength=market.dutch.size)
    sold = count > 0
    count, here = count[sold], (count * market.dutch)[sold]
    return np.stack([here, here, count, here, count], axis=1)[:, None, :]
