"""`make accuracy`: estimate, interval and truth side by side on simulated markets, and how often the 95 % interval holds the truth.

Looks are drawn as arrays, not through a crawl. The regimes cover what two passes over one market can meet, not rhythms over months.
"""

from __future__ import annotations

import random
import sys

import numpy as np

from torwatch.measure.abundance import two_passes
from torwatch.measure.estimate import Estimate
from torwatch.measure.share import share_intervals

SIZES = (2_000, 12_000, 50_000)
PAGE = 25
REGIMES = {
    "80 % of pages": (0.8, 0.0, 0.0),
    "30 % of pages": (0.3, 0.0, 0.0),
    "5 % page errors": (0.95, 0.05, 0.0),
    "10 % hidden": (0.9, 0.0, 0.1),
}


def levels(size: int, share: float, errors: float, hidden: float, seed: int) -> tuple[Estimate, int]:
    """One market, pass A and an independent pass B of a tenth of its pages (80 at least); the truth is what its lists can show."""
    rng = np.random.default_rng(seed)
    shown = size - int(hidden * size)
    pages = rng.permutation(shown).reshape(-1, PAGE) if shown % PAGE == 0 else np.array_split(rng.permutation(shown), shown // PAGE)
    count = len(pages)
    first = {int(i) for at in rng.choice(count, int(share * count), replace=False) for i in pages[at]}
    other = np.array_split(rng.permutation(shown), count)
    drawn = rng.choice(count, min(count, max(80, count // 10)), replace=False)
    second = [[int(i) for i in other[at]] for at in drawn if rng.random() >= errors]
    found = two_passes(first, second, window_days=1, median_life_days=30, independent=True, rng=random.Random(seed))
    assert isinstance(found, Estimate)
    return found, shown


def shares(vendors: int, seed: int) -> tuple[Estimate, float]:
    """One market of vendors of very unlike sizes, a share of whom the generator makes Dutch."""
    rng, truth = np.random.default_rng(seed), 0.113
    sizes = np.ceil(rng.lognormal(2.0, 1.0, vendors))
    dutch = rng.random(vendors) < truth
    table = np.stack([sizes * dutch, sizes * dutch, sizes, sizes * dutch, sizes], axis=1)[:, None, :]
    found = share_intervals(table, [0] * vendors, rng)[0][1]
    assert isinstance(found, Estimate)
    return found, truth


def main(seeds: int) -> int:
    """Print the lines; 1 where a bar is missed."""
    missed = 0
    for size in SIZES:
        for name, (share, errors, hidden) in REGIMES.items():
            runs = [levels(size, share, errors, hidden, seed) for seed in range(seeds)]
            held = sum((e.low or 0) <= t <= (e.high or 0) for e, t in runs) / seeds
            near = sum(abs(e.value - t) <= 0.06 * t for e, t in runs) / seeds
            good = held >= 0.9 and (size < 50_000 or share < 0.8 or near >= 0.95)
            missed += not good
            estimate, truth = runs[0]
            line = f"level {size:>6}  pass A {share:.0%}  {name:<16} {estimate.value:>8.0f} [{estimate.low:.0f}, {estimate.high:.0f}] truth {truth}"
            sys.stdout.write(f"{line}  holds {held:.1%}  within 6 %: {near:.1%}  {'ok' if good else 'MISSED'}\n")
    for vendors in (300, 1_200, 3_625):
        drawn = [shares(vendors, seed) for seed in range(seeds)]
        held = sum((e.low or 0) <= t <= (e.high or 0) for e, t in drawn) / seeds
        found, true = drawn[0]
        missed += not 0.9 <= held <= 0.99
        line = f"share {vendors:>6} vendors  {found.value:.4f} [{found.low:.4f}, {found.high:.4f}] truth {true}"
        sys.stdout.write(f"{line}  holds {held:.1%}  {'ok' if 0.9 <= held <= 0.99 else 'MISSED'}\n")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
