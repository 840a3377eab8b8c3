"""The bazaar engine: cards of divs, label and value in varying order, dollar signs, shipping as codes on the index.

Vendors are known by name, dates are DD/MM/YYYY, and a listing that is gone answers 200 with a sentence in the market's full dress.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from torwatch.demo.market.engine import (
    FEEDBACK_PER_PAGE,
    LISTINGS_PER_PAGE,
    SORTS,
    Answer,
    Engine,
    MarketView,
    Slice,
    Visit,
    bitcoins,
    cut,
    escape,
    floating_rate,
    page_number,
    split_target,
)
from torwatch.demo.market.lexicon import AISLES
from torwatch.demo.market.world import World

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from decimal import Decimal

    from torwatch.demo.market.truth import TruthFeedback, TruthListing, TruthVendor

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
PAGER_WINDOW = 3


class Bazaar(Engine):
    """Cards; prices as "$6.36/100g"; "GB → WW, EU" on the index and words on the listing's page."""

    name = "bazaar"
    redesign = (
        ('class="shopItem', 'class="tile'),
        ('class="oTitle"', 'class="tile-head"'),
        ('class="tabularDetails"', 'class="sheet"'),
        ('class="viewProduct"', 'class="product-main"'),
        ('class="memberCard"', 'class="seller-main"'),
        ('class="ratingRow', 'class="voice'),
        ("<label>", '<em class="k">'),
        ("</label>", "</em>"),
    )
    relabel = (("<label>Ships from</label>", "<label>Departs</label>"), ('class="osBod"', 'class="osRoute"'))

    def world(self, seed: int, **options: object) -> World:
        """Make a world priced in dollars whose vendors are known by name."""
        return World(seed, **({"currency": "USD"} | options))  # type: ignore[arg-type]  # options are World's own, by name

    def aisle_path(self, number: int, page: int = 1, sort: str = "new") -> str:
        """Path of an index page."""
        query = f"?id={number}" + (f"&page={page}" if page > 1 else "") + (f"&sort={sort}" if sort != "new" else "")
        return f"/category{query}"

    def listing_path(self, key: str) -> str:
        """Path of a listing's own page."""
        return f"/viewProduct?offer={key}"

    def vendor_path(self, vendor: TruthVendor) -> str:
        """Path of a vendor's own page."""
        return f"/contactMember?member={quote(vendor.key)}"

    def feedback_path(self, vendor: TruthVendor, page: int = 1) -> str:
        """Path of a feedback page."""
        return f"/memberRatings?member={quote(vendor.key)}" + (f"&page={page}" if page > 1 else "")

    def render(self, view: MarketView, target: str, visit: Visit) -> Answer:  # noqa: PLR0911 - one return a page kind
        """The page at a target."""
        path, query = split_target(target)
        if path == "/":
            return self._page(view, visit, "Welcome", self._home(view))
        if path == "/category":
            number = page_number(query.get("id"))
            if number <= len(AISLES):
                return self._page(view, visit, AISLES[number - 1].name, self._index(view, visit, number, query))
        if path == "/viewProduct":
            listing = view.truth.listings.get(query.get("offer", ""))
            if listing is None:
                return self._page(
                    view, visit, "Not found", '<div class="notice">Listing not found. It may have been removed by its vendor.</div>'
                )
            return self._page(view, visit, escape(listing.title), self._listing(view, visit, listing))
        if path in {"/contactMember", "/memberRatings"}:
            vendor = view.truth.vendors.get(query.get("member", ""))
            if vendor is None:
                return self._page(view, visit, "Not found", '<div class="notice">Member not found.</div>')
            number = page_number(query.get("page"))
            body = self._vendor(view, vendor) if path == "/contactMember" else self._ratings(view, vendor, number)
            return self._page(view, visit, escape(vendor.name), body)
        return self._page(view, visit, "Not found", '<div class="notice">404: there is no such page here.</div>', status=404)

    def _page(self, view: MarketView, visit: Visit, title: str, body: str, status: int = 200) -> Answer:
        clock = view.at.replace(second=visit.serial % 60).strftime("%d/%m/%Y %H:%M:%S")
        menu = "".join(f'<a href=".{escape(self.aisle_path(n))}">{escape(aisle.name)}</a> ' for n, aisle in enumerate(AISLES, 1))
        return Answer(
            '<!DOCTYPE html>\n<html><head><meta charset="utf-8">'
            f"<title>{title} - The Bazaar</title></head>\n<body>"
            f'<div class="top"><a href="./">The Bazaar</a> <span class="clock">{clock} UTC</span>'
            f' <span class="rate">1 BTC = ${floating_rate(visit.serial):,.2f}</span></div>\n'
            f'<form action="./search"><input type="hidden" name="token" value="{visit.nonce}"><input name="q">'
            '<select name="from"><option>Any</option><option>Afghanistan</option><option>Netherlands</option></select></form>\n'
            f'<div class="menu">{menu}</div>\n<div class="main">{body}</div>\n'
            f'<div class="foot">Request {visit.nonce[:8]} took {visit.serial % 90 + 4} ms</div></body></html>\n',
            status,
        )

    def _price(self, price: Decimal, currency: str) -> str:
        return f"{SIGNS.get(currency, currency + ' ')}{self.amount(price)}"

    def _home(self, view: MarketView) -> str:
        aisles = "".join(
            f'<li><a href=".{escape(self.aisle_path(n))}">{escape(aisle.name)}</a> ({len(view.aisle(n))})</li>'
            for n, aisle in enumerate(AISLES, 1)
        )
        return f'<h1>The Bazaar</h1><p>Good things from kitchens and gardens.</p><ul class="categories">{aisles}</ul>'

    def _index(self, view: MarketView, visit: Visit, number: int, query: dict[str, str]) -> str:
        sort = query.get("sort", "new")
        listings = view.aisle(number, sort if sort in SORTS else "new")
        part = cut(len(listings), LISTINGS_PER_PAGE, page_number(query.get("page")), endless=visit.endless)
        rows = listings[part.start : part.stop]
        cards = "".join(self._card(listing, visit, mark=" promoted") for listing in view.promoted(number) if rows)
        cards += "".join(self._card(listing, visit) for listing in rows)
        if not rows:
            cards = '<div class="notice">No listings in this category.</div>'
        sorts = " ".join(f'<a href=".{escape(self.aisle_path(number, 1, name))}">{name}</a>' for name in SORTS)
        head = f'<h1>{escape(AISLES[number - 1].name)}</h1><div class="sorts">Sort: {sorts}</div>'
        pager = self._pager(part, lambda page: self.aisle_path(number, page, sort if sort in SORTS else "new"))
        return f'{head}<div class="count">{part.total} results</div>{pager}<div class="shopItems">{cards}</div>{pager}'

    def _pager(self, part: Slice, path_of: Callable[[int], str]) -> str:
        near = {1, part.pages, *range(max(1, part.number - PAGER_WINDOW), min(part.pages, part.number + PAGER_WINDOW) + 1)}
        links = " ".join(f'<a href=".{escape(path_of(page))}">{page}</a>' for page in sorted(near) if page != part.number)
        return f'<div class="pager">Page {part.number} of {part.pages} {links}</div>'

    def _card(self, listing: TruthListing, visit: Visit, mark: str = "") -> str:
        vendor = escape(listing.vendor)
        parts = [
            f'<div class="oPrice">{self._price(listing.price, listing.currency)}/{escape(listing.unit)}</div>',
            f'<div class="oConv">≈ ฿{bitcoins(listing.price, floating_rate(visit.serial))}</div>',
            f'<div class="oVendor"><a href="./contactMember?member={quote(listing.vendor_key)}">{vendor}</a></div>',
        ]
        if listing.codes_raw:
            parts.append(
                f'<div class="oShips"><span class="osHead">Ships</span> <span class="osBod">{escape(listing.codes_raw)}</span></div>'
            )
        turn = int(listing.key) % len(parts)  # the order of a card's parts differs from card to card
        tag = '<span class="tag">Promoted</span> ' if mark else ""
        return (
            f'<div class="shopItem{mark}">{tag}<div class="oTitle"><a href=".{self.listing_path(listing.key)}">{escape(listing.title)}</a></div>'
            f'<div class="oCat">{escape(" > ".join(listing.category))}</div>{"".join(parts[turn:] + parts[:turn])}'
            f'<div class="oMeta">Views: <b>{listing.views + visit.serial}</b> Sold: <b>{listing.sold}</b></div></div>\n'
        )

    def _listing(self, view: MarketView, visit: Visit, listing: TruthListing) -> str:
        price = self._price(listing.price, listing.currency)
        vendor = f'<a href="./contactMember?member={quote(listing.vendor_key)}">{escape(listing.vendor)}</a>'
        rows: list[tuple[str, str | None]] = [
            ("Vendor", vendor),
            ("Price", f"{price}/{escape(listing.unit)} <small>(฿{bitcoins(listing.price, floating_rate(visit.serial))})</small>"),
            ("Ships from", None if listing.ship_from_raw is None else escape(listing.ship_from_raw)),
            ("Ships to", None if listing.ship_to_raw is None else escape(listing.ship_to_raw)),
            ("Escrow", escape(listing.escrow)),
            ("Type", listing.listing_type),
            ("Category", escape(" > ".join(listing.category))),
            ("Listed", f"{listing.created:%d/%m/%Y}"),
            ("In stock", "Unlimited" if listing.stock is None else str(listing.stock)),
            ("Sold", str(listing.sold)),
            ("Views", str(listing.views + visit.serial)),
        ]
        shown = [f"<div><label>{label}</label> <span>{value}</span></div>" for label, value in rows if value is not None]
        turn = int(listing.key) % len(shown)
        aside = "".join(f'<li><a href=".{self.listing_path(entry.key)}">{escape(entry.title[:30])}</a></li>' for entry in view.promoted(1))
        return (
            f'<div class="viewProduct"><div class="title">{escape(listing.title)}</div>'
            f'<div class="tabularDetails">{"".join(shown[turn:] + shown[:turn])}</div>'
            f'<div class="productDesc">{escape(listing.description)}</div>'
            f'<form action="./order?offer={listing.key}" method="post"><input name="count" value="1"><button>Order</button></form></div>'
            f'<div class="aside">Others look at<ul>{aside}</ul></div>'
        )

    def _vendor(self, view: MarketView, vendor: TruthVendor) -> str:
        ratings = view.feedback(vendor)
        count = {verdict: sum(entry.rating == verdict for entry in ratings) for verdict in ("positive", "neutral", "negative")}
        rows: list[tuple[str, str | None]] = [
            ("Username", escape(vendor.name)),
            ("FE enabled", "Yes" if vendor.fe_enabled else "No"),
            ("Join date", f"{vendor.member_since:%d/%m/%Y}"),
            ("Last active", f"{view.at:%d/%m/%Y} (today)"),
            ("Ships from", None if vendor.ship_from_raw is None else escape(vendor.ship_from_raw)),
            ("Ships to", None if vendor.ship_to_raw is None else escape(vendor.ship_to_raw)),
            ("Level", str(vendor.level)),
            ("Sales", str(vendor.sales)),
            ("Ratings", f"{count['positive']} positive, {count['neutral']} neutral, {count['negative']} negative"),
        ]
        shown = [f"<div><label>{label}</label> <span>{value}</span></div>" for label, value in rows if value is not None]
        turn = len(vendor.name) % len(shown)
        part = cut(len(ratings), FEEDBACK_PER_PAGE, 1)
        links = " ".join(f'<a href=".{escape(self.feedback_path(vendor, page))}">{page}</a>' for page in range(1, part.pages + 1))
        return (
            f'<div class="memberCard"><div class="tabularDetails">{"".join(shown[turn:] + shown[:turn])}</div>'
            f'<div class="profile">{escape(vendor.profile)}</div><pre class="pgp">{escape(vendor.pgp_key)}</pre></div>'
            f'<div class="ratingPages">{part.total} ratings: {links}</div>'
        )

    def _ratings(self, view: MarketView, vendor: TruthVendor, number: int) -> str:
        ratings = view.feedback(vendor)
        part = cut(len(ratings), FEEDBACK_PER_PAGE, number)
        rows = "".join(self._rating(entry) for entry in ratings[part.start : part.stop])
        name = f'<h1>Ratings of <a href=".{escape(self.vendor_path(vendor))}">{escape(vendor.name)}</a></h1>'
        rows = rows or '<div class="notice">No ratings yet.</div>'
        pager = self._pager(part, lambda page: self.feedback_path(vendor, page))
        return f'{name}<div class="count">{part.total} results</div>{pager}<div class="ratings">{rows}</div>'

    def _rating(self, entry: TruthFeedback) -> str:
        stars = {"positive": 5, "neutral": 3, "negative": 1}[entry.rating]
        return (
            f'<div class="ratingRow {entry.rating}"><span class="verdict">{entry.rating}</span> '
            + '<img src="./star_gold.png">' * stars
            + f'<span class="text">{escape(entry.text)}</span> <a href=".{self.listing_path(entry.listing_key)}">{escape(entry.product)}</a> '
            f'<span class="buyer">{escape(entry.buyer)}</span> <span class="paid">{self._price(entry.price, entry.currency)}</span> '
            f'<span class="when">{short_date(entry.at)}</span></div>\n'
        )


def short_date(moment: dt.datetime) -> str:
    """A moment as this engine dates feedback: to the minute, day first."""
    return f"{moment:%d/%m/%Y %H:%M}"
