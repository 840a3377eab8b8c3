from __future__ import annotations

import pytest

from torwatch.model import Link, PageKind
from torwatch.parserkit import LayoutChanged, Market, local_path
from torwatch.parserkit.market import KNOWN_PATHS

MARKET = Market(
    "tea_bazaar",
    decimal=",",
    currency="EUR",
    kinds={r"^/item/(?P<key>\d+)": "listing", r"^/cat/": PageKind.LISTING_INDEX, r"^/about": "other", r"^/$": "home"},
    shapes={PageKind.LISTING: "div.item", PageKind.LISTING_INDEX: ("ul.items", "p.none"), PageKind.HOME: "div.news"},
)


def test_what_the_page_shows_wins_over_what_its_address_says(page_of):
    assert page_of("<ul class=items></ul>", MARKET, path="/item/5").kind is PageKind.LISTING_INDEX
    assert page_of("<p class=none>", MARKET).kind is PageKind.LISTING_INDEX


def test_the_address_decides_where_no_shape_matches(page_of):
    assert page_of("<p>new layout</p>", MARKET, path="/item/5").kind is PageKind.LISTING
    assert page_of("<p>new layout</p>", MARKET).kind is PageKind.OTHER


def test_a_listing_that_shows_the_home_page_is_a_changed_layout(page_of):
    with pytest.raises(LayoutChanged, match="the address is that of a listing page, the page is a home page"):
        page_of("<div class=news>", MARKET, path="/item/5")
    assert page_of("<div class=news>", MARKET, path="/").kind is PageKind.HOME


def test_links_are_those_that_the_market_declares_once_each(page_of):
    html = """<a href="/item/1">a</a><a href="http://tea.onion/item/1">again</a><a href="/about">no</a><a href="https://elsewhere.example/item/2">no</a>
      <a href="mailto:x">no</a><a href="#top">no</a><a href="?page=2">no</a><nav><a href="/cat/tea?page=2#list">c</a></nav><a>none</a>"""
    page = page_of(html, MARKET)
    assert list(page.links()) == [Link(PageKind.LISTING, "/item/1", 0, "1"), Link(PageKind.LISTING_INDEX, "/cat/tea?page=2")]
    assert [one.path for one in page.links(PageKind.LISTING)] == ["/item/1"]
    assert list(page.links(within="nav", priority={PageKind.LISTING_INDEX: 3})) == [Link(PageKind.LISTING_INDEX, "/cat/tea?page=2", 3)]


def test_with_a_full_address_links_to_other_hosts_are_dropped(page_of):
    page = page_of(
        "<a href='http://tea.onion/item/1'></a><a href='http://fake.onion/item/2'></a>", MARKET, path="http://TEA.onion/cat/x?a=1"
    )
    assert (page.path, page.host) == ("/cat/x?a=1", "tea.onion")
    assert [one.path for one in page.links()] == ["/item/1"]


@pytest.mark.parametrize(
    ("href", "base", "path"),
    [
        ("./view?offer=1.5", "/", "/view?offer=1.5"),
        ("view?x=1", "/a/b?c=1", "/a/view?x=1"),
        ("?p=2", "/a/b?c=1", "/a/b?p=2"),
        ("//tea.onion/x", "", "/x"),
        ("http://tea.onion", "", "/"),
        ("/x#y", "", "/x"),
        ("#y", "/a", None),
        ("javascript:void(0)", "/a", None),
        ("http://[bad/x", "/a", None),
        ("http://example.org/x", "", None),
        ("  ", "", None),
    ],
)
def test_an_href_becomes_a_path_on_the_same_onion_or_nothing(href, base, path):
    assert local_path(href, base) == path


def test_the_page_tells_the_key_of_its_own_address(page_of):
    assert page_of("<div class=item>", MARKET, path="/item/77?x").key == "77"
    assert page_of("<div class=item>", MARKET).key is None


def test_short_questions_about_a_page(page_of):
    page = page_of("<h1> Green\n tea</h1><p class=n>\u22121,234 sold</p><pre>a<br>b</pre><i></i>", MARKET)
    assert page.title == "Tea Bazaar"
    assert page.text("h1") == "Green tea"
    assert page.text("h1", r"(\w+)$") == "tea"
    assert page.text("h1", r"\d") is None
    assert page.text("i") is None is page.text("h7")
    assert page.number(".n") == -1234
    assert page.lines("pre") == "a\nb"
    assert page.lines("i") is None
    assert len(page.all("h1, p")) == 2
    assert page.one("h7") is None
    page.require(condition=True, why="never")
    with pytest.raises(LayoutChanged, match="gone"):
        page.require(page.one("h7"), "gone")


def test_a_market_gives_its_facts_to_the_normalisers():
    assert (MARKET.facts.name, MARKET.facts.decimal, MARKET.facts.currency) == ("tea_bazaar", ",", "EUR")


def test_a_market_does_not_remember_addresses_without_end():
    market = Market("tea_bazaar", kinds={r"^/item/(?P<key>\d+)": "listing"})
    for number in range(KNOWN_PATHS + 10):
        assert market.kind_of(f"/item/{number}") == (PageKind.LISTING, str(number))
    assert len(market._known) <= KNOWN_PATHS  # noqa: SLF001 - the point of the test


def test_a_list_is_named_by_its_address_without_the_pager(page_of):
    assert page_of("<p>", MARKET, path="/cat?sc=4&page=2&sort=new").scope("page", "sort") == "/cat?sc=4"
    assert page_of("<p>", MARKET, path="/cat/tea?page=2").scope("page") == "/cat/tea"
    assert page_of("<p>", MARKET).scope("page") == ""
