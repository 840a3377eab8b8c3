"""The truth of a simulated market at one moment, and what lies between two moments: what a perfect observer would have stored."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TruthListing:
    """One standing offer. Shipping and escrow are the claims as displayed on its detail page; `None` means that the page declares nothing."""

    key: str
    title: str
    vendor: str  # displayed name
    vendor_key: str  # the market's own vendor id
    category: tuple[str, ...]  # widest first
    price: Decimal  # exact, two places
    currency: str  # ISO 4217
    unit: str  # what stands after the slash
    listing_type: str  # "Physical" | "Digital"
    ship_from_raw: str | None
    ship_to_raw: str | None
    escrow: str
    description: str
    created: dt.datetime
    origin: str | None  # ISO 3166-1 alpha-2 of the claimed origin, None where the claim is no country
    origin_class: str  # "country" | "region" | "world" | "undeclared" | "digital"
    codes_raw: str  # the same claims as an index with codes shows them: "GB → WW, EU"; empty for digital goods
    stock: int | None  # counter; None: unlimited
    sold: int  # counter
    views: int  # counter; pages add the number of requests to it
    promoted: bool


@dataclass(frozen=True, slots=True)
class TruthVendor:
    """One vendor with at least one standing offer; who has none has no page."""

    key: str
    name: str
    member_since: dt.date
    ship_from_raw: str | None
    ship_to_raw: str | None
    profile: str
    fe_enabled: bool
    pgp_key: str  # looks like an armoured public key block and is none
    level: int  # counter
    sales: int  # counter


@dataclass(frozen=True, slots=True)
class TruthFeedback:
    """One feedback entry. It stays on its vendor's pages after the listing is gone."""

    key: str  # the world's own number: no page shows it
    vendor: str
    listing_key: str
    product: str
    buyer: str  # masked
    text: str
    rating: str  # "positive" | "neutral" | "negative"
    at: dt.datetime  # whole minutes
    price: Decimal
    currency: str


class TruthChange(NamedTuple):
    """One difference; `field` is empty on the row that says that the entity as a whole is new, gone or back."""

    entity: str  # "listing" | "vendor" | "feedback"
    key: str
    field: str
    old: str | None
    new: str | None
    cause: str  # "new" | "changed" | "gone" | "back"


# Claims by the names and in the forms in which the store keeps them: what an observer writes down can be compared with the truth as it is.
LISTING_CLAIMS = {
    "title": "title",
    "vendor": "vendor_key",
    "category": "category",
    "price": "price",
    "currency": "currency",
    "price_unit": "unit",
    "listing_type": "listing_type",
    "ship_from": "ship_from_raw",
    "ship_to": "ship_to_raw",
    "escrow": "escrow",
    "description": "description",
}
VENDOR_CLAIMS = {
    "name": "name",
    "member_since": "member_since",
    "ship_from": "ship_from_raw",
    "ship_to": "ship_to_raw",
    "profile": "profile",
    "fe_enabled": "fe_enabled",
    "pgp": "pgp_key",
}
FEEDBACK_CLAIMS = {name: name for name in ("vendor", "listing_key", "product", "buyer", "text", "rating", "at", "price", "currency")}
CLAIMS = {"listing": LISTING_CLAIMS, "vendor": VENDOR_CLAIMS, "feedback": FEEDBACK_CLAIMS}


class Truth:
    """All that stands at `at`. Feedback is worked out when it is first asked for: in a large market it is most of the work."""

    def __init__(
        self,
        at: dt.datetime,
        listings: dict[str, TruthListing],
        vendors: dict[str, TruthVendor],
        vendor_feedback: Callable[[str], list[TruthFeedback]],
    ) -> None:
        self.at = at
        self.listings = listings
        self.vendors = vendors
        self._vendor_feedback = vendor_feedback

    def feedback_of(self, vendor_key: str) -> list[TruthFeedback]:
        """All feedback on one standing vendor, newest first."""
        return self._vendor_feedback(vendor_key)

    @cached_property
    def feedback(self) -> dict[str, TruthFeedback]:
        """All feedback on all standing vendors, by its key."""
        return {entry.key: entry for vendor_key in self.vendors for entry in self._vendor_feedback(vendor_key)}

    def records(self, entity: str) -> Mapping[str, TruthListing | TruthVendor | TruthFeedback]:
        """All of one entity by key: "listing", "vendor" or "feedback"."""
        if entity == "feedback":
            return self.feedback
        return self.listings if entity == "listing" else self.vendors

    def without(self, keys: Iterable[str]) -> Truth:
        """The same truth less some listings: what an observer sees of the indexes while a market hides them."""
        hidden = set(keys)
        return Truth(self.at, {k: v for k, v in self.listings.items() if k not in hidden}, self.vendors, self._vendor_feedback)

    def claimed_share(self, country: str) -> float:
        """Share of `country` (ISO alpha-2) among the listings that claim a country as origin; 0.0 when none does."""
        declared = [listing.origin for listing in self.listings.values() if listing.origin]
        return declared.count(country) / len(declared) if declared else 0.0


