"""Yellow Brick (2019-2021): three layouts within 2020, all with repeated ids (`div#listing`), bare "$" and claims in spans that are never closed."""

import re
from collections.abc import Iterator

from torwatch.parserkit import (
    Each,
    Evidence,
    Extra,
    First,
    KindSpec,
    Link,
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
    "yellow_brick",
    title="Yellow Brick",
    aliases=("Yellow Brick Market",),
    start=("/?yellowbrick", "/"),
    currency="USD",  # the oldest layout quotes the same price in BTC, at the dollar's rate
    kinds={
        r"\?(?:.*&)?listing=(?P<key>\d+)": PageKind.LISTING,
        r"\?(?:.*&)?profile=(?P<key>[^&#]+)": PageKind.VENDOR,
        r"^/(?:index\.php)?\?yellowbrick=?(?:&(?:cat|reqpage)=\d+|&shop=[^&]+)*$": PageKind.LISTING_INDEX,  # ?road&cat=N: the same lists again
    },
    shapes={PageKind.LISTING_INDEX: ("div#listing a[href*='listing=']", "#listingsep", "#searchresults")},
    specs={
        PageKind.LISTING_INDEX: KindSpec(
            ("title", "vendor", "category", "price_raw", "ship_from_raw"), ("escrow_raw", "vendor_level", "stock_raw")
        ),
        PageKind.LISTING: KindSpec(evidence=Evidence.GATE_ONLY),
        PageKind.VENDOR: KindSpec(evidence=Evidence.GATE_ONLY),
    },
    obstacles=(obstacle("login", selector="form input[type=password]", max_text=3000),),
    empty="(//*[@id='searchresults'])[not(//*[@id='listingsep']//a[contains(@href, 'listing=')])]",
    signs=("title:^Yellow Brick", "div#skyline", "link[href='rubyslippers.css']"),
)
LINK = "descendant::a[contains(@href, 'listing=')][not(contains(@class, 'button'))][normalize-space(.)]"
NO_LINK = "[not(ancestor::a)]"  # a title imitates no label
PRICE = f"descendant::text()[contains(., 'Price:')][starts-with(normalize-space(.), 'Price:')]{NO_LINK}"
ORIGIN = f"descendant::text()[contains(., 'Ships From:') or contains(., 'Location:')]{NO_LINK}"
INDEX = Rows(
    "div#listing",
    Listing,
    key=("a[href*='listing=']@href", r"[?&]listing=(\d+)"),
    path="a[href*='listing=']@href",
    title=LINK,
    vendor=("a[href*='profile=']", r"(.+)"),
    category=Each("a[href*='cat=']"),
    price_raw=First(
        (PRICE, r"Price:\s*(\S.*)"),  # oldest: "Price: $12 / 0.001 BTC" in one <b>
        (f"{PRICE}/following-sibling::b[1]", r"(.*\d.*)"),
        ("b", r"^([$\u20ac\u00a3\u0e3f]\s*[\d.,]+)$"),
    ),
    ship_from_raw=First(
        ("descendant::*[@id='ah_ships' or @id='tag_ships']/text()[1]", r"(.+)"),  # the element is never closed: only its first text counts
        (f"{ORIGIN}/following-sibling::span[1]/text()[1]", r"(.+)"),
    ),
    escrow_raw=("div#listinginfo", r"(?i)^\W*(escrow|finali[sz]e early|FE)$"),
    stock_raw=("div#listinginfo", r"(?i)^\W*(.*\bstock\b.*)$"),
    vendor_level=First(("span#tag_level@title", r"Level\s*(\d+)"), ("#tag_level", r"Level\s*(\d+)")),
    extra=Extra(
        coins=lambda row: " ".join(re.findall(r"ico_([a-z]+)_\d", " ".join(find(row, "img@src")))),
        badges=lambda row: " | ".join(dict.fromkeys(text(one).lstrip("\u2713 ") for one in find(row, "div#listinginfo"))),
        vendor_score="#tag_score",
        vendor_tag="#tag_level_short",
    ),
)


def read_pager(page: Page) -> Iterator[Record]:
    """The pager is two forms with the page asked for in a hidden field."""
    number = None
    for form in page.all(".//form[.//input[@name='reqpage']]"):
        fields = [(one.get("name"), one.get("value") or "") for one in find(form, ".//input[@type='hidden'][@name]")]
        wanted = dict(fields).get("reqpage", "")
        step = {"previous page": 1, "next page": -1}.get("".join(find(form, ".//input[@type='submit']/@value")).strip().casefold())
        if not wanted.isdecimal():
            continue
        if step is not None:
            number = int(wanted) + step
        if int(wanted) > 0:  # the first page offers page 0 as the one before
            yield Link(PageKind.LISTING_INDEX, f"/?{'&'.join(f'{name}={value}' for name, value in fields)}")
    yield PageInfo(page_number=number, scope=page.scope("reqpage"))


def parse(page: Page) -> Iterator[Record]:
    if page.kind is PageKind.LISTING_INDEX:
        yield from INDEX.read_or_empty(page)
        yield from read_pager(page)
    # Not from the menu above the table: it links to the own profile, and to featured listings, which are no rows.
    yield from page.links(within="table#yb")
