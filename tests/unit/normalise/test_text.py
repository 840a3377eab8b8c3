"""Text stored, matched, shown and exported."""

import csv
import io
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from torwatch.normalise.text import csv_cell, fold_for_matching, normalise_text, unmask, visible

anything = st.text(alphabet=st.characters())


def test_stored_text_is_nfkc_with_single_blanks():
    assert normalise_text("  Green\u00a0 tea\t½ \uff4bg\n") == "Green tea 1\u20442 kg"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ｇｒｅｅｎ ＴＥＡ", "green tea"),  # noqa: RUF001 - fullwidth letters
        ("Сoffее", "coffee"),  # noqa: RUF001 - three letters are Cyrillic
        ("🅲🅾🅵🅵🅴🅴", "coffee"),
        ("𝓬𝓸𝓯𝓯𝓮𝓮", "coffee"),  # noqa: RUF001 - mathematical letters
        ("cof\u200bfee\u202e", "coffee"),
        ("Crème brûlée", "creme brulee"),
        ("Łódź Straße Øre", "lodz strasse ore"),
    ],
)
def test_look_alikes_are_folded_for_matching(text, folded):
    assert fold_for_matching(text) == folded


def test_what_hides_is_shown():
    assert visible("te\u200ba \x1b[31mred\x1b[0m \u202eback\x9b\x7f\u2028") == r"te\u200ba \x1b[31mred\x1b[0m \u202eback\x9b\x7f\u2028"
    assert visible("tea\tand\ncake ☕ é") == "tea\tand\ncake ☕ é"
    assert visible("\U000e0041\ud800") == r"\U000e0041\ud800"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\tx", "\rx", " =1", "\u200b=1", "\uff1d1"])
def test_a_csv_cell_never_starts_a_formula(text):
    assert csv_cell(text) == "'" + text


def test_a_harmless_cell_stays_as_it_is():
    assert csv_cell("Green tea = good") == "Green tea = good"
    assert csv_cell("") == ""


@given(anything)
def test_no_control_or_bidi_character_reaches_a_terminal(text):
    shown = visible(text)
    assert all(unicodedata.category(c) not in {"Cf", "Cs"} and (c in "\n\t" or unicodedata.category(c) != "Cc") for c in shown)
    assert visible(shown) == shown
    shown.encode("utf-8")


@given(anything)
@example("\u0345\u0399")
@example("İ")
def test_folding_and_normalising_twice_is_folding_and_normalising_once(text):
    for function in (normalise_text, unmask, fold_for_matching):
        once = function(text)
        assert function(once) == once


@given(anything)
def test_a_csv_cell_read_back_starts_no_formula(text):
    sheet = io.StringIO(newline="")
    csv.writer(sheet).writerow([csv_cell(text.replace("\x00", ""))])
    cell = next(csv.reader(io.StringIO(sheet.getvalue(), newline="")))[0]
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert csv_cell(cell) == cell
