from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torwatch.errors import UsageError
from torwatch.model import PageKind
from torwatch.parsing.quality import check_parser
from torwatch.parsing.registry import bundled_folder
from torwatch.parsing.skeleton import SavedPage, make_skeleton
from torwatch.parsing.skeleton_writer import write_skeleton

HEAD = "<html><head><title>{title} - Leaf Exchange</title></head><body><h1>Leaf Exchange</h1><a href='/faq'>FAQ</a>"
CARD = (
    "<div class=card><h4><a href='/offer/{key}'>{title}</a></h4><a class=by href='/merchant/{vendor}'>{vendor}</a>"
    "<span class=cost>$ {price}</span><small>Ships from: {origin}</small></div>"
)
OFFERS = [
    {"key": 11, "title": "Green tea 100 g", "vendor": "leafhouse", "price": "4.50", "origin": "Netherlands"},
    {"key": 12, "title": "Assam second flush", "vendor": "otto", "price": "12.00", "origin": "Sri Lanka"},
    {"key": 13, "title": "Gouda, one kilo", "vendor": "kaasboer", "price": "1,020.00", "origin": "Germany"},
    {"key": 14, "title": "Tomato seeds x 40", "vendor": "otto", "price": "2.00", "origin": "Belgium"},
]
INDEX = HEAD.format(title="Tea") + "".join(CARD.format(**one) for one in OFFERS) + "</body></html>"
LISTING = (
    HEAD.format(title="Green tea 100 g")
    + "<h2 class=title>Green tea 100 g</h2><p class=description>Ships from: the moon</p><dl class=facts><dt>Ships from</dt><dd>Netherlands</dd>"
    "<dt>Seller</dt><dd><a href='/merchant/leafhouse'>leafhouse</a></dd><dt>Price</dt><dd>$ 4.50</dd><dt>In stock</dt><dd>7</dd></dl>"
    "<form action='/offer/11/buy'><button>Buy now</button></form></body></html>"
)
VENDOR = (
    HEAD.format(title="leafhouse")
    + "<h2>leafhouse</h2><table class=who><tr><td>Member since:</td><td>2019-04-22</td></tr><tr><td>Last seen:</td><td>today</td></tr></table>"
    "<a href='/merchant/leafhouse/reviews'>Reviews</a><pre>-----BEGIN PGP PUBLIC KEY BLOCK-----\nnone\n-----END PGP PUBLIC KEY BLOCK-----</pre></body></html>"
)
QUEUE = "<html><head><meta http-equiv=refresh content='5; url=/'></head><body>wait</body></html>"
SAVED = [SavedPage(name, page.encode()) for name, page in (("index", INDEX), ("listing", LISTING), ("vendor", VENDOR), ("queue", QUEUE))]


@pytest.fixture
def written(tmp_path):
    tmp_path.chmod(0o755)
    return write_skeleton(make_skeleton("leaf", SAVED), tmp_path / "mine")


def expected_of(parser, name):
    return json.loads((parser.path.parent / "expected" / f"{name}.json").read_text())


def test_the_kinds_of_pages_are_guessed(written):
    _, skeleton = written
    assert {page.name: (page.kind, page.outcome.value) for page in skeleton.pages} == {
        "index": (PageKind.LISTING_INDEX, "ok"),
        "listing": (PageKind.LISTING, "ok"),
        "vendor": (PageKind.VENDOR, "ok"),
        "queue": (PageKind.OTHER, "queue"),
    }


def test_a_skeleton_loads_and_passes_its_check(written):
    parser, _ = written
    report = check_parser(parser)
    assert report.faults == ()
    assert report.fixtures == 4


def test_rows_give_key_title_vendor_price_and_origin(written):
    parser, _ = written
    rows = expected_of(parser, "index")["listings"]
    assert [
        {
            "key": int(row["key"]),
            "title": row["title"],
            "vendor": row["vendor"],
            "price": row["price_raw"].removeprefix("$ "),
            "origin": row["ship_from_raw"],
        }
        for row in rows
    ] == OFFERS


def test_a_listing_is_read_by_its_labels_not_by_its_description(written):
    parser, _ = written
    (listing,) = expected_of(parser, "listing")["listings"]
    assert (listing["key"], listing["title"], listing["vendor"]) == ("11", "Green tea 100 g", "leafhouse")
    assert (listing["ship_from_raw"], listing["price_raw"], listing["stock_raw"]) == ("Netherlands", "$ 4.50", "7")


def test_a_vendor_is_read_with_name_and_dates(written):
    parser, _ = written
    (vendor,) = expected_of(parser, "vendor")["vendors"]
    assert (vendor["name"], vendor["member_since_raw"]) == ("leafhouse", "2019-04-22")


def test_values_found_stand_as_comments_and_fixtures_say_that_nobody_has_checked_them(written):
    parser, _ = written
    assert '"Ships from": "ship_from_raw",  # Netherlands' in parser.path.read_text()
    assert "by eye" in expected_of(parser, "listing")["note"]


def test_an_existing_folder_is_not_overwritten(written):
    parser, skeleton = written
    with pytest.raises(UsageError, match="is not overwritten"):
        write_skeleton(skeleton, parser.path.parent.parent)


def test_gates_alone_give_a_parser_that_knows_nothing_but_gates(tmp_path):
    tmp_path.chmod(0o755)
    parser, _ = write_skeleton(make_skeleton("gate", [SAVED[-1], SavedPage("empty", b"")]), tmp_path)
    assert check_parser(parser).faults == ()
    assert [one.value for one in parser.evidence.values()] == ["gate-only"]


def test_words_given_are_taken_out_of_the_pages(tmp_path):
    skeleton = make_skeleton("leaf", SAVED, words=["leafhouse"])
    assert all(b"leafhouse" not in page.body for page in skeleton.pages)


