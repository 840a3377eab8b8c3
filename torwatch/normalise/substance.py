"""The substance group of a listing: the market's own category as prior, then the names in the title; method and confidence kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from torwatch.model import Substance
from torwatch.normalise.categories import CategoryPrior, answer_group, category_prior, group_is_drug
from torwatch.normalise.substance_amounts import Amounts, read_amounts
from torwatch.normalise.substance_terms import WEIGHTS, Match, Term, Tokens, find_terms, load_vocabulary, tokenise

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TABLE_VERSION", "answer_group", "normalise_substance"]

TABLE_VERSION = "2026.11.4"  # of the three tables in data/; a test holds them together

_ENOUGH = 2.5  # a score below it is no answer: one context word alone stays unknown
_DENIED_FACTOR = 0.3  # for names that stand for comparison, in a sign-off, or behind "no"
_DENIED_FORM_FACTOR = 0.15
_DENIED_REACH = 2  # words behind "no" that it denies
_EVERYDAY_FACTOR = 0.4  # for brands and makes where the title names a weight or dose
_EXTRA_FACTOR = 0.5
_EXTRA_MAXIMUM = 3.0
_EXTRA_MAXIMUM_DECISIVE = 1.0
_SIBLING_BONUS = 1.5  # for a group that belongs to the category and is named in the title
_WEAK_WITH_CATEGORY_MAXIMUM = 9.0  # a category and context words stay below one decisive name
_FIRST_BONUS = 1.5  # for the first decisive name in a title
_FORM_BONUS = 6.0  # what a good is (seeds, spores, a guide) beats what it is about, the category's word included
_TEXT_BONUS = 1.0  # a guide about seeds is a guide
_FAMILY_WEIGHT = 4.0  # a category up to this weight names a family: whatever member the title names gets it
_DIGITAL_CATEGORY = 21.0  # as in the table
_DIGITAL_CATEGORY_WITH_AMOUNT = 7.0
_SIGN_LETTERS = 4
_COPY_MARK = re.compile(
    r"(?:\s*\((?:clone|duplicate|copy)\))+\s*$", re.IGNORECASE
)  # written by a market's script when a vendor copies a listing
_DECISIVE = 9.5  # a score that takes a decisive name, some way behind in the title
_NAMED = 3.75  # a score that takes at least a supporting name, some way behind in the title
_ORDER_PENALTY = 0.02  # of two equal names the first says what is sold
_EVERYDAY_GROUPS = frozenset({"fraud-digital", "counterfeit", "weapons", "seeds"})
# Goods that are named after what is in them or what they pass for: the first yields to the others.
_PRODUCTS = {
    "cannabis-flower": ("hash", "concentrates", "edibles", "seeds"),
    "hash": ("edibles",),
    "concentrates": ("edibles",),
    "opioids-pharma": ("fentanyl-analogue",),
}
# Words that make a strain of the weapon before them ("Shotgun Kush"), and words that make a copy of the good before them ("MP5 clone").
_STRAIN_TAILS = frozenset({"og", "kush", "haze", "diesel", "skunk", "cookies", "strain", "weed", "bud", "buds", "cake", "sherbet"})
_STRAIN_TAILS_OF_DRUGS = frozenset({"og", "kush", "haze", "strain"})  # "Opium OG", "LSD strain"
_LOGO_TAILS = frozenset({"stamp", "stamped", "stempel", "logo", "print", "pressed", "press"})  # 'M16' stamp: a mark on the good
_MADE_TAILS = frozenset({"based", "route", "method", "made", "quality"})  # "BMK based" says what it was made of
_COPY_TAILS = frozenset({"clone", "clones"})
_TAILS = {"weapons": _LOGO_TAILS, "precursor": _MADE_TAILS}
_COPIED_GROUPS = frozenset({"weapons", "counterfeit", "fraud-digital"})
_UNKNOWN = Substance(method="none", version=TABLE_VERSION)


@dataclass(slots=True)
class _Tally:
    """The evidence of a title while it is gathered: weights by group, modifiers, and what the strongest term says of being a drug."""

    weights: dict[str, list[float]] = field(default_factory=dict)
    modifiers: set[str] = field(default_factory=set)
    drug: dict[str, tuple[float, bool | None]] = field(default_factory=dict)

    def add(self, term: Term, weight: float) -> None:
        self.weights.setdefault(term.group, []).append(weight)
        if weight > self.drug.get(term.group, (-1.0, None))[0]:
            self.drug[term.group] = (weight, term.drug)

    def score(self, group: str) -> float:
        weights = self.weights.get(group)
        if not weights:
            return 0.0
        if len(weights) == 1:
            return weights[0]
        strongest = max(weights)
        maximum = _EXTRA_MAXIMUM if strongest < WEIGHTS["decisive"] - 1 else _EXTRA_MAXIMUM_DECISIVE
        return strongest + min(maximum, _EXTRA_FACTOR * (sum(weights) - strongest))


def normalise_substance(title: str | None, category: str | Sequence[str] | None = None, market: str | None = None) -> Substance:
    """Give the substance group of a listing from its title and the market's own category path (a string or its elements).

    A decisive name in the title beats the category, which sellers choose wrongly on purpose; the category decides between weak names
    and alone. `method` is "category", "title", "category+title" (both say the same) or "none"; `confidence` is 0 to 1 and orders answers,
    it is no probability. The group is "unknown" when nothing is known. `market` is kept for tables of one market; there are none yet.
    """
    del market
    path = category if category is None or isinstance(category, str) else " > ".join(str(element) for element in category)
    return _normalise(title or "", path or "")


@lru_cache(maxsize=16384)
def _normalise(title: str, category: str) -> Substance:
    vocabulary = load_vocabulary()
    tokens = tokenise(_COPY_MARK.sub("", title))
    amounts = read_amounts(tokens)
    tally = _gather(tokens, find_terms(tokens, vocabulary), amounts)
    prior = category_prior(category)
    scores = _scores(tally, prior, amounts)
    if not scores:
        return _UNKNOWN
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    group, score = ranked[0]
    if score < _ENOUGH:
        return _UNKNOWN
    runner_up = ranked[1][1] if len(ranked) > 1 else 0.0
    named, placed = tally.score(group) >= _ENOUGH, prior.group == group
    method = "category+title" if named and (placed or group in prior.candidates) else "title" if named or not placed else "category"
    drug = tally.drug.get(group, (0.0, None))[1]
    for modifier in tally.modifiers:
        group = vocabulary.rules.get((group, modifier), group)
    return Substance(
        group=group,
        is_drug=group_is_drug(group) if drug is None else drug,
        method=method,
        confidence=_confidence(score, runner_up),
        version=TABLE_VERSION,
    )


def _gather(tokens: Tokens, matches: list[Match], amounts: Amounts) -> _Tally:
    tally = _Tally()
    first = True
    compared_segment = denied_segment = denied_until = -1
    signing = _signing(tokens, matches)
    for order, match in enumerate(_without_copies(matches)):
        segment = tokens.segments[match.start]
        modifier = match.terms[0].group if match.terms[0].group[0] == "+" else None
        if modifier == "+compare":
            compared_segment = segment
        elif modifier == "+not" and not (match.end < len(tokens.texts) and tokens.texts[match.end].isdigit()):
            denied_until, denied_segment = match.end + _DENIED_REACH, segment
        elif modifier == "+verb" and match.start == 0 and not amounts.physical:
            tally.add(Term("fraud-digital", WEIGHTS["form"], None, spaced=False), WEIGHTS["form"] + _FORM_BONUS)
        elif modifier is not None:
            tally.modifiers.add(modifier)
        strain = match.end < len(tokens.texts) and _names_strain(match, tokens.texts[match.end])
        if strain:
            tally.add(Term("cannabis-flower", WEIGHTS["supporting"], None, spaced=False), WEIGHTS["supporting"])
        ruled_out = modifier is None and match.start < denied_until and segment == denied_segment
        stamped = match.end < len(tokens.texts) and tokens.texts[match.end] in _TAILS.get(match.terms[0].group, ())
        denied = strain or stamped or segment == compared_segment or ruled_out or match is signing
        for term in match.terms:
            if not term.group.startswith("+"):
                bonus = _FIRST_BONUS if first and term.weight == WEIGHTS["decisive"] and not denied else 0.0
                first = first and not bonus
                tally.add(term, _weigh(term, denied=denied, amounts=amounts) + bonus - _ORDER_PENALTY * order)
    _add_amounts(tally, amounts)
    return tally


def _add_amounts(tally: _Tally, amounts: Amounts) -> None:
    if amounts.micrograms:
        tally.add(Term("lsd", WEIGHTS["hint"], None, spaced=False), WEIGHTS["hint"])
    if amounts.pill_dose:
        tally.add(Term("ecstasy-pills", WEIGHTS["context"], None, spaced=False), WEIGHTS["context"])


def _without_copies(matches: list[Match]) -> list[Match]:
    """Drop "clone" behind what it is a copy of: it is no cutting of a plant there."""
    return [
        match
        for before, match in zip([None, *matches], matches, strict=False)
        if not (match.key in _COPY_TAILS and before and before.end == match.start and before.terms[0].group in _COPIED_GROUPS)
    ]


def _names_strain(match: Match, tail: str) -> bool:
    """Say whether the next word makes a strain of cannabis of a weapon or drug."""
    group = match.terms[0].group
    if group == "weapons":
        return tail in _STRAIN_TAILS
    grown = group in {"cannabis-flower", "nps-cannabinoid", *_PRODUCTS["cannabis-flower"]}
    return tail in _STRAIN_TAILS_OF_DRUGS and not grown and group_is_drug(group) is True


def _weigh(term: Term, *, denied: bool, amounts: Amounts) -> float:
    weight = term.weight
    if not denied and ((amounts.mass and term.group == "seeds") or (amounts.physical and term.group == "counterfeit")):
        return (
            weight * _EVERYDAY_FACTOR
        )  # seeds are counted: beside a weight they are the breeder's or a gift; and a copied tablet is a tablet
    if term.weight >= WEIGHTS["form"]:
        return weight * _DENIED_FORM_FACTOR if denied else weight + _FORM_BONUS + (_TEXT_BONUS if term.group == "fraud-digital" else 0.0)
    if denied:
        weight *= _DENIED_FACTOR
    if amounts.physical and term.group in _EVERYDAY_GROUPS and term.weight < WEIGHTS["decisive"]:
        weight *= _EVERYDAY_FACTOR
    return weight


def _signing(tokens: Tokens, matches: list[Match]) -> Match | None:
    """Give the match that is only part of a vendor's sign-off: a short name alone at the end, or one before "team", "shop" …, after another good."""
    if not matches:
        return None
    named = [match for match in matches if not match.terms[0].group.startswith("+")]
    if len(named) < 2:  # noqa: PLR2004 - a sign-off needs something before it
        return None
    last = named[-1]
    before = matches[matches.index(last) - 1]
    if last.end == len(tokens.texts) and before.key == "team" and before.end == last.start and len(last.key) <= _SIGN_LETTERS:
        return last  # "… team GBL"
    if tokens.segments[last.start] == 0 or last.terms[0].weight >= WEIGHTS["form"]:
        return None  # "(PDF)" is no signature
    segment = tokens.segments[last.start]
    others = [match for match in named[:-1] if tokens.segments[match.start] < segment and match.terms[0].weight >= WEIGHTS["supporting"]]
    if not others or any(match.terms[0].group == last.terms[0].group for match in others):
        return None
    signed = any(match.start >= last.end and match.terms[0].group == "+sign" for match in matches)
    alone = len(last.key) <= _SIGN_LETTERS and tokens.segments.count(segment) == last.end - last.start
    return last if alone or signed else None


