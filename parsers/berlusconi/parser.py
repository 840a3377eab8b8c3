"""Berlusconi (2017-2019): a Hansa clone with one script, index.php?c=…&a=…, and listing codes in hexadecimal."""

from torwatch.parserkit import Each, Evidence, KindSpec, PageKind
from torwatch.parserkit.engines import hansa

CODE = r"[?&]code=([0-9A-Za-z]+)"
MARKET = hansa.market(
    "berlusconi",
    title="Berlusconi Market",
    start=("/index.php?c=listings",),
    kinds={
        r"[?&]c=profile\b|[?&]c=(?:orders|users|faq)\b": PageKind.OTHER,  # wishes, messages, purchases: never followed
        r"[?&]c=listings&a=product&code=(?P<key>[0-9A-Za-z]+)&tab=3": PageKind.FEEDBACK,
        r"[?&]c=listings&a=product&code=(?P<key>[0-9A-Za-z]+)&tab=": PageKind.OTHER,
        r"[?&]c=listings&a=product&code=(?P<key>[0-9A-Za-z]+)": PageKind.LISTING,
        r"[?&]c=listings&a=vendor&v_id=(?P<key>[0-9A-Za-z]+)": PageKind.VENDOR,
        r"[?&]c=listings(?:&a=search\b.*)?$": PageKind.LISTING_INDEX,
        r"^/(?:index\.php)?\??$": PageKind.HOME,
    },
    shapes={
        PageKind.FEEDBACK: ".//ul[contains(@class, 'nav-tabs')]/li[contains(@class, 'active')]/a[normalize-space(.)='Feedback']",
        PageKind.LISTING: ("input[name=product_code]", "ul.nav-tabs > li > a[href*='a=product']"),
        PageKind.LISTING_INDEX: "div.row-item div.item-details",
    },
    specs={
        PageKind.LISTING_INDEX: KindSpec(("title", "vendor"), ("path", "price_raw", "ship_from_raw"), Evidence.DESCRIBED),
        PageKind.LISTING: KindSpec(
            ("title", "vendor", "listing_type"),
            ("price_raw", "stock_raw", "category", "ship_from_raw", "ship_to_raw", "escrow_raw", "sales", "sold_since_raw"),
        ),
        PageKind.VENDOR: KindSpec(evidence=Evidence.GATE_ONLY),
        PageKind.FEEDBACK: KindSpec((), ("rating", "text", "buyer", "date_raw"), Evidence.DESCRIBED),
    },
    empty="",
    signs=("title:Berlusconi", "img[alt='BERLUSCONI MARKET']"),
    opened="2017-07",
    closed="2019-09",
)
VENDOR_LINK = "table.no-border a[href*='a=vendor']"
parse = hansa.Engine(
    index=hansa.INDEX.but(key=("div.item-details a@href", CODE), vendor="a[href*='a=vendor']"),
    detail=hansa.DETAIL.but(
        key=("input[name=product_code]@value, ul.nav-tabs a[href*='a=product']@href", r"(?:^|[?&]code=)([0-9A-Za-z]+)(?:&|$)"),
        vendor=VENDOR_LINK,
        category=Each("ol.breadcrumb a[href*='cat=']"),
    ),
    feedback=hansa.FEEDBACK.but(listing_key=("a[href*='code=']@href", CODE)),
).parse
