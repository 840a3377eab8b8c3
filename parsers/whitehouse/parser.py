"""White House Market (2019-2021): a Bootstrap list, Monero only; index pages are known in two forms, as sent and as a browser repaired them."""

import re
from collections.abc import Iterator

from torwatch.parserkit import (
    Each,
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
    number,
    obstacle,
    text,
)

FOUND = "div.panel-heading:has-text('Found ')"
MARKET = Market(
    "whitehouse",
    title="White House Market",
    aliases=("WHM",),
    start=("/welcome?display=all", "/welcome"),
    kinds={
        r"^/welcome\?(?:.*&)?action=show\b.*[?&]listing=(?P<key>\d+)": PageKind.LISTING,
        r"^/userinfo\?(?:.*&)?user=(?P<key>[^&#]+)": PageKind.VENDOR,
        r"^/welcome\?(?!.*\bsortby=)(?:.*&)?(?:display=all|s?c=\d+|seller=[^&]+|page=\d+)": PageKind.LISTING_INDEX,  # sorted views: the same rows
        r"^/welcome$": PageKind.LISTING_INDEX,
    },
    shapes={
        PageKind.LISTING_INDEX: (
            "div.listinglist a[href*='action=show']",
            FOUND,
            # cut off inside the search form, whose filters of 250 countries come before the rows
            "(.//form[@name='searchform'])[last()][.//select[@name='shipfrom']][not(.//input[@type='submit'])]",
        ),
    },
    specs={
        PageKind.LISTING_INDEX: KindSpec(
            ("title", "vendor", "category", "price_raw", "ship_from_raw", "ship_to_raw"), ("escrow_raw", "stock_raw")
        ),
        PageKind.LISTING: KindSpec(evidence=Evidence.GATE_ONLY),
        PageKind.VENDOR: KindSpec(evidence=Evidence.GATE_ONLY),
    },
    obstacles=(obstacle("login", selector="form input[type=password]", max_text=3000),),
    empty="div.panel-heading:has-text('Found 0 listings'), div.panel-heading:has-text('No listings')",
    signs=("text:White House Market", "label.cattoggle[for=idcattoggle]", "div.jswarning div.jswarning_c"),
    dates="MDY",
    closed="2021-10",
)


def read_claim(label: str) -> First:
    """Make a rule for a claim: the text behind its label; where it is parted from it, what follows the label's `<p>`."""
    text_nodes = "descendant::text()[contains(., 'Ships ')][starts-with(normalize-space(.), 'Ships ')][not(ancestor::a)]"  # a title imitates no label
    return First(
        (text_nodes, rf"^{label}\s*(.+)$"),
        (f".//p[normalize-space(.)='{label}']/following::text()[normalize-space(.)][1]", r"^(?!Ships |Vendor:)(.+)$"),
    )


def behind(label: str) -> str:
    """Make a selector for the paragraph behind the one that is the label."""
    return f".//p[normalize-space(.)='{label}']/following-sibling::p[1]"


NAMED, SHOWN = ":not(.btn)", r"(.+)"  # not the buttons and pictures that repeat the same links
LABEL = "span.label, div.label, p.label, a.label"
INDEX = Rows(
    "div.listinglist",
    Listing,
    key=("a[href*='action=show']@href", r"[?&]listing=(\d+)"),
    path="a[href*='action=show']@href",
    title=First((f"a[href*='action=show']{NAMED}", SHOWN), behind("Title:")),
    vendor=First((f"a[href*='userinfo?']{NAMED}", SHOWN), behind("Vendor:")),
    category=First(Each("a[href*='welcome?sc='], a[href*='welcome?c=']"), behind("Category:")),
    price_raw=("strong, p", r"^([A-Z]{3}\s*[\d.,]+)$"),
    ship_from_raw=read_claim("Ships from:"),
    ship_to_raw=read_claim("Ships to:"),
    escrow_raw=(LABEL, r"(?i)^(.*\blisting)$"),
    stock_raw=(LABEL, r"(?i)^(.*\bstock\b.*)$"),
    extra=Extra(quoted=("strong, p", r"^((?:[$\u20ac\u00a3]|[A-Z]{3})\s?[\d.,]+ (?:[$\u20ac\u00a3]|[A-Z]{3})\s?[\d.,]+.*)$")),
)


def read_info(page: Page) -> PageInfo:
    """Read "Found 120 listings, 3 pages.", the disabled button of the pager, and the rates in the menu ("1 XMR = USD 50.00")."""
    found = page.text(FOUND) or ""
    total, pages = re.search(r"([\d,]+) listings?\b", found), re.search(r"([\d,]+) pages?\b", found)
    quotes = map(text, page.all("//li/a[starts-with(., '1 ')]"))
    rates = (match.groups() for one in quotes if (match := re.fullmatch(r"1 ([A-Z]{3}) = ([A-Z]{3}) ([\d.]+)", one)))
    return PageInfo(
        page.number("a.disabled[href*='page=']"),
        number(pages.group(1)) if pages else None,
        number(total.group(1)) if total else None,
        page.scope("page", "sortby"),
        tuple((f"{currency} per {coin}", rate) for coin, currency, rate in rates),
    )


def parse(page: Page) -> Iterator[Record]:
    if page.kind is PageKind.LISTING_INDEX:
        yield from INDEX.read_or_empty(page)
        yield read_info(page)
    yield from page.links()