def _scores(tally: _Tally, prior: CategoryPrior, amounts: Amounts) -> dict[str, float]:
    scores = {group: tally.score(group) for group in tally.weights}
    for group, products in _PRODUCTS.items():
        if group in scores and _best(scores, products) >= _NAMED and not (amounts.mass and _is_sweet_name(scores, group, products)):
            scores[group] *= 0.5
    in_drugs = prior.weight >= _FAMILY_WEIGHT and group_is_drug(prior.group)
    if "weapons" in scores and (
        in_drugs or any(score >= WEIGHTS["strong"] - 0.5 and group_is_drug(group) for group, score in scores.items())
    ):
        scores["weapons"] *= _EVERYDAY_FACTOR  # logos and strains are called after weapons; weapons are not sold with a drug's name
    for group in scores:
        if group in prior.candidates and group != prior.group:
            scores[group] += prior.weight if 0 < prior.weight <= _FAMILY_WEIGHT else _SIBLING_BONUS
    if prior.weight > 0:
        weight = prior.weight
        if weight >= _DIGITAL_CATEGORY and amounts.physical:
            weight = _DIGITAL_CATEGORY_WITH_AMOUNT
        elif prior.group in _PRODUCTS and _best(scores, _PRODUCTS[prior.group]) >= WEIGHTS["strong"] - 1:
            weight *= 0.5
        named = scores.get(prior.group, 0.0)
        total = named + weight
        named_otherwise = any(score >= _DECISIVE and group_is_drug(group) for group, score in scores.items() if group != prior.group)
        if weight < _WEAK_WITH_CATEGORY_MAXIMUM and (named < _NAMED or (named_otherwise and named < _DECISIVE)):
            total = min(total, _WEAK_WITH_CATEGORY_MAXIMUM)
        scores[prior.group] = total
    return scores


def _is_sweet_name(scores: dict[str, float], group: str, products: tuple[str, ...]) -> bool:
    """Say whether flower is only called after a food: "Cream Caramel, 5 g weed"."""
    best = _best(scores, products)
    return group in {"cannabis-flower", "hash"} and best == scores.get("edibles") and best < WEIGHTS["strong"] - 0.5 < scores[group]


def _best(scores: dict[str, float], groups: tuple[str, ...]) -> float:
    return max([scores.get(group, 0.0) for group in groups])


def _confidence(score: float, runner_up: float) -> float:
    strength = min(1.0, score / WEIGHTS["decisive"])
    margin = min(1.0, (score - runner_up) / WEIGHTS["decisive"])
    return round(max(0.05, min(0.99, 0.6 * strength + 0.4 * margin)), 2)
