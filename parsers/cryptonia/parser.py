"""Cryptonia (2019): `div.product_data` label and value; the label "Ships from" holds origin and destinations, with an arrow between them.

Saved pages come with quoted and with unquoted attributes, and cut off anywhere. The vendor's page holds all its tabs, a listing's page the feedback too.
"""

import re
from collections.abc import Iterator
from typing import Any

from torwatch.parserkit import (
    Each,
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
    obstacle,
    text,
)  # fmt: skip

MARKET = Market(
    "cryptonia",
    title="Cryptonia Market",
    start=("/products",),
    kinds={
        r"^/product/(?P<key>\d+)": PageKind.LISTING,
        r"^/user/(?P<key>[^/?#]+)/?$": PageKind.VENDOR,
        r"^/user/(?P<key>[^/?#]+)/\d+": PageKind.FEEDBACK,  # the profile again, with the next feedback
        r"^/products(?:[/?].*)?$": PageKind.LISTING_INDEX,  # /products/all/CATEGORY, /products/VENDOR
        r"^/(?:home)?$": PageKind.HOME,
    },
    shapes={
        PageKind.LISTING_INDEX: ("tr.gridhdr > td.product", "a.growlink", ".//div[contains(@class, 'mainbox')]/p[starts-with(normalize-space(.), 'No products found')]"),
        PageKind.LISTING: ("div.product_data > label", "div.product_details", "a[href*='Reporting+product']", "div.mainarea_inner > h2 ~ a.noanchor[id=shipping]"),
        PageKind.VENDOR: ("div.mainarea_inner > h2 > span.icono-user",),
    },
    specs={
        PageKind.LISTING_INDEX: KindSpec(("title", "path", "vendor", "price_raw"), ("ship_from_raw", "ship_to_raw", "escrow_raw", "minimum_order", "vendor_level")),
        PageKind.LISTING: KindSpec(
            ("title",),  # saved pages stop anywhere behind it; the parser itself asks whole ones for the rest
            ("vendor", "category", "listing_type", "price_raw", "stock_raw", "escrow_raw", "ship_from_raw", "ship_to_raw", "minimum_order", "description", "vendor_level"),
        ),
        PageKind.VENDOR: KindSpec(
            ("name", "member_since_raw"),
            ("sales", "vendor_level", "verified", "positive_percent", "disputes_raw", "ship_from_raw", "ship_to_raw", "fe_enabled", "last_seen_raw", "external_ratings", "profile", "pgp_keys"),
        ),
    },
    obstacles=(
        obstacle("captcha", title=r"DDoS Protection", selector="input[type=text]"),
        obstacle("queue", title=r"DDoS Protection"),
        obstacle("queue", selector=".//meta[translate(@http-equiv, 'REFSH', 'refsh') = 'refresh' and contains(@content, '/login')]", max_bytes=2000),
        obstacle("login", selector="form[action='/login'] input[type=password]"),
        obstacle("login", title=r"- Login$", max_text=3000),
        obstacle("gone", pattern=r"\b(?:product|listing|user|vendor)\b.{0,30}\b(?:not (?:be )?found|(?:does not|doesn't|no longer) exists?)", max_text=3000),
    ),
    empty=".//div[contains(@class, 'mainbox')]/p[starts-with(normalize-space(.), 'No products found')]",
    signs=("title:Cryptonia Market", "text:Walletless, Multisig, Simple and Secure"),
    iso2=True,
    dates="YMD",
    opened="2019-04",
    closed="2019-12",
)  # fmt: skip


def part_ways(values: dict[str, Any], _node: Any) -> None:
    """Part "origin → destinations"; without an arrow, what is shown is the origin."""
    origin, _, destination = (values.get("ship_from_raw") or "").partition("\u2192")
    values["ship_from_raw"], values["ship_to_raw"] = origin.strip() or None, destination.strip() or None


def read_profile(node: Any) -> str | None:
    """The vendor's own words: profile, then terms."""
    return "\n\n".join(filter(None, (lines(one) for one in find(node, "#general_div, #terms_div")))) or None


def read_shipping(node: Any) -> str:
    """The delivery options as displayed."""
    return " | ".join(text(one) for one in find(node, "select[name=shipping_method] > option") if one.get("value") != "0")


