"""Visual engines: what turns the truth of a moment into the pages of a market."""

from __future__ import annotations

import html
import random
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from torwatch.demo.market.lexicon import AISLES

if TYPE_CHECKING:
    import datetime as dt
    from decimal import Decimal

    from torwatch.demo.market.truth import Truth, TruthFeedback, TruthListing, TruthVendor
    from torwatch.demo.market.world import World

LISTINGS_PER_PAGE = 25
FEEDBACK_PER_PAGE = 20
PROMOTED_PER_PAGE = 2
SORTS = ("new", "old", "price_asc", "price_desc")

escape = html.escape


@dataclass(frozen=True, slots=True)
class Visit:
    """What is peculiar to one request: everything on a page that is no claim hangs on it."""

    serial: int  # which request this is to the market: moves its clock, rate and view counters
    nonce: str
    endless: bool = False  # indexes announce one page more than they ever reach


@dataclass(frozen=True, slots=True)
class Answer:
    """One page as the engine gives it, before any fault."""

    body: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of a paged list."""

    number: int
    pages: int
    total: int
    start: int
    stop: int


def cut(total: int, per_page: int, number: int, *, endless: bool = False) -> Slice:
    """The bounds of page `number`; past the last page the slice is empty unless the list is endless, when the last rows come again."""
    pages = max(1, -(-total // per_page))
    if endless:
        shown = min(number, pages)
        return Slice(number, max(number, pages) + 1, total + number * per_page, (shown - 1) * per_page, shown * per_page)
    return Slice(number, pages, total, (number - 1) * per_page, number * per_page)


@dataclass(slots=True)
class MarketView:
    """The truth of one moment, arranged as pages need it. `hidden` listings are missing from the indexes though their own pages live."""

    truth: Truth
    hidden: frozenset[str] = frozenset()
    _sorted: dict[tuple[int, str], list[TruthListing]] = field(default_factory=dict)
    _promoted: dict[int, list[TruthListing]] = field(default_factory=dict)
    _feedback: dict[str, list[TruthFeedback]] = field(default_factory=dict)

    @property
    def at(self) -> dt.datetime:
        """The simulated moment."""
        return self.truth.at

    def aisle(self, number: int, sort: str = "new") -> list[TruthListing]:
        """All listings that an index shows, in order; [] for an aisle that is not there."""
        if not 1 <= number <= len(AISLES):
            return []
        if (number, sort) not in self._sorted:
            name = AISLES[number - 1].name
            shown = [entry for entry in self.truth.listings.values() if entry.category[0] == name and entry.key not in self.hidden]
            if sort.startswith("price"):
                shown.sort(key=lambda entry: (entry.price, entry.key), reverse=sort == "price_desc")
            else:
                shown.sort(key=lambda entry: (entry.created, entry.key), reverse=sort != "old")
            self._sorted[number, sort] = shown
        return self._sorted[number, sort]

    def promoted(self, number: int) -> list[TruthListing]:
        """The listings that every page of an aisle repeats above its own rows."""
        if number not in self._promoted:
            self._promoted[number] = [listing for listing in self.aisle(number) if listing.promoted][:PROMOTED_PER_PAGE]
        return self._promoted[number]

    def feedback(self, vendor: TruthVendor) -> list[TruthFeedback]:
        """All feedback on a vendor, newest first."""
        if vendor.key not in self._feedback:
            self._feedback[vendor.key] = self.truth.feedback_of(vendor.key)
        return self._feedback[vendor.key]


class Engine(ABC):
    """One way a market looks. Engines keep no state: the same view, target and visit give the same bytes."""

    name: str
    redesign: tuple[tuple[str, str], ...]  # what a redesign makes of the markup: (before, after)
    relabel: tuple[tuple[str, str], ...]  # the same for a change that only moves the ship-from claim

    def __init__(self, *, decimal: str = ".") -> None:
        self.decimal = decimal

    @abstractmethod
    def world(self, seed: int, **options: object) -> World:
        """Make a world whose claims are worded as this engine's market words them; options as of `World`."""

    @abstractmethod
    def render(self, view: MarketView, target: str, visit: Visit) -> Answer:
        """The page at `target` (path and query); a 404 in the market's dress where there is none."""

    @abstractmethod
    def listing_path(self, key: str) -> str:
        """Path of a listing's own page."""

    @abstractmethod
    def vendor_path(self, vendor: TruthVendor) -> str:
        """Path of a vendor's own page."""

    def all_paths(self, view: MarketView) -> list[str]:
        """Every page that stands: front page, indexes, listings, vendors, feedback."""
        paths = ["/"]
        for number in range(1, len(AISLES) + 1):
            pages = cut(len(view.aisle(number)), LISTINGS_PER_PAGE, 1).pages
            paths += [self.aisle_path(number, page) for page in range(1, pages + 1)]
        paths += [self.listing_path(key) for key in view.truth.listings]
        for vendor in view.truth.vendors.values():
            paths.append(self.vendor_path(vendor))
            pages = cut(len(view.feedback(vendor)), FEEDBACK_PER_PAGE, 1).pages
            paths += [self.feedback_path(vendor, page) for page in range(1, pages + 1)]
        return paths

    def samples(self, view: MarketView) -> dict[str, str]:
        """One target of each kind of page, by the file name of a fixture."""
        listings = list(view.truth.listings.values())
        busiest = max(view.truth.vendors.values(), key=lambda vendor: (len(view.feedback(vendor)), vendor.key))
        physical = next(entry for entry in listings if entry.origin == "NL" and "except" in (entry.ship_to_raw or ""))
        return {
            "home": "/",
            "index": self.aisle_path(1),
            "index-2": self.aisle_path(3, 2),
            "index-empty": self.aisle_path(1, 999),
            "listing": self.listing_path(physical.key),
            "listing-digital": self.listing_path(next(entry.key for entry in listings if entry.listing_type == "Digital")),
            "listing-undeclared": self.listing_path(
                next(e.key for e in listings if e.origin_class == "undeclared" and e.ship_from_raw is None)
            ),
            "listing-gone": self.listing_path("1"),
            "vendor": self.vendor_path(busiest),
            "feedback": self.feedback_path(busiest),
        }

    @abstractmethod
    def aisle_path(self, number: int, page: int = 1, sort: str = "new") -> str:
        """Path of an index page."""

    @abstractmethod
    def feedback_path(self, vendor: TruthVendor, page: int = 1) -> str:
        """Path of a feedback page."""

    def amount(self, price: Decimal) -> str:
        """An amount with thousands separators and the market's decimal sign."""
        text = f"{price:,.2f}"
        return text.translate(str.maketrans(",.", ".,")) if self.decimal == "," else text


def split_target(target: str) -> tuple[str, dict[str, str]]:
    """Path and query (last value of each name) of a request target."""
    parts = urlsplit(target)
    return parts.path, {name: values[-1] for name, values in parse_qs(parts.query).items()}


def page_number(text: str | None) -> int:
    """A page number from a URL; 1 for what is none."""
    return max(1, int(text)) if text and text.isascii() and text.isdigit() else 1


def floating_rate(serial: int) -> float:
    """Currency units per bitcoin, different at every request."""
    return 61_250 * (1 + random.Random(serial).uniform(-0.01, 0.01))


def bitcoins(price: Decimal, rate: float) -> str:
    """A price in bitcoins at a floating rate: derived, never a claim."""
    return f"{float(price) / rate:.6f}"
