"""Whose front page an address serves: another market's only when that is sure."""

from __future__ import annotations

import pytest

from torwatch.parsing.recognise import Guess
from torwatch.parsing.registry import load_parser
from torwatch.walk.stranger import find_stranger


class Recogniser:
    def __init__(self, *guesses):
        self.guesses = [Guess(name, score, "a title") for name, score in guesses]

    def recognise(self, _body, **_facts):
        return self.guesses


def whose(*guesses, market="souk"):
    return find_stranger(Recogniser(*guesses), load_parser("souk"), market, b"page", "text/html")


def test_a_page_that_is_surely_another_markets_is_told_with_its_signs():
    assert whose(("bazaar", 0.95)) == "the address serves the front page of bazaar, not of souk (a title)"


@pytest.mark.parametrize(
    "guesses",
    [
        (),
        (("souk", 0.95),),
        (("bazaar", 0.7),),  # not sure
        (("bazaar", 0.9), ("souk", 0.85)),  # both fit
    ],
)
def test_doubt_is_for_the_market(guesses):
    assert whose(*guesses) == ""


def test_a_market_watched_under_its_own_name_with_another_parser_is_no_stranger():
    assert whose(("bazaar", 0.95), market="bazaar") == ""
