"""How much is offered: listings by category, where they go, in which amounts, at home and in Dutch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from torwatch.answer.asking import percents
from torwatch.answer.scope import UNITS
from torwatch.answer.words import place_name
from torwatch.measure.estimate import Estimate
from torwatch.measure.share import ratio_intervals
from torwatch.report import answer_sql as sql

if TYPE_CHECKING:
    from torwatch.answer.asking import Asking
    from torwatch.answer.looks import Array
    from torwatch.measure.estimate import Refusal
    from torwatch.report.document import Cell, Section

EXPLICIT = ("AU", "NZ", "world")
NOWHERE = ("undeclared", "unparseable", "digital")
MOST_PLACES = 10
SIZES = ("\u2264 1", "1\u201310", "10\u2013100", "100\u20131000", "> 1000")
SIZE_NAMES = ("to_1", "to_10", "to_100", "to_1000", "above_1000")
SIZE_EDGES = (1, 10, 100, 1000)


def extent_section(asking: Asking) -> Section:
    """Listings standing and ever, and those of the country, by category and in all."""
    scope = asking.scope
    here, stands, size = scope.here, scope.standing, len(scope.categories)
    every = np.ones(len(scope.id), dtype=bool)
    counts = [np.bincount(scope.category[chosen], minlength=size) for chosen in (stands, every, stands & here, here)]
    pairs = np.unique(scope.category[here].astype("i8") * max(1, len(scope.vendors)) + scope.vendor[here]) // max(1, len(scope.vendors))
    counts.append(np.bincount(pairs, minlength=size))
    order = sorted(range(size), key=lambda place: (-counts[0][place], scope.categories[place]))
    rows: list[tuple[Cell, ...]] = []
    if len(scope.id):
        drugs = [int((chosen & scope.drug).sum()) for chosen in (stands, every, stands & here, here)]
        rows = [
            (asking.label("all", "all", "alles"), *(int(count.sum()) for count in counts[:4]), scope.vendors_of(here)),
            (asking.label("physical drugs", "physical drugs", "fysieke drugs"), *drugs, scope.vendors_of(here & scope.drug)),
        ]
        rows += [(asking.category(place), *(int(count[place]) for count in counts)) for place in order if counts[1][place]]
    code = asking.question.country
    columns = (
        ("category", "soort"),
        ("standing", "staand"),
        ("ever", "ooit"),
        (f"{code} standing", f"{code} staand", "standing_here"),
        (f"{code} ever", f"{code} ooit", "ever_here"),
        (f"{code} vendors ever", f"{code} verkopers ooit", "vendors_here"),
    )
    unmapped = scope.categories.index("unmapped")
    share = asking.percent(counts[0][unmapped] / max(1, counts[0].sum()))
    note = (
        f"Listings seen: a floor. {share} % of those standing could not be placed (unmapped).",
        f"Geziene aanbiedingen: een ondergrens. {share} % van het staande aanbod is niet geplaatst.",
    )
    return asking.section("extent", ("Extent by category", "Omvang per soort"), columns, rows, sql.EXTENT, note)


def destination_sections(asking: Asking) -> list[Section]:
    """Where the country's standing listings claim to ship to, in all and by category; Australia, New Zealand and the world always."""
    scope = asking.scope
    code = asking.question.country
    chosen = scope.standing & scope.here
    counts: dict[str, int] = {}
    for place, number in enumerate(np.bincount(scope.destination[chosen], minlength=len(scope.destinations)).tolist()):
        for name in scope.destinations[place] if place and number else ():
            counts[name] = counts.get(name, 0) + number
    total = int(chosen.sum())
    names = [*EXPLICIT, *[name for name in sorted(counts, key=lambda name: (-counts[name], name)) if name not in EXPLICIT][:MOST_PLACES]]
    rows: list[tuple[Cell, ...]] = []
    if total:
        rows = [
            (
                place_name(name, asking.question.language),
                counts.get(name, 0),
                round(100 * counts.get(name, 0) / total, 2),
                percents(share) if isinstance(share, Estimate) else None,
            )
            for name, share in zip(names, _shares(asking, chosen, names), strict=True)
        ]
    columns = (("ships to", "verzendt naar"), ("listings", "aanbiedingen"), ("%", "%", "percent"), ("95 %", "95 %", "limits"))
    note = (
        (
            "A listing counts at every destination it names. Worldwide and regions are not spread over their countries. Limits by draws of whole"
            " vendors; none where one vendor has all."
        ),
        (
            "Een aanbieding telt bij elke bestemming die zij noemt. Wereldwijd en streken zijn niet over hun landen verdeeld. Grenzen door trekkingen"
            " van hele verkopers; geen waar één verkoper alles heeft."
        ),
    )
    return [
        asking.section(
            "destinations",
            (f"Claimed destinations of {code} listings", f"Opgegeven bestemmingen van aanbod uit {code}"),
            columns,
            rows,
            sql.DESTINATIONS,
            note,
            asking.nothing(here=True),
        ),
        _destinations_by_category(asking),
    ]


def _shares(asking: Asking, chosen: Array, names: list[str]) -> list[Estimate | Refusal]:
    """The share of the chosen listings that names each place."""
    scope = asking.scope
    size = len(scope.vendors)
    every = np.bincount(scope.vendor[chosen], minlength=size)
    named = [np.array([at > 0 and name in places for at, places in enumerate(scope.destinations)]) for name in names]
    above = [np.bincount(scope.vendor[chosen & mark[scope.destination]], minlength=size) for mark in named]
    below = np.repeat(every[:, None], len(names), axis=1)
    return ratio_intervals(np.stack(above, axis=1), below, scope.vendor_market.tolist(), np.random.default_rng(asking.question.seed))


