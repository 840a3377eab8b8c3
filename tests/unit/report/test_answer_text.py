from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from torwatch.report.answer_text import WIDTH, answer_text, fold_text, text_table, text_width
from torwatch.report.document import Document, Section

WORDS = st.text(alphabet=st.sampled_from("ab\u732b\u00e9\u0301\u200b \uff21\U0001f600"), max_size=120)


@given(WORDS, st.integers(2, 30))
def test_folding_loses_nothing_and_no_line_is_too_wide(text, width):
    lines = fold_text(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(text_width(line) <= width for line in lines)


@given(st.lists(st.lists(WORDS, min_size=3, max_size=3), min_size=1, max_size=4))
def test_no_table_is_wider_than_a_terminal(rows):
    lines = text_table(("one", "two", "three"), rows, [False, False, True])
    assert all(text_width(line) <= WIDTH for line in lines)
    assert len({text_width(line) for line in lines}) == 1


def test_an_interval_that_does_not_fit_is_cut_after_its_dash():
    assert fold_text("1,111.25\u201322,222.50", 12) == ["1,111.25\u2013", "22,222.50"]


def test_a_wide_character_takes_two_columns_and_a_joined_accent_none():
    assert [text_width(text) for text in ("ab", "\u732b", "e\u0301", "")] == [2, 2, 1, 0]


def test_what_hides_is_shown_before_the_columns_are_measured():
    section = Section("s", "Title", ("name", "n"), ("name", "n"), (("a\u202eb", 1), ("abcdefgh", 22)))
    text = answer_text(Document("T", "en", "", (), (section,), {}), lambda said: said.replace("\u202e", "\\u202e"))
    rows = text.splitlines()[-2:]
    assert rows[0].startswith("a\\u202eb")
    assert {len(row) for row in rows} == {len(rows[0])}
