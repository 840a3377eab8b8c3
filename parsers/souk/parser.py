"""Souk, an engine of the simulated market: tables of label and value cells, titles cut on the index, the claimed origin on the listing's page only."""

from collections.abc import Iterator
from itertools import chain

from torwatch.parserkit import (
    Each,
    Feedback,
    Fields,
    Has,
    Keys,
    KindSpec,
    Lines,
    Link,
    Listing,
    Market,
    Page,
    PageInfo,
    PageKind,
    Record,
    Rows,
    Single,
    Source,
    Split,
    Vendor,
    obstacle,
)

SHIPPING = ("ship_from_raw", "ship_to_raw")
MARKET = Market(
    "souk",
    title="Souk (simulated)",
    languages=("en", "nl", "de"),
    other_order="sort=price_asc",
    kinds={
        r"^/item/(?P<key>\d+)": PageKind.LISTING,
        r"^/shop/(?P<key>\w+)/reviews/\d+": PageKind.FEEDBACK,
        r"^/shop/(?P<key>\w+)$": PageKind.VENDOR,
        r"^/aisle/\d+": PageKind.LISTING_INDEX,
        r"^/$": PageKind.HOME,
    },
    shapes={
        PageKind.LISTING: "div.listDes table.facts",
        PageKind.FEEDBACK: "table.reviews",
        PageKind.VENDOR: "h3.shopHead ~ table.facts",
        PageKind.LISTING_INDEX: ("table.goods", "p:has-text('There is currently nothing to show')"),
        PageKind.HOME: "table.aisles",
    },
    specs={
        PageKind.LISTING_INDEX: KindSpec(
            ("title", "vendor", "vendor_key", "price_raw", "path"), ("category", "views", "sales", "stock_raw", "promoted")
        ),
        PageKind.LISTING: KindSpec(
            ("title", "vendor", "vendor_key", "price_raw", "escrow_raw", "listing_type", "category", "sold_since_raw"),
            (*SHIPPING, "description", "stock_raw", "views", "sales"),
        ),
        PageKind.VENDOR: KindSpec(
            ("name", "key", "member_since_raw"),
            (*SHIPPING, "fe_enabled", "profile", "pgp_keys", "last_seen_raw", "vendor_level", "sales", "positive_percent"),
        ),
        PageKind.FEEDBACK: KindSpec(
            ("rating", "date_raw"), ("vendor", "vendor_key", "listing_key", "product", "buyer", "text", "price_text")
        ),
    },
    obstacles=(obstacle("gone", text=("listing does not exist", "page not found"), selector="p.error"),),
    empty="p:has-text('There is currently nothing to show'), table.reviews:has-text('There are no reviews yet')",
    signs=("title:Souk", "table.aisles"),
)

INDEX = Rows(
    "table.goods tr.row",
    Listing,
    key=("td.what > a@href", r"/item/(\d+)"),
    path="td.what > a@href",
    title="td.what > a",
    vendor="td.what a[href*='/shop/']",
    vendor_key=("td.what a[href*='/shop/']@href", r"/shop/(\w+)"),
    category=Split("td.what small", r"\s*/\s*", r"Item #\d+ - (.*?) - "),
    price_raw=("td.price", r"^(.*?) [\d.,]+ BTC$"),
    views=(".", r"Views: (\d+)"),
    sales=(".", r"Sales: (\d+)"),
    stock_raw=(".", r"Quantity left: (\w+)"),
    promoted=Has(".", r"^\[sticky\]"),
)
FACTS = Fields(
    "div.listDes table.facts",
    {
        "Product Class": "listing_type", "Origin Country": "ship_from_raw", "Quantity Left": "stock_raw", "Ships to": "ship_to_raw",
        "Payment": "escrow_raw", "Ends In": None,
    },
    shape="cells",
)  # fmt: skip
DETAIL = Single(
    Listing,
    FACTS,
    key=("div.listDes > small", r"Item #(\d+)"),
    title="div.listDes > h2",
    vendor="div.listDes > a[href*='/shop/']",
    vendor_key=("div.listDes > a[href*='/shop/']@href", r"/shop/(\w+)"),
    category=Each("div.trail a"),
    price_raw="p.buy b",
    sales=("div.listDes", r"(\d+) sold since"),
    sold_since_raw=("div.listDes", r"sold since (\w+ \d+, \d+)"),
    views=("div.listDes", r"- (\d+) views"),
    description=Lines("p.desc"),
)
SHOP_FACTS = Fields(
    "h3.shopHead ~ table.facts",
    {
        "Member since": "member_since_raw", "Last seen": "last_seen_raw", "Origin Country": "ship_from_raw", "Ships to": "ship_to_raw",
        "Finalize early": "fe_enabled", "Positive feedback": "positive_percent",
    },
    shape="cells",
)  # fmt: skip
SHOP = Single(
    Vendor,
    SHOP_FACTS,
    name=("h3.shopHead", r"^(.*) \(\d+\)$"),
    key=("p.pages a@href", r"/shop/(\w+)/reviews"),
    sales=("h3.shopHead", r"\((\d+)\)$"),
    vendor_level=("span.level", r"(\d+)"),
    profile=Lines("div.about"),
    pgp_keys=Keys("pre"),
)
REVIEWS = Rows(
    "table.reviews tr.review",
    Feedback,
    rating="td.sign@title",
    text=".//td[@class='text']/text()[1]",
    product="td.text sub a",
    listing_key=("td.text sub a@href", r"/item/(\d+)"),
    buyer="td.buyer",
    price_text="td.paid",
    date_raw="td.when",
)


def parse(page: Page) -> Iterator[Record]:
    match page.kind:
        case PageKind.LISTING_INDEX:
            yield from INDEX.read_or_empty(page)
        case PageKind.LISTING:
            yield from filter(None, [DETAIL.read(page, path=page.path or None, source=Source.DETAIL)])
        case PageKind.VENDOR:
            yield from filter(None, [SHOP.read(page, path=page.path or None)])
        case PageKind.FEEDBACK:
            shop = page.one("h3.shopHead a@href") or ""
            yield from REVIEWS.read_or_empty(page, vendor=page.text("h3.shopHead a"), vendor_key=shop.rpartition("/")[2] or None)
    yield from read_links(page)
    number, pages, total = (
        page.number("p.pages", r"Page (\d+)"),
        page.number("p.pages", r"of (\d+)"),
        page.number("#content > p", r"(\d+) results"),
    )
    scope = page.text("#content > h2, #content > h3") if number else None
    rate = page.text("table.head", r"1 BTC = EUR ([\d.,]+)")
    yield PageInfo(number, pages, total, scope or "", (("EUR per BTC", rate),) if rate else ())


def read_links(page: Page) -> Iterator[Link]:
    """All links but those to other sort orders and, on feedback, to listings long gone; the first page of a list leads to all that it announces."""
    kinds = [kind for kind in PageKind if not (page.kind is PageKind.FEEDBACK and kind is PageKind.LISTING)]
    base = page.path.partition("?")[0].rpartition("/")[0]
    pages = page.number("p.pages", r"Page 1 of (\d+)") or 1
    announced = (
        Link(page.kind, f"{base}/{number}", 0, page.market.kind_of(page.path)[1]) for number in range(2, min(pages, 2000) + 1) if base
    )
    yield from (link for link in chain(page.links(*kinds), announced) if "sort=" not in link.path)
