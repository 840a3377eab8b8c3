"""The Hansa family (Bootstrap 3): `div.row-item` index rows, one header above the tabs of a listing or a vendor, feedback tables with headings.

A listing's tabs (details, feedback, terms) repeat its whole header, a vendor's tabs (profile, terms, PGP, feedback) likewise, so each can be
read from any of its tabs. What only one tab shows (description, profile, PGP key) is therefore never declared in the specs.
A market of this family is a thin declaration: `MARKET = market("name", …)` and `parse = Engine(…).parse`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.parserkit import (
    Column,
    Each,
    Extra,
    Feedback,
    Fields,
    First,
    Has,
    KindSpec,
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
    armour,
    find,
    lines,
    obstacle,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

KINDS: Mapping[str, PageKind] = {
    r"^/listing/(?P<key>\d+)/feedback\b": PageKind.FEEDBACK,
    r"^/listing/(?P<key>\d+)/terms\b": PageKind.OTHER,  # the vendor's terms: the same on each of his listings
    r"^/listing/(?P<key>\d+)/?(?:\?|$)": PageKind.LISTING,
    r"^/vendor/(?P<key>[^/?#]+)/feedback/?\?show=": PageKind.OTHER,  # the same rows again, by verdict
    r"^/vendor/(?P<key>[^/?#]+)/feedback\b": PageKind.FEEDBACK,
    r"^/vendor/(?P<key>[^/?#]+)/terms\b": PageKind.OTHER,
    r"^/vendor/(?P<key>[^/?#]+)/?(?:pgp/?)?$": PageKind.VENDOR,
    r"^/category/\d+/(?:\d+/)?\?": PageKind.OTHER,  # filters
    r"^/category/\d+/?(?:\d+/?)?$": PageKind.LISTING_INDEX,
    r"^/(?:\?.*)?$": PageKind.HOME,
}
SHAPES: Mapping[PageKind, str | tuple[str, ...]] = {
    PageKind.FEEDBACK: (
        "ul.nav-tabs > li.active > a[href*='/feedback']",
        ".//ul[contains(@class, 'nav-tabs')]/li[contains(@class, 'active')]/a[normalize-space(.)='Feedback']",
    ),
    PageKind.LISTING: ("ul.nav-tabs > li > a[href*='/listing/']", "div.listing-stock"),
    PageKind.VENDOR: ("div.row-vendor-profile", "ul.nav-tabs > li > a[href*='/vendor/']"),
    PageKind.LISTING_INDEX: ("div.row-item div.item-details", "form select[name=sorting]"),
}
EMPTY = "a.list-group-item.active > span.badge:text-is('0')"  # the menu counts the listings of every category
OBSTACLES: tuple[ObstacleRule, ...] = (
    obstacle("login", selector="form input[type=password]", max_text=3000),
    obstacle(
        "gone",
        pattern=r"\b(?:listing|product|vendor|user|category|page)\b.{0,40}\b(?:not (?:be )?found|(?:does not|doesn't|no longer) exists?)",
        max_text=3000,
    ),
)
_NL2BR = re.compile(r"\n\n")  # the script writes "<br />" and a line break for each line break of the vendor
VERDICTS = {"label-success": "positive", "label-default": "neutral", "label-danger": "negative"}


def read_tab(heading: str) -> Callable[[Any], str | None]:
    """Make a rule that gives the text of the open tab, line breaks kept, where the tab has this heading."""

    def read(node: Any) -> str | None:
        tabs = find(node, "ul.nav-tabs")
        if not tabs:
            return None
        head, _, body = lines(tabs[0].getparent()).removeprefix(lines(tabs[0])).strip().partition("\n")
        body = _NL2BR.sub("\n", body).strip()
        return (body or None) if head.strip().casefold() == heading.casefold() else None

    return read


def read_verdict(row: Any) -> str | None:
    """Give the verdict of a feedback row by the colour of its label."""
    classes = " ".join(find(row, "td:nth(1) span.label@class")).split()
    return next((VERDICTS[one] for one in classes if one in VERDICTS), None)


INDEX = Rows(
    "div.row-item",
    Listing,
    key=("div.item-details a@href", r"/listing/(\d+)"),
    path="div.item-details a@href",
    title="div.item-details a",
    vendor="div.user-details a",
    vendor_level=("div.user-details span.label", r"Level (\d+)"),
    price_raw="div.listing-price strong",
    ship_from_raw=("small", r"^Ships from:\s*(.+)$"),
    listing_type="span[title$=' Good']@title",
    views=("small", r"^Views:\s*([\d,]+)"),
    promoted=Has("small:has-text('Promoted Listing')"),
    extra=Extra(
        vendor_positive="div.user-details strong.fb-pos",
        vendor_negative="div.user-details strong.fb-neg",
        vendor_orders=("div.user-details span.label", r"Level \d+ \(([^)]+)\)"),
        delivery="span[title='Instant Delivery']@title",
        also_available=lambda row: ", ".join(re.findall(r"/listing/(\d+)", " ".join(find(row, "table.table-aa a@href")))),
    ),
)
DETAIL = Single(
    Listing,
    Fields(
        "ol.breadcrumb ~ div.row table.no-border",
        {"Vendor": None, "Class": "listing_type", "Escrow type": "escrow_raw", "Ships From": "ship_from_raw", "Ships To": "ship_to_raw", "Delivery": None},
        shape="cells",
    ),
    key=First(("input[name=listingID]@value", r"^(\d+)$"), ("ul.nav-tabs a@href", r"/listing/(\d+)/")),
    title="ol.breadcrumb ~ div.row h2",
    vendor="ol.breadcrumb ~ div.row table.no-border td a",
    vendor_level=("table.no-border span.label", r"^Level (\d+)"),
    category=Each("ol.breadcrumb a[href*='/category/']"),
    price_raw="div.listing-price strong",
    stock_raw="div.listing-stock",
    sales=("table.no-border em", r"([\d,]+) items? sold since"),
    sold_since_raw=("table.no-border em", r"sold since (.+)$"),
    description=read_tab("Listing Details"),
    extra=Extra(
        vendor_positive="table.no-border .fb-pos",
        vendor_negative="table.no-border .fb-neg",
        fee=("div.listing-price", r"\((including [^)]*)\)"),
        delivery=".//table//td[normalize-space(.)='Delivery']/following-sibling::td[1]",
        shipping=lambda node: " | ".join(text(one) for one in find(node, "select[name^=shipping] > option") if one.get("value") != "0"),
    ),
)  # fmt: skip
VENDOR = Single(
    Vendor,
    name="(.//h1)[1]/text()[1]",
    vendor_level=("h1 + p span.label", r"^Level (\d+)"),
    user_type="h1 + p span.label-primary",
    last_seen_raw=("p.text-muted", r"Last seen - (.*?)(?= Vendor since -| [\d,]+ Subscriber|$)"),
    member_since_raw=("p.text-muted", r"Vendor since - (.*?)(?= [\d,]+ Subscriber|$)"),
    positive="div.row-vendor-profile a[href*='show=positive'] strong",
    neutral="div.row-vendor-profile a[href*='show=neutral'] strong",
    negative="div.row-vendor-profile a[href*='show=negative'] strong",
    positive_percent=("div.row-vendor-profile p", r"([\d.,]+)\s*% positive feedback"),
    orders_raw=".//h3[normalize-space(.)='Orders']/following-sibling::p[1]",
    external_ratings=lambda node: tuple(f"{one.get('title', '')}: {text(one)}" for one in find(node, "span.imported")),
    profile=read_tab("Vendor Profile"),
    pgp_keys=lambda node: armour(read_tab("Vendor Public PGP Key")(node) or ""),
    extra=Extra(
        trusted="h1 + p span.label:has-text('Trusted Vendor')",
        subscribers=("p.text-muted", r"([\d,]+) Subscribers?"),
        average_volume=".//h3[normalize-space(.)='Average Volume']/following-sibling::p[1]",
        terms=read_tab("Terms & Conditions"),
    ),
)
FEEDBACK = Rows(
    ".//table[.//th[normalize-space(.)='Feedback']]//tr[count(td) > 2]",
    Feedback,
    rating=read_verdict,
    text=Column("Feedback"),
    product=Column("Listing", "Item", "Product"),
    listing_key=("a[href*='/listing/']@href", r"/listing/(\d+)"),
    delivery_raw=Column("Actual delivery time"),
    buyer=Column("From", "Buyer", pattern=r"^(\S+)"),
    date_raw=Column("Date"),
)
SPECS: Mapping[PageKind, KindSpec] = {
    PageKind.LISTING_INDEX: KindSpec(("title", "vendor", "path", "price_raw"), ("ship_from_raw", "listing_type", "views", "vendor_level", "promoted")),
    PageKind.LISTING: KindSpec(
        ("title", "vendor", "listing_type"), ("price_raw", "stock_raw", "category", "ship_from_raw", "ship_to_raw", "escrow_raw", "vendor_level")
    ),
    PageKind.VENDOR: KindSpec(("name",), ("vendor_level", "last_seen_raw", "member_since_raw", "user_type", "positive", "neutral", "negative", "positive_percent", "orders_raw", "external_ratings")),
    PageKind.FEEDBACK: KindSpec(("rating", "date_raw"), ("text", "delivery_raw", "buyer", "product", "listing_key")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Engine:
    """The parts of a market of this family; a market gives those that differ."""

    index: Rows[Listing] = INDEX
    detail: Single[Listing] = DETAIL
    vendor: Single[Vendor] = VENDOR
    feedback: Rows[Feedback] = FEEDBACK
    listing_mark: str = "ol.breadcrumb ~ div.row div.listing-price"  # stands on every tab of a listing

    def parse(self, page: Page) -> Iterator[Record]:
        """Parse one page of the family."""
        match page.kind:
            case PageKind.LISTING_INDEX:
                yield from self.index.read_or_empty(page)
                yield read_info(page)
            case PageKind.LISTING:
                yield from filter(None, [self.detail.read(page, key=page.key, source=Source.DETAIL)])
            case PageKind.VENDOR:
                yield from filter(None, [self.vendor.read(page)])
            case PageKind.FEEDBACK:
                yield from self._parse_feedback(page)
                yield read_info(page)
        yield from page.links()

    def _parse_feedback(self, page: Page) -> Iterator[Record]:
        """Parse the feedback tab: of a listing, with the listing, or of a vendor, with the vendor."""
        if page.one(self.listing_mark) is not None:
            listing = self.detail.read(page, key=page.key, source=Source.DETAIL)
            page.require(listing, "a feedback page without its listing")
            if listing is not None:
                yield listing
                yield from self.feedback.read(page, vendor=listing.vendor, listing_key=listing.key, product=listing.title)
        else:
            vendor = self.vendor.read(page)
            page.require(vendor, "a feedback page without the vendor's name")
            if vendor is not None:
                yield vendor
                yield from self.feedback.read(page, vendor=vendor.name)


def read_info(page: Page) -> PageInfo:
    """Read the pager and the rates in the foot.

    The badge of the open category in the menu is no total of rows: it also counts the variants that are grouped below another row, so a
    complete list would look short by it.
    """
    pages = [int(match.group(1)) for one in page.all("ul.pagination a@href") if (match := re.search(r"(?:/|[?&]page=)(\d+)/?$", one))]
    list_path = re.match(r"/category/\d+", page.path)
    rates = (re.match(r"([A-Z]{3}) ?/ ?BTC ([\d.]+)$", text(row)) for row in page.all("footer tr"))
    return PageInfo(
        page.number("ul.pagination > li.active"),
        max(pages, default=None),
        None,
        list_path.group() if list_path else page.scope("page"),
        tuple((f"{match.group(1)} per BTC", match.group(2)) for match in rates if match),
    )


def market(name: str, **facts: Any) -> Market:
    """Declare a market of the family; what is given wins over the family's own."""
    given = {
        "engine": "hansa",
        "kinds": KINDS,
        "shapes": SHAPES,
        "specs": SPECS,
        "obstacles": OBSTACLES,
        "empty": EMPTY,
        "dates": "YMD",
        **facts,
    }
    return Market(name, **given)
