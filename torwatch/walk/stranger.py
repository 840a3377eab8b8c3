"""A stranger: an address that serves the front page of another market than the one it is watched for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from torwatch.parsing.recognise import is_sure

if TYPE_CHECKING:
    from torwatch.parsing.recognise import Guess
    from torwatch.parsing.registry import Parser


class Recogniser(Protocol):
    """What is needed of the parser workers."""

    def recognise(self, body: bytes, *, content_type: str = "") -> list[Guess]:
        """Score every parser against a front page, best first."""


def find_stranger(workers: Recogniser, parser: Parser, market: str, body: bytes, content_type: str) -> str:
    """Whose front page it is when it is surely that of another market, with the signs, as one line; "" when it is not.

    One that several parsers fit, or none, is given the benefit of the doubt: a redesign is no other market.
    """
    guesses = workers.recognise(body, content_type=content_type)
    ours = {market.casefold(), parser.name.casefold(), *(name.casefold() for name in (parser.market.title, *parser.market.aliases))}
    if not is_sure(guesses) or guesses[0].name.casefold() in ours:
        return ""
    return f"the address serves the front page of {guesses[0].name}, not of {market} ({guesses[0].why})"
