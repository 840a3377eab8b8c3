from __future__ import annotations

import pytest

from torwatch.model import Feedback, Listing, PageKind, Source, Vendor
from torwatch.parserkit import (
    Column,
    Const,
    Count,
    Each,
    Extra,
    Fields,
    First,
    Has,
    Keys,
    LayoutChanged,
    Lines,
    Market,
    Rows,
    Single,
    Split,
)

INDEX = Rows(
    "div.card",
    Listing,
    key=("a@href", r"/item/(\d+)"),
    path="a@href",
    title="h4",
    vendor="a[href*='/seller/']",
    category=Split(".cat"),
    price_raw=(".price", r"([\d.]+ \w+)"),
    sales=(".n", r"(.*) sold"),
    promoted=Has(".ad"),
)
CARD = """<div class=card><a href="http://tea.onion/item/{0}?a=1&amp;b=2"><h4> Green&nbsp;tea
 {0}</h4></a><a href="/seller/anna">anna</a><i class=cat>Tea / Green &gt; Leaf</i><b class=price>now 4.50 EUR</b><u class=n>1,202 sold</u></div>"""


def test_rows_give_typed_records_in_page_order(page_of):
    first, second = INDEX.read(page_of(CARD.format(1) + CARD.format(2)))
    assert first == Listing("1", "Green tea 1", "anna", None, "/item/1?a=1&b=2", ("Tea", "Green", "Leaf"), "4.50 EUR", sales=1202)
    assert second.key == "2"
    assert second.source is Source.INDEX


def test_a_hidden_row_and_a_row_without_key_never_come_out(page_of):
    html = (
        CARD.format(1).replace("class=card", "class=card style='DISPLAY : none'")
        + CARD.format(2)
        + "<div class=card><h4>no link</h4></div>"
    )
    assert [one.key for one in INDEX.read(page_of(html))] == ["2"]


def test_rows_of_which_none_has_a_key_are_a_changed_layout(page_of):
    with pytest.raises(LayoutChanged, match="none of them with a key"):
        list(INDEX.read(page_of("<div class=card><h4>Tea</h4></div>")))


def test_no_row_is_a_changed_layout_unless_the_page_says_that_the_list_is_empty(page_of):
    market = Market("tea_bazaar", empty="p:has-text('No items')")
    assert list(INDEX.read_or_empty(page_of("<p>No items here.</p>", market))) == []
    with pytest.raises(LayoutChanged, match="no word that the list is empty"):
        list(INDEX.read_or_empty(page_of("<p>Welcome</p>", market)))


def test_the_row_that_a_cut_off_transfer_left_open_is_dropped(page_of):
    whole = "<html><body>" + CARD.format(1) + CARD.format(2)
    page = page_of(whole + '<div class=card><a href="/item/3"><h4>Gre', whole=False)
    assert page.truncated
    assert [one.key for one in INDEX.read(page)] == ["1", "2"]
    cut_in_a_tag = page_of(whole + '<div class=card><a href="/item/3"><h4>Tea</h4></a><img src="/uplo', whole=False)
    assert [one.key for one in INDEX.read(cut_in_a_tag)] == ["1", "2"]
    assert [one.key for one in INDEX.read(page_of(whole + "\n  <div", whole=False))] == ["1", "2"]


def test_every_kind_of_rule_reads_its_value(page_of):
    single = Single(
        Vendor,
        Fields("dl", {"FE": "fe_enabled", "Sales": "sales", "Ratings": "external_ratings", "Level": "vendor_level"}, shape="dl"),
        name=First("h9", "h1"),
        key=Const("k"),
        verified=Has(".badge", "(?i)verified"),
        profile=Lines("pre"),
        pgp_keys=Keys("pre"),
        positive=Count("img.star"),
        external_ratings=Each("li", r"(\d+)", unique=True),
        extra=Extra(colour=".c", missing=".m"),
        banned=lambda _node: None,
        vendor_level=None,
    )
    html = """<h1>anna</h1><p class=badge>Not Verified yet</p><dl><dt>FE</dt><dd>Not allowed</dd><dt>Sales</dt><dd>\u2212 1,234 times</dd><dt>Level</dt><dd></dd></dl>
      <img class=star><img class=star><li>x 5</li><li>5</li><li>y</li><li>7</li><i class=c>blue</i>
      <pre>Tea\n\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----\nbye</pre>"""
    got = single.read(page_of(html), source=Source.VENDOR_TABLE)
    assert got == Vendor(
        "anna",
        "k",
        fe_enabled=False,
        verified=True,
        sales=1234,
        positive=2,
        external_ratings=("5", "7"),
        profile="Tea\n\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----\nbye",
        pgp_keys=("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----",),
        source=Source.VENDOR_TABLE,
        extra=(("colour", "blue"),),
    )