INDEX = Rows(
    "descendant::a[contains(concat(' ', @class, ' '), ' growlink ')]/ancestor::tr[1]",
    Listing,
    key=("a.growlink@href", r"/product/(\d+)"),
    path="a.growlink@href",
    title="a.growlink",
    vendor="td.vendor a[href*='/user/']",
    vendor_level=("td.vendor div.verified", r"^LEVEL (\d+)"),
    price_raw=("td.price span.listprice", r"^([\d.,]+ ?[A-Z]{3}\b.*)$"),
    minimum_order=("td.price span.listprice", r"^Buy (?!1 For)(.+?) For$"),
    ship_from_raw=("td.product span", r"^(.*?)\s*\u2192"),
    ship_to_raw=("td.product span", r"\u2192\s*(.*)$"),
    escrow_raw=("td.product span.verified", r"(?i)^(.*\b(?:escrow|FE)\b.*)$"),
    extra=Extra(vendor_sales=("td.vendor span", r"^\(([\d,]+)\)$"), bulk=("td.price span.pricetag, td.price .pricetag", r"from (.+)$")),
)
DETAIL = Single(
    Listing,
    Fields(
        "div.product_data",
        {
            "Sold by": None, "Verifications": None, "Category": "category", "Listing Type": "listing_type", "Price": None, "FE or Escrow": "escrow_raw",
            "In stock": "stock_raw", "Accepted Payments": None, "Ships from": "ship_from_raw",
        },
        shape="tail",
    ),
    key=First(("a[href*='Reporting+product']@href", r"%23(\d+)"), ("div.product_data a[href*='/messages/new/']@href", r"%28Product\+%23(\d+)%29$")),
    title="div.mainarea_inner > h2",
    vendor="div.product_data a[href*='/user/']",
    vendor_level=("div.product_data > span.verified", r"^LEVEL (\d+)$"),
    price_raw=".//div[contains(@class, 'product_data')][normalize-space(label)='Price:']/span[1]",
    minimum_order=("div.product_data > span", r"\(Minimum order ([\d.,]+)"),
    description=Lines("#general_div"),
    extra=Extra(
        vendor_sales=("div.product_data span[title='Total sales']", r"([\d,]+)"),
        payments=lambda node: ", ".join(find(node, "div.product_data img@alt")),
        shipping=read_shipping,
    ),
    after=part_ways,
)  # fmt: skip
VENDOR = Single(
    Vendor,
    Fields(
        "div.inline_div",
        {
            "Positive": None, "Disputes (won/lost)": "disputes_raw", "Verifications": None, "Amount on Escrow": None, "Ships From": "ship_from_raw",
            "Ships To": "ship_to_raw", "XMPP/Jabber ID": None, "FE Enabled": "fe_enabled", "Member since": "member_since_raw", "Last online": "last_seen_raw",
        },
        shape="tail",
    ),
    name="string((.//h2[span[contains(@class, 'icono-user')]])[1]/text()[normalize-space(translate(., '\u00a0', ' '))][1])",
    sales=("h2 > span.lgtext", r"\(([\d,]+)\)"),
    vendor_level=("h2 > span.verified", r"^LEVEL (\d+)$"),
    verified=Has("h2 > span.verified:text-is('VERIFIED')"),
    positive_percent=("div.inline_div label:has-text('Positive') + span", r"([\d.]+)\s*%"),
    external_ratings=Each("div.inline_div div.lbllist > span.verified", unique=True),
    profile=read_profile,
    pgp_keys=Keys("#pgp_div"),
    extra=Extra(jabber="div.inline_div label:has-text('Jabber') + span", in_escrow="div.inline_div label:has-text('Amount on Escrow') + span"),
)  # fmt: skip
VERDICTS = {"green": "positive", "red": "negative", "grey": "neutral", "gray": "neutral", "orange": "neutral", "black": "neutral"}
FEEDBACK = Rows(
    "//div[@id='feedback_div']//tr[td[contains(@class, 'rating_cell')]]",
    Feedback,
    rating=lambda row: next(
        (word for colour, word in VERDICTS.items() if any(colour in style for style in find(row, "td.rating_cell span@style"))), None
    ),
    product="span.rating_product",
    text="td.rating_message > p",
    date_raw=("span.rating_date", r"^(\d{4}-\d{2}-\d{2}.*)$"),
    price_text=("span.rating_date", r"^([\d.,]+ [A-Z]{3,4})$"),
    buyer=("span.rating_date", r"^(\S*\*\S*)$"),
)


def parse(page: Page) -> Iterator[Record]:
    match page.kind:
        case PageKind.LISTING_INDEX:
            yield from INDEX.read_or_empty(page)
        case PageKind.LISTING:
            listing = DETAIL.read(page, key=page.key, source=Source.DETAIL)
            page.require((listing and listing.vendor) or page.one("#footer") is None, "a whole listing page without key or vendor")
            if listing is not None:
                yield listing
                yield from FEEDBACK.read(page, vendor=listing.vendor)  # of all the vendor's listings, not of this one
        case PageKind.VENDOR:
            vendor = VENDOR.read(page)
            if vendor is not None:
                yield vendor
                yield from FEEDBACK.read(page, vendor=vendor.name)
    pager = re.search(r"(\d+) of (\d+)", page.text("td.gridftr") or "") if page.kind is PageKind.LISTING_INDEX else None
    rates = re.findall(r"= ([\d.]+) ([A-Z]{3,4})", page.text("div.rate_div") or "")
    yield PageInfo(
        int(pager.group(1)) if pager else None,
        int(pager.group(2)) if pager else None,
        scope=re.sub(r"(?<=.)/\d*$", "", page.scope("page")).replace("+", " ") if page.kind is PageKind.LISTING_INDEX else "",
        rates=tuple((f"{currency} per BTC", rate) for rate, currency in rates),
    )
    yield from page.links()
