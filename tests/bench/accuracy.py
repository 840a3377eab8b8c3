"""`make accuracy`: estimate, interval and truth side by side on simulated markets under every regime, and how often the interval holds the truth.

Looks are drawn as arrays, not through a crawl. A level is of what the lists can show at a moment; the share is the one from which the
generator draws. `python tests/bench/accuracy.py [seeds [model …]]`; exit code 1 where a bar is missed.
"""

from __future__ import annotations

import concurrent.futures
import functools
import itertools
import os
import random
import statistics
import sys
from dataclasses import dataclass

import numpy as np
from simulated_looks import DUTCH_SHARE, MODELS, MONTH_DAYS, PAGE_LISTINGS, WEEK_DAYS, draw_market, draw_sales, take_look, vendor_table

from torwatch.measure.abundance import chao2, count_seen, coverage, schnabel, schumacher_eschmeyer, two_passes
from torwatch.measure.estimate import Estimate, Refusal
from torwatch.measure.sales import sales_range
from torwatch.measure.share import finite_market, share_intervals
from torwatch.measure.survival import Life, kaplan_meier

WINDOW_DAYS = 1.0  # of one look with a second pass: pages come one after another
SECOND_PASS_PAGES = 80  # at least, and a tenth of them all
LARGE = 50_000
BAR_NEAR, BAR_NEAR_SEEDS, BAR_HELD, BAR_SHARE = 0.06, 0.95, 0.90, (0.90, 0.99)


@dataclass(frozen=True, slots=True)
class Regime:
    """How a market is watched: `share` of the pages of a look; `rotating`: pages never or longest ago read come first; `second`: pass B."""

    name: str
    every_days: float | None = None  # None: one look
    share: float = 1.0
    errors: float = 0.0
    hidden: float = 0.0
    rotating: bool = False
    second: bool = False


