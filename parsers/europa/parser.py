"""Europa (2019-2020), a Tochka store: cards on the index; origin and destination are only said behind them, the country menu is a filter."""

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
    obstacle,
    text,
)  # fmt: skip

MARKET = Market(
    "europa",
    title="Europa Market",
    engine="tochka",
    currency="EUR",
    start=("/marketplace",),
    kinds={
        r"^/store/[^/?#]+/item/(?P<key>[0-9a-f]+)\b": PageKind.LISTING,
        r"^/store/(?P<key>[^/?#]+)/?$": PageKind.VENDOR,
        r"^/marketplace/?(?:\?(?!.*(?:shipping-(?:to|from)=[^&]|sortby=(?!popularity)|city-id=[1-9])).*)?$": PageKind.LISTING_INDEX,  # not the filters and sort orders
        r"^/(?:\?|$)": PageKind.HOME,
    },
    shapes={PageKind.LISTING_INDEX: ("div.ui.card div.card-header a.header[href*='/item/']", "label.show-filters-label")},
    specs={
        PageKind.LISTING_INDEX: KindSpec(("title", "vendor", "path", "price_raw"), ("listing_type",)),
        PageKind.LISTING: KindSpec(evidence=Evidence.GATE_ONLY),
        PageKind.VENDOR: KindSpec(evidence=Evidence.GATE_ONLY),
    },
    obstacles=(obstacle("login", selector="form input[type=password]", max_text=2500),),
    empty="//label[contains(@class, 'show-filters-label')][not(//div[contains(@class, 'card')]//a[contains(@href, '/item/')])]",
    signs=("title:^Europa Market", "div.tochka-container", "text:How to Sell at Europa Market"),
    opened="2019-12",
    closed="2020-09",
)
INDEX = Rows(
    "//div[contains(concat(' ', @class, ' '), ' card ')][.//a[contains(@href, '/item/')]]",
    Listing,
    key=("a[href*='/item/']@href", r"/item/([0-9a-f]+)"),
    path="a[href*='/item/']@href",
    title=First(
        "div.card-header a[href*='/item/']",
        ".//a[contains(@href, '/item/')][normalize-space(.)][not(ancestor::div[contains(@class, 'extra')])]",
    ),
    vendor=First(("a[href*='/store/']", r"^@(.+)$"), ("a[href*='/item/']@href", r"/store/([^/?#]+)/item/")),
    price_raw=("div.extra span", r"^(\D{0,4}\d[\d.,]*.*)$"),
    listing_type=("div.extra span.button", r"^(.*[A-Za-z].*)$"),
    extra=Extra(teaser="div.description", vendor_rating=("div.meta span.label", r"([\d.]+)")),
)


def read_info(page: Page) -> PageInfo:
    """The pager links every page; the active one is marked."""
    pages = [int(one) for one in map(text, page.all("div.pagination div.item")) if one.isdecimal()]
    links = page.all("div.pagination a@href")
    category = next((match.group(1) for href in links if (match := re.search(r"[?&]category=(\d+)", href))), None)
    return PageInfo(
        page.number("div.pagination div.item.active"),
        max(pages, default=None),
        None,
        page.scope("page") or (f"category={category}" if category else ""),
    )


def parse(page: Page) -> Iterator[Record]:
    if page.kind is PageKind.LISTING_INDEX:
        yield from INDEX.read_or_empty(page)
        yield read_info(page)
    yield from page.links()
