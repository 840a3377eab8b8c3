"""A proposed parser: which one fits a front page, how sure that is, and why; for `torwatch add` without --parser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.parsing.recognise import Guess, is_sure, recognise
from torwatch.parsing.registry import Parser, load_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SHOWN_OTHERS = 4


@dataclass(frozen=True, slots=True)
class Proposal:
    """The parser that fits best. `name` is None where no parser fits; `confidence` 0 to 1; `sure`: may be taken without asking.

    `why` is one line for a person: the signs found, and what speaks against being sure. `others` are the next best, best first.
    """

    name: str | None
    confidence: float
    why: str
    others: tuple[Guess, ...] = ()
    sure: bool = False

    def __str__(self) -> str:
        """One line: "hansa, sure (97 %): title:HANSA Market"."""
        if self.name is None:
            return f"no parser: {self.why}"
        return f"{self.name}, {'sure' if self.sure else 'not sure'} ({self.confidence:.0%}): {self.why}"


def propose_parser(
    body: bytes, *, content_type: str = "", directories: Sequence[Path] = (), parsers: Sequence[Parser] | None = None
) -> Proposal:
    """Propose a parser for the front page of a market (a login page or a gate will do).

    `parsers`: those to choose from; without them all that are found, also in `directories` (UsageError where one of these is refused).
    Never raises for a page: an empty or unreadable body proposes nothing.
    """
    known = {parser.name: parser for parser in (load_all(directories) if parsers is None else parsers)}
    guesses = recognise(body, known.values(), content_type=content_type)
    if not guesses:
        return Proposal(None, 0.0, "the page is empty or no text" if not body.strip() else "no sign of a known market on it")
    best, *rest = guesses
    sure = is_sure(guesses)
    why = best.why if sure else "; ".join(filter(None, (best.why, _doubt(best, rest, known))))
    return Proposal(best.name, best.score, why, tuple(rest[:SHOWN_OTHERS]), sure)


def _doubt(best: Guess, rest: Sequence[Guess], known: dict[str, Parser]) -> str:
    """Say why the best guess is not sure: members of one engine family look alike, another fits as well, or the signs are few."""
    engine = known[best.name].market.engine
    family = [one.name for one in rest if engine and known[one.name].market.engine == engine]
    if family:
        return f"{best.name}, {', '.join(family)} share the {engine} script and look alike"
    near = [one.name for one in rest if one.score >= best.score / 2]
    return f"{', '.join(near[:SHOWN_OTHERS])} would fit as well" if near else "that is little to go by"