@pytest.mark.parametrize("name", ["empire", "souk"])
def test_pages_of_a_known_market_give_a_skeleton_that_passes(tmp_path, name):
    pages = [bundled_folder() / name / "pages" / f"{one}.html" for one in ("index", "listing", "vendor")]
    tmp_path.chmod(0o755)
    parser, skeleton = write_skeleton(make_skeleton("guess", [SavedPage(one.stem, one.read_bytes()) for one in pages]), tmp_path)
    assert check_parser(parser).faults == ()
    assert [page.kind for page in skeleton.pages] == [PageKind.LISTING_INDEX, PageKind.LISTING, PageKind.VENDOR]


UNSEEN = (
    "<html><head><title>Shelf - Dusty Cellar</title></head><body><table id=shelf><tr><th>What<th>Who<th>Route<th>For</tr>"
    + "".join(
        f"<tr><td><a href='bottle?no=B-{number}'>Quince jam, glass {number}</a><i>Ships from: the sun</i><td><a href='who?is=anna{number}'>anna{number}</a>"
        f"<td>AT &rarr; EU<td>{number},50 EUR</tr>"
        for number in (3, 4, 5)
    )
    + "</table></body></html>"
)
UNSEEN_LISTING = (
    "<html><head><title>Quince jam - Dusty Cellar</title></head><body><div id=b><h3>Quince jam</h3><div class=txt>Leaves from: nowhere</div>"
    "<p><b>Seller</b>: <a href='who?is=anna3'>anna3</a><p><b>Leaves from</b>: Austria<p><b>Cost</b>: 3,50 EUR</div></body></html>"
)


def test_addresses_whose_words_say_nothing_are_told_by_what_repeats_beside_prices(tmp_path):
    tmp_path.chmod(0o755)
    parser, _ = write_skeleton(make_skeleton("cellar", [SavedPage("shelf", UNSEEN.encode())]), tmp_path)
    rows = expected_of(parser, "shelf")["listings"]
    assert [(row["key"], row["vendor"], row["ship_from_raw"], row["ship_to_raw"]) for row in rows] == [
        (f"B-{number}", f"anna{number}", "AT", "EU") for number in (3, 4, 5)
    ]


def test_a_kind_and_labels_that_the_user_tells_are_believed(tmp_path):
    tmp_path.chmod(0o755)
    saved = [SavedPage("bottle", UNSEEN_LISTING.encode(), "/bottle?no=B-3", PageKind.LISTING)]
    parser, _ = write_skeleton(make_skeleton("cellar", saved, labels={"Leaves from": "ship_from_raw"}), tmp_path)
    (listing,) = expected_of(parser, "bottle")["listings"]
    assert (listing["key"], listing["title"], listing["ship_from_raw"], listing["price_raw"]) == (
        "B-3",
        "Quince jam",
        "Austria",
        "3,50 EUR",
    )


HARBOUR_INDEX = (
    "<html><head><title>Tea :: Harbour</title></head><body>"
    + "".join(
        f"<article class=crate><a class=nm href='/crate/{n}'>Green tea {n} kg, long title</a> by <a href='/skipper/s{n}'>s{n}</a> <strong>1.20{n},50 \u20ac</strong></article>"
        for n in range(1, 6)
    )
    + "</body></html>"
)
HARBOUR_LISTING = (
    "<html><head><title>Green tea :: Harbour</title></head><body><h1>Green tea</h1><table class=manifest><tr><th>Skipper<td><a href='/skipper/s1'>s1</a></tr>"
    "<tr><th>Toll<td><strong>12,50 \u20ac</strong></tr><tr><th>Sails from<td>Netherlands</tr><tr><th>In the hold<td>7 left</tr></table>"
    "<form method=post action='/crate/1/board'><button>Buy now</button></form></body></html>"
)


def harbour():
    saved = [SavedPage("index", HARBOUR_INDEX.encode(), "/quay/3?tide=2"), SavedPage("crate", HARBOUR_LISTING.encode(), "/crate/1")]
    return make_skeleton("harbour", saved)


def test_the_address_of_an_index_whose_words_say_nothing_is_taken_from_where_it_was_fetched():
    assert '^/quay/\\d+/?(?:\\?|$)": PageKind.LISTING_INDEX' in harbour().source


def test_a_decimal_comma_in_every_price_found_is_declared(written):
    assert 'decimal=","' in harbour().source
    assert "decimal=" not in written[1].source


def test_pairs_that_no_rule_took_are_told_with_a_value(written):
    left = harbour().leftovers[PageKind.LISTING]
    assert (left["Sails from"], left["In the hold"]) == ("Netherlands", "7 left")
    assert "Ships from" not in written[1].leftovers.get(PageKind.LISTING, {})


PIECES = """<div class='a:b c'>|</div>|<a href='/item/1'>|<a href="/item/'x">|<a href='?p=%00'>|</a>|Price: $4|Ships from:|<dt>|<dd>|<table><tr><td>|<h1 id=9>|
<form action=/item/2>|<x:y class=' '>|<b>Seller</b>|US \N{RIGHTWARDS ARROW} WW|<h2>tea</h2>|<select>|<p hidden>|-----BEGIN PGP PUBLIC KEY BLOCK-----|a***b 1 day|<li>|'\""""
MARKUP = st.lists(st.sampled_from([*(one.encode() for one in PIECES.split("|")), b"\xff"]), max_size=40).map(b"".join)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.binary(max_size=300), MARKUP), max_size=3))
def test_the_analysis_never_raises_and_its_source_compiles(bodies):
    skeleton = make_skeleton("any", [SavedPage(f"p{number}", body) for number, body in enumerate(bodies)])
    compile(skeleton.source, "parser.py", "exec")
