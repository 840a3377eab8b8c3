"""Recognising a market from its front page, so that `torwatch add` can propose a parser and say how sure it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.parserkit import Market, Obstacle, collapse, find, text
from torwatch.parserkit.decode import Tree, open_tree
from torwatch.parserkit.text import has_more_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torwatch.parsing.registry import Parser

WEIGHTS = {
    "title": 0.7,
    "text": 0.4,
    "selector": 0.6,
}  # how far one sign alone convinces (vendors quote the words of other markets); several add up
NAME_IN_TITLE = 0.6
SHAPE = 0.3  # a page of the engine family: members share it, so it never decides alone
SURE = 0.8  # `torwatch add` asks below this
LEAD = 0.2  # … and where the next best is nearer than this
NAMED_ONLY = 0.7  # at most: a page of many words that has a market's name, but nothing of its make and no words of its own (a directory, a forum, a new market of that name)
FEW_WORDS = 2000  # characters of visible text: a gate has no more, and shows little but its title


@dataclass(frozen=True, slots=True)
class Guess:
    """One parser that may fit. `score` 0 to 1, `why` the signs found, comma separated."""

    name: str
    score: float
    why: str


def recognise(body: bytes, parsers: Iterable[Parser], *, content_type: str = "") -> list[Guess]:
    """Score the parsers against a front page (a login page will do), best first; those without any sign are left out.

    A body that is no page (empty, a picture) gives an empty list.
    """
    try:
        tree = open_tree(body, content_type)
    except Obstacle:
        return []
    titles = find(tree.root, "//title")
    title = text(titles[0]) if titles else ""
    visible = collapse(tree.text).casefold()
    gate = not has_more_text(tree.root, FEW_WORDS)
    guesses = (_score(parser.market, tree, title, visible, gate=gate) for parser in parsers)
    return sorted((guess for guess in guesses if guess.score), key=lambda guess: (-guess.score, guess.name))


def is_sure(guesses: list[Guess]) -> bool:
    """Say whether the best guess may be taken without asking."""
    return bool(guesses) and guesses[0].score >= SURE and (len(guesses) == 1 or guesses[0].score - guesses[1].score >= LEAD)


def _score(market: Market, tree: Tree, title: str, visible: str, *, gate: bool) -> Guess:
    doubt, why, built = 1.0, [], False  # built: something of its make or its own words were found, not only its name
    folded = {one.casefold() for one in (market.title, *market.aliases)}
    for sign in market.signs:
        kind, matched = _matches(sign, tree, title, visible)
        if matched:
            doubt *= 1 - WEIGHTS[kind]
            why.append(sign)
            built |= kind == "selector" or (kind == "text" and sign.removeprefix("text:").casefold() not in folded)
    names = [one for one in (market.title, *market.aliases) if len(one) > 3]  # noqa: PLR2004 - shorter names are words of every page
    named = next((one for one in names if re.search(rf"\b{re.escape(one)}\b", title, re.IGNORECASE)), None)
    if named:
        doubt *= 1 - NAME_IN_TITLE
        why.append(f"“{named}” in the title")
    if any(find(tree.root, one) for shapes in market.shapes.values() for one in ((shapes,) if isinstance(shapes, str) else shapes)):
        doubt *= 1 - SHAPE
        why.append("a page of its shape")
        built = True
    score = 1 - doubt if built or gate else min(1 - doubt, NAMED_ONLY)
    return Guess(market.name, round(score, 3), ", ".join(why))


def _matches(sign: str, tree: Tree, title: str, visible: str) -> tuple[str, bool]:
    if sign.startswith("title:"):
        return "title", re.search(sign.removeprefix("title:"), title, re.IGNORECASE) is not None
    if sign.startswith("text:"):
        return "text", collapse(sign.removeprefix("text:")).casefold() in visible
    return "selector", bool(find(tree.root, sign))
