"""Agora (2013-2015): known from another parser's facts, no page was seen. Shipping stands as "From: X To: Y", later behind arrows.

Listings are at /p/ID and vendors at /vendor/NAME: those addresses are the only keys known, so a file without its address gives no record.
"""

from collections.abc import Callable, Iterator
from typing import Any

from torwatch.parserkit import Evidence, Extra, First, KindSpec, Listing, Market, Page, PageKind, Record, Single, Source, Vendor, collapse

BOX = "//*[contains(concat(' ', normalize-space(@class), ' '), ' product-page-ships ')]"
ARROW = "preceding::i[contains(@class, 'fa-arrow-')]"


def behind(direction: str) -> Callable[[Any], str]:
    """A rule: the text behind the arrow that points there, up to the next arrow; flags are pictures and say nothing."""
    wanted = (
        f"(.{BOX})[1]//text()[{ARROW}[1][contains(@class, 'fa-arrow-{direction}')][ancestor::*[contains(@class, 'product-page-ships')]]]"
    )
    return lambda node: collapse(" ".join(node.xpath(wanted)))


MARKET = Market(
    "agora",
    title="Agora Marketplace",
    aliases=("Agora",),
    currency="BTC",
    kinds={
        r"^/p/(?P<key>[^/?#]+)": PageKind.LISTING,
        r"^/vendor/(?P<key>[^/?#]+)": PageKind.VENDOR,
        r"^/$": PageKind.HOME,
    },
    shapes={PageKind.LISTING: "#single-product h1"},
    specs={
        PageKind.LISTING: KindSpec(("title",), ("vendor", "price_raw", "ship_from_raw", "ship_to_raw", "extra"), Evidence.DESCRIBED),
        PageKind.VENDOR: KindSpec(("name",), ("rating_raw",), Evidence.DESCRIBED),
        PageKind.LISTING_INDEX: KindSpec(evidence=Evidence.GATE_ONLY),
        PageKind.FEEDBACK: KindSpec(evidence=Evidence.GATE_ONLY),
    },
    signs=("title:Agora", "#single-product .product-page-ships", ".gen-user-ratings"),
    opened="2013-09",
    closed="2015-09",
)
LISTING = Single(
    Listing,
    title="#single-product h1",
    vendor="#single-product a[href*='/vendor/']",
    price_raw=".product-page-price",
    ship_from_raw=First((".product-page-ships", r"(?i)^From:\s*(.*?)\s*(?:\bTo:|$)"), behind("right")),
    ship_to_raw=First((".product-page-ships", r"(?i)\bTo:\s*(.*)$"), behind("left")),
    extra=Extra(vendor_rating="#single-product .gen-user-ratings"),
)
VENDOR = Single(Vendor, rating_raw=".gen-user-ratings")


def parse(page: Page) -> Iterator[Record]:
    match page.kind:
        case PageKind.LISTING:
            page.require(page.key, "a listing without its address, which is the only key known of this market")
            listing = LISTING.read(page, key=page.key, path=page.path, source=Source.DETAIL)
            yield from [listing] if listing and listing.title else []  # a page cut off before its title says nothing of the listing
        case PageKind.VENDOR:
            yield from filter(None, [VENDOR.read(page, name=page.key, path=page.path)])
    yield from page.links()
