from __future__ import annotations

import pytest

from torwatch.parsing.quality import check_parser


def faults_of(parser):
    return [str(fault) for fault in check_parser(parser).faults]


def test_a_parser_with_fixtures_of_every_kind_is_all_right(tea, make):
    folder = tea.path.parent
    make.fixture(folder, "item", make.item, {"path": "/item/7", "listings": [{"key": "7"}]})
    make.fixture(folder, "index", make.index, {"listings": [{"key": "1"}, {"key": "2"}, {"key": "3"}]})
    report = check_parser(tea)
    assert report.faults == ()
    assert (report.fixtures, report.values) == (2, 8)


def test_a_kind_without_a_fixture_and_a_wrong_value_are_told(tea, make):
    make.fixture(tea.path.parent, "item", make.item, {"path": "/item/7", "listings": [{"key": "8"}]})
    assert faults_of(tea) == [
        "item: listing 1: key is '7', not '8'",
        "expected: no fixture of a listing-index page, which the market declares",
    ]


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
