"""The Eckmar family (Laravel, also sold as Peralta): cards `div.card` on the index, `/product/UUID` with tabs, `/vendor/UUID` profiles.

"From: 500 $" on a card is the lowest *price*. The origin stands on the delivery tab only, `/product/UUID/delivery`, which repeats the head of the
listing; digital goods have no such tab. So the delivery tab is what is fetched of a physical good, and its main tab counts as a weaker source.
A market of this family is a thin declaration: `MARKET = market("name", …)` and `parse = Engine(…).parse`, with what differs given as `CARD.but(…)`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from torwatch.parserkit import (
    Beside,
    Each,
    Evidence,
    Extra,
    Feedback,
    Fields,
    First,
    Has,
    Keys,
    KindSpec,
    Lines,
    Link,
    Listing,
    Market,
    ObstacleRule,
    Page,
    PageInfo,
    PageKind,
    Record,
    Rows,
    Single,
    Source,
    Vendor,
    find,
    lines,
    number,
    obstacle,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UUID = r"[0-9a-f]{8}-[0-9a-f-]{20,30}"
PRODUCT, SELLER = rf"/product/({UUID})", r"/vendor/([^/?#]+)"
TABS = "//ul[@id='productsmenu']"  # Details, Payment rules, Feedback, and Delivery for physical goods
DELIVERY = (
    f"{TABS}[.//a[contains(@class, 'active')][contains(@href, '/delivery')]]/following-sibling::p"  # not a description that imitates it
)
KINDS: Mapping[str, PageKind] = {
    rf"^/product/(?P<key>{UUID})/delivery\b": PageKind.LISTING,
    rf"^/product/(?P<key>{UUID})/?(?:$|\?)": PageKind.LISTING,
    r"^/vendor/(?P<key>[^/?#]+)/feedback\b": PageKind.FEEDBACK,
    r"^/vendor/(?P<key>[^/?#]+)/?(?:$|\?)": PageKind.VENDOR,
    rf"^/category/{UUID}": PageKind.LISTING_INDEX,
    r"^/search(?:$|\?)": PageKind.LISTING_INDEX,
    r"^/$": PageKind.HOME,
}
# From the title up: a page has few titles and many divs.
CARDS = (
    "descendant::h4/parent::a[contains(@href, '/product/')]/ancestor::div[contains(concat(' ', normalize-space(@class), ' '), ' card ')]"
)
LINES = "descendant::h3/parent::a[contains(@href, '/product/')]/ancestor::div[contains(concat(' ', normalize-space(@class), ' '), ' row ')][div/img]"
HEADING = "h1:has-text('- category'), h4:has-text('Search results for')"
SHAPES: Mapping[PageKind, str | tuple[str, ...]] = {
    PageKind.LISTING: "ul#productsmenu",
    PageKind.FEEDBACK: "h4:has-text('Feedback profile - ')",
    PageKind.VENDOR: "div.profile-card h4 a[href*='/vendor/']",
    PageKind.LISTING_INDEX: HEADING,
    PageKind.HOME: "h1:has-text('Welcome to ')",
}
# Pages behind the last one are whole pages with a heading and no card: nothing on them leads to a listing.
EMPTY = "//*[(self::h1 and contains(., '- category')) or (self::h4 and contains(., 'Search results for'))][not(//a[contains(@href, '/product/')])]"
OBSTACLES: tuple[ObstacleRule, ...] = (
    obstacle("login", selector="form[action*='/signin'] input[type=password]"),
    obstacle("gone", text="the page you are looking for could not be found", max_text=3000),
)
CARD = Rows(
    CARDS,
    Listing,
    key=("a[href*='/product/']@href", PRODUCT),
    path="a[href*='/product/']@href",
    title="h4",
    vendor=("a[href*='/vendor/']", r"(.+)"),
    vendor_key=("a[href*='/vendor/']@href", SELLER),
    price_raw=Beside("strong", before="^From:"),
    category=Beside("strong", before="^From:", take=r"^-\s*(.*?)\s*-?$"),
    listing_type=("span.badge", r"(?i)^(physical|digital)$"),
    ship_from_raw=Beside("strong", before="^Ships from"),
    escrow_raw=("span.badge", r"(?i)^(.*\bescrow\b.*|finali[sz]e early.*|FE\b.*)$"),
    stock_raw=First(
        Beside("strong", behind="^left"),
        Beside("strong", before="^Stock:"),
    ),
    extra=Extra(vendor_last_seen=Beside("strong", behind="^last seen")),
)
LINE = CARD.but(  # the same list in the other view, /setview/list
    LINES,
    title="h3",
    price_raw=Beside("strong", before="^From:$"),
    category=Each("a[href*='/category/']"),
    sales=Beside("strong", behind="^sold"),
)
DETAIL = Single(
    Listing,
    Fields("form[action*='/cart/add'] table", {"Type": "listing_type", "Purchase type": "escrow_raw", "Quality rate": None, "Offers": None, "Coins": None, "Left/Sold": None, "Delivery method": None, "Pay with Coin": None, "Amount": None}, shape="cells"),
    key=("#productsmenu a[href*='/product/']@href", PRODUCT),
    title=First("//h2[..//form[contains(@action, '/cart/add')]]", "h2"),
    vendor="div.card-body a[href*='/vendor/']",
    vendor_key=("div.card-body a[href*='/vendor/']@href", SELLER),
    category=Each("ol.breadcrumb a[href*='/category/']"),
    price_raw=("form td li strong", r"(.*\d.*)"),
    minimum_order=("form td li", r"for at least (\d+ \w+)"),
    stock_raw=("form td span.badge-light", r"(.*\d.*)"),
    sales=lambda root: next((number(text(one)) for one in find(root, "//form//td[count(span[contains(@class, 'badge-light')]) = 2]/span[2]")), None),
    vendor_level=("div.card-body span.btn", r"Level (-?\d+)"),
    ship_from_raw=(f"{DELIVERY}[not(em)]", r"^Ships from\s+(.+)$"),
    ship_to_raw=(f"{DELIVERY}[em]", r"^Ships\s+(.*?)[\s:]*$"),  # "all", "only to countries: Spain", "all except countries : Spain"
    description=lambda root: read_description(root),  # noqa: PLW0108 - defined below
    extra=Extra(
        offers=lambda root: " | ".join(map(text, find(root, "//form[contains(@action, '/cart/add')]//td//li"))),
        coins=lambda root: " ".join(map(text, find(root, "//form//span[contains(@class, 'badge-indigo')]"))),
        shipping=lambda root: " | ".join(text(row) for row in find(root, "//table[.//th[contains(., 'Delivery name')]]/tbody/tr")),
    ),
)  # fmt: skip
VENDOR = Single(
    Vendor,
    name="div.profile-card h4 a[href*='/vendor/']",
    key=("div.profile-card h4 a[href*='/vendor/']@href", SELLER),
    path="div.profile-card h4 a[href*='/vendor/']@href",
    vendor_level=("div.profile-card span.btn", r"Level (-?\d+)"),
    verified=Has("div.profile-card p.badge:has-text('Trusted vendor')"),
    member_since_raw=("span", r"^Member since:\s*(.+)$"),
    sales=("span", r"^Completed orders:\s*([\d,]+)$"),
    disputes_raw=("span", r"^Disputes in last 12 months \(won/lost\):\s*(.+)$"),
    positive=("div.profile-card div", r"^([\d,]+)\s*Positive$"),
    neutral=("div.profile-card div", r"^([\d,]+)\s*Neutral$"),
    negative=("div.profile-card div", r"^([\d,]+)\s*Negative$"),
    profile=Lines("div.profile-card div.text-center > p"),
    pgp_keys=Keys("div.profile-card div.text-center"),
    extra=Extra(
        vendor_since=("span", r"^Vendor since:\s*(.+)$"),
        rated_orders=("span", r"^Rated Orders:\s*(.+)$"),
        experience=("div.profile-card span", r"\((-?[\d.,kKmM]+) XP\)"),
        caution=("div.profile-card p.badge", r"(Deal with caution)"),
    ),
)
VERDICTS = {"fa-plus-circle": "positive", "fa-stop-circle": "neutral", "fa-minus-circle": "negative"}  # the icon of the entry
BUYER = "td[span[starts-with(normalize-space(.), 'Buyer:')]]"
FEEDBACK = Rows(
    f".//tr[{BUYER}]",
    Feedback,
    rating=lambda row: next(
        (verdict for icon, verdict in VERDICTS.items() if row.xpath(".//span[contains(@class, $icon)]", icon=icon)), None
    ),
    text=f"./{BUYER}/preceding-sibling::td/span[not(contains(@class, 'text-muted') or contains(@class, 'badge'))]",
    product=f"./{BUYER}/preceding-sibling::td/span[contains(@class, 'text-muted')]",
    buyer=("td > span", r"^Buyer:\s*(.+)$"),
    price_text=f"./{BUYER}/span[contains(@class, 'text-muted')]",
    age_raw=f"./{BUYER}/following-sibling::td[1]",
)
LISTED = ("title", "vendor", "vendor_key", "price_raw", "category", "listing_type", "stock_raw")
SPECS: Mapping[PageKind, KindSpec] = {
    PageKind.LISTING_INDEX: KindSpec(LISTED, ("sales",)),
    PageKind.LISTING: KindSpec(
        ("title", "vendor", "vendor_key"),
        ("price_raw", "category", "listing_type", "stock_raw", "sales", "ship_from_raw", "ship_to_raw", "escrow_raw", "minimum_order", "description", "vendor_level"),
        Evidence.DESCRIBED,
    ),
    PageKind.VENDOR: KindSpec(("name",), ("member_since_raw", "vendor_level", "sales", "disputes_raw", "positive", "neutral", "negative", "verified", "profile", "pgp_keys"), Evidence.DESCRIBED),
    PageKind.FEEDBACK: KindSpec(("buyer",), ("text", "product", "rating", "price_text", "age_raw"), Evidence.DESCRIBED),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Engine:
    """The parts of a market of this family; a market gives those that differ."""

    card: Rows[Listing] = CARD
    line: Rows[Listing] = LINE
    detail: Single[Listing] = DETAIL
    vendor: Single[Vendor] = VENDOR
    feedback: Rows[Feedback] = FEEDBACK

    def parse(self, page: Page) -> Iterator[Record]:
        """Parse one page of the family."""
        rows: tuple[Listing, ...] = ()
        match page.kind:
            case PageKind.LISTING_INDEX:
                view = self.line if self.line.nodes(page) else self.card
                rows = tuple(view.read_or_empty(page))
                yield read_info(page)
            case PageKind.LISTING:
                yield from filter(None, [self.detail.read(page, key=page.key, source=source_of(page))])
            case PageKind.VENDOR:
                vendor = self.vendor.read(page)
                yield from filter(None, [vendor])
                rows = tuple(self.card.read(page, source=Source.VENDOR_TABLE))
            case PageKind.FEEDBACK:
                seller = page.one("ol.breadcrumb a[href*='/vendor/']")
                page.require(seller is not None, "a feedback page without the vendor's name")
                key = page.text("ol.breadcrumb a[href*='/vendor/']@href", SELLER)
                yield from self.feedback.read(page, vendor=text(seller), vendor_key=key)
                yield read_info(page)
        yield from rows
        yield from read_links(page, rows)


def source_of(page: Page) -> Source:
    """Tell how far a tab of a listing is believed: the main tab of a physical good shows no origin, and must not erase that of the delivery tab."""
    physical = page.one("#productsmenu a[href*='/delivery']") is not None
    shown = page.one("#productsmenu a.active[href*='/delivery']") is not None
    return Source.DETAIL if shown or not physical else Source.VENDOR_TABLE


def read_links(page: Page, rows: tuple[Listing, ...]) -> Iterator[Link]:
    """Yield the ways onward; to the delivery tab where a good is physical, to the main tab where it is digital or not yet known."""
    physical = {row.key for row in rows if (row.listing_type or "").casefold() == "physical"}
    for link in page.links():
        if link.kind is PageKind.LISTING and link.key in physical and not link.path.partition("?")[0].endswith("/delivery"):
            yield replace(link, path=f"/product/{link.key}/delivery")
        else:
            yield link


def read_info(page: Page) -> PageInfo:
    """Read the pager: its last page, and the page that is shown, which is no link; behind the last page none is."""
    numbers = {text(one): one for one in page.all("ul.pagination a.page-link, ul.pagination .page-item > span") if text(one).isdecimal()}
    shown = [int(label) for label, one in numbers.items() if not one.get("href")]
    total = page.number("p:has-text('Fetched ')", r"Fetched ([\d,]+) result")
    return PageInfo(shown[0] if shown else None, max(map(int, numbers), default=None), total, page.scope("page"))


def read_description(root: Any) -> str | None:
    """Read the text below the tabs of the main tab; other tabs have none."""
    if not find(root, "//ul[@id='productsmenu']//a[contains(@class, 'active')][starts-with(normalize-space(.), 'Details')]"):
        return None
    parts = [lines(one) for one in find(root, "//ul[@id='productsmenu']/following-sibling::*[not(self::script)]")]
    return "\n".join(part for part in parts if part) or None


def market(name: str, **facts: Any) -> Market:
    """Declare a market of the family; what is given wins over the family's own. Prices are kept in dollars by the script: a bare "$" is USD."""
    own = {"kinds": KINDS, "shapes": SHAPES, "specs": SPECS, "obstacles": OBSTACLES, "empty": EMPTY, "currency": "USD"}
    return Market(name, **{"engine": "eckmar", **own, **facts})
