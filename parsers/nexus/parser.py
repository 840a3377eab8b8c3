"""Nexus (2023-): utility classes that change from build to build, so everything is found by label text, `title=`, `tooltip=` and addresses."""

import re
from collections.abc import Iterator

from torwatch.parserkit import (
    Each,
    Evidence,
    Extra,
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
    "nexus",
    title="Nexus Market",
    kinds={
        r"^/product/(?P<key>[0-9a-f]{36})\b": PageKind.LISTING,
        r"^/@[^/?#]+/(?P<key>[0-9a-f]{36})\b": PageKind.VENDOR,
        r"^/products/[0-9a-f]{36}(?:\?page=\d+)?$": PageKind.LISTING_INDEX,
        r"^/(?:\?|$)": PageKind.HOME,
    },
    shapes={
        PageKind.LISTING: ("form[action*='/cart/add/'] h1", "dl dt:text-is('Unit Price')"),
        PageKind.VENDOR: ("#about-data", "a.tab:has-text('Public key')"),
        PageKind.LISTING_INDEX: ("h3:has-text('Products from')", "h3:has-text('Search')", "nav[aria-label^='Pagination'] a[href*='page=']"),
        PageKind.HOME: "a[href*='/product/'][title]",
    },
    specs={
        PageKind.LISTING_INDEX: KindSpec(
            ("title", "vendor", "vendor_key", "path", "price_raw"), ("ship_from_raw", "ship_to_raw", "listing_type", "escrow_raw")
        ),
        PageKind.LISTING: KindSpec(
            ("title", "vendor", "vendor_key", "price_raw"),
            ("category", "stock_raw", "minimum_order", "escrow_raw", "description", "ship_from_raw", "ship_to_raw"),
        ),
        PageKind.VENDOR: KindSpec(("name",), ("sales", "rating_raw", "last_seen_raw", "profile", "pgp_keys"), Evidence.DESCRIBED),
    },
    obstacles=(
        obstacle("gone", text="the page you are looking for could not be found"),
        obstacle("phishing_check", selector="form input[name=chars]", max_text=2000),
        obstacle("queue", text="checking your browser", max_text=2000),
    ),
    empty="//*[self::p or self::h3][starts-with(normalize-space(.), 'There are no products') or contains(., 'No products found')]",
    signs=("title:Nexus Market", "img[src*='/image/logo-dark']", "a[href*='/interest/'][href*='/change']"),
    opened="2023-11",
)
TITLED = "a[contains(@href, '/product/')][@title]"
CARDS = (
    f"//{TITLED}/ancestor::div[not(.//nav)][not(.//footer)][count(.//{TITLED}) = 1][last()]"  # the widest element around one product only
)
SHIPPING = {
    "Source": "ship_from_raw",
    "Ship from": "ship_from_raw",
    "Ships from": "ship_from_raw",
    "Ship to": "ship_to_raw",
    "Ships to": "ship_to_raw",
}
INDEX = Rows(
    CARDS,
    Listing,
    Fields(".", SHIPPING, label="p", shape="next"),
    key=("a[href*='/product/']@href", r"/product/([0-9a-f]+)"),
    path="a[href*='/product/']@href",
    title=First("a[href*='/product/'][title]@title", "a[href*='/product/']"),
    vendor=First("a[href*='/@'] [title]@title", "a[href*='/@']"),
    vendor_key=("a[href*='/@']@href", r"/@[^/]+/([0-9a-f]+)"),
    price_raw=First(("p", r"^([\d.,]+\s+[A-Z]{3,4}\b.*)$"), ("p", r"^([$\u20ac\u00a3]\s*[\d.,]+.*)$")),
    listing_type=("[tooltip$=' product']@tooltip", r"^((?:Physical|Digital) product)$"),
    escrow_raw=("[tooltip]@tooltip", r"(?i)^(.*\bescrow.*|finali[sz]e early.*)$"),
    extra=Extra(bulk=("[tooltip^='Bulk']@tooltip", r"(.+)")),
)
BOX = Fields(
    "dl", {"Sales": "sales", "H. Sales": None, "Historical Sales": None, "Rating": "rating_raw", "Level": "vendor_level"}, shape="dl"
)
SELLER = Single(  # the vendor's box on a product's page
    Vendor,
    BOX,
    name=First("a[href*='/@'] h1", "a[href*='/@'] h2"),
    key=("//a[contains(@href, '/@')][h1 or h2]/@href", r"/@[^/]+/([0-9a-f]+)"),
    path="//a[contains(@href, '/@')][h1 or h2]/@href",
    last_seen_raw=("p:has-text('Last activity')", r"Last activity:\s*(.+)"),
    external_ratings=lambda root: tuple(f"historical sales: {text(one)}" for one in find(root, HISTORICAL)),
)
HISTORICAL = ".//dt[normalize-space(.)='H. Sales' or normalize-space(.)='Historical Sales']/../dd"


def add_unit(out: dict, root) -> None:
    """The unit stands apart from the price: "12.00 USD" and "item" are displayed on the index as "12.00 USD / item"."""
    unit = next((text(one) for one in find(root, ".//dt[normalize-space(.)='Unit']/../dd")), "")
    if unit and out.get("price_raw") and "/" not in out["price_raw"]:
        out["price_raw"] = f"{out['price_raw']} / {unit}"


