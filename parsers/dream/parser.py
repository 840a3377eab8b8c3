"""Dream (2013-2019). Label/value pairs in varying order; declares ISO-8859-1 but sends UTF-8; ratings imported from other markets.

Every page holds the hidden decoys "Phisher site" and "You have been phished": no text of this market is an obstacle by itself.
"""

from collections.abc import Iterator

from torwatch.parserkit import (
    Count,
    Feedback,
    Fields,
    First,
    Keys,
    KindSpec,
    Lines,
    Listing,
    Market,
    Page,
    PageInfo,
    PageKind,
    Record,
    Rows,
    Single,
    Source,
    Vendor,
    find,
    number,
    obstacle,
    text,
)

MARKET = Market(
    "dream",
    title="Dream Market",
    dates="DMY",
    currency="USD",
    kinds={
        r"/viewProduct\?(?:.*&)?offer=(?P<key>[\d.]+)": PageKind.LISTING,
        r"/contactMember\?(?:.*&)?member=(?P<key>[^&#]+)": PageKind.VENDOR,
        r"^/(?:\?(?:.*&)?(?:category|page|q|topsearch)=[^&]*.*)$": PageKind.LISTING_INDEX,
        r"^/$": PageKind.LISTING_INDEX,
    },
    shapes={
        PageKind.LISTING: "div.viewProduct div.tabularDetails",
        PageKind.VENDOR: "div.contactMember div.tabularDetails",
        PageKind.LISTING_INDEX: ("div.shopItem", "div.content div.searchResults", "div.content form:has-text('Sort by')"),
    },
    specs={
        PageKind.LISTING_INDEX: KindSpec(("title", "vendor", "path"), ("price_raw", "ship_from_raw", "ship_to_raw")),
        PageKind.LISTING: KindSpec(
            ("title", "vendor", "price_raw"), ("ship_from_raw", "ship_to_raw", "escrow_raw", "category", "description")
        ),
        PageKind.VENDOR: KindSpec(
            ("name", "member_since_raw"), ("sales", "rating_raw", "fe_enabled", "last_seen_raw", "external_ratings", "profile")
        ),
    },
    obstacles=(
        obstacle("gone", text=("listing not found", "offer not found", "vendor not found", "member not found"), selector="div.main"),
        obstacle("login", selector="form input[type=password]", max_text=4000),
        obstacle("captcha", text=("enter the code below", "ddos"), selector="form input", max_text=2000),
        obstacle(
            "captcha",
            selector=".//form[.//img and .//input[@type='text' or not(@type)]]",
            max_bytes=8000,
            max_text=600,
            reason="a small page with a picture and one field",
        ),
    ),
    empty="div.content:has-text('No results'), div.content:has-text('Nothing found'), div.content:has-text('no offers')",
    signs=("div.naviHeader", "div.youHaveBeenPhished", "[artumm]", "title:Dream Market"),
    iso2=True,
)

INDEX = Rows(
    "div.shopItem",
    Listing,
    key=("a[href*='viewProduct?']@href", r"offer=([\d.]+)"),
    path=".oTitle a@href",
    title=".oTitle a",
    vendor=First(".oVendor a[href*='contactMember']", "a[href*='contactMember']"),
    price_raw=".oPrice",
    escrow_raw=".escrowInfo",
    ship_from_raw=(".oShips .osBod", r"^(.*?)\s*[\u2192\u27f6]"),
    ship_to_raw=(".oShips .osBod", r"[\u2192\u27f6]\s*(.*)$"),
)
SHOP = INDEX.but("div.contactMember div.shopItem, div.content div.shop div.shopItem", vendor=None, ship_from_raw=None, ship_to_raw=None)
LABELS = Fields(
    "div.viewProduct div.tabularDetails",
    {"Vendor": None, "Price": "price_raw", "Ships to": "ship_to_raw", "Ships from": "ship_from_raw", "Escrow": "escrow_raw"},
    shape="next",
)
DETAIL = Single(
    Listing,
    LABELS,
    key=First(
        "form[action*='checkout'] input[name=offer]@value",
        ("div.viewProduct a[href*='offer=']@href", r"[?&]offer=([\d.]+)"),
    ),
    title="div.viewProduct > div.title",
    vendor="div.viewProduct div.tabularDetails a[href*='contactMember?member=']",
    description=Lines("#offerDescription"),
    category=lambda root: read_category(root),  # noqa: PLW0108 - defined below
)  # fmt: skip
VENDOR = Single(
    Vendor,
    Fields("div.contactMember div.tabularDetails", {"Username": None, "FE enabled": "fe_enabled", "Join date": "member_since_raw", "Last active": "last_seen_raw"}),
    name=".//div[contains(@class, 'tabularDetails')]//label[normalize-space(.)='Username']/following::span[1][preceding::label[1][normalize-space(.)='Username']]/text()[1]",
    sales=("div.tabularDetails a.viewRatings span[title='Successful transactions']", r"([\d,]+)"),
    rating_raw="div.tabularDetails a.viewRatings span.userRating",
    external_ratings=lambda root: tuple(f"{one.get('class').split('Linked')[0].split()[-1]} {text(one)}" for one in find(root, EXTERNAL)),
    profile=Lines("div.contactMember pre"),
    pgp_keys=Keys("div.contactMember pre, div.contactMember textarea"),
)  # fmt: skip
EXTERNAL = "//div[contains(@class, 'tabularDetails')]//span[contains(@class, 'LinkedUserRating')]"
RATINGS = Rows(
    ".//table[contains(@class, 'ratingTable')]//tr[td]",
    Feedback,
    age_raw="td:nth(1)",
    stars=Count("td:nth(2) img[src*='star_gold']"),
    text="td.ratingText",
    buyer="td:nth(4)",
    price_text="td:nth(5)",
)


def read_category(root) -> tuple[str, ...]:
    """The selected category and those above it, by the depth in their classes."""
    path: list[str] = []
    for node in find(root, "//div[contains(@class, 'sidebar')]/div[contains(@class, 'category')]"):
        depth = next((number(one) or 0 for one in node.get("class").split() if one.startswith("depth")), 0)
        path[depth:] = [text(node.xpath("string(a/text()[1])"))]
        if "selected" in node.get("class").split():
            return tuple(path)
    return ()


def parse(page: Page) -> Iterator[Record]:
    match page.kind:
        case PageKind.LISTING_INDEX:
            yield from INDEX.read_or_empty(page)
        case PageKind.LISTING:
            # The picture's id is not the offer's: only for a whole file saved without its address and without the order form.
            picture = None if page.truncated or page.key else page.text("img.productImage@src", r"[?&]id=([\w.]+)")
            yield from filter(
                None, [DETAIL.read(page, key=page.key, source=Source.DETAIL) or DETAIL.read(page, key=picture, source=Source.DETAIL)]
            )
        case PageKind.VENDOR:
            vendor = VENDOR.read(page)
            yield from filter(None, [vendor])
            yield from SHOP.read(page, vendor=vendor.name if vendor else None, source=Source.VENDOR_TABLE)
            yield from RATINGS.read(page, vendor=vendor.name if vendor else None)
    rates = (find(row, "./td") for row in page.all("div.exchangeRateListing tr"))
    yield PageInfo(
        rates=tuple((f"{text(cells[-2])} per BTC", text(cells[-1])) for cells in rates if len(cells) > 1 and text(cells[-2]) != "BTC")
    )
    yield from page.links()
