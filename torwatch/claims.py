"""From a parser's records to the rows that are compared: the one place where raw strings meet the normalisers."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.model import Evidence, Feedback, Listing, MarketFacts, PageKind, Parsed, Price, Source, Vendor
from torwatch.normalise.rates import implied_rates
from torwatch.normalise.units_number import parse_decimal
from torwatch.store.entities import LISTING, VENDOR
from torwatch.store.staging import EntityRow, StagedPage

if TYPE_CHECKING:
    from torwatch.parserkit import Market
    from torwatch.store.precedence import Coverage

DIGEST_CHARACTERS = 32  # 128 bits of sha256 are enough to tell texts apart
SEPARATOR = "\x1f"  # between the parts of a key: no page text holds it after white space is collapsed
VENDOR_TABLE_FIELDS = frozenset({"title", "vendor"})  # all that a vendor's table of listings is believed for
IMPLIED_VENDOR_FIELDS = frozenset({"name"})  # all that a listing row says of its vendor

PRINTED_RATE = re.compile(r"([A-Z]{3,5}) per ([A-Z]{3,5})")
NO_TIME = dt.datetime.min.replace(tzinfo=dt.UTC)  # a quote gets the time of its snapshot when it becomes a rate

ALWAYS_FOLLOWED = frozenset({PageKind.HOME, PageKind.LISTING_INDEX})

NormalisePrice = Callable[[str | None, MarketFacts], Price]


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """What a market's declared facts mean for its claim rows."""

    facts: MarketFacts
    shown: Mapping[PageKind, frozenset[str]]  # record fields that each kind of page can show
    followed: frozenset[PageKind]  # kinds of page that the parser can read: others are not fetched
    vendor_by_key: bool  # vendors are told apart by the market's own id, because every listing page shows it
    price: NormalisePrice

    def coverage(self) -> dict[str, Coverage]:
        """Which claims each source can show, for the diff."""
        return {
            "listing": {
                Source.DETAIL: LISTING.claims_of(self.shown.get(PageKind.LISTING, frozenset())),
                Source.INDEX: LISTING.claims_of(self.shown.get(PageKind.LISTING_INDEX, frozenset())),
                Source.VENDOR_TABLE: LISTING.claims_of(VENDOR_TABLE_FIELDS),
            },
            "vendor": {
                Source.DETAIL: VENDOR.claims_of(self.shown.get(PageKind.VENDOR, frozenset()) | IMPLIED_VENDOR_FIELDS),
                Source.INDEX: VENDOR.claims_of(IMPLIED_VENDOR_FIELDS),
            },
        }


def rules_of(market: Market, price: NormalisePrice) -> ClaimRules:
    """Derive the rules from what a parser declares."""
    shown = {PageKind(kind): frozenset((*spec.mandatory, *spec.optional)) for kind, spec in market.specs.items()}
    listing_kinds = [shown[kind] for kind in (PageKind.LISTING_INDEX, PageKind.LISTING) if kind in shown]
    readable = {PageKind(kind) for kind, spec in market.specs.items() if spec.evidence is not Evidence.GATE_ONLY}
    by_key = bool(listing_kinds) and all("vendor_key" in fields for fields in listing_kinds)
    return ClaimRules(market.facts, shown, frozenset(readable | ALWAYS_FOLLOWED), by_key, price)


def digest(*parts: str | None) -> str:
    """A short stable digest of named texts: sha256, never Python's salted hash()."""
    return hashlib.sha256(SEPARATOR.join(part or "" for part in parts).encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_CHARACTERS]


def stage_of(parsed: Parsed, rules: ClaimRules) -> StagedPage:
    """All rows that one parsed page gives."""
    texts: dict[str, str] = {}
    listings = tuple(listing_row(listing, rules, texts) for listing in parsed.listings)
    vendors = {row.key: row for row in implied_vendors(parsed.listings, rules)}
    pages = tuple(vendor_row(vendor, texts) for vendor in parsed.vendors)
    info = parsed.info
    return StagedPage(
        listings=listings,
        vendors=(*pages, *vendors.values()),
        feedback=tuple(feedback_rows(parsed.feedback, rules)),
        texts=tuple(texts.items()),
        scope=info.scope if info else "",
        total=info.total if info and parsed.kind is PageKind.LISTING_INDEX else None,
        pages=info.pages if info and parsed.kind is PageKind.LISTING_INDEX else None,
        fills=tuple(fill_rates(parsed, rules)),
        rates=tuple(quoted_rates(parsed, rules)),
    )


def quoted_rates(parsed: Parsed, rules: ClaimRules) -> Iterable[tuple[str, str, str]]:
    """(base, quote, rate) that a page's double quotes imply ("0.00787 BTC (72.80 EUR)") and that it prints ("EUR per BTC")."""
    for listing in parsed.listings:
        for rate in implied_rates(rules.price(listing.price_raw, rules.facts), NO_TIME, ""):
            yield rate.base, rate.quote, format(rate.rate, "f")
    for pair, figure in parsed.info.rates if parsed.info else ():
        named, value = PRINTED_RATE.fullmatch(pair), parse_decimal(figure, rules.facts.decimal)
        if named and value and named[1] != named[2]:
            yield named[2], named[1], format(value, "f")


