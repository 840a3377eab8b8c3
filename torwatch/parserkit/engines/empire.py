"""The Empire family (AlphaBay and its followers): index rows `div.col-1search`, feature tables, `/u/NAME` profiles.

A market of this family is a thin declaration: `MARKET = market("name", …)` and `parse = Engine(…).parse`, with the parts that differ
given as `INDEX.but(…)`, `DETAIL.but(…)` and so on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from torwatch.parserkit import (
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
    Split,
    Vendor,
    find,
    obstacle,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KINDS: Mapping[str, PageKind] = {
    r"^/product/(?P<key>\d+)": PageKind.LISTING,
    r"^/Product_List/setTab/(?P<key>\d+)/": PageKind.LISTING,
    r"^/u/(?P<key>[^/?#]+)": PageKind.VENDOR,
    r"(?i)^/profile/setUserTab/[pnc]_feedback/": PageKind.FEEDBACK,
    r"(?i)^/profile/setUserTab/(?:about|pgp)/": PageKind.VENDOR,
    r"^/category/categories/\d+(?:/\d+)?$": PageKind.LISTING_INDEX,  # not the sorted views: they are the same rows again
    r"^/store/(?P<key>[^/?#]+)(?:/\d+)?$": PageKind.LISTING_INDEX,
    r"^/home/searchProducts\b": PageKind.LISTING_INDEX,
    r"^/(?:home)?$": PageKind.HOME,
}
SHAPES: Mapping[PageKind, str | tuple[str, ...]] = {
    PageKind.LISTING: "div.listDes > h2",
    PageKind.FEEDBACK: tuple(f"div.tab > a.tablinks.focus[href*='/{which}_feedback/']" for which in "pnc"),  # l_feedback: left as a buyer
    PageKind.VENDOR: "h3.user_info_mid_head",
    PageKind.LISTING_INDEX: ("div.col-1search > div.col-1centre", "div.right-content:has-text('There is currently nothing to show')"),
    PageKind.HOME: "div.feature-listing",
}
EMPTY = "div.right-content:has-text('There is currently nothing to show')"
OBSTACLES: tuple[ObstacleRule, ...] = (
    obstacle(
        "gone",
        pattern=r"\b(?:product|listing|item|user|vendor) (?:was |could )?(?:not (?:be )?found|(?:does not|doesn't|no longer) exists?)",
        max_text=20_000,
    ),
    obstacle("login", selector="div.login-textbox input[type=password]"),
    obstacle(
        "queue", selector=".//meta[translate(@http-equiv, 'REFSH', 'refsh') = 'refresh' and contains(@content, '/login')]", max_bytes=2000
    ),
)
INDEX = Rows(
    "div.col-1search",
    Listing,
    key=("div.head > a@href, a[href*='/product/']@href", r"/product/(\d+)"),
    path="div.head > a[href*='/product/']@href",
    title="div.head > a[href*='/product/']",
    vendor="div.head p.padp a[href*='/u/']",
    category=Split(".//div[@class='head']/p[1]/text()[1]", r"\s*/\s*", r"Item # ?\d+ - (.*?) ?-$"),
    views=".//div[@class='head']/b[.='Views:']/following-sibling::text()[1]",
    sales=".//div[@class='head']/b[.='Sales:']/following-sibling::text()[1]",
    stock_raw=".//div[@class='head']/b[.='Quantity left:']/following-sibling::text()[1]",
    price_raw="div.col-1right p.bold",
    promoted=Has("div.head b:has-text('[sticky]')"),
)
FEATURES = Fields(
    "//table[contains(@class, 'productTbl')][not(.//th[contains(., 'Bulk')])]",
    {"Product Class": "listing_type", "Origin Country": "ship_from_raw", "Quantity Left": "stock_raw", "Ships to": "ship_to_raw", "Payment": "escrow_raw", "Ends In": None},
    shape="cells",
)  # fmt: skip
DETAIL = Single(
    Listing,
    FEATURES,
    key=First(
        ("form[action*='/setQueue/']@action", r"/setQueue/(\d+)"),
        ("div.tab a[href*='/setTab/']@href", r"/setTab/(\d+)"),
        ("a[href*='/reportPage/']@href", r"/reportPage/(\d+)"),
    ),
    title="div.listDes > h2",
    vendor="#desc_prod ~ p a[href*='/u/']",
    category=Each("div.sub_head_inner_header a[href*='/category/']"),
    price_raw=("div.listDes form p:has-text('Purchase price')", r"Purchase price:?\s*(.*)"),
    sales=("#desc_prod ~ p > span", r"([\d,]+) sold since"),
    sold_since_raw=("#desc_prod ~ p > span", r"sold since (\w+ \d{1,2}, \d{4})"),
    vendor_level=("div.listDes span.levelSet", r"(?i)vendor level\s*(\d+)"),
    trust_level=("div.listDes span.levelSet", r"(?i)trust level\s*(\d+)"),
    description=Lines("p#desc_prod"),
    extra=Extra(shipping=lambda node: " | ".join(_shipping(node)), bulk=lambda node: " | ".join(_bulk(node))),
)
VENDOR = Single(
    Vendor,
    name=".//h3[contains(@class, 'user_info_mid_head')]/text()[1]",
    sales=("h3.user_info_mid_head > span", r"^\(([\d,]+)\)"),
    vendor_level=("h3.user_info_mid_head span.user_info_trust", r"(?i)vendor level\s*(\d+)"),
    trust_level=("h3.user_info_mid_head span.user_info_trust", r"(?i)trust level\s*(\d+)"),
    positive_percent=("div.user_info_mid p", r"Positive feedback[^:]*:\s*([\d.,]+)\s*%"),
    member_since_raw=("div.user_info_mid p", r"Member since:\s*(.+)"),
    last_seen_raw=("div.buyer_statistics td:has-text('Last online') + td", r"(.+)"),
    banned=Has("h1.seth1", r"\(BANNED\)"),
    external_ratings=lambda node: tuple(_external(node)),
    positive=("div.seller_rating tr:has-text('Positive') > td:last", r"(\d+)"),
    neutral=("div.seller_rating tr:has-text('Neutral') > td:last", r"(\d+)"),
    negative=("div.seller_rating tr:has-text('Negative') > td:last", r"(\d+)"),
    profile=Lines("div.tabcontent_user_feedback > h3:has-text('About') ~ p"),
    pgp_keys=Keys("div.tabcontent_user_feedback"),
)
VERDICTS = {"1": "positive", "2": "neutral", "3": "negative"}  # feedback1.png, feedback2.png, feedback3.png
FEEDBACK = Rows(
    ".//table[contains(@class, 'user_feedbackTbl')]//tr[td]",
    Feedback,
    rating=lambda row: VERDICTS.get(
        next((m.group(1) for src in find(row, "./td[1]/img/@src") if (m := re.search(r"feedback(\d)\.png", src))), "")
    ),
    text="p.feedback_msg",
    product="td:nth(2) > p:nth(2)",
    buyer="td:nth(3) font",
    price_text=".//td[3]/p/text()[last()]",
    date_raw=("td:nth(4) > p", r"(\w{3} \d{2}, \d{4} \d{2}:\d{2})"),
    listing_key=("td:nth(4) a@href", r"/product/(\d+)"),
)
SPECS: Mapping[PageKind, KindSpec] = {
    PageKind.LISTING_INDEX: KindSpec(("title", "vendor", "path"), ("price_raw", "category", "views", "sales", "stock_raw", "promoted")),
    PageKind.LISTING: KindSpec(
        ("title", "vendor", "ship_from_raw"),
        ("price_raw", "ship_to_raw", "category", "stock_raw", "sales", "sold_since_raw", "vendor_level", "trust_level", "escrow_raw", "listing_type", "description"),
    ),
    PageKind.VENDOR: KindSpec(("name", "member_since_raw"), ("sales", "trust_level", "vendor_level", "positive_percent", "last_seen_raw", "external_ratings")),
    PageKind.FEEDBACK: KindSpec(("rating", "date_raw"), ("text", "product", "buyer", "price_text")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Engine:
    """The parts of a market of this family; a market gives those that differ."""

    index: Rows[Listing] = INDEX
    detail: Single[Listing] = DETAIL
    vendor: Single[Vendor] = VENDOR
    feedback: Rows[Feedback] = FEEDBACK

    def parse(self, page: Page) -> Iterator[Record]:
        """Parse one page of the family."""
        match page.kind:
            case PageKind.LISTING_INDEX:
                yield from self.index.read_or_empty(page)
            case PageKind.LISTING:
                listing = self.detail.read(page, key=page.key, source=Source.DETAIL)
                yield from [listing] if listing and listing.title else []  # a page cut off before its title says nothing of the listing
            case PageKind.VENDOR:
                yield from filter(None, [self.vendor.read(page)])
            case PageKind.FEEDBACK:
                vendor = self.vendor.read(page)
                page.require(vendor, "a feedback page without the vendor's name")
                yield from filter(None, [vendor])
                yield from self.feedback.read(page, vendor=vendor.name if vendor else None)
        yield read_info(page)
        yield from page.links()


def read_info(page: Page) -> PageInfo:
    """Read the pager and the exchange rates in the head of the page (currency units to one bitcoin)."""
    pages = [int(one) for one in page.all("ul.pagination a@data-ci-pagination-page") if one.isdecimal()]
    current = page.number("ul.pagination > strong")
    rates = (match.groups() for one in page.all("div.sm-nav li") if (match := re.fullmatch(r"([A-Z]{3}) ([\d.]+)", text(one))))
    return PageInfo(current, max([*pages, current or 0]) or None, rates=tuple((f"{currency} per BTC", rate) for currency, rate in rates))


def market(name: str, *, evidence: Evidence = Evidence.PAGE, **facts: Any) -> Market:
    """Declare a market of the family; what is given wins over the family's own. `evidence`: how well its own pages are known."""
    given = {
        "engine": "empire",
        "kinds": KINDS,
        "shapes": SHAPES,
        "specs": {kind: replace(spec, evidence=evidence) for kind, spec in SPECS.items()},
        "obstacles": OBSTACLES,
        "empty": EMPTY,
        "dates": "MDY",
        **facts,
    }
    return Market(name, **given)


def _external(node: Any) -> Iterator[str]:
    """Yield the ratings imported from other markets: "Dream Market: 138 (5.0)"."""
    for one in find(node, ".//div[@class='user_info_mid']//span[starts-with(@title, 'Verified')]"):
        market_name = re.sub(r"^Verified\s+|\s+successful sales.*$", "", one.get("title"))
        yield f"{market_name}: {text(one)}"


def _shipping(node: Any) -> Iterator[str]:
    """Yield the delivery options as displayed: "airmail - 8 days - USD + 5.00 / order"."""
    for option in find(node, "(.//select[@name='shippingOption'])[1]/option"):
        yield text(option)


def _bulk(node: Any) -> Iterator[str]:
    """Yield the prices of larger orders as displayed: "From qty 250 to 499: USD 1.30"."""
    for row in find(node, ".//table[contains(@class, 'productTbl')]//tr[td[contains(., 'Bulk Discount')]]"):
        cells = [text(cell) for cell in find(row, "./td")]
        yield ": ".join(cells[1:3])