def test_a_record_without_key_is_none(page_of):
    assert Single(Listing, title="h1").read(page_of("<h1>Tea</h1>")) is None
    assert Single(Vendor, name="h2").read(page_of("<h1>Tea</h1>")) is None


def test_a_copy_overrides_rules_and_takes_them_away(page_of):
    page = page_of(CARD.format(1))
    (got,) = INDEX.but(title=("h4", r"(Green)"), vendor=None, ship_from_raw=Const("NL")).read(page)
    assert (got.title, got.vendor, got.ship_from_raw, got.sales) == ("Green", None, "NL", 1202)
    assert list(INDEX.but("div.other").read(page)) == []


def test_after_mends_what_was_read(page_of):
    def glue(values, _node):
        values["ship_from_raw"], _, values["ship_to_raw"] = values["title"].partition(" tea ")

    (got,) = INDEX.but(after=glue).read(page_of(CARD.format(1)))
    assert (got.ship_from_raw, got.ship_to_raw) == ("Green", "1")


def test_a_field_that_the_record_does_not_have_is_refused_when_the_parser_loads():
    with pytest.raises(ValueError, match="Listing has no field colour"):
        Single(Listing, colour="b")
    with pytest.raises(ValueError, match="Listing has no field origin"):
        Single(Listing, Fields("p", {"From": "origin"}))


def test_a_feedback_row_without_any_content_is_no_feedback(page_of):
    rows = Rows("tr", Feedback, skip="th", text="td:nth(1)", stars=Count("img"))
    page = page_of("<table><tr><th>Text</th></tr><tr><td></td></tr><tr><td>fine tea<img></td></tr></table>")
    assert list(rows.read(page, vendor="anna")) == [Feedback(vendor="anna", text="fine tea", stars=1)]


def test_unmatched_labels_are_kept_for_the_author(page_of):
    page = page_of("<table><tr><td>Colour</td><td>red</td></tr></table>")
    Single(Listing, Fields("table", {}, shape="cells"), key=Const("1")).read(page)
    assert page.unmatched == ["Colour"]
    assert page.kind is PageKind.OTHER


def test_a_column_is_found_by_its_heading_wherever_it_stands(page_of):
    rows = Rows(
        "tr", Feedback, skip="th", buyer=Column("From", "Buyer", pattern=r"^(\S+)"), text=Column("feedback"), date_raw=Column("When")
    )
    wide = "<table><tr><th></th><th>Feedback:</th><th>From</th></tr><tr><td>+</td><td>good tea</td><td>a***b [8]</td></tr></table>"
    moved = "<table><tr><th>Buyer</th><th>Feedback</th></tr><tr><td>c***d</td><td>fine</td></tr><tr><td>e***f</td></tr></table>"
    got = list(rows.read(page_of(wide + moved)))
    assert [(one.buyer, one.text, one.date_raw) for one in got] == [
        ("a***b", "good tea", None),
        ("c***d", "fine", None),
        ("e***f", None, None),
    ]


def test_a_column_of_a_table_without_th_is_found_by_its_first_row(page_of):
    rows = Rows("tr", Listing, key=("a@href", r"(\d+)"), ship_from_raw=Column("From"), title=Column("What"))
    page = page_of(
        "<table><tr><td>What<td>From:</tr><tr><td><a href=/o/7>Green tea</a><td>Peru</tr><tr><td><a href=/o/8>Mint</a><td></tr></table>"
    )
    assert [(one.key, one.title, one.ship_from_raw) for one in rows.read(page)] == [("7", "Green tea", "Peru"), ("8", "Mint", None)]