def claims_of(entity: str, record: TruthListing | TruthVendor | TruthFeedback) -> dict[str, str | None]:
    """The claims of one record as text: category joined by " > ", decimals plain, dates ISO, booleans "0" or "1"."""
    return {name: _as_text(getattr(record, attribute)) for name, attribute in CLAIMS[entity].items()}


def _as_text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, tuple):
        return " > ".join(value)
    if isinstance(value, dt.date):  # a datetime is a date too
        return value.isoformat()
    return str(value)


def diff_truth(
    before: Truth | None, after: Truth, *, known: Truth | None = None, entities: Iterable[str] = tuple(CLAIMS)
) -> list[TruthChange]:
    """What changed between two moments, sorted: claims only, counters never.

    `known` holds what was last seen of listings and vendors that do not stand in `before` (see `remember`): one of those that stands again is
    "back", with a row for each claim that differs from its last sight; without `known` it is "new". A new entity has one row with an empty
    field and one for each claim that is not None; a gone one has the empty row only. Feedback is only ever new: it does not go with its page.
    """
    rows: list[TruthChange] = []
    for entity in entities:
        old_records = before.records(entity) if before else {}
        new_records = after.records(entity)
        known_records = known.records(entity) if known else {}
        for key, record in new_records.items():
            old = old_records.get(key)
            if old == record:
                continue
            if old is not None:
                rows += _field_rows(entity, key, claims_of(entity, old), claims_of(entity, record), "changed")
            elif key not in known_records:
                rows.append(TruthChange(entity, key, "", None, None, "new"))
                rows += _field_rows(entity, key, {}, claims_of(entity, record), "new")
            elif entity != "feedback":
                rows.append(TruthChange(entity, key, "", None, None, "back"))
                rows += _field_rows(entity, key, claims_of(entity, known_records[key]), claims_of(entity, record), "back")
        if entity != "feedback":
            rows += [TruthChange(entity, key, "", None, None, "gone") for key in old_records if key not in new_records]
    return sorted(rows, key=lambda row: (row.entity, row.key, row.field, row.cause))


def _field_rows(entity: str, key: str, old: Mapping[str, str | None], new: Mapping[str, str | None], cause: str) -> list[TruthChange]:
    return [TruthChange(entity, key, name, old.get(name), value, cause) for name, value in new.items() if old.get(name) != value]


def remember(known: Truth | None, seen: Truth) -> Truth:
    """The last sight of everything seen so far, `seen` being the newest: what `diff_truth` takes as `known`."""
    if known is None:
        return seen
    feedback = known.feedback | seen.feedback
    by_vendor: dict[str, list[TruthFeedback]] = {}
    names = {vendor.name: key for key, vendor in (known.vendors | seen.vendors).items()}
    for entry in feedback.values():
        by_vendor.setdefault(names[entry.vendor], []).append(entry)
    return Truth(seen.at, known.listings | seen.listings, known.vendors | seen.vendors, lambda key: by_vendor.get(key, []))


State = dict[tuple[str, str], dict[str, str | None]]


def state_of(truth: Truth | None) -> State:
    """All claims of a truth by (entity, key)."""
    if truth is None:
        return {}
    return {(entity, key): claims_of(entity, record) for entity in CLAIMS for key, record in truth.records(entity).items()}


def replay_truth(before: State, rows: Iterable[TruthChange], archive: State | None = None) -> State:
    """Apply the rows of `diff_truth` to the state before them; gives the state after.

    `archive` holds the last known claims of what does not stand, so that "back" finds them. Feedback of vendors who left stays in the
    state: nothing ever takes it away.
    """
    state = {where: dict(claims) for where, claims in before.items()}
    for row in rows:
        where = (row.entity, row.key)
        if row.field:
            state[where][row.field] = row.new
        elif row.cause == "gone":
            del state[where]
        elif row.cause == "new":
            state[where] = dict.fromkeys(CLAIMS[row.entity])
        else:
            state[where] = dict((archive or {})[where])
    return state
