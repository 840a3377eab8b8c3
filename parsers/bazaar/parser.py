"""Bazaar, an engine of the simulated market: cards, label/value pairs in varying order, shipping as codes on the index and in words on the page."""

from collections.abc import Iterator
from itertools import chain

from torwatch.parserkit import (
    Count,
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
    "bazaar",
    title="The Bazaar (simulated)",
    currency="USD",
    iso2=True,
    languages=("en", "nl", "de"),
    other_order="sort=price_asc",
    kinds={
        r"^/viewProduct\?offer=(?P<key>\d+)": PageKind.LISTING,
        r"^/contactMember\?member=(?P<key>[^&#]+)": PageKind.VENDOR,
        r"^/memberRatings\?member=(?P<key>[^&#]+)": PageKind.FEEDBACK,
        r"^/category\?id=\d+": PageKind.LISTING_INDEX,
        r"^/$": PageKind.HOME,
    },
    shapes={
        PageKind.LISTING: "div.viewProduct div.tabularDetails",
        PageKind.VENDOR: "div.memberCard div.tabularDetails",
        PageKind.FEEDBACK: ("div.ratingRow", "div.ratings div.notice"),
        PageKind.LISTING_INDEX: ("div.shopItem", "div.shopItems div.notice"),
        PageKind.HOME: "ul.categories",
    },
    specs={
        PageKind.LISTING_INDEX: KindSpec(("title", "vendor", "price_raw", "path"), (*SHIPPING, "category", "views", "sales", "promoted")),
        PageKind.LISTING: KindSpec(
            ("title", "vendor", "price_raw", "escrow_raw", "listing_type", "category", "created_raw"),
            (*SHIPPING, "description", "stock_raw", "views", "sales"),
        ),
        PageKind.VENDOR: KindSpec(
            ("name", "member_since_raw"),
            (*SHIPPING, "fe_enabled", "profile", "pgp_keys", "last_seen_raw", "vendor_level", "sales", "positive", "neutral", "negative"),
        ),
        PageKind.FEEDBACK: KindSpec(("rating", "date_raw"), ("vendor", "listing_key", "product", "buyer", "text", "stars", "price_text")),
    },
    obstacles=(
        obstacle("gone", text=("listing not found", "member not found", "there is no such page"), selector="div.main > div.notice"),
    ),
    empty="div.notice:has-text('No listings in this category'), div.notice:has-text('No ratings yet')",
    signs=("title:The Bazaar", "ul.categories"),
)

DETAILS = Fields(
    "div.tabularDetails",
    {
        "Vendor": "vendor", "Ships from": "ship_from_raw", "Ships to": "ship_to_raw", "Escrow": "escrow_raw", "Type": "listing_type",
        "Listed": "created_raw", "In stock": "stock_raw", "Sold": "sales", "Views": "views", "Price": None, "Category": None,
    },
    shape="next",
)  # fmt: skip
CARD = Fields(
    "div.memberCard div.tabularDetails",
    {
        "Username": "name", "FE enabled": "fe_enabled", "Join date": "member_since_raw", "Last active": "last_seen_raw", "Level": "vendor_level",
        "Ships from": "ship_from_raw", "Ships to": "ship_to_raw", "Sales": "sales", "Ratings": None,
    },
    shape="next",
)  # fmt: skip
VALUE = ".//div[@class='tabularDetails']//label[.='{}']/following-sibling::span[1]"

INDEX = Rows(
    "div.shopItem",
    Listing,
    key=(".oTitle a@href", r"offer=(\d+)"),
    path=".oTitle a@href",
    title=".oTitle a",
    vendor=".oVendor a",
    category=Split(".oCat", r"\s*>\s*"),
    price_raw=".oPrice",
    ship_from_raw=(".osBod", "^(.*?) ?\N{RIGHTWARDS ARROW}"),
    ship_to_raw=(".osBod", "\N{RIGHTWARDS ARROW} ?(.*)$"),
    views=(".oMeta", r"Views: (\d+)"),
    sales=(".oMeta", r"Sold: (\d+)"),
    promoted=Has(".tag:has-text('Promoted')"),
)
DETAIL = Single(
    Listing,
    DETAILS,
    key=("div.viewProduct form@action", r"offer=(\d+)"),
    title="div.viewProduct > div.title",
    category=Split(VALUE.format("Category"), r"\s*>\s*"),
    price_raw=(VALUE.format("Price"), r"^(.*?)(?: \(|$)"),  # what stands in brackets is converted at a floating rate
    description=Lines("div.productDesc"),
)
MEMBER = Single(
    Vendor,
    CARD,
    positive=(VALUE.format("Ratings"), r"(\d+) positive"),
    neutral=(VALUE.format("Ratings"), r"(\d+) neutral"),
    negative=(VALUE.format("Ratings"), r"(\d+) negative"),
    profile=Lines("div.profile"),
    pgp_keys=Keys("pre.pgp"),
)
RATINGS = Rows(
    "div.ratingRow",
    Feedback,
    rating=".verdict",
    stars=Count("img[src*=star_gold]"),
    text=".text",
    product="a[href*=viewProduct]",
    listing_key=("a[href*=viewProduct]@href", r"offer=(\d+)"),
    buyer=".buyer",
    price_text=".paid",
    date_raw=".when",
)


def parse(page: Page) -> Iterator[Record]:
    match page.kind:
        case PageKind.LISTING_INDEX:
            yield from INDEX.read_or_empty(page)
        case PageKind.LISTING:
            yield from filter(None, [DETAIL.read(page, path=page.path or None, source=Source.DETAIL)])
        case PageKind.VENDOR:
            yield from filter(None, [MEMBER.read(page, path=page.path or None)])
        case PageKind.FEEDBACK:
            yield from RATINGS.read_or_empty(page, vendor=page.text("h1 a[href*=contactMember]"))
    yield from read_links(page)
    number, pages = page.number("div.pager", r"Page (\d+)"), page.number("div.pager", r"of (\d+)")
    total, rate = page.number("div.count", r"(\d+) results"), page.text("span.rate", r"\$([\d.,]+)")
    scope = page.text("h1") if number else None
    yield PageInfo(number, pages, total, scope or "", (("USD per BTC", rate),) if rate else ())


def read_links(page: Page) -> Iterator[Link]:
    """All links but those to other sort orders and, on feedback, to listings long gone; the first page of a list leads to all that it announces."""
    kinds = [kind for kind in PageKind if not (page.kind is PageKind.FEEDBACK and kind is PageKind.LISTING)]
    base = page.path.partition("&")[0]
    pages = page.number("div.pager", r"Page 1 of (\d+)") or 1
    announced = (
        Link(page.kind, f"{base}&page={number}", 0, page.market.kind_of(base)[1]) for number in range(2, min(pages, 2000) + 1) if base
    )
    yield from (link for link in chain(page.links(*kinds), announced) if "sort=" not in link.path)
