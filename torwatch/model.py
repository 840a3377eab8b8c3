"""The values that travel through torwatch: frozen, stdlib only, raw strings where a market said something.

`None` in a record means "the page shows that there is none"; a field that this kind of page cannot show at all is simply not
declared for that kind (see `KindSpec`), so that a weaker source never erases what a stronger one said.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - the types of these fields may be asked for at run time
from dataclasses import dataclass, field
from enum import StrEnum


class PageKind(StrEnum):
    """What a page is, as the URL or the page itself says."""

    HOME = "home"
    LISTING_INDEX = "listing-index"
    LISTING = "listing"
    VENDOR = "vendor"
    FEEDBACK = "feedback"
    OTHER = "other"


class Outcome(StrEnum):
    """What a visit to one page met: stored with the page, never raised."""

    OK = "ok"
    UNCHANGED = "unchanged"
    GONE = "gone"
    HTTP_ERROR = "http_error"
    TOO_LARGE = "too_large"
    NOT_TEXT = "not_text"
    OFF_ONION_REDIRECT = "off_onion_redirect"
    TIMEOUT_CONNECT = "timeout_connect"
    TIMEOUT_TOTAL = "timeout_total"
    STALLED = "stalled"
    RESET = "reset"
    ONION_NOT_FOUND = "onion_not_found"
    ONION_UNREACHABLE = "onion_unreachable"
    ONION_NEEDS_KEY = "onion_needs_key"
    ONION_BAD_KEY = "onion_bad_key"
    ONION_BAD_ADDRESS = "onion_bad_address"
    ONION_REFUSED = "onion_refused"  # the onion was reached, but its web server does not answer or the port is not offered
    ONION_UNKNOWN = "onion_unknown"  # no answer, and tor did not say why (ExtendedErrors is off, or an unknown code)
    WRONG_MARKET = "wrong_market"  # the address serves the front page of another market
    TOR_DOWN = "tor_down"
    LOGIN = "login"
    CAPTCHA = "captcha"
    QUEUE = "queue"
    BANNED = "banned"
    MAINTENANCE = "maintenance"
    SEIZED = "seized"
    PHISHING_CHECK = "phishing_check"
    LAYOUT_CHANGED = "layout_changed"
    PARSE_LIMIT = "parse_limit"
    EMPTY = "empty"


GOOD_OUTCOMES = frozenset({Outcome.OK, Outcome.UNCHANGED})
OBSTACLE_OUTCOMES = frozenset(
    {Outcome.LOGIN, Outcome.CAPTCHA, Outcome.QUEUE, Outcome.BANNED, Outcome.MAINTENANCE, Outcome.SEIZED, Outcome.PHISHING_CHECK}
)


class Evidence(StrEnum):
    """How well a parser's knowledge of a page kind is founded."""

    PAGE = "page"  # written against saved pages
    DESCRIBED = "described"  # written from described DOM facts only
    GATE_ONLY = "gate-only"  # only gates and bans of this market are known


class Source(StrEnum):
    """Where a record of a listing or vendor was read; the order in SOURCE_RANK says which is believed."""

    DETAIL = "detail"
    INDEX = "index"
    VENDOR_TABLE = "vendor-table"


SOURCE_RANK = {Source.DETAIL: 3, Source.INDEX: 2, Source.VENDOR_TABLE: 1}


