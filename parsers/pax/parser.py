"""Pax Romana (2019-2020): a Dutch classifieds skin; origin and destination are codes around an arrow (U+27F6), printed twice a row."""

import re
from collections.abc import Iterator

from torwatch.parserkit import (
    Evidence,
    Extra,
    First,
    Has,
    KindSpec,
    Listing,
    Market,
    Page,
    PageInfo,
    PageKind,
    Record,
    Rows,
    Source,
    Vendor,
    number,
    obstacle,
    text,
)  # fmt: skip

MARKET = Market(
    "pax",
    title="Pax Romana",
    aliases=("PaxRomana",),
    dates="DMY",
    iso2=True,
    kinds={
        r"^/listing/(?P<key>[A-Za-z0-9]+)\b": PageKind.LISTING,
        r"^/profile/(?P<key>[^/?#]+)": PageKind.VENDOR,
        r"^/category/\d+(?:\?page=\d+)?$": PageKind.LISTING_INDEX,  # not the filtered and sorted views: they are the same rows again
        r"^/(?:\?|$)": PageKind.HOME,
    },
    shapes={
        PageKind.LISTING_INDEX: ("li.mp-Listing a.mp-Listing-coverLink h3.mp-Listing-title", "h1.mp-Nav-breadcrumb-item:has-text(' result')"),
    },
    specs={
        PageKind.LISTING_INDEX: KindSpec(
            ("title", "vendor", "path", "price_raw"),
            ("ship_from_raw", "ship_to_raw", "views", "sales", "created_raw", "escrow_raw", "minimum_order", "promoted"),
        ),
        PageKind.LISTING: KindSpec(evidence=Evidence.GATE_ONLY),
        PageKind.VENDOR: KindSpec(evidence=Evidence.GATE_ONLY),
    },
    obstacles=(obstacle("login", selector="form input[type=password]", max_text=2500),),
    empty="h1.mp-Nav-breadcrumb-item:text-is('0 results')",
    signs=("a.mp-Header-logo[title='Pax Romana']", "title:Pax Romana", "text:Copyright \u00a9 2019-2020 Pax Romana"),
    opened="2019-08",
    closed="2020-06",
)  # fmt: skip
ARROW = "[\u27f6\u2192]"
INDEX = Rows(
    "//li[contains(concat(' ', @class, ' '), ' mp-Listing ')][.//a[contains(@class, 'mp-Listing-coverLink')]]",
    Listing,
    key=("a.mp-Listing-coverLink@href", r"/listing/([A-Za-z0-9]+)"),
    path="a.mp-Listing-coverLink@href",
    title="h3.mp-Listing-title",
    vendor=First((".mp-Listing-seller-name a", r"^(.+?)\s*\((?:[\d,]+)\)"), ("a[href*='/profile/']@href", r"/profile/([^/?#]+)")),
    price_raw=".mp-Listing-price",
    ship_from_raw=(".mp-Listing-location", rf"^(.*?)\s*{ARROW}"),
    ship_to_raw=(".mp-Listing-location", rf"{ARROW}\s*(.*?)(?:\s*\bAds)?$"),
    created_raw=(".mp-Listing-date", r"(\d{2}-\d{2}-\d{4})$"),
    minimum_order=(".mp-Listing-date", r"^(.+?) for [\d.,]+ [A-Z]{3}"),
    escrow_raw="figure p[class^='card-']",
    views=(".mp-Listing-seller-link", r"Views:\s*([\d,]+)"),
    sales=(".mp-Listing-seller-link", r"Sold:\s*([\d,]+)"),
    promoted=Has(".mp-Listing--sellerInfo b:text-is('Ads')"),
    extra=Extra(teaser="p.mp-Listing-description"),
)


def read_sellers(page: Page) -> Iterator[Vendor]:
    """The sellers that an index names, with their sales and rating: "NAME(21) (5.00)"."""
    seen: set[str] = set()
    for link in page.all(".mp-Listing-seller-name a[href*='/profile/']"):
        match = re.match(r"(.+?)\s*\(([\d,]+)\)(?:\s*\(\s*([\d.]+))?", text(link))
        if match and match.group(1) not in seen:
            seen.add(match.group(1))
            yield Vendor(
                match.group(1),
                path=page.local(link.get("href")),
                sales=number(match.group(2)),
                rating_raw=match.group(3),
                source=Source.INDEX,
            )


def read_info(page: Page) -> PageInfo:
    """The head counts the results and quotes the coins in the viewer's currency; the pager links first, next and last pages."""
    pages = [int(one) for one in map(text, page.all(".mp-PaginationControls a.page-link")) if one.isdecimal()]
    current = page.number("//*[contains(@class, 'mp-PaginationControls')]//span[not(*)][not(ancestor::a)][not(ancestor::button)]")
    rates = tuple(
        (f"{match.group(2)} per {(coin.get('class') or '').removesuffix('20').upper()}", match.group(1).replace(",", ""))
        for coin in page.all("h1.exchangerate span")
        if (match := re.search(r"([\d.,]+)\s*([A-Z]{3})", text(coin.getparent())))
    )
    total = page.number("h1.mp-Nav-breadcrumb-item:has-text(' result')")
    return PageInfo(current, max([*pages, current or 0]) or None, total, page.scope("page"), rates)


def parse(page: Page) -> Iterator[Record]:
    if page.kind is PageKind.LISTING_INDEX:
        yield from INDEX.read_or_empty(page)
        yield from read_sellers(page)
        yield read_info(page)
    own = {page.local(href) for href in page.all("#loggedin-user-setting a[href*='/profile/']@href")}
    yield from (link for link in page.links() if link.path not in own)