DETAIL = Single(
    Listing,
    Fields("dl", {"Unit Price": "price_raw", "Unit": None, "Minimum quantity": "minimum_order", "In stock": "stock_raw", "Payment option": "escrow_raw", "Payments accepted": None, **SHIPPING}, shape="dl"),
    Fields("form[action*='/cart/add/']", {**SHIPPING, "Shipped automatically": None}, label="p", shape="next"),
    key=First(("form[action*='/cart/add/']@action", r"/cart/add/([0-9a-f]+)"), ("input[name=product]@value", r"^([0-9a-f]+)$")),
    title=First("form[action*='/cart/add/'] h1", ".//dt[.='Unit Price']/preceding::h1[1]"),
    vendor=First("a[href*='/@'] h1", "a[href*='/@'] h2"),
    vendor_key=("//a[contains(@href, '/@')][h1 or h2]/@href", r"/@[^/]+/([0-9a-f]+)"),
    category=Each(".//form[contains(@action, '/cart/add/')]//a[contains(@href, '/products/')]"),
    description=Lines("#description-data"),
    listing_type=("[tooltip$=' product']@tooltip", r"^((?:Physical|Digital) product)$"),
    extra=Extra(
        refund=lambda root: next((text(one) for one in find(root, ".//*[@id='refund-policy-data']")), None),
        automatic=("p:has-text('Shipped automatically') span", r"(.+)"),
        coins=lambda root: ", ".join(find(root, ".//dt[normalize-space(.)='Payments accepted']/../dd//@title")),
    ),
    after=add_unit,
)  # fmt: skip
PROFILE = SELLER.but(
    name=First(
        "a[href*='/@'] h1",
        "a[href*='/@'] h2",
        "h2.text-lg",
        "//*[@id='about-data']/preceding::h2[1]",
        ("//title", r"^Nexus Market - @?(.+)$"),
    ),
    key=None,
    path=None,
    sales="//*[normalize-space(text())='Sales'][not(self::dt)]/following-sibling::*[1]",
    profile=Lines("#about-data"),
    pgp_keys=Keys("code, textarea, pre"),
)
REVIEWS = Rows(
    "//*[@id='reviews-data']//div[contains(@class, 'flex-col')][p][.//span][not(.//div[contains(@class, 'flex-col')][p])]",
    Feedback,
    skip="p:has-text('There are no reviews')",
    date_raw=("span", r"(.*\d.*)"),
    product="a[href*='/product/']",
    listing_key=("a[href*='/product/']@href", r"/product/([0-9a-f]+)"),
    rating="p:nth(1)",
    text="p:nth(2)",
    price_text=("span", r"^([\d.,]+ [A-Z]{3,4})$"),
)


def read_sellers(page: Page) -> Iterator[Vendor]:
    """The vendors that an index names, with the sales it counts for them, here and (imported) elsewhere."""
    seen: set[str] = set()
    for row in INDEX.nodes(page):
        href = next(iter(find(row, ".//a[contains(@href, '/@')]/@href")), "")
        match = re.search(r"/@([^/]+)/([0-9a-f]+)", href)
        if match and match.group(2) not in seen:
            seen.add(match.group(2))
            counted = {one.get("tooltip"): text(one) for one in find(row, ".//*[starts-with(@tooltip, 'Sales on')]")}
            name = next((text(one) for one in find(row, ".//a[contains(@href, '/@')]//*[@title]")), "") or match.group(1)
            other = counted.get("Sales on other markets")
            yield Vendor(name, match.group(2), page.local(href), sales=number(counted.get("Sales on Nexus")), source=Source.INDEX,
                         external_ratings=(f"historical sales: {other}",) if other else ())  # fmt: skip


def read_info(page: Page) -> PageInfo:
    """The pager: "Showing 1 to 18 of 402 results", and links to pages."""
    pages = [int(one) for one in map(text, page.all("nav[aria-label^='Pagination'] a")) if one.isdecimal()]
    current = page.number("nav[aria-label^='Pagination'] [aria-current=page]")
    total = page.number("nav[aria-label^='Pagination'] p", r"of ([\d,]+) results")
    return PageInfo(current, max([*pages, current or 0]) or None, total, page.scope("page"))


def parse(page: Page) -> Iterator[Record]:
    match page.kind:
        case PageKind.LISTING_INDEX:
            yield from INDEX.read_or_empty(page)
            yield from read_sellers(page)
            yield read_info(page)
        case PageKind.LISTING:
            yield from filter(None, [DETAIL.read(page, key=page.key, source=Source.DETAIL), SELLER.read(page, source=Source.INDEX)])
            yield from REVIEWS.read(
                page, vendor=page.text("a[href*='/@'] h1"), listing_key=page.key or DETAIL.values(page.root)[0].get("key")
            )
        case PageKind.VENDOR:
            vendor = PROFILE.read(page, key=page.key, path=page.path or None)
            yield from filter(None, [vendor])
            yield from INDEX.read(page, source=Source.VENDOR_TABLE)
            yield from REVIEWS.read(page, vendor=vendor.name if vendor else None, vendor_key=page.key)
    own = {page.local(href) for href in page.all("//a[normalize-space(.)='My profile']/@href")}
    yield from (link for link in page.links() if link.path not in own)
