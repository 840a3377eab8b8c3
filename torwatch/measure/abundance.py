"""How many there are, from who was seen at which occasion: Chapman, Schnabel, Schumacher-Eschmeyer, Chao2 and coverage.

Occasions t = 1..k: `caught` n_t, `recaught` m_t of them seen before, `known` M_t seen before t in all. Every function refuses, with the
reason as a value, where its assumptions do not hold. Windows and lives are in days.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.measure.estimate import Z_95, Estimate, Refusal
from torwatch.measure.resample import draw_sums

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Sequence

    import numpy as np

CHAPMAN_WINDOW_SHARE = 0.1  # of the median life: a longer pass A meets another market at its end than at its start
LEAST_OCCASIONS = 3
POISSON_BELOW = 50  # recaptures; from here on the normal limits of 1/N are good
ORDERED = (
    "the looks asked first for what earlier ones had not seen: what they saw twice says nothing of how many there are",
    "de keren vroegen eerst naar wat eerdere niet zagen: wat zij twee keer zagen zegt niets over hoeveel er zijn",
)
UNKNOWN_LIFE = (
    "the median life is not known yet, so the window cannot be judged",
    "de mediane levensduur is nog niet bekend, dus het venster is niet te beoordelen",
)


@dataclass(frozen=True, slots=True)
class Occasions:
    """The series n_t, m_t and M_t of one window, and how often each thing was seen (`frequencies[j]`: seen in exactly j occasions)."""

    caught: tuple[int, ...]
    recaught: tuple[int, ...]
    known: tuple[int, ...]
    frequencies: dict[int, int]


def count_seen(seen: np.ndarray) -> Occasions:
    """Count an array, occasions x things, of who was seen when."""
    import numpy  # noqa: PLC0415, ICN001 - an extra: the daemon runs without it

    ever = numpy.logical_or.accumulate(seen, axis=0)
    before = numpy.vstack([numpy.zeros_like(seen[:1]), ever[:-1]])
    times = numpy.bincount(seen.sum(axis=0))
    caught, recaught, known = (tuple(array.sum(axis=1).tolist()) for array in (seen, seen & before, before))
    return Occasions(caught, recaught, known, {often: int(count) for often, count in enumerate(times) if often and count})


def chapman(first: int, second: int, both: int) -> tuple[float, float]:
    """N = (n1+1)(n2+1)/(m2+1) - 1 and its variance (n1+1)(n2+1)(n1-m2)(n2-m2)/((m2+1)^2 (m2+2)). Source: Chapman 1951; Seber 1970."""
    number = (first + 1) * (second + 1) / (both + 1) - 1
    variance = (first + 1) * (second + 1) * (first - both) * (second - both) / ((both + 1) ** 2 * (both + 2))
    return number, variance


def two_passes(
    first: set[int],
    pages: Sequence[Collection[int]],
    *,
    window_days: float,
    median_life_days: float | None,
    independent: bool,
    rng: random.Random,
) -> Estimate | Refusal:
    """Chapman of pass A (`first`) and pass B, page by page; the interval by bootstrap over B's pages, never narrower than Var says.

    `independent`: B drew its pages from the announced range and not from what A found. `median_life_days`: None where unknown.
    """
    import numpy  # noqa: PLC0415, ICN001 - an extra: the daemon runs without it

    method = "Chapman, two passes"
    if not independent:
        return Refusal(
            method,
            "pass B was drawn from what pass A found: the estimate would only give back what A saw",
            "gang B is getrokken uit wat gang A vond: de schatting zou slechts teruggeven wat A zag",
        )
    if not pages or not first:
        return (
            Refusal(method, "there is no independent second pass", "er is geen onafhankelijke tweede gang")
            if first
            else Refusal(method, "pass A saw nothing", "gang A zag niets")
        )
    if median_life_days is None:
        return Refusal(method, *UNKNOWN_LIFE)
    if window_days > CHAPMAN_WINDOW_SHARE * median_life_days:
        return Refusal(
            method,
            f"pass A took {window_days:.1f} days, over a tenth of the median life of {median_life_days:.1f} days",
            f"gang A duurde {_comma(window_days)} dagen, meer dan een tiende van de mediane levensduur van {_comma(median_life_days)} dagen",
        )
    second = set().union(*pages)
    both = len(second & first)
    if not both:
        return Refusal(method, "no listing was seen in both passes", "geen aanbieding is in beide gangen gezien")
    number, variance = chapman(len(first), len(second), both)
    # Conditional on A, the share of B that A knows is a ratio over pages: resample the pages, each thing counted where it first showed.
    counts = numpy.array(_page_counts(first, pages), dtype=float)
    sums = draw_sums(counts, numpy.random.default_rng(rng.getrandbits(64)))
    drawn = (len(first) + 1) * (sums[:, 0] + 1) / (sums[:, 1] + 1) - 1
    margin = Z_95 * math.sqrt(variance)
    low = min(float(numpy.quantile(drawn, 0.025)), number - margin)
    high = max(float(numpy.quantile(drawn, 0.975)), number + margin)
    left = still_standing(window_days, median_life_days)
    return Estimate(number, left * max(low, float(len(first | second))), high, method)


def _page_counts(first: set[int], pages: Sequence[Collection[int]]) -> list[tuple[int, int]]:
    met: set[int] = set()
    counts = []
    for page in pages:
        fresh = set(page) - met
        met |= fresh
        counts.append((len(fresh), len(fresh & first)))
    return counts


def schnabel(
    occasions: Occasions,
    *,
    window_days: float,
    median_life_days: float | None,
    independent: bool = True,
    modified: bool = True,
    clump: float = 1.0,
) -> Estimate | Refusal:
    """Sum n_t M_t / (sum m_t + 1), Chapman's change; plain Schnabel without the + 1. Source: Schnabel 1938; Chapman 1952.

    Poisson limits of sum m under 50, else normal on 1/N; the lower one as `still_standing` says. `independent`: what a look asked for did
    not hang on what earlier ones had seen. `clump`: things that are read or missed together, as those of one list page are where a look
    reads only some pages; what counts for the limits is then how many clumps were seen again (limits without it held the truth in 78 % of
    markets of 80 pages of which looks read 24).
    """
    method = "Schnabel, Chapman-modified" if modified else "Schnabel"
    refusal = _refuse_window(method, occasions, window_days, median_life_days, independent=independent)
    if refusal is not None:
        return refusal
    weight = sum(n * m for n, m in zip(occasions.caught, occasions.known, strict=True))
    again = sum(occasions.recaught)
    number = weight / (again + modified)
    left = still_standing(window_days, median_life_days)
    if again / clump < POISSON_BELOW:
        fewest, most = (clump * limit for limit in poisson_limits(round(again / clump)))
        return Estimate(number, left * weight / (most + modified), weight / (fewest + modified) if fewest + modified else math.inf, method)
    # Normal on 1/N, whose variance is sum m / (sum n M)^2.
    margin = Z_95 * math.sqrt(clump * again) / weight
    return Estimate(number, left / (1 / number + margin), 1 / (1 / number - margin), method)


def schumacher_eschmeyer(
    occasions: Occasions, *, window_days: float, median_life_days: float | None, independent: bool = True
) -> Estimate | Refusal:
    """Sum n_t M_t^2 / sum m_t M_t: a check of Schnabel, without limits. Source: Schumacher and Eschmeyer 1943."""
    method = "Schumacher-Eschmeyer"
    refusal = _refuse_window(method, occasions, window_days, median_life_days, independent=independent)
    if refusal is not None:
        return refusal
    above = sum(n * m * m for n, m in zip(occasions.caught, occasions.known, strict=True))
    return Estimate(above / sum(a * m for a, m in zip(occasions.recaught, occasions.known, strict=True)), None, None, method)


def near_closed(
    at_day: np.ndarray, seen: np.ndarray, median_life_days: float | None, *, enough: int = POISSON_BELOW
) -> tuple[float, np.ndarray]:
    """(days, looks x things) of the fewest last looks, three at least, that saw `enough` again or fill one median life.

    The longer the window, the more come and leave in it, and the more Schnabel is above what stands at a moment: over a whole median life
    by half. Where three looks are longer than a life they are given all the same, so that the refusal has its figures.
    """
    if not len(at_day):
        return 0.0, seen
    age = at_day[-1] - at_day
    most = max(LEAST_OCCASIONS, int((age <= (median_life_days or 0.0)).sum()))
    looks = min(len(age), LEAST_OCCASIONS)
    while looks < min(len(age), most) and sum(count_seen(seen[-looks:]).recaught) < enough:
        looks += 1
    return float(age[-looks]), seen[-looks:]


def still_standing(window_days: float, median_life_days: float | None) -> float:
    """Least share of those seen in a window that stand at any one moment of it: half of them leave in a median life.

    Those who left stay among the known and those who came later were never there to be seen again, so both push an estimate up, and a
    lower limit without this one does not hold what stands at a moment (tests/bench/accuracy.py).
    """
    return float(2 ** -(window_days / median_life_days)) if median_life_days else 1.0


def _refuse_window(
    method: str, occasions: Occasions, window_days: float, median_life_days: float | None, *, independent: bool
) -> Refusal | None:
    if not independent:
        return Refusal(method, *ORDERED)
    if len(occasions.caught) < LEAST_OCCASIONS:
        return Refusal(method, *_too_few(len(occasions.caught)))
    if median_life_days is None:
        return Refusal(method, *UNKNOWN_LIFE)
    if window_days > median_life_days:
        return Refusal(
            method,
            f"the window of {window_days:.1f} days is longer than the median life of {median_life_days:.1f} days",
            f"het venster van {_comma(window_days)} dagen is langer dan de mediane levensduur van {_comma(median_life_days)} dagen",
        )
    if not sum(occasions.recaught):
        return Refusal(method, "nothing was seen twice", "niets is twee keer gezien")
    return None


def chao2(occasions: Occasions) -> Estimate | Refusal:
    """S_obs + ((k-1)/k) Q1 (Q1-1) / (2 (Q2+1)): a lower bound of "ever listed", bias-corrected. Source: Chao 1987."""
    method = "Chao2, lower bound"
    number = len(occasions.caught)
    if number < 2:  # noqa: PLR2004 - one occasion has no second look
        return Refusal(method, "it needs two occasions", "het vraagt twee keren")
    once, twice = occasions.frequencies.get(1, 0), occasions.frequencies.get(2, 0)
    observed = sum(occasions.frequencies.values())
    return Estimate(observed + (number - 1) / number * once * (once - 1) / (2 * (twice + 1)), None, None, method)


def ever_at_least(seen: np.ndarray, *, independent: bool = True) -> Estimate | Refusal:
    """Chao2 of looks x things as a lower bound of "ever listed" in a market where things come and leave.

    Chao2 takes a thing seen once for one that is hard to see. What only the first or the last look saw may as well have left or come, and
    counted so it gave more than there ever were (by 4 % for four complete weekly looks): things seen once are those of the looks between,
    times k / (k - 2), where these are fewer. In a closed market both count the same on average. `independent`: as for `schnabel`.
    """
    method, looks = "Chao2, lower bound", len(seen)
    if looks < LEAST_OCCASIONS:
        return Refusal(method, *_too_few(looks))
    if not independent:
        return Refusal(method, *ORDERED)
    occasions = count_seen(seen)
    inside = int(seen[1:-1, seen.sum(axis=0) == 1].sum()) * looks / (looks - 2)
    once = min(inside, occasions.frequencies.get(1, 0))
    twice = occasions.frequencies.get(2, 0)
    observed = sum(occasions.frequencies.values())
    return Estimate(observed + max(0.0, (looks - 1) / looks * once * (once - 1) / (2 * (twice + 1))), None, None, method)


def _too_few(looks: int) -> tuple[str, str]:
    return f"it needs {LEAST_OCCASIONS} occasions, there are {looks}", f"het vraagt {LEAST_OCCASIONS} keren, er zijn er {looks}"


def coverage(occasions: Occasions) -> Estimate | Refusal:
    """1 - (Q1 / sum j Q_j) ((k-1) Q1 / ((k-1) Q1 + 2 Q2)): share of the incidences that known things stand for. Source: Chao, Lee 1992."""
    method = "Good-Turing coverage"
    number = len(occasions.caught)
    total = sum(times * count for times, count in occasions.frequencies.items())
    if number < 2 or not total:  # noqa: PLR2004 - one occasion has no second look
        return Refusal(method, "it needs two occasions that saw something", "het vraagt twee keren die iets zagen")
    once, twice = occasions.frequencies.get(1, 0), occasions.frequencies.get(2, 0)
    if not once:
        return Estimate(1.0, None, None, method)
    return Estimate(1 - once / total * ((number - 1) * once / ((number - 1) * once + 2 * twice)), None, None, method)


def coverage_limits(frequencies: np.ndarray, occasions: int, rng: np.random.Generator) -> Estimate | Refusal:
    """Good-Turing coverage with limits from draws of whole clusters (vendors): clusters x (occasions + 1), things seen j times in column j."""
    import numpy  # noqa: PLC0415, ICN001 - an extra: the daemon runs without it

    total = frequencies.sum(axis=0)
    counted = Occasions((0,) * occasions, (0,) * occasions, (0,) * occasions, dict(enumerate(total.tolist())))
    found = coverage(counted)
    if isinstance(found, Refusal):
        return found
    drawn = draw_sums(frequencies.astype(float), rng)
    incidences = drawn @ numpy.arange(drawn.shape[1])
    once, twice = drawn[:, 1], drawn[:, 2] if drawn.shape[1] > 2 else 0.0  # noqa: PLR2004 - a column for those seen twice
    chances = (occasions - 1) * once + 2 * twice
    unseen = numpy.divide(once, incidences, out=numpy.zeros_like(once), where=incidences > 0)
    shares = 1 - unseen * numpy.divide((occasions - 1) * once, chances, out=numpy.zeros_like(once), where=chances > 0)
    low, high = numpy.quantile(shares, (0.025, 0.975))
    return Estimate(found.value, min(float(low), found.value), max(float(high), found.value), found.method)


def _comma(number: float) -> str:
    return f"{number:.1f}".replace(".", ",")


def poisson_limits(count: int) -> tuple[float, float]:
    """Exact 95 % limits of a Poisson mean after `count` events. Source: Garwood 1936."""
    low = 0.0 if count == 0 else _solve_poisson(count - 1, 0.975)
    return low, _solve_poisson(count, 0.025)


def _solve_poisson(count: int, probability: float) -> float:
    """The mean at which at most `count` events have this probability, by bisection."""
    low, high = 0.0, count + 10.0 * math.sqrt(count + 1.0) + 10.0
    for _ in range(200):
        middle = (low + high) / 2
        below = sum(math.exp(k * math.log(middle) - middle - math.lgamma(k + 1)) for k in range(count + 1))
        low, high = (middle, high) if below > probability else (low, middle)
    return (low + high) / 2
