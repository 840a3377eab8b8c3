"""The words of marketplaces that a skeleton is guessed by: labels of fields, words in addresses, forms of prices and dates.

Generic vocabulary, collected over many scripts; a label that is missing here shows up as unmatched in `torwatch parser try`.
"""

# ruff: noqa: PLR2004 - points and thresholds of a guess: each stands once, where it is explained

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torwatch.model import PageKind
from torwatch.parserkit import fold_label

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LISTING: Mapping[str, str] = {
    "ship_from_raw": "ships from|ship from|shipping from|shipped from|shipping origin|ships from country|origin country|country of origin|origin|source|"
    "location|supplier location|supplier location(s)|sent from|sends from|from country|verzending vanuit|verzonden vanuit|herkomst|versand aus|"
    "versandt aus|herkunft|expédié de|expédition depuis|envío desde|enviado desde",
    "ship_to_raw": "ships to|ship to|shipping to|shipped to|ships to countries|destination|destinations|delivers to|delivery to|sends to|"
    "verzending naar|verzonden naar|versand nach|lieferung nach|expédié vers|envío a|shipping to (vendor)",
    "price_raw": "price|unit price|sale price|purchase price|buy price|item price|price per unit|cost|prijs|preis|prix|precio",
    "vendor": "vendor|seller|sold by|merchant|vendor name|seller name|shop|offered by|verkoper|verkäufer|vendeur|vendedor",
    "category": "category|categories|categorie|kategorie|catégorie|categoría",
    "stock_raw": "in stock|stock|quantity left|quantity in stock|available|availability|items left|left in stock|voorraad|auf lager",
    "views": "views|viewed|times viewed|item views",
    "sales": "sales|sold|sells|orders|total sold|times sold|total sales|verkocht|verkauft",
    "escrow_raw": "escrow|escrow type|payment|payment type|payment option|payment options|payment method|fe or escrow|escrow/fe",
    "listing_type": "product class|class|type|listing type|product type|item type|item class",
    "created_raw": "listed|created|added|added on|listed on|date added|posted|published",
    "sold_since_raw": "sold since",
    "minimum_order": "minimum order|minimum quantity|min order|minimum|min. quantity|minimal order",
    "vendor_level": "vendor level|seller level",
    "trust_level": "trust level",
}
_VENDOR: Mapping[str, str] = {
    "name": "username|vendor|seller|vendor name|user name|user|name|nickname",
    "member_since_raw": "member since|join date|joined|vendor since|seller since|registered|registered on|registration date|member from|lid sinds|mitglied seit",
    "last_seen_raw": "last seen|last active|last online|last login|last activity|last visit|last logged in",
    "ship_from_raw": _LISTING["ship_from_raw"],
    "ship_to_raw": _LISTING["ship_to_raw"],
    "fe_enabled": "fe enabled|fe|fe allowed|finalize early|finalise early|fe status|early finalization",
    "user_type": "user type|account type|role",
    "vendor_level": "vendor level|seller level|level",
    "trust_level": "trust level|trust",
    "sales": "sales|total sales|completed sales|deals|successful transactions|total deals",
    "orders_raw": "orders|total orders|finished orders|completed orders",
    "positive_percent": "positive feedback|positive ratings|feedback rating|percent positive",
    "rating_raw": "rating|average rating|overall rating|ratings|score",
    "disputes_raw": "disputes|disputes (won/lost)|disputes won/lost|disputes lost",
    "positive": "positive",
    "neutral": "neutral",
    "negative": "negative",
}


def _by_label(table: Mapping[str, str]) -> dict[str, str]:
    return {fold_label(label): name for name, labels in reversed(list(table.items())) for label in labels.split("|")}


LISTING_LABELS: Mapping[str, str] = _by_label(_LISTING)
VENDOR_LABELS: Mapping[str, str] = _by_label(_VENDOR)
LABELS: Mapping[PageKind, Mapping[str, str]] = {PageKind.LISTING: LISTING_LABELS, PageKind.VENDOR: VENDOR_LABELS}


def words_for(kind: PageKind, own: Mapping[str, str]) -> Mapping[str, str]:
    """Give the labels of a kind of page, with a market's own (as displayed → field) added where that kind has the field."""
    known = LABELS[kind]
    fields = set(known.values())
    return {**known, **{fold_label(label): name for label, name in own.items() if name in fields}}