def keep_text(text: str | None, texts: dict[str, str]) -> str | None:
    """The digest under which a long text is stored; the text itself goes to `texts`."""
    if not text:
        return None
    key = digest(text)
    texts[key] = text
    return key


def listing_row(listing: Listing, rules: ClaimRules, texts: dict[str, str]) -> EntityRow:
    """One listing as claims and counters."""
    price = rules.price(listing.price_raw, rules.facts)
    values: dict[str, Any] = {
        "title": listing.title,
        "vendor": (listing.vendor_key if rules.vendor_by_key else None) or listing.vendor,
        "category": " > ".join(listing.category) or None,
        "price": price.amount,
        "currency": price.currency,
        "price_unit": price.unit,
        "price_maximum": price.maximum,
        "ship_from": listing.ship_from_raw,
        "ship_to": listing.ship_to_raw,
        "listing_type": listing.listing_type,
        "escrow": listing.escrow_raw,
        "created": listing.created_raw,
        "sold_since": listing.sold_since_raw,
        "minimum_order": listing.minimum_order,
        "description": keep_text(listing.description, texts),
    }
    row_digest = digest(*(f"{name}={value}" for name, value in values.items() if value is not None))
    counters = {column.name: getattr(listing, column.record_field) for column in LISTING.counters}
    return EntityRow(listing.key, listing.source, values | counters, listing.path, row_digest, listing.promoted)


def implied_vendors(listings: Iterable[Listing], rules: ClaimRules) -> Iterable[EntityRow]:
    """The vendor accounts that listing rows name."""
    for listing in listings:
        key = (listing.vendor_key if rules.vendor_by_key else None) or listing.vendor
        if key:
            yield EntityRow(key, Source.INDEX, {"name": listing.vendor})


def vendor_row(vendor: Vendor, texts: dict[str, str]) -> EntityRow:
    """One vendor account as claims and counters."""
    claims: dict[str, Any] = {
        "name": vendor.name,
        "member_since": vendor.member_since_raw,
        "ship_from": vendor.ship_from_raw,
        "ship_to": vendor.ship_to_raw,
        "fe_enabled": as_integer(vendor.fe_enabled),
        "verified": as_integer(vendor.verified),
        "banned": as_integer(vendor.banned),
        "user_type": vendor.user_type,
        "profile": keep_text(vendor.profile, texts),
        "pgp": keep_text("\n".join(sorted(vendor.pgp_keys)), texts),
    }
    counters = {column.name: getattr(vendor, column.record_field) for column in VENDOR.counters}
    return EntityRow(vendor.key or vendor.name, vendor.source, claims | counters, vendor.path)


def as_integer(flag: bool | None) -> int | None:  # noqa: FBT001 - a flag of the market, not of this function
    """SQLite's form of a flag."""
    return None if flag is None else int(flag)


def feedback_rows(entries: Iterable[Feedback], rules: ClaimRules) -> Iterable[dict[str, Any]]:
    """Feedback entries with their identity: the market's own id, else a digest of what does not move.

    Prices and ages are left out of the digest (converted prices and "5d" move by themselves). Entries of one page that agree in all
    the rest are told apart by their count, so that equal feedback twice stays two.
    """
    met: dict[str, int] = {}
    for entry in entries:
        vendor = entry.vendor_key or entry.vendor
        base = entry.key or digest(
            "feedback",
            vendor,
            entry.listing_key or entry.product,
            entry.buyer,
            entry.text,
            entry.rating,
            None if entry.stars is None else str(entry.stars),
            entry.date_raw,
        )
        count = met[base] = met.get(base, 0) + 1
        yield {
            "key": base if count == 1 else f"{base}-{count}",
            "vendor": vendor,
            "listing_key": entry.listing_key,
            "product": entry.product,
            "buyer_hash": digest("buyer", rules.facts.name, entry.buyer)[:16] if entry.buyer else None,
            "body": entry.text,
            "rating": entry.rating,
            "stars": entry.stars,
            "price_text": entry.price_text,
            "date": entry.date_raw,
            "age": entry.age_raw,
            "delivery": entry.delivery_raw,
        }


def fill_rates(parsed: Parsed, rules: ClaimRules) -> Iterable[tuple[str, str, int, int]]:
    """(kind, field, filled, records) of every field that pages of this kind declare: the raw matter of drift detection."""
    records: tuple[Any, ...] = {
        PageKind.LISTING_INDEX: parsed.listings,
        PageKind.LISTING: parsed.listings,
        PageKind.VENDOR: parsed.vendors,
        PageKind.FEEDBACK: parsed.feedback,
    }.get(parsed.kind, ())
    if records:
        for name in sorted(rules.shown.get(parsed.kind, ())):
            yield parsed.kind.value, name, sum(getattr(record, name) not in (None, "", ()) for record in records), len(records)
