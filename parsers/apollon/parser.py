"""Apollon (2018-2020): bold labels in a soup of `<small>`; "Ship to" parts stand in the elements behind their label, each with its own comma.

Links that do something (favourites, reports, night mode) look like links to pages: they are declared `other` first and never followed.
"""

import re
from collections.abc import Iterator
from typing import Any

from torwatch.parserkit import (
    Column,
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

PROFILE = ".//div[@id='page-wrapper']//h3[starts-with(normalize-space(.), 'User Profile')]"
TABLE = ".//div[@id='page-wrapper']//div[contains(@class, 'table-responsive')]/table"
EMPTY = f"{TABLE}[tbody][not(.//tr)]"  # not seen: a list without any row, not even one that cannot be read
MARKET = Market(
    "apollon",
    title="Apollon Market",
    start=("/home.php",),
    kinds={
        r"[?&](?:fvlst|fvusr|report|ndm|imgid|block\w*)=": PageKind.OTHER,
        r"^/listing\.php\?(?:.*&)?ls_id=(?P<key>\d+).*&tab=4": PageKind.FEEDBACK,
        r"^/listing\.php\?(?:.*&)?ls_id=(?P<key>\d+).*&tab=": PageKind.OTHER,
        r"^/listing\.php\?(?:.*&)?ls_id=(?P<key>\d+)": PageKind.LISTING,
        r"^/user\.php\?(?:.*&)?u_id=(?P<key>[^&#]+)&tab=[234]": PageKind.FEEDBACK,
        r"^/user\.php\?(?:.*&)?u_id=(?P<key>[^&#]+)(?:&tab=6)?$": PageKind.VENDOR,
        r"^/user\.php\?(?:.*&)?u_id=(?P<key>[^&#]+)": PageKind.OTHER,
        r"[?&]ss_home=": PageKind.OTHER,  # the same rows, sorted
        r"^/(?:home\.php)?\?(?:.*&)?(?:cid|csid|ssid|pg|ss_\w+)=": PageKind.LISTING_INDEX,
        r"^/(?:home\.php|index\.php)?$": PageKind.HOME,
    },
    shapes={
        PageKind.FEEDBACK: (
            f"{TABLE}[.//th[normalize-space(.)='Feedback'] and .//th[normalize-space(.)='Buyer']]",
            "ul.nav-tabs > li.active > a[href*='user.php']:has-text(' Feedback')",
            "ul.nav-tabs > li.active > a[href*='listing.php']:text-is('Feedback')",
        ),
        PageKind.VENDOR: (PROFILE, "ul.nav-tabs > li > a[href*='user.php']:text-is('Profile')"),
        PageKind.LISTING: ("#page-wrapper ul.nav-tabs > li > a[href*='listing.php']", "#page-wrapper a[href*='listing.php'][href*='report=1']"),
        PageKind.HOME: ".//div[@id='page-wrapper']//text()[contains(., 'Featured Listing')][not(ancestor::a or ancestor::pre)]",
        PageKind.LISTING_INDEX: (".//div[@id='page-wrapper']//small[starts-with(normalize-space(.), 'Item #')]", EMPTY, "#page-wrapper b:has-text('Listings are currently sorted')"),
    },
    specs={
        PageKind.LISTING_INDEX: KindSpec(
            ("title", "path", "vendor"), ("price_raw", "category", "created_raw", "stock_raw", "sales", "views", "vendor_level", "trust_level", "promoted")
        ),
        PageKind.LISTING: KindSpec(
            ("title", "vendor"),  # sold out and custom listings have no price
            ("price_raw", "ship_from_raw", "ship_to_raw", "escrow_raw", "listing_type", "stock_raw", "sales", "vendor_level", "trust_level"),
        ),
        PageKind.VENDOR: KindSpec(
            ("name", "member_since_raw"),
            ("user_type", "positive_percent", "vendor_level", "trust_level", "sales", "last_seen_raw", "positive", "neutral", "negative", "verified", "fe_enabled", "disputes_raw", "external_ratings"),
        ),
        PageKind.FEEDBACK: KindSpec(("rating", "date_raw"), ("text", "product", "buyer", "price_text", "listing_key")),
    },
    obstacles=(
        obstacle("login", selector="form input[type=password]", max_text=3000),
        obstacle("captcha", selector="form img[src*=captcha]", max_text=1500),
        obstacle("gone", pattern=r"\b(?:listing|user|seller|item)\b.{0,40}\b(?:not (?:be )?found|(?:does not|doesn't|no longer) exists?)", max_text=3000),
    ),
    empty=EMPTY,
    signs=("title:Apollon Market", "text:Apollon Market \u00a9"),
    dates="MDY",
    opened="2018-03",
    closed="2020-03",
)  # fmt: skip
NAME = r"^(.+?)(?: \([\d.]+ ?%\))?$"  # "leafhouse (97%)"
LEVEL = r"(?:Seller|Member|Vendor) Level (\d+)"


def labelled(label: str) -> str:
    """XPath of the `<small>` that holds a label in bold."""
    return f".//small[normalize-space(translate((.//b)[1], ':', ' '))='{label}']"


def read_destinations(node: Any) -> str | None:
    """Join the `<small>` elements behind the label "Ship to", up to the next line."""
    holder = next((one for one in find(node, labelled("Ship to"))), None)
    if holder is None:
        return None
    parts = [text(holder).partition(":")[2]]
    for sibling in holder.itersiblings():
        if sibling.tag != "small" or find(sibling, "label, b"):
            break
        parts.append(text(sibling))
    return " ".join(part for part in parts if part).strip(" ") or None


def read_imported(node: Any) -> tuple[str, ...]:
    """Ratings of other markets; the market's name is only in the name of its picture."""
    found = []
    for block in find(node, ".//h4[starts-with(normalize-space(.), 'Imported Feedback')]/following-sibling::div[1]"):
        for image in find(block, "img"):
            parts = [image.tail or ""]
            for sibling in image.itersiblings():
                if sibling.tag in {"img", "p"} or find(sibling, "img"):
                    break
                parts += [text(sibling), sibling.tail or ""]
            name = re.sub(r"^.*/|\.\w+$", "", image.get("src", ""))
            found.append(f"{name}: {' '.join(' '.join(parts).split()).removeprefix(':').strip()}")
    return tuple(found)


def read_pane(node: Any, heading: str) -> str | None:
    """The text of the open tab, line breaks kept, where it has this heading."""
    for pane in find(node, "div.tab-content div.tab-pane.active"):
        if any(text(one).strip(" :") == heading for one in find(pane, "h4")):
            return lines(pane).partition("\n")[2].strip() or None
    return None


INDEX = Rows(
    ".//div[@id='page-wrapper']//td/div[contains(@class, 'col-sm-12')][.//small[starts-with(normalize-space(.), 'Item #')]]",
    Listing,
    key=("small > a[href*='ls_id=']@href", r"[?&]ls_id=(\d+)"),
    path="small > a[href*='ls_id=']@href",
    title="small > a[href*='ls_id=']",
    vendor="a[href*='user.php?u_id=']",
    vendor_level=("span.badge", LEVEL),
    trust_level=("span.badge", r"Trust Level (\d+)"),
    category=Each(".//small[starts-with(normalize-space(.), 'Item #')]/a[contains(@href, 'cid=')]"),
    created_raw=("small", r"^Item #\d+ -\|- Created (.+?) -\|-"),
    stock_raw=(labelled("Quantity"), r"Quantity : ?(.+)$"),
    sales=(".//small[not(.//a)]", r"^Sold : ?([\d,]+)"),
    views=(".//small[not(.//a)]", r"^Sold : ?[\d,]+ / Views : ?([\d,]+)"),
    price_raw=(labelled("Sale Price"), r"Sale Price : ?([\d.,]+ [A-Z]{3,4})"),
    promoted=Has("small > b:has-text('[Sticky]')"),
)
DETAIL = Single(
    Listing,
    Fields(
        "#page-wrapper",
        {"Origin Country": "ship_from_raw", "Ship to": None, "Payment": "escrow_raw", "Product class": "listing_type", "Quantity": "stock_raw", "Shipping Options": None, "Current Secure PIN (6-Digit)": None},
        label="small > label",
        shape="tail",
        skip="form, div.tab-content",
    ),
    key=First(("#page-wrapper div.page-header a[href*='ls_id=']@href", r"[?&]ls_id=(\d+)"), ("#page-wrapper form[action*='ls_id=']@action", r"[?&]ls_id=(\d+)"), ("#page-wrapper ul.nav-tabs a@href", r"[?&]ls_id=(\d+)")),
    title=".//div[@id='page-wrapper']//td/div[contains(@class, 'col-sm-12')]/a[contains(@href, 'ls_id=')]",
    vendor=("#page-wrapper td small > a[href*='u_id=']", NAME),
    vendor_level=("#page-wrapper td span.badge", LEVEL),
    trust_level=("#page-wrapper td span.badge", r"Trust Level (\d+)"),
    price_raw=("#page-wrapper form h5, #page-wrapper h5", r"Sale Price : ?([\d.,]+ [A-Z]{3,4})"),
    ship_to_raw=read_destinations,
    sales=("#page-wrapper td small", r"^Sold : ?([\d,]+)"),
    description=Lines(".//div[contains(@class, 'tab-pane')][//ul[contains(@class, 'nav-tabs')]/li[@class='active'][contains(., 'Description')]]//pre"),
    extra=Extra(
        shipping=lambda node: " | ".join(text(one) for one in find(node, "select[name=p_psg] > option")),
        crypto_prices=lambda node: " | ".join(text(one).partition("/")[2].strip() for one in find(node, "#page-wrapper h5:has-text('Sale Price')")),
    ),
)  # fmt: skip
VENDOR = Single(
    Vendor,
    name=First(("#page-wrapper div.panel-body small > a > b", NAME), ("#page-wrapper ul.nav-tabs a[href*='u_id=']@href", r"[?&]u_id=([^&#]+)")),
    positive_percent=(labelled("Positive Feedback"), r"\(([\d.]+)\s*%\)"),
    vendor_level=("#page-wrapper span.badge", LEVEL),
    trust_level=("#page-wrapper span.badge", r"Trust Level (\d+)"),
    sales=First((labelled("Sales"), r": ?([\d,]+)"), ("#page-wrapper span.badge", r"Level \d+ \(([\d,]+)\)")),
    member_since_raw=(labelled("Member since"), r": ?(.+)$"),
    last_seen_raw=(labelled("Last Login"), r": ?(.+)$"),
    user_type=(labelled("User Type"), r": ?(.+)$"),
    fe_enabled=(labelled("FE"), r": ?(.+)$"),
    disputes_raw=(labelled("Won/Lost Disputes"), r": ?(.+)$"),
    orders_raw=(labelled("Orders"), r": ?(.+)$"),
    verified=lambda node: (bool(found) if (found := find(node, "#page-wrapper img[src*=yes_verified]")) or find(node, "#page-wrapper img[src*=not_verified]") else None),
    positive=("#page-wrapper button b", r"^Positive : (\d+)"),
    neutral=("#page-wrapper button b", r"^Neutral : (\d+)"),
    negative=("#page-wrapper button b", r"^Negative : (\d+)"),
    external_ratings=read_imported,
    profile=lambda node: read_pane(node, "About Me"),
    pgp_keys=Keys("div.tab-content"),
)  # fmt: skip
COLOURS = {"#5cb85c": "positive", "#777": "neutral", "#d9534f": "negative"}
FEEDBACK = Rows(
    f"{TABLE}[.//th[normalize-space(.)='Feedback']]//tr[count(td) > 2]",
    Feedback,
    rating=lambda row: next(
        (word for colour, word in COLOURS.items() if any(colour in one for one in find(row, "td:nth(1) span@style"))), None
    ),
    text="td > small:nth(1)",
    product="td > sub",
    buyer=Column("Buyer"),
    price_text=Column("Price"),
    date_raw=Column("Date Time", "Date", pattern=r"([A-Z][a-z]{2} \d{2}, \d{4}(?: \d{2}:\d{2})?)"),
    listing_key=("a[href*='ls_id=']@href", r"[?&]ls_id=(\d+)"),
)
TAB_VERDICT = re.compile(r"\b(Positive|Neutral|Negative) Feedback$")


def parse(page: Page) -> Iterator[Record]:
    match page.kind:
        case PageKind.LISTING_INDEX:
            yield from INDEX.read_or_empty(page)
        case PageKind.LISTING:
            yield from filter(None, [DETAIL.read(page, key=page.key, source=Source.DETAIL)])
        case PageKind.VENDOR:
            yield from filter(None, [VENDOR.read(page)])
        case PageKind.FEEDBACK if page.one(PROFILE) is not None:
            vendor = VENDOR.read(page)
            page.require(vendor, "a feedback page without the vendor's name")
            verdict = TAB_VERDICT.search(page.text("ul.nav-tabs > li.active") or "")
            if vendor is not None:
                yield vendor
                yield from FEEDBACK.read(page, vendor=vendor.name, rating=verdict.group(1).lower() if verdict else None)
        case PageKind.FEEDBACK:
            listing = DETAIL.read(page, key=page.key, source=Source.DETAIL)
            page.require(listing, "a feedback page without its listing")
            if listing is not None:
                yield listing
                yield from FEEDBACK.read(page, vendor=listing.vendor, listing_key=listing.key)
    pages = [int(number) for one in page.all("ul.pagination a@href") if (number := (re.findall(r"[?&]pg=(\d+)", one) or ["0"])[0])]
    yield PageInfo(
        page.number("ul.pagination > li.active"),
        max(pages, default=None) or None,
        page.number("#page-wrapper sub > b:has-text('Total ')", r": ?([\d,]+)"),
        page.scope("pg"),
    )
    yield from page.links()
