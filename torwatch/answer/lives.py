"""How long listings and vendors stand: lives between looks, alike ones counted together, as curves with their limits."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from torwatch.answer.asking import percents
from torwatch.answer.looks import NEVER, Array, Looks, Spells
from torwatch.measure.estimate import Refusal
from torwatch.measure.survival import Life, kaplan_meier, median_life_days, step_at
from torwatch.report import answer_sql as sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torwatch.answer.asking import Asking
    from torwatch.report.document import Cell, Label, Section

AGES_DAYS = (30, 91, 182, 365)
LEAST_AT_RISK = (
    10  # lives: of fewer, one end moves the curve by a tenth and more, and at the last one its limits say that nothing is uncertain
)
DATES = ("%Y-%m-%d", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y")
Lives = dict[Life, int]  # how many there are of each


def lives_by_market(looks: Looks, spells: Spells, until: str, born_day: Array | None = None) -> dict[int, Lives]:
    """By market the lives of what the watch saw, by age; `born_day` (NaN: not known) is the day on which each spell's owner began.

    Where it is known, what stood at the market's first complete look enters late: it is at risk from the age at which the watch met it.
    Where it is not, the age of what stood then is unknown, and it is left out. A life that is open at the end of the period ends, for us,
    at the market's newest complete look.
    """
    by_then = looks.at <= until
    inside = by_then[spells.opened]
    spells, born_day = spells.take(inside), None if born_day is None else born_day[inside]
    complete = (looks.state == "complete") & by_then
    edges = {int(market): np.flatnonzero(complete & (looks.market == market))[[0, -1]] for market in np.unique(looks.market[complete])}
    size = len(looks.number) + 1
    missed = np.where((spells.missed != NEVER) & by_then[spells.missed], spells.missed, NEVER)
    seen = np.where(missed == NEVER, NEVER, np.where(spells.last_seen == NEVER, spells.opened, spells.last_seen))
    begun_day = looks.day[spells.opened] if len(looks.day) else np.zeros(0)
    age = np.zeros(len(spells.owner)) if born_day is None else np.maximum(0.0, np.nan_to_num(begun_day - born_day, nan=0.0))
    known = np.zeros(len(spells.owner), dtype=bool) if born_day is None else ~np.isnan(born_day)
    packed = ((spells.opened * size + seen + 1) * size + missed + 1) * 2 + known
    kinds, counts = np.unique(np.stack([packed, np.floor(age).astype("i8")]), axis=1, return_counts=True)
    found: dict[int, Lives] = {}
    for one, entered, count in zip(*kinds.tolist(), counts.tolist(), strict=True):
        rest, is_known = divmod(one, 2)
        rest, end = divmod(rest, size)
        start, last = divmod(rest, size)
        market = int(looks.market[start])
        if market not in edges or (start <= edges[market][0] and not is_known):
            continue
        first, newest = float(looks.day[start]), float(looks.day[edges[market][1]])
        last_day = float(looks.day[last - 1]) if end else max(first, newest)
        life = Life(entered, entered + last_day - first, entered + float(looks.day[end - 1]) - first if end else None)
        lives = found.setdefault(market, {})
        lives[life] = lives.get(life, 0) + count
    return found


def life_sections(asking: Asking, lives: dict[int, Lives]) -> list[Section]:
    """Median lives, and the share that still stands at some ages; of all, and of the country. `lives`: those of all listings."""
    question, code = asking.question, asking.question.country
    medians: list[tuple[Cell, ...]] = []
    curves: list[tuple[Cell, ...]] = []
    for name, by_market in _groups(asking, lives):
        population = together(by_market.values())
        steps = kaplan_meier(population)
        total, ended = sum(population.values()), sum(count for life, count in population.items() if life.first_missed is not None)
        if isinstance(steps, Refusal):
            medians += [(name, total, ended, None, steps.told(question.language))]
            continue
        median = median_life_days(steps)
        why = "" if median else asking.say("more than half still stand", "meer dan de helft staat nog")
        if median and step_at(steps, median).at_risk < LEAST_AT_RISK:
            median = None
            why = asking.say(f"fewer than {LEAST_AT_RISK} were watched so long", f"minder dan {LEAST_AT_RISK} zijn zo lang gevolgd")
        medians.append((name, total, ended, None if median is None else round(median, 1), why))
        for age in AGES_DAYS:
            if watched_at(population, age) >= LEAST_AT_RISK:
                step = step_at(steps, age)
                curves.append((name, age, round(100 * step.survival, 2), percents(step) if step.deaths else None))
    if not any(row[1] for row in medians):
        medians = []
    note = (
        (
            "Kaplan\u2013Meier by age, log-log limits; an end lies between last seen and the next complete miss. What stood at the first look enters late"
            f" where the day it began is shown; else, and in the chart of vendors, it is left out. {code} vendors: most of their listings that name a"
            f" country name {code}."
        ),
        (
            "Kaplan\u2013Meier naar leeftijd, log-loggrenzen; een einde ligt tussen laatst gezien en de volgende volledige misser. Wat er bij de eerste"
            f" keer al stond komt later binnen als zijn begindag te zien is; anders, en in de grafiek van verkopers, is het weggelaten. {code} verkopers:"
            f" het meeste van hun aanbod dat een land noemt, noemt {code}."
        ),
    )
    who = ("who", "wie")
    heads = (who, ("seen to begin", "begin gezien"), ("ended", "geëindigd"), ("median, days", "mediaan, dagen"), ("why not", "waarom niet"))
    columns = (who, ("after days", "na dagen"), ("% standing", "% staat nog", "percent_standing"), ("95 %", "95 %", "limits"))
    young = (
        f"Not printed: fewer than {LEAST_AT_RISK} of any kind were watched for {AGES_DAYS[0]} days, or none was seen to end.",
        f"Niet vermeld: van elke soort zijn er minder dan {LEAST_AT_RISK} {AGES_DAYS[0]} dagen gevolgd, of van geen is het einde gezien.",
    )
    return [
        asking.section(
            "lives", ("Lives of listings and vendors", "Levensduur van aanbiedingen en verkopers"), heads, medians, sql.LIVES, note
        ),
        asking.section(
            "survival",
            ("Still standing after a time", "Staat nog na enige tijd"),
            columns,
            curves,
            sql.LIVES,
            reason=young if len(asking.scope.id) else None,
        ),
    ]


def watched_at(lives: Lives, age_days: float) -> int:
    """How many lives were under watch at an age."""
    return sum(count for life, count in lives.items() if life.entered < age_days <= (life.first_missed or life.last_seen))


def _groups(asking: Asking, lives: dict[int, Lives]) -> tuple[tuple[Label, dict[int, Lives]], ...]:
    """Whose lives are told, by market: all listings (`lives`), the country's, all vendors, and the country's."""
    scope, code, until = asking.scope, asking.question.country, asking.question.parameters["until"]
    here = scope.here[scope.spells.owner]
    # The charts' rule (report/charts/vendor_survival.sql): most of a vendor's listings that name a country name this one.
    named, declared = (np.bincount(scope.vendor[chosen], minlength=len(scope.vendors)) for chosen in (scope.here, scope.declared))
    ours = scope.vendors[2 * named > declared]
    born = _born(asking)
    vendors = scope.vendor_spells
    of_here = np.isin(vendors.owner, ours)
    return (
        (asking.label("listings", "listings", "aanbiedingen"), lives),
        (
            asking.label("listings_here", f"{code} listings", f"{code} aanbiedingen"),
            lives_by_market(scope.looks, scope.spells.take(here), until),
        ),
        (asking.label("vendors", "vendors", "verkopers"), lives_by_market(scope.looks, vendors, until, born)),
        (
            asking.label("vendors_here", f"{code} vendors", f"{code} verkopers"),
            lives_by_market(scope.looks, vendors.take(of_here), until, born[of_here]),
        ),
    )


def together(markets: Iterable[Lives]) -> Lives:
    """The lives of several markets as one population."""
    found: Lives = {}
    for lives in markets:
        for life, count in lives.items():
            found[life] = found.get(life, 0) + count
    return found


def _born(asking: Asking) -> Array:
    """By spell of a vendor the day since 1970 on which the account began, where its page shows one that can be read."""
    days = {}
    for row in asking.store.rows("SELECT id, member_since FROM vendor WHERE member_since IS NOT NULL"):
        day = read_day(row["member_since"])
        if day is not None:
            days[row["id"]] = float((day - dt.date(1970, 1, 1)).days)
    return np.array([days.get(owner, np.nan) for owner in asking.scope.vendor_spells.owner.tolist()], dtype=float)


def read_day(text: str) -> dt.date | None:
    """A day as markets write it; None for what cannot be read without guessing."""
    for form in DATES:
        for part in (text.strip(), text.strip()[:10]):
            try:
                return dt.datetime.strptime(part, form).replace(tzinfo=dt.UTC).date()
            except ValueError:
                continue
    return None
