"""The Empire family: what its members share, and what a thin declaration may change."""

from __future__ import annotations

import datetime as dt

import pytest

from torwatch.model import Evidence, Outcome, PageKind
from torwatch.parserkit.engines import empire
from torwatch.parsing.parse_page import parse_bytes
from torwatch.parsing.registry import load_parser

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
MEMBERS = ("alphabay", "empire", "wethenorth")
DETAIL = (
    "<html><head><title>Tea House</title></head><body><div class=listDes><h2>Green tea</h2><p id=desc_prod>Buy Price CAD $1.00 (says the description)</p>"
    "<p>Sold by <a href=/u/leafhouse>leafhouse</a> <span>7 sold since April 28, 2019</span></p>"
    "<table class=productTbl><tr><td>Product Class<td>Physical Package<td>Origin Country<td>Canada<tr><td>Quantity Left<td>4<td>Ships to<td>Canada</table>"
    "<form action=/Product_List/setQueue/77/1/2 method=post><p><b>{}</b></p></form></div></body></html>"
)
EMPTY = "<html><body><div class=right-content>{}</div></body></html>"


def parsed(name, html, path=""):
    return parse_bytes(load_parser(name), html.encode(), path=path, fetched_at=NOON)


@pytest.mark.parametrize("name", MEMBERS)
def test_every_member_reads_the_familys_listing(name):
    (listing,) = parsed(name, DETAIL.format("Purchase price: USD 3.50")).listings
    assert (listing.key, listing.title, listing.vendor, listing.ship_from_raw, listing.sales) == (
        "77",
        "Green tea",
        "leafhouse",
        "Canada",
        7,
    )


def test_a_price_converted_in_brackets_is_left_out_where_a_market_shows_one():
    (listing,) = parsed("wethenorth", DETAIL.format("Buy Price CAD $12.50 (0.0002 BTC)")).listings
    assert listing.price_raw == "CAD $12.50"
    (listing,) = parsed("wethenorth", DETAIL.format("Buy Price CAD $12.50")).listings
    assert listing.price_raw == "CAD $12.50"


def test_a_sold_out_listing_has_no_price():
    (listing,) = parsed("alphabay", DETAIL.format("Sold out")).listings
    assert listing.price_raw is None


@pytest.mark.parametrize("name", MEMBERS)
def test_an_index_is_empty_only_where_it_says_so(name):
    path = "/category/categories/3/0"
    assert parsed(name, EMPTY.format("There is currently nothing to show."), path).outcome is Outcome.OK
    assert parsed(name, EMPTY.format("Tea"), path).outcome is Outcome.LAYOUT_CHANGED


def test_the_evidence_of_a_member_is_its_own():
    known = {name: {spec.evidence for spec in load_parser(name).market.specs.values()} for name in MEMBERS}
    assert known == {"alphabay": {Evidence.DESCRIBED}, "empire": {Evidence.PAGE}, "wethenorth": {Evidence.GATE_ONLY}}


def test_what_a_member_gives_wins_over_the_familys_own():
    market = empire.market("tea_bazaar", currency="EUR", empty="p.nothing", kinds={r"^/tea/(?P<key>\d+)": PageKind.LISTING})
    assert (market.engine, market.currency, market.empty, market.dates) == ("empire", "EUR", "p.nothing", "MDY")
    assert market.kind_of("/tea/7") == (PageKind.LISTING, "7")
    assert market.shapes == empire.SHAPES


@pytest.mark.parametrize("name", MEMBERS)
def test_a_page_cut_off_before_its_title_says_nothing_of_the_listing(name):
    whole = DETAIL.format("Purchase price: USD 3.50")
    before = parsed(name, whole[: whole.index("<h2>")], "/product/77/1/2")
    assert (before.truncated, before.listings) == (True, ())
    behind = parsed(name, whole[: whole.index("<table")], "/product/77/1/2")
    assert [(one.key, one.title) for one in behind.listings] == [("77", "Green tea")]
