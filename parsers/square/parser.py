"""Square Market (2019-2020): Symfony and Bulma; rows `div.columns.listing`; the list behind "[Doesn't ship to...]" names what is excluded."""

import re
from collections.abc import Iterator

from torwatch.parserkit import (
    Evidence,
    Extra,
    First,
    KindSpec,
    Listing,
    Market,
    Page,
    PageInfo,
    PageKind,
    Record,
    Rows,
    find,
    obstacle,
    text,
)

MARKET = Market(
    "square",
    title="Square Market",
    start=("/market/",),
    kinds={
        r"^/l/(?P<key>[0-9a-f]+)\b": PageKind.LISTING,
        r"^/profile/(?P<key>[^/?#]+)": PageKind.VENDOR,
        r"^/market/?(?:\?|$)": PageKind.LISTING_INDEX,
        r"^/(?:home/?)?$": PageKind.HOME,
    },
    shapes={PageKind.LISTING_INDEX: ("div.columns.listing h4 a[href*='/l/']", "form input#filter_active")},
    specs={
        PageKind.LISTING_INDEX: KindSpec(
            ("title", "vendor", "price_raw", "ship_from_raw"), ("stock_raw", "vendor_level", "ship_to_raw", "escrow_raw")
        ),
        PageKind.LISTING: KindSpec(evidence=Evidence.GATE_ONLY),
        PageKind.VENDOR: KindSpec(evidence=Evidence.GATE_ONLY),
    },
    obstacles=(obstacle("login", selector="form input[type=password]", max_text=3000),),
    empty="//form[.//input[@id='filter_active']][not(//a[contains(@href, '/l/')])]",
    signs=("title:^Square Market", "img.logo[alt='Square Market']", "div.columns.listing"),
)


def read_origin(row) -> str | None:
    """The text behind the truck icon, up to the next element: it is the tail of the icon."""
    for icon in find(row, ".//i[contains(@class, 'fa-truck')]"):
        match = re.search(r"Ships from\s+(.+)", text(icon.tail or ""))
        if match:
            return match.group(1).strip()
    return None


def read_destination(row) -> str | None:
    """What stands behind the origin: "[Doesn't ship to...] United States, Canada", "Domestic Shipping Only"."""
    for icon in find(row, ".//i[contains(@class, 'fa-truck')]"):
        rest = " ".join(filter(None, (text(one) + " " + text(one.tail or "") for one in icon.itersiblings())))
        if rest.strip():
            return " ".join(rest.split())
    return None


INDEX = Rows(
    "div.columns.listing",
    Listing,
    key=("a[href*='/l/']@href", r"/l/([0-9a-f]+)"),
    path="a[href*='/l/']@href",
    title="h4 a[href*='/l/']",
    vendor=".//a[contains(@href, '/profile/')][normalize-space(.)]",
    price_raw=First(("h4 > b", r"(.*\d.*)"), ("h4", r"^([$\u20ac\u00a3]?\s*[\d.,]+ [A-Z]{3}.*)$")),
    ship_from_raw=read_origin,
    ship_to_raw=read_destination,
    stock_raw=("span.tag", r"(?i)^(.*\bstock\b.*|sold out.*)$"),
    escrow_raw=("span.tag", r"(?i)^(.*\bescrow\b.*|finali[sz]e early.*|FE)$"),
    vendor_level=("span.tag", r"^Level (\d+)$"),
    extra=Extra(
        quoted=lambda row: " | ".join(one for one in map(text, find(row, ".//p[./i[contains(@class, 'cc ')]]")) if one),
        vendor_feedback=(".//p[.//a[contains(@href, '/profile/')]]", r"\[\s*(\+?[\d,]+\s*\|\s*[-\u2212]?[\d,]+)\s*\]"),
    ),
)


def read_info(page: Page) -> PageInfo:
    """The pager lists every page; the foot of the page quotes each coin in several currencies."""
    pages = [int(one) for one in map(text, page.all("a.pagination-link")) if one.isdecimal()]
    rates = [
        (f"{match.group(2)} per {icon.get('class').split()[-1]}", match.group(1).replace(",", ""))
        for icon in page.all("footer p > i.cc")
        for line in icon.getparent().itersiblings("p")
        if (match := re.fullmatch(r"\W?([\d.,]+) ([A-Z]{3})", text(line)))
    ]
    return PageInfo(page.number("a.pagination-link.is-current"), max(pages, default=None), None, page.scope("page"), tuple(rates))


def parse(page: Page) -> Iterator[Record]:
    if page.kind is PageKind.LISTING_INDEX:
        yield from INDEX.read_or_empty(page)
        yield read_info(page)
    yield from page.links()