_CODES = "USD|EUR|GBP|AUD|CAD|CHF|NZD|SEK|NOK|DKK|PLN|JPY|RUB|BTC|XMR|LTC|ETH|BCH|XBT|mBTC"
_AMOUNT = r"\d[\d.,'\u00a0]*"
PRICE = re.compile(rf"(?:[$€£¥฿₿]\s?\+?{_AMOUNT}|{_AMOUNT}\s?[$€£¥฿₿]|\b(?:{_CODES})\b\s?[$€£฿]?\+?\s?{_AMOUNT}|{_AMOUNT}\s?(?:{_CODES}))")
PRICE_RULE = rf"((?:(?:{_CODES})\s?[$€£฿]?|[$€£¥฿₿])\s?{_AMOUNT}(?:\s?(?:{_CODES}))?|{_AMOUNT}\s?(?:{_CODES}|[$€£¥฿₿]))"
DATE = re.compile(
    r"\b(?:\d{4}-\d\d-\d\d|\d\d?[/.-]\d\d?[/.-]\d{2,4}|(?:\d\d? )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* (?:\d\d?,? )?\d{4}|"
    r"\d+ ?(?:d|h|m|w|days?|hours?|minutes?|weeks?|months?|years?)\b(?: ago)?)|\byesterday\b|\btoday\b",
    re.IGNORECASE,
)
MASKED = re.compile(r"\b\w(?:\*{2,}|\.{3,}| ?(?:\. ){2,}\.)\s?\w\b|\w\*{3,}|\*{3,}\w")
ARROW = re.compile(r"^\s*(\S[^→⟶➔➜]{0,60}?)\s*(?:→|⟶|➔|➜|->|=>)\s*(\S.{0,200})$")
KEY_BLOCK = "-----BEGIN PGP PUBLIC KEY BLOCK-----"


def _numeric(value: str) -> bool:
    return any(char.isdigit() for char in value) and len(value) <= 60  # longer is a sentence


def _worded(value: str) -> bool:
    return any(char.isalpha() for char in value) and len(value) <= 300 and ":" not in value  # a list of countries


def _short(value: str) -> bool:
    return 0 < len(value) <= 60  # a name or a few words


PLAUSIBLE: Mapping[str, Callable[[str], bool]] = {
    "price_raw": _numeric, "views": _numeric, "sales": _numeric, "positive": _numeric, "neutral": _numeric, "negative": _numeric,
    "positive_percent": _numeric, "orders_raw": _numeric, "sold_since_raw": _numeric, "ship_from_raw": _worded, "ship_to_raw": _worded,
    "member_since_raw": lambda value: DATE.search(value) is not None or _numeric(value),
}  # fmt: skip


def is_plausible(name: str, value: str | None) -> bool:
    """Say whether a value can be meant for a field: numbers where numbers stand, words where places stand, nothing longer than a line."""
    return bool(value) and PLAUSIBLE.get(name, _short)(value or "")


# Words in addresses: of a path's parts and of names in a query.
WORDS: Mapping[PageKind, frozenset[str]] = {
    PageKind.FEEDBACK: frozenset({"feedback", "feedbacks", "review", "reviews", "rating", "ratings", "memberratings"}),
    PageKind.LISTING: frozenset(
        {"product", "listing", "item", "offer", "viewproduct", "viewlisting", "viewitem", "ls", "l", "p", "good", "goods", "article", "artikel", "pid"}
    ),
    PageKind.VENDOR: frozenset(
        {"vendor", "vendors", "seller", "sellers", "user", "users", "u", "member", "profile", "merchant", "store", "stores", "shop", "contactmember", "userinfo", "@", "viewuser", "verkoper"}
    ),
    PageKind.LISTING_INDEX: frozenset(
        {"category", "categories", "cat", "cats", "search", "listings", "products", "items", "offers", "aisle", "browse", "page", "subcategory", "market", "tag"}
    ),
}  # fmt: skip
IGNORED = frozenset(
    [
        "login",
        "logout",
        "register",
        "signup",
        "signin",
        "signout",
        "cart",
        "basket",
        "checkout",
        "orders",
        "message",
        "messages",
        "pm",
        "support",
        "faq",
        "help",
        "settings",
        "wallet",
        "deposit",
        "withdraw",
        "ticket",
        "tickets",
        "forum",
        "report",
        "favorite",
        "favorites",
        "favourite",
        "wishlist",
        "image",
        "images",
        "img",
        "css",
        "js",
        "captcha",
        "lang",
        "language",
        "currency",
        "assets",
        "static",
        "avatar",
        "upload",
        "uploads",
        "rules",
        "about",
        "wiki",
        "affiliate",
        "referral",
        "password",
        "recover",
        "contact",
        "compose",
        "block",
        "bookmark",
        "notifications",
        "mail",
        "inbox",
        "disputes",
        "pgp",
        "key",
        "terms",
        "delivery",
    ]
)
CHROME_TITLES = re.compile(
    r"^(?:log ?in|register|search|categor\w+|browse|filters?|reviews?|feedback\w*|ratings?|descriptions?|about|news|featured.*|related.*|similar.*|recommended.*|profile|vendor|"
    r"terms.*|refund.*|home|welcome.*|cart|buy|order|messages?|exchange rates?|shipping.*|pgp.*|statistics|options?|details|listings?|products?|all|stats?|overview|"
    r"other (?:listings|products|items).*|quick.*|advanced.*|account.*|contact.*|price|sold by.*|announcements?)\W*$",
    re.IGNORECASE,
)
