"""Drugs & Medicine (2019): a vendor's page holds the statistics, the shop table ("ship to" stands before "ship from") and a page of reviews."""

import re
from collections.abc import Iterator

from torwatch.parserkit import (
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
    fold_label,
    lines,
    obstacle,
    text,
)  # fmt: skip

MARKET = Market(
    "drugs_and_medicine",
    title="Drugmarket",
    aliases=("Drugs & Medicine",),
    currency="BTC",
    kinds={
        r"^/market/item/(?P<key>[^/?#]+)": PageKind.LISTING,
        r"^/market/user/(?P<key>[^/?#]+)(?:/1/\d+)?/?$": PageKind.VENDOR,
        r"^/market/user/(?P<key>[^/?#]+)/\d+": PageKind.FEEDBACK,  # the profile again, with the next reviews
        r"^/market/reviews/(?P<key>[^/?#]+)": PageKind.FEEDBACK,
        r"^/category/\d+(?:/\d+)*/?$": PageKind.LISTING_INDEX,
        r"^/(?:\?|$)": PageKind.HOME,
    },
    shapes={
        PageKind.LISTING: ("table.producttable", "div.price_big_inner", "div.table_wrapper th:has-text('Item info')"),
        PageKind.VENDOR: "table.msgtable th:has-text('Vendor stats')",
        PageKind.FEEDBACK: "div.comment_wrapper div.commenthead",
    },
    specs={
        PageKind.VENDOR: KindSpec(("name",), ("last_seen_raw", "rating_raw", "sales", "profile", "pgp_keys")),
        PageKind.FEEDBACK: KindSpec(("stars",), ("text", "age_raw"), Evidence.DESCRIBED),
        PageKind.LISTING: KindSpec(("title", "vendor", "price_raw"), ("ship_from_raw", "ship_to_raw", "category", "description"), Evidence.DESCRIBED),
        PageKind.LISTING_INDEX: KindSpec(evidence=Evidence.GATE_ONLY),
    },
    obstacles=(obstacle("login", selector="form input[type=password]", max_text=2500),),
    signs=(r"title:\| Drugmarket$", "a[href*='/market/user/']", "table.msgtable"),
)  # fmt: skip
INFO = "table.producttable, div.table_wrapper table"
DETAIL = Single(
    Listing,
    Fields(INFO, {"seller": "vendor", "vendor": "vendor", "ships from": "ship_from_raw", "ship from": "ship_from_raw", "ships to": "ship_to_raw", "ship to": "ship_to_raw", "category": "category", "item info": None, "": None}, shape="cells"),
    key=("a@href", r"/(?:discussion|flag|add_fav)/item/([^/?#]+)"),
    title=First("div.content h3", "h3", ("//title", r"^(.+?)\s*\|\s*Drugmarket$")),
    vendor=First("table.producttable a[href*='/market/user/']", "div.table_wrapper a[href*='/market/user/']"),
    price_raw="div.price_big_inner",
    description=Lines("div.prod_info"),
)  # fmt: skip
VENDOR = Single(
    Vendor,
    Fields("//table[.//th[contains(., 'Vendor stats')]]", {"last seen": "last_seen_raw", "avg rating": "rating_raw", "transactions": "sales", "vendor for": None, "Vendor stats": None, "": None}, shape="cells"),
    name=First("div.viewusercont h3", ("//title", r"^(.+?)\s*\|\s*Drugmarket$")),
    profile=lambda root: "\n".join(lines(one) for one in find(root, PROFILE)),
    pgp_keys=Keys("div.viewusercont div.container_large"),
    extra=Extra(vendor_for=".//td[normalize-space(.)='vendor for']/following-sibling::td[1]"),  # it moves by itself: no claim
)  # fmt: skip
PROFILE = ".//div[@class='viewusercont']//div[contains(@class, 'container_large')]"
COLUMNS = {
    "title": "title",
    "price": "price_raw",
    "ship to": "ship_to_raw",
    "ships to": "ship_to_raw",
    "ship from": "ship_from_raw",
    "ships from": "ship_from_raw",
}
REVIEWS = Rows(
    "div.comment_wrapper",
    Feedback,
    stars=lambda row: text(row.xpath("string(.//div[@class='commenthead']//b)")).count("\u2605") or None,
    age_raw="span.commenttime",
    text=lambda row: " ".join(filter(None, map(text, find(row, "./p")))),
)


def read_shop(page: Page, vendor: str | None) -> Iterator[Listing]:
    """The rows of every table whose head names a title and a price; columns are found by their heads."""
    for table in page.all("//table[.//th[normalize-space(.)='title']]"):
        heads = [fold_label(text(one)) for one in find(table, "(.//tr[th])[1]/th")]
        for row in find(table, ".//tr[td]"):
            href = next(iter(find(row, ".//a[contains(@href, '/market/item/')]/@href")), "")
            match = re.search(r"/market/item/([^/?#]+)", href)
            if match is None or row in page.open_end:
                continue
            columns = find(row, "./td")
            cells = dict(zip(heads, map(text, columns), strict=True)) if len(columns) == len(heads) else {}  # else no column is sure
            shown = {name: cells[head] for head, name in COLUMNS.items() if cells.get(head)}
            category = (cells["category"],) if cells.get("category") else ()
            yield Listing(match.group(1), vendor=vendor, path=page.local(href), category=category, source=Source.VENDOR_TABLE, **shown)


def parse(page: Page) -> Iterator[Record]:
    if page.kind is PageKind.LISTING:
        shown = DETAIL.values(page.root)[0].get("title")
        slug = re.sub(r"[^a-z0-9]+", "_", (shown or "").lower()).strip("_") if not page.truncated else None  # how the market makes its keys
        detail = DETAIL.read(page, key=page.key, source=Source.DETAIL) or DETAIL.read(page, key=slug, source=Source.DETAIL)
        yield from filter(None, [detail])
        yield from REVIEWS.read(page, vendor=detail.vendor if detail else None, listing_key=detail.key if detail else None)
    elif page.kind in {PageKind.VENDOR, PageKind.FEEDBACK}:
        name = VENDOR.values(page.root)[0].get("name") if page.kind is PageKind.VENDOR else page.key
        path = next((link.path for link in page.links(PageKind.VENDOR) if link.key == name), None)
        vendor = VENDOR.read(page, path=path) if page.kind is PageKind.VENDOR else None
        yield from filter(None, [vendor])
        yield from read_shop(page, name)
        yield from REVIEWS.read(page, vendor=name)
        pages = [int(found) for one in page.all("div.paginator a@href") for found in re.findall(r"/(\d+)/\d+/?$", one)]
        current = page.number("div.paginator span.current")
        yield PageInfo(current, max([*pages, current or 0]) or None)
    yield from page.links()