def _destinations_by_category(asking: Asking) -> Section:
    """Listings of each category that name the places always told of, the country itself, another place, or none."""
    scope, code = asking.scope, asking.question.country
    chosen = scope.standing & scope.here
    told = tuple(dict.fromkeys((*EXPLICIT, code)))
    names = [frozenset(places) for places in scope.destinations]
    marks = [np.array([place in one for one in names], dtype=bool) for place in told]
    marks.append(np.array([bool(one - {*told, *NOWHERE}) for one in names], dtype=bool))
    marks.append(np.array([not one - set(NOWHERE) for one in names], dtype=bool))
    size = len(scope.categories)
    every = np.bincount(scope.category[chosen], minlength=size)
    counts = [np.bincount(scope.category[chosen & mark[scope.destination]], minlength=size) for mark in marks]
    order = sorted(np.flatnonzero(every).tolist(), key=lambda place: (-every[place], scope.categories[place]))
    rows: list[tuple[Cell, ...]] = [
        (asking.category(place), int(every[place]), *(int(count[place]) for count in counts)) for place in order
    ]
    columns = (
        ("category", "soort"),
        ("listings", "aanbiedingen"),
        *((place, place, place.lower() if place in EXPLICIT else "home") for place in told if place != "world"),
        ("other", "ander"),
        ("not told", "niet gezegd"),
    )
    columns = (*columns[:4], ("world", "wereld"), *columns[4:])
    note = (
        "Listings that name each; one that names several counts in each column.",
        "Aanbiedingen die elk noemen; wie er meer noemt telt in elke kolom.",
    )
    titles = (f"Claimed destinations of {code} listings by category", f"Opgegeven bestemmingen van aanbod uit {code} per soort")
    return asking.section("destinations_category", titles, columns, rows, sql.CATEGORY_DESTINATIONS, note, asking.nothing(here=True))


def goods_sections(asking: Asking) -> list[Section]:
    """The amounts of the country's drug listings, and how many substance groups they are of."""
    scope = asking.scope
    chosen = scope.standing & scope.here & scope.drug & (scope.unit > 0) & ~np.isnan(scope.amount)
    size = np.searchsorted(SIZE_EDGES, scope.amount[chosen], side="left")
    key = (scope.category[chosen] * len(UNITS) + scope.unit[chosen]) * len(SIZES) + size
    found = np.bincount(key, minlength=len(scope.categories) * len(UNITS) * len(SIZES)).reshape(-1, len(UNITS), len(SIZES))
    amounts: list[tuple[Cell, ...]] = [
        (
            asking.category(category),
            asking.label(UNITS[unit], UNITS[unit], "stuk" if UNITS[unit] == "unit" else UNITS[unit]),
            *found[category, unit].tolist(),
        )
        for category, unit in np.argwhere(found.sum(axis=2))
    ]
    known = scope.standing & scope.drug & (scope.group != scope.groups.index("unknown"))
    everywhere, here = len(np.unique(scope.group[known])), len(np.unique(scope.group[known & scope.here]))
    kinds: list[tuple[Cell, ...]] = [(here, everywhere)] if everywhere else []
    columns = (("category", "soort"), ("unit", "eenheid"), *((size, size, name) for size, name in zip(SIZES, SIZE_NAMES, strict=True)))
    note = ("Listings by the amount their title gives.", "Aanbiedingen naar de hoeveelheid die hun titel noemt.")
    unread = (
        "Not printed: no amount could be read from a title of the country.",
        "Niet vermeld: uit geen titel van het land is een hoeveelheid te lezen.",
    )
    names = ((asking.question.country, asking.question.country, "here"), ("everywhere", "overal"))
    return [
        asking.section(
            "order_sizes",
            ("Order sizes", "Grootte van bestellingen"),
            columns,
            amounts,
            sql.AMOUNTS,
            note,
            unread if scope.standing.any() else None,
        ),
        asking.section("variety", ("Distinct substance groups", "Verschillende stofgroepen"), names, kinds, sql.VARIETY),
    ]


def home_section(asking: Asking) -> Section:
    """Offers from the country to the country, and those whose title has Dutch words."""
    scope, code = asking.scope, asking.question.country
    inland = np.array([code in names for names in scope.destinations])
    at_home = int((scope.standing & scope.here & inland[scope.destination]).sum())
    dutch, _ = scope.places(np.array([row[0] for row in asking.store.rows(sql.DUTCH_TITLES)], dtype="i8"))
    dutch = dutch[scope.standing[dutch]]
    rows: list[tuple[Cell, ...]] = [
        (asking.label("at_home", f"{code} \u2192 {code}", f"{code} \u2192 {code}"), at_home),
        (asking.label("dutch_titles", "titles with Dutch words, all origins", "titels met Nederlandse woorden, alle herkomst"), len(dutch)),
        (asking.label("dutch_titles_here", f"of these from {code}", f"waarvan uit {code}"), int(scope.here[dutch].sum())),
    ]
    columns = (("offers", "aanbod"), ("listings", "aanbiedingen"))
    return asking.section(
        "at_home",
        ("Offers at home and in Dutch", "Aanbod binnenslands en in het Nederlands"),
        columns,
        rows if len(scope.id) else [],
        sql.AT_HOME,
    )
