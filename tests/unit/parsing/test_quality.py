from __future__ import annotations

import pytest

from torwatch.parsing.quality import check_parser

GONE = "<html><body><p>This item was removed</p></body></html>"


def faults_of(parser):
    return [str(fault) for fault in check_parser(parser).faults]


def test_a_parser_with_fixtures_of_every_kind_is_all_right(tea, make):
    folder = tea.path.parent
    make.fixture(folder, "item", make.item, {"path": "/item/7", "listings": [{"key": "7"}]})
    make.fixture(folder, "index", make.index, {"listings": [{"key": "1"}, {"key": "2"}, {"key": "3"}]})
    make.fixture(folder, "gone", GONE, {"outcome": "gone"})
    report = check_parser(tea)
    assert report.faults == ()
    assert (report.fixtures, report.values) == (3, 9)


def test_a_kind_without_a_fixture_and_a_wrong_value_are_told(tea, make):
    make.fixture(tea.path.parent, "item", make.item, {"path": "/item/7", "listings": [{"key": "8"}]})
    assert faults_of(tea) == [
        "item: listing 1: key is '7', not '8'",
        "expected: no fixture of a listing-index page, which the market declares: save one, or say in NOTES.md `no fixture: listing-index - why`",
        "expected: no fixture of the obstacle gone, which the market declares: save one, or say in NOTES.md `no fixture: gone - why`",
    ]


def test_a_note_that_says_why_excuses_a_missing_fixture(tea, make):
    make.fixture(tea.path.parent, "item", make.item, {"path": "/item/7", "listings": [{"key": "7"}]})
    tea.path.with_name("NOTES.md").write_text("# tea\n\nno fixture: listing-index, gone - the market closed before one was saved\n")
    assert faults_of(tea) == []


def test_a_fixture_with_a_script_or_an_embedded_picture_is_told(tea, make):
    page = make.item.replace("<h1>", f"<script>alert(1)</script><img src='data:image/png;base64,{'A' * 200}'><h1>")
    make.fixture(tea.path.parent, "item", page, {"path": "/item/7"})
    assert [one.partition(":")[2] for one in faults_of(tea) if "holds" in one] == [
        f" item.html holds {what}: take it out (`torwatch parser new` writes scrubbed copies)" for what in ("a data-URI", "a script")
    ]


def test_the_same_listing_twice_without_promotion_is_told(tea, make):
    make.fixture(tea.path.parent, "index", make.index.replace("/item/2", "/item/1"), {})
    assert any("the key '1' comes 2 times" in one for one in faults_of(tea))


def test_an_origin_taken_from_the_title_is_told(tmp_path, make):
    parser = make.parser(tmp_path / "mine", body="yield Listing('9', title='Tea, ships from: Mars', ship_from_raw='Mars')")
    make.fixture(parser.path.parent, "item", make.item, {"path": "/item/7"})
    assert any("ship_from_raw 'Mars' stands in the title" in one for one in faults_of(parser))


def test_a_link_of_no_declared_kind_is_told(tmp_path, make):
    source = make.source.replace("PageKind, Rows", "Link, PageKind, Rows")
    parser = make.parser(tmp_path / "mine", source=source, body="yield Link(PageKind.VENDOR, '/nowhere')")
    make.fixture(parser.path.parent, "item", make.item, {"path": "/item/7"})
    assert any("the link '/nowhere' is of no declared kind" in one for one in faults_of(parser))


def test_a_page_without_expected_values_is_told(tea, make):
    make.fixture(tea.path.parent, "item", make.item, {"path": "/item/7"})
    (tea.path.parent / "pages" / "lost.html").write_text("<html></html>")
    assert "pages: lost.html has no expected values: write expected/lost.json, or take it out" in faults_of(tea)


def test_a_key_that_only_a_cut_off_page_gives_is_told(tmp_path, make):
    parser = make.parser(tmp_path / "mine", body="yield Listing('cut' if page.truncated else 'whole')")
    make.fixture(parser.path.parent, "item", make.item, {"path": "/item/7"})
    assert any("gives keys that the whole page does not have: cut" in one for one in faults_of(parser))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("import socket", "a parser is pure: import socket"),
        ("open('x')", "a parser is pure: open("),
        ("from torwatch.store import database", "a parser imports the kit only: from torwatch.store"),
    ],
)
def test_a_parser_that_is_not_pure_is_told(tmp_path, make, body, message):
    assert any(message in one for one in faults_of(make.parser(tmp_path / "mine", body=body)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('div.item"', 'div..item"'), "not a selector: 'div..item'"),
        (("^/cat", "^/cat["), "MARKET.kinds"),
        (('("price_raw",)', '("prize",)'), "a Listing has no field prize"),
    ],
)
def test_declarations_that_cannot_be_meant_are_told(tmp_path, make, change, message):
    folder = make.folder(tmp_path / "mine")
    (folder / "parser.py").write_text((folder / "parser.py").read_text().replace(*change))
    from torwatch.parsing.registry import load_parser  # noqa: PLC0415 - only here

    assert any(message in one for one in faults_of(load_parser("tea_bazaar", [tmp_path / "mine"])))


def test_records_that_are_not_clean_are_told(tmp_path, make):
    parser = make.parser(tmp_path / "mine", body="yield Listing('k', title='a  b', vendor='', path='http://x')")
    make.fixture(parser.path.parent, "item", make.item, {"path": "/item/7"})
    told = "\n".join(faults_of(parser))
    for part in ("title is not collapsed: 'a  b'", "vendor is '', nothing is None", "path 'http://x' is not a path"):
        assert part in told


def test_a_faulty_fixture_is_told(tea, make):
    make.fixture(tea.path.parent, "item", make.item, {"nonsense": 1})
    assert any("unknown part nonsense" in one for one in faults_of(tea))
