from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torwatch.errors import ParserError
from torwatch.model import Outcome, PageKind
from torwatch.parsing.parse_page import parse_bytes
from torwatch.parsing.registry import find_parsers, load_parser


def parse(parser, html, make, **given):
    return parse_bytes(parser, html.encode() if isinstance(html, str) else html, fetched_at=make.noon, **given)


def test_a_listing_page_gives_its_record_its_links_and_its_unmatched_labels(tea, make):
    got = parse(tea, make.item, make, path="/item/7")
    assert (got.outcome, got.kind, got.unmatched) == (Outcome.OK, PageKind.LISTING, ("Colour",))
    assert [(one.key, one.title, one.ship_from_raw, one.source) for one in got.listings] == [("7", "Tea", "Netherlands", "detail")]


def test_a_lost_mandatory_field_is_a_changed_layout_that_names_it(tea, make):
    got = parse(tea, make.item.replace("Ships from", "Sent from"), make)
    assert (got.outcome, got.listings) == (Outcome.LAYOUT_CHANGED, ())
    assert "mandatory field ship_from_raw is lost: in 0 of 1 records of a listing page" in got.reason


def test_one_row_without_a_mandatory_field_is_no_changed_layout(tea, make):
    assert len(parse(tea, make.index.replace("<h4>Tea 2</h4>", ""), make).listings) == 3
    assert parse(tea, make.index.replace("h4>", "h5>"), make).outcome is Outcome.LAYOUT_CHANGED


def test_no_listings_is_never_an_empty_result_unless_the_page_says_so(tea, make):
    redesigned = parse(tea, "<html><body><p>tea</p></body></html>", make, path="/cat/1")
    assert (redesigned.outcome, redesigned.kind) == (Outcome.LAYOUT_CHANGED, PageKind.LISTING_INDEX)
    assert "no word that the list is empty" in redesigned.reason
    assert parse(tea, "<html><body><p class=none>Nothing here</p></body></html>", make, path="/cat/1").outcome is Outcome.OK


def test_a_truncated_page_gives_what_was_fully_there(tea, make):
    got = parse(tea, make.index[: make.index.index("Tea 3")], make)
    assert (got.outcome, got.truncated, [one.key for one in got.listings]) == (Outcome.OK, True, ["1", "2"])
    cut = parse(tea, "<html><body><p>", make, path="/cat/1")
    assert (cut.outcome, cut.truncated) == (Outcome.OK, True)


def test_an_obstacle_is_an_outcome_with_the_kind_that_was_asked_for(tea, make):
    got = parse(tea, "<html><body>This item was removed</body></html>", make, path="http://tea.onion/item/7")
    assert (got.outcome, got.kind, got.reason) == (Outcome.GONE, PageKind.LISTING, "this item was removed")
    assert parse(tea, "", make).outcome is Outcome.EMPTY
    assert parse(tea, "x" * 99, make, max_bytes=10).outcome is Outcome.TOO_LARGE


@pytest.mark.parametrize("body", ["raise KeyError('x')", "yield 5", "page.root.nothing", "page.all('..bad')"])
def test_a_fault_of_the_parser_is_a_parser_error_that_names_it(tmp_path, make, body):
    with pytest.raises(ParserError, match="parser tea_bazaar"):
        parse(make.parser(tmp_path / "mine", body=body), make.item, make)


def test_a_layout_change_told_by_the_parser_is_an_outcome(tmp_path, make):
    got = parse(make.parser(tmp_path / "mine", body="page.require(False, 'no teapot')"), make.item, make)
    assert (got.outcome, got.reason) == (Outcome.LAYOUT_CHANGED, "no teapot")


@pytest.fixture(scope="module")
def all_parsers():
    return [load_parser(name) for name in find_parsers()]


PIECES = st.sampled_from(
    ["<div class=col-1search>", "<div class=head>", "<a href='/product/1/2/3'>", "</a>", "<div class=listDes>", "<h2>", "<table class=productTbl>", "<tr>", "<td>Ships to",
     "<h3 class=user_info_mid_head>", "<div class=shopItem>", "<a href='./viewProduct?offer=1.2'>", "<div class=viewProduct>", "<div class=tabularDetails>", "<label>Price</label>",
     "<span>", "</div>", "\x00", "\ufffd", "&#0;", "<!--", "]]>", "<html>", "</html>", "<table class=ratingTable>", "\u2212", "<a href='http://[x'>", "<option class=category selected>"]
)  # fmt: skip


@settings(max_examples=40)
@given(
    body=st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=40).map(lambda parts: "".join(parts).encode())),
    path=st.sampled_from(["", "/product/1/2/3", "/u/x", "/viewProduct?offer=1", "/", "?\ud800"]),
)
def test_any_bytes_through_any_parser_give_an_outcome_and_records_with_keys(all_parsers, body, path):
    assert all_parsers
    for parser in all_parsers:
        got = parse_bytes(parser, body, path=path, fetched_at=dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC))
        assert isinstance(got.outcome, Outcome)
        assert all(one.key for one in got.listings)
        assert all(one.name for one in got.vendors)
