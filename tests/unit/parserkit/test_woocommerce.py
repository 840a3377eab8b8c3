from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from lxml import html

from torwatch.model import Feedback, Listing, PageInfo, PageKind
from torwatch.parserkit import Obstacle, open_page
from torwatch.parserkit.engines import woocommerce

PAGES = Path(__file__).parents[3] / "parsers" / "digital_thrift_shop" / "pages"
TEA_SHOP = woocommerce.market("tea_shop", title="Tea Shop", currency="EUR", kinds={r"^/teas/?$": PageKind.LISTING_INDEX})


def records(page: str, path: str = ""):
    opened = open_page(TEA_SHOP, (PAGES / page).read_bytes(), path=path, fetched_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    return list(woocommerce.Engine(seller="Leafmonger").parse(opened))


def amount(value: str) -> str:
    return f'<span class="woocommerce-Price-amount amount"><bdi>{value}</bdi></span>'


@pytest.mark.parametrize(
    ("inside", "shown"),
    [
        (amount("$3.00"), "$3.00"),
        (f"<del>{amount('$9.00')}</del> <ins>{amount('$7.50')}</ins>", "$7.50"),
        (f"{amount('€2.00')} &ndash; {amount('€8.00')}", "€2.00 \u2013 €8.00"),
        (f"{amount('$3.00')}<small>{amount('0.00004 BTC')}</small>", "$3.00"),
        ("Free!", "Free!"),
        ("", None),
    ],
)
def test_the_price_is_the_offer_and_not_what_is_struck_or_converted(inside, shown):
    assert woocommerce.read_price(html.fromstring(f'<div><p class="price">{inside}</p></div>')) == shown


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/product/green-tea/", PageKind.LISTING),
        ("/product/green-tea/?add-to-cart=7", PageKind.OTHER),
        ("/?orderby=price", PageKind.OTHER),
        ("/product-category/tea/page/2/", PageKind.LISTING_INDEX),
        ("/teas/", PageKind.LISTING_INDEX),
        ("/page/3/", PageKind.LISTING_INDEX),
        ("/my-account/", None),
        ("/cart/", None),
    ],
)
def test_addresses_of_a_shop_tell_lists_from_acts(path, kind):
    assert TEA_SHOP.kind_of(path)[0] is kind


def test_a_shop_has_one_seller_and_related_products_are_no_rows():
    listings = [one for one in records("listing.html") if isinstance(one, Listing)]
    assert [(one.key, one.vendor) for one in listings] == [("tea-handbook", "Leafmonger")]
    assert {one.vendor for one in records("listing.html") if isinstance(one, Feedback)} == {"Leafmonger"}
    assert {one.vendor for one in records("index.html") if isinstance(one, Listing)} == {"Leafmonger"}


def test_the_pages_of_a_list_share_one_scope():
    scopes = [
        one.scope
        for path in ("/product-category/tea/", "/product-category/tea/page/2/")
        for one in records("index.html", path)
        if isinstance(one, PageInfo)
    ]
    assert scopes == ["/product-category/tea/"] * 2


def test_an_account_page_asks_to_log_in_whatever_the_shop_is_called():
    with pytest.raises(Obstacle, match="form-login"):
        records("login.html", "/my-account/")
