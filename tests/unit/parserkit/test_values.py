"""Rules that read a value by the words around it, and patterns that are tried at the start only."""

from __future__ import annotations

import re

import hypothesis.strategies as st
import pytest
from hypothesis import given
from lxml import etree

from torwatch.parserkit import Beside, Listing, Single
from torwatch.parserkit.text import searcher
from torwatch.parserkit.values import compile_rule

CARD = """
<div><p class=x>From: <strong>25 $</strong> - Pills - </p><p><span>Stock:<strong>1700</strong></span> <strong>12</strong> left</p>
<p>Ships from <i></i> <strong>Belgium</strong></p></div>
"""


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (Beside("strong", before="^From:"), "25 $"),
        (Beside("strong", before="^From:", take=r"^-\s*(.*?)\s*-?$"), "Pills"),
        (Beside("strong", before="^Stock:"), "1700"),
        (Beside("strong", behind="^left"), "12"),
        (Beside("strong", before="^Ships from$"), "Belgium"),  # a mark without a text of its own stands between
        (Beside("strong", before="^Ships from", pattern="^(Afghanistan)$"), None),
        (Beside("strong", before="^From:", take=r"(\d+)"), None),
        (Beside("strong", before="^To:"), None),
        (Beside("em"), None),
    ],
)
def test_a_value_is_told_by_the_words_around_it(rule, value):
    assert compile_rule(rule)(etree.HTML(CARD)) == value


def test_a_rule_for_the_first_match_reads_what_another_rule_of_the_record_has_read():
    single = Single(Listing, key=("a", r"(\d+)"), title="a")
    assert single.read(etree.HTML("<p><a>tea 5</a><a>7</a></p>")) == Listing("5", title="tea 5")


PATTERNS = st.sampled_from(
    ("^a", "^(a|b)c", "^a|b", "(?i)^A(?:b|c)$", "(?m)^b", r"^[|]", r"^\|b", "a", "", "^", r"^[^]|]b", r"^(a(b|c))*$", r"\^a")
)


@given(PATTERNS, st.text("abc|^]\n", max_size=8))
def test_a_pattern_tried_at_the_start_only_finds_what_a_search_finds(pattern, value):
    found, wanted = searcher(pattern)(value), re.search(pattern, value)
    assert (found and found.span()) == (wanted and wanted.span())