@dataclass(frozen=True, slots=True)
class Listing:
    """One offer as a page shows it. Strings are white-space collapsed, otherwise as displayed."""

    key: str  # the market's own id, from the URL where it has one
    title: str | None = None
    vendor: str | None = None  # displayed name
    vendor_key: str | None = None  # the market's own vendor id where it differs from the name
    path: str | None = None  # path and query of the detail page, as linked
    category: tuple[str, ...] = ()  # the market's own path, widest first
    price_raw: str | None = None  # the price in the listing's own currency as displayed: "131.25 USD/Ounce"
    ship_from_raw: str | None = None
    ship_to_raw: str | None = None
    listing_type: str | None = None  # "Physical Package", "digital" … as displayed
    escrow_raw: str | None = None
    created_raw: str | None = None
    sold_since_raw: str | None = None
    description: str | None = None
    minimum_order: str | None = None
    stock_raw: str | None = None  # counter: "97 Items Available", "Unlimited"
    sales: int | None = None  # counter: orders the page counts for this listing
    views: int | None = None  # counter
    vendor_level: str | None = None  # counter (of the vendor, shown on the listing)
    trust_level: str | None = None  # counter
    promoted: bool = False  # sticky, featured or advertised: repeats a normal row
    source: Source = Source.INDEX
    extra: tuple[tuple[str, str], ...] = ()  # what the market shows beyond these: (name, displayed text)


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor account as a page shows it."""

    name: str
    key: str | None = None  # the market's own id where it differs from the name
    path: str | None = None
    member_since_raw: str | None = None
    ship_from_raw: str | None = None
    ship_to_raw: str | None = None
    fe_enabled: bool | None = None  # "finalise early" allowed
    verified: bool | None = None
    banned: bool | None = None
    user_type: str | None = None  # "Seller" | "Buyer" as displayed: a profile may belong to a buyer
    profile: str | None = None  # own words of the vendor, terms included
    pgp_keys: tuple[str, ...] = ()  # armoured public key blocks
    last_seen_raw: str | None = None  # counter
    vendor_level: str | None = None  # counter
    trust_level: str | None = None  # counter
    sales: int | None = None  # counter
    positive_percent: str | None = None  # counter
    rating_raw: str | None = None  # counter
    orders_raw: str | None = None  # counter
    disputes_raw: str | None = None  # counter
    positive: int | None = None  # counter
    neutral: int | None = None  # counter
    negative: int | None = None  # counter
    external_ratings: tuple[str, ...] = ()  # ratings imported from other markets, as displayed
    source: Source = Source.DETAIL
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Feedback:
    """One feedback entry as a page shows it."""

    vendor: str | None = None
    vendor_key: str | None = None
    listing_key: str | None = None
    product: str | None = None
    buyer: str | None = None  # masked by the market; hashed before it reaches SQLite
    text: str | None = None
    rating: str | None = None  # "positive" | "neutral" | "negative" where the page gives a verdict
    stars: int | None = None
    price_text: str | None = None
    date_raw: str | None = None  # absolute: "Feb 03, 2020 02:59"
    age_raw: str | None = None  # relative: "9d", "1d 22h"
    delivery_raw: str | None = None
    key: str | None = None  # the market's own id; else derived by the core from named fields


@dataclass(frozen=True, slots=True)
class Link:
    """A way onward: the parser says what it leads to, the crawl decides when."""

    kind: PageKind
    path: str
    priority: int = 0  # higher is sooner, inside one kind
    key: str | None = None  # of the listing or vendor it leads to, where the link tells


@dataclass(frozen=True, slots=True)
class PageInfo:
    """What an index or feedback page announces about the whole list."""

    page_number: int | None = None
    pages: int | None = None
    total: int | None = None  # entries the market counts in the whole list
    scope: str = ""  # which list: the category or search the totals belong to
    rates: tuple[tuple[str, str], ...] = ()  # exchange rates printed on the page: ("USD per BTC" …), (currency pair, decimal)


Record = Listing | Vendor | Feedback | Link | PageInfo


@dataclass(frozen=True, slots=True)
class Parsed:
    """What parsing one page gave: an outcome, and the records when it is `ok`."""

    outcome: Outcome
    kind: PageKind
    listings: tuple[Listing, ...] = ()
    vendors: tuple[Vendor, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    links: tuple[Link, ...] = ()
    info: PageInfo | None = None
    reason: str = ""  # one line: why it is not ok
    unmatched: tuple[str, ...] = ()  # labels on the page that no field took
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer to one request, before parsing. `body` is decoded of transfer and content encoding."""

    url: str
    outcome: Outcome  # ok, or why there is nothing to parse
    fetched_at: dt.datetime  # aware UTC
    elapsed_ms: int
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()  # Set-Cookie already taken out
    body: bytes = b""
    reason: str = ""  # one line of diagnosis, e.g. "SOCKS 0xf0: descriptor not found"
    digest: str = ""  # sha256 of the body as it came
    redirect: str | None = None  # path on the same onion that the answer pointed to
    request_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def header(self, name: str) -> str:
        """The first value of a header by its lower-case name; "" where the answer had none."""
        return next((value for known, value in self.headers if known.lower() == name), "")


class ShipClass(StrEnum):
    """The widest thing a shipping claim says."""

    COUNTRY = "country"
    REGION = "region"
    WORLD = "world"
    DIGITAL = "digital"
    UNDECLARED = "undeclared"
    UNPARSEABLE = "unparseable"


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """What a market's parser declares that the normalisers need; the defaults are for an unknown market."""

    name: str = ""
    decimal: str = "."  # the decimal sign of prices and quantities
    currency: str | None = None  # what a bare "$" or a bare number means there, where known
    iso2: bool = False  # shipping claims are written as ISO 3166-1 alpha-2 codes ("GB → WW, EU")
    dates: str = "DMY"  # order of day, month, year in ambiguous dates
    languages: tuple[str, ...] = ("en",)


@dataclass(frozen=True, slots=True)
class Shipping:
    """A claimed origin or destination, normalised; the raw text stays beside it."""

    ship_class: ShipClass
    countries: tuple[str, ...] = ()  # ISO 3166-1 alpha-2, sorted: named for shipping
    excluded: tuple[str, ...] = ()  # ISO 3166-1 alpha-2, sorted: ruled out, never a destination
    regions: tuple[str, ...] = ()  # codes of data/regions: "EU", "Europe" …; not expanded to countries
    excluded_regions: tuple[str, ...] = ()  # codes of data/regions that are ruled out
    method: str = ""  # which rule or table gave it
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Price:
    """A displayed price, normalised to exact decimals; nothing is converted here."""

    amount: str | None = None  # canonical decimal string, the first amount; None: no price on the page or not understood
    currency: str | None = None  # ISO 4217 or BTC, XMR, LTC …; None where the page does not say
    unit: str | None = None  # what stands after the slash: "Ounce", "112g", "g"
    maximum: str | None = None  # upper end of a range
    others: tuple[tuple[str, str], ...] = ()  # the same price in other currencies as quoted: (currency, amount)
    method: str = ""


@dataclass(frozen=True, slots=True)
class Quantity:
    """The total amount of one order, from a title; None where it is not sure."""

    amount: str | None = None  # canonical decimal string
    unit: str | None = None  # "g" | "ml" | "unit"
    dose: str | None = None
    dose_unit: str | None = None  # "mg" | "ug"
    pack_count: str | None = None
    method: str = ""
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Substance:
    """The substance group of a listing."""

    group: str = "unknown"
    is_drug: bool | None = None
    method: str = ""  # "category", "title", "category+title", "none"
    confidence: float = 0.0
    version: str = ""  # of the table