REGIMES = (
    Regime("one snapshot"),
    Regime("monthly", MONTH_DAYS),
    Regime("weekly", WEEK_DAYS),
    Regime("weekly, 30 % of pages", WEEK_DAYS, share=0.3, rotating=True),
    Regime("weekly, 30 %, random", WEEK_DAYS, share=0.3),
    Regime("with pass B", share=0.8, second=True),
    Regime("5 % page errors", errors=0.05, second=True),
    Regime("10 % hidden", hidden=0.1, second=True),
    Regime("longer than the budget", share=0.4, rotating=True, second=True),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One seed: the level, what stood and what was seen of it; the share; the lower bound of "ever listed" and the truth of that."""

    level: Estimate | Refusal
    truth: int
    seen: int
    gauge: Estimate | Refusal
    share: Estimate
    finite: Estimate
    finite_truth: float
    least: Estimate | Refusal
    ever: int


def watch(model, regime: Regime, seed: int) -> Run:
    """Draw a market, watch it in one way, and estimate."""
    rng = np.random.default_rng([seed, len(regime.name), model.standing])
    market = draw_market(model, rng, hidden=regime.hidden)
    every = regime.every_days
    median = model.median_life_days if every or regime.second else None  # nothing is known of lives after one look
    days = np.array([model.watch_days / 2]) if every is None else np.arange(0.0, model.watch_days, every)
    read = np.full(2 * market.born.size // PAGE_LISTINGS, -1.0) if regime.rotating else None
    if regime.rotating and regime.second:
        read[:] = rng.permutation(read.size)  # earlier looks left pages of every age
    seen = np.zeros((days.size, market.born.size), dtype=bool)
    window = WINDOW_DAYS if regime.second else 0.0
    for look, day in enumerate(days):
        pages = take_look(market, day, rng, window_days=window, share=regime.share, errors=regime.errors, last_read=read)
        seen[look, np.concatenate(pages)] = True
    last = np.flatnonzero(seen[-1])
    standing = market.standing(days[-1] + window / 2)
    shown = standing & ~market.hidden
    met = seen
    if regime.second:
        share = max(0.1, SECOND_PASS_PAGES * PAGE_LISTINGS / model.standing)
        other = take_look(market, days[-1], rng, window_days=window, share=min(1.0, share), errors=regime.errors, moved=True)
        level = two_passes(
            set(last.tolist()), [page.tolist() for page in other],
            window_days=window, median_life_days=median, independent=True, rng=random.Random(seed),
        )  # fmt: skip
        met = np.vstack([seen[-1], np.isin(np.arange(market.born.size), np.concatenate(other))])
    else:
        fit = 1 if every is None or median is None else min(days.size, int(median // every) + 1)
        met = seen[-max(fit, min(3, days.size)) :]
        level = schnabel(
            count_seen(met), window_days=(len(met) - 1) * (every or 0.0), median_life_days=median, independent=not regime.rotating
        )
    sellers = vendor_table(market, last)
    share = share_intervals(sellers, [0] * len(sellers), rng)[0][1]
    assert isinstance(share, Estimate)
    dutch = market.dutch[market.vendor]
    finite = finite_market(share, min(1.0, last.size / standing.sum()))
    histories = count_seen(seen[:, seen.any(axis=0)])
    return Run(
        level, int(shown.sum()), int(met.any(axis=0).sum()), coverage(count_seen(met)), share, finite, float(dutch[standing].mean()),
        chao2(histories), int((~market.hidden & ((market.born >= 0) | (market.end > days[0])) & (market.born <= days[-1])).sum()),
    )  # fmt: skip


def refusals() -> dict[str, Estimate | Refusal | list]:
    """Every rule of refusal, provoked: what was asked, and what came back."""
    nothing, random_numbers = np.zeros((2, 0), dtype=bool), random.Random(1)
    chapman = functools.partial(two_passes, {1, 2, 3}, [[2, 3, 4]], rng=random_numbers)
    looks = count_seen(np.array([[True, False, True], [True, True, False], [False, True, True]]))
    apart = count_seen(np.eye(3, dtype=bool))
    few = {"window_days": 1.0, "median_life_days": 30.0}
    one_vendor = np.ones((1, 1, 5))
    undeclared = np.array([[[0, 0, 0, 1, 1]], [[0, 0, 0, 2, 2]]], dtype=float)
    return {
        "pass B drawn from what pass A found": chapman(independent=False, **few),
        "window over a tenth of the median life": chapman(independent=True, window_days=3.1, median_life_days=30.0),
        "two passes, life unknown": chapman(independent=True, window_days=1.0, median_life_days=None),
        "no second pass": two_passes({1}, [], independent=True, rng=random_numbers, **few),
        "pass A saw nothing": two_passes(set(), [[1]], independent=True, rng=random_numbers, **few),
        "no overlap": two_passes({1}, [[2]], independent=True, rng=random_numbers, **few),
        "two looks": schnabel(count_seen(np.ones((2, 3), dtype=bool)), **few),
        "window over the median life": schnabel(looks, window_days=31.0, median_life_days=30.0),
        "looks, life unknown": schnabel(looks, window_days=1.0, median_life_days=None),
        "nothing seen twice": schnabel(apart, **few),
        "looks that rotate through the pages": schnabel(looks, independent=False, **few),
        "check: window over the median life": schumacher_eschmeyer(looks, window_days=31.0, median_life_days=30.0),
        "check: looks that rotate": schumacher_eschmeyer(looks, independent=False, **few),
        "bound of one look": chao2(count_seen(np.ones((1, 3), dtype=bool))),
        "coverage of one look": coverage(count_seen(np.ones((1, 3), dtype=bool))),
        "coverage of nothing": coverage(count_seen(nothing)),
        "curve without an end": kaplan_meier([Life(0.0, 10.0, None)]),
        "share of one vendor": share_intervals(one_vendor, [0], np.random.default_rng(1))[0][1],
        "share where nothing declares": share_intervals(undeclared, [0, 0], np.random.default_rng(1))[0][1],
        "share of nothing": share_intervals(np.zeros((1, 1, 5)), [0], np.random.default_rng(1))[0][0],
        "sales without feedback": sales_range(0),
    }


def within(estimate: Estimate, truth: float) -> bool:
    """Whether the interval holds the truth."""
    return (estimate.low or 0.0) <= truth <= (estimate.high if estimate.high is not None else float("inf"))


@dataclass(frozen=True, slots=True)
class Line:
    """What is printed of one model under one regime, and the bars that it missed."""

    text: str
    missed: tuple[str, ...]


def judge(model, regime: Regime, runs: list[Run]) -> Line:
    """Compare estimates with truth over all seeds."""
    count, missed, parts = len(runs), [], []
    levels = [run.level for run in runs if isinstance(run.level, Estimate)]
    if levels:
        pairs = [(run.level, run.truth) for run in runs if isinstance(run.level, Estimate)]
        held = sum(within(level, truth) for level, truth in pairs) / len(pairs)
        near = sum(abs(level.value - truth) <= BAR_NEAR * truth for level, truth in pairs) / len(pairs)
        strict = regime.second and model.standing >= LARGE and regime.share >= 0.8
        if strict and near < BAR_NEAR_SEEDS:
            missed.append(f"within 6 % in {near:.1%} of seeds")
        if held < BAR_HELD:
            missed.append(f"level held in {held:.1%} of seeds")
        level, run = levels[0], next(run for run in runs if isinstance(run.level, Estimate))
        covered = f"coverage {min(1.0, run.seen / level.value):.0%}"
        parts.append(
            f"{level.method}: {level.value:.0f} [{level.low:.0f}, {level.high:.0f}] truth {run.truth}, {covered};"
            f" holds {held:.1%}, within 6 % {near:.1%}, mean {statistics.mean(one.value / truth for one, truth in pairs):.3f} of truth"
        )
    refused = [run.level for run in runs if isinstance(run.level, Refusal)]
    if refused:
        parts.append(f"no level in {len(refused) / count:.0%}: {refused[0].method}: {refused[0].reason}")
    bounds = [(run.least.value, run.ever) for run in runs if isinstance(run.least, Estimate)]
    if bounds:
        below = sum(value <= ever for value, ever in bounds) / len(bounds)
        parts.append(f"ever listed at least {bounds[0][0]:.0f} (Chao2), truth {bounds[0][1]}; below it in {below:.1%}")
    held = sum(within(run.share, DUTCH_SHARE) for run in runs) / count
    if not BAR_SHARE[0] <= held <= BAR_SHARE[1]:
        missed.append(f"share held in {held:.1%} of seeds")
    share, finite = runs[0].share, runs[0].finite
    parts.append(
        f"share {share.value:.2%} [{share.low:.2%}, {share.high:.2%}] truth {DUTCH_SHARE:.2%}; holds {held:.1%};"
        f" this market only [{finite.low:.2%}, {finite.high:.2%}] truth {runs[0].finite_truth:.2%}"
    )
    head = f"{model.name:<6} {regime.name:<23}"
    body = "\n".join(f"  {part}" for part in parts)
    return Line(f"{head} {'MISSED: ' + '; '.join(missed) if missed else 'ok'}\n{body}", tuple(missed))


def measure(seeds: int, models=MODELS, regimes=REGIMES, *, workers: int | None = None):
    """Every model under every regime, line by line as they are done."""
    with concurrent.futures.ProcessPoolExecutor(workers or os.cpu_count()) as pool:
        for model in models:
            for regime in regimes:
                runs = list(pool.map(functools.partial(watch, model, regime), range(seeds), chunksize=max(1, seeds // 16)))
                yield judge(model, regime, runs)


def judge_sales(model, seeds: int) -> Line:
    """The floor and range of sales from feedback beside the orders that were made."""
    drawn = [draw_sales(model, np.random.default_rng(seed)) for seed in range(seeds)]
    found = [(sales_range(feedback), orders) for orders, feedback in drawn]
    held = sum(within(estimate, orders) and estimate.value <= orders for estimate, orders in found) / seeds
    estimate, orders = found[0]
    figures = f"floor {estimate.value:.0f}, range [{estimate.low:.0f}, {estimate.high:.0f}], truth {orders}; holds {held:.1%}"
    missed = () if held >= BAR_HELD else (f"sales held in {held:.1%} of seeds",)
    return Line(f"{model.name:<6} {'sales from feedback':<23} {'MISSED' if missed else 'ok'}\n  {figures}", missed)


def main(seeds: int, *names: str) -> int:
    """Print everything; 1 where a bar is missed."""
    missed = 0
    models = [model for model in MODELS if not names or model.name in names]
    for line in itertools.chain(measure(seeds, models), (judge_sales(model, seeds) for model in models)):
        sys.stdout.write(line.text + "\n")
        sys.stdout.flush()
        missed += len(line.missed)
    for rule, outcome in refusals().items():
        refused = isinstance(outcome, Refusal)
        missed += not refused
        sys.stdout.write(f"{'refused' if refused else 'NOT REFUSED'}: {rule}: {outcome.reason if refused else outcome}\n")
    sys.stdout.write(f"{seeds} seeds; {'every bar is held' if not missed else f'{missed} bars missed'}\n")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200, *sys.argv[2:]))
