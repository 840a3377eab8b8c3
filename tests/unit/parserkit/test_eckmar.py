from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from torwatch.model import PageKind, Source
from torwatch.parserkit import Market, open_page
from torwatch.parserkit.engines import eckmar

PAGES = Path(__file__).parents[3] / "parsers" / "cypher" / "pages"
TEA_HOUSE = eckmar.market("tea_house", title="Tea House", currency="EUR")


def records(page: str, market: Market = TEA_HOUSE):
    body = (PAGES / page).read_bytes()
    return list(eckmar.Engine().parse(open_page(market, body, fetched_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))))


def test_another_market_of_the_family_is_a_declaration():
    assert (TEA_HOUSE.engine, TEA_HOUSE.currency, TEA_HOUSE.title) == ("eckmar", "EUR", "Tea House")
    assert [one.vendor for one in records("index.html")[1:4]] == ["leafmonger", "curdnerd", "gardengnome"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/product/000000a1-1111-11ea-8000-0123456789ab", PageKind.LISTING),
        ("/product/000000a1-1111-11ea-8000-0123456789ab/delivery", PageKind.LISTING),
        ("/product/000000a1-1111-11ea-8000-0123456789ab/feedback", None),
        ("/product/000000a1-1111-11ea-8000-0123456789ab/rules", None),
        ("/vendor/leafmonger/feedback?page=2", PageKind.FEEDBACK),
        ("/vendor/leafmonger", PageKind.VENDOR),
        ("/setview/list", None),
    ],
)
def test_addresses_of_the_script_lead_to_one_page_of_a_listing(path, kind):
    assert TEA_HOUSE.kind_of(path)[0] is kind


@pytest.mark.parametrize(
    ("page", "source"),
    [
        ("listing_delivery.html", Source.DETAIL),
        ("listing_digital.html", Source.DETAIL),
        ("listing_physical_main.html", Source.VENDOR_TABLE),
    ],
)
def test_a_tab_without_the_origin_of_a_physical_good_is_believed_less(page, source):
    assert records(page)[0].source is source
