"""The souk engine: tables of label and value cells, currency codes, titles cut short on the index, the claimed origin on the listing's page only.

Vendors have a number beside their name, dates are written out, and a listing that is gone answers 404 in the market's dress.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    from collections.abc import Callable
    from decimal import Decimal

    from torwatch.demo.market.truth import TruthFeedback, TruthListing, TruthVendor

INDEX_TITLE_LENGTH = 50


class Souk(Engine):
    """Tables; prices as "EUR 6.36" (or "EUR 6,36" with a decimal comma); two label/value pairs to a row."""

    name = "souk"
    redesign = (
        ('<table class="goods">', '<table class="wares">'),
        ('<tr class="row', '<tr class="ware'),
        ('<table class="facts">', '<table class="grid2">'),
        ('<td class="label">', "<th>"),
        ('class="listDes"', 'class="offer"'),
        ('class="shopHead"', 'class="stallHead"'),
        ('<tr class="review', '<tr class="opinion'),
    )
    relabel = (("Origin Country", "Sent out of"),)

    def world(self, seed: int, **options: object) -> World:
        """Make a world priced in euros, with marked continents and numbered vendors."""
        defaults: dict[str, object] = {"currency": "EUR", "marked_continents": True, "numbered_vendors": True}
        return World(seed, **(defaults | options))  # type: ignore[arg-type]  # options are World's own, by name

    def aisle_path(self, number: int, page: int = 1, sort: str = "new") -> str:
        """Path of an index page."""
        return f"/aisle/{number}/{page}" + (f"?sort={sort}" if sort != "new" else "")

    def listing_path(self, key: str) -> str:
        """Path of a listing's own page."""
        return f"/item/{key}"

    def vendor_path(self, vendor: TruthVendor) -> str:
        """Path of a vendor's own page."""
        return f"/shop/{vendor.key}"

    def feedback_path(self, vendor: TruthVendor, page: int = 1) -> str:
        """Path of a feedback page."""
        return f"/shop/{vendor.key}/reviews/{page}"

    def render(self, view: MarketView, target: str, visit: Visit) -> Answer:  # noqa: PLR0911 - one return a page kind
        """The page at a target."""
        path, query = split_target(target)
        match path.strip("/").split("/"):
            case [""]:
                return self._page(view, visit, "Front page", self._home(view, visit))
            case ["aisle", number, *page] if page_number(number) <= len(AISLES):
                body = self._index(view, visit, page_number(number), page_number(page[0] if page else None), query.get("sort", "new"))
                return self._page(view, visit, escape(AISLES[page_number(number) - 1].name), body)
            case ["item", key] if key in view.truth.listings:
                listing = view.truth.listings[key]
                return self._page(view, visit, escape(listing.title), self._listing(visit, listing))
            case ["shop", key] if key in view.truth.vendors:
                return self._page(view, visit, "Shop", self._vendor(view, view.truth.vendors[key]))
            case ["shop", key, "reviews", number] if key in view.truth.vendors:
                return self._page(view, visit, "Reviews", self._reviews(view, view.truth.vendors[key], page_number(number)))
            case ["item", _]:
                return self._page(
                    view, visit, "Not found", '<p class="error">This listing does not exist or was taken down.</p>', status=404
                )
            case _:
                return self._page(view, visit, "Not found", '<p class="error">Page not found.</p>', status=404)

    def _page(self, view: MarketView, visit: Visit, title: str, body: str, status: int = 200) -> Answer:
        clock = view.at.replace(second=visit.serial % 60).strftime("%B %d, %Y %H:%M:%S")
        menu = "".join(f'<td><a href="{self.aisle_path(n)}">{escape(aisle.name)}</a></td>' for n, aisle in enumerate(AISLES, 1))
        # The cells of the layout tables are left unclosed, as old scripts leave them.
        return Answer(
            f'<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"><title>{title} | Souk</title></head><body>'
            f'<table class="head"><tr><td><a href="/">Souk</a><td>{clock}<td>1 BTC = EUR {floating_rate(visit.serial):.2f}</table>\n'
            f'<table class="menu"><tr>{menu}</tr></table><input type=hidden name="csrf_{visit.nonce[:6]}" value="{visit.nonce}">\n'
            f'<div id="content">{body}</div>\n<small>{visit.serial} pages served, {visit.serial % 40 + 3} people online</small></body></html>\n',
            status,
        )

    def _price(self, price: Decimal, currency: str) -> str:
        return f"{currency} {self.amount(price)}"

    def _home(self, view: MarketView, visit: Visit) -> str:
        aisles = "".join(
            f'<tr><td><a href="{self.aisle_path(n)}">{escape(aisle.name)}</a></td><td>{len(view.aisle(n))}</td></tr>'
            for n, aisle in enumerate(AISLES, 1)
        )
        featured = "".join(
            f'<td class="featured"><a href="{self.listing_path(listing.key)}">{escape(listing.title[:30])}</a><br>'
            f"Buy: {self._price(listing.price, listing.currency)} seen {listing.views + visit.serial}</td>"
            for n in range(1, len(AISLES) + 1)
            for listing in view.promoted(n)
        )
        return f'<h1>Souk</h1><table class="aisles">{aisles}</table><h3>Featured</h3><table class="feature"><tr>{featured}</tr></table>'

    def _index(self, view: MarketView, visit: Visit, number: int, page: int, sort: str) -> str:
        sort = sort if sort in SORTS else "new"
        listings = view.aisle(number, sort)
        part = cut(len(listings), LISTINGS_PER_PAGE, page, endless=visit.endless)
        rows = listings[part.start : part.stop]
        cells = "".join(self._row(listing, visit, mark="[sticky] ") for listing in view.promoted(number) if rows)
        cells += "".join(self._row(listing, visit) for listing in rows)
        goods = f'<table class="goods">{cells}</table>' if rows else "<p>There is currently nothing to show.</p>"
        sorts = " | ".join(f'<a href="{self.aisle_path(number, 1, name)}">{name}</a>' for name in SORTS)
        pager = self._pager(part, lambda to: self.aisle_path(number, to, sort))
        return f"<h2>{escape(AISLES[number - 1].name)}</h2><p>{part.total} results</p><p>Sort by {sorts}</p>{goods}{pager}"

    def _pager(self, part: Slice, path_of: Callable[[int], str]) -> str:
        links = f'<a href="{path_of(part.number - 1)}">&laquo;</a> ' if part.number > 1 else ""
        links += f'<a href="{path_of(part.number + 1)}">&raquo;</a> ' if part.number < part.pages else ""
        return f'<p class="pages">Page {part.number} of {part.pages} {links}<a href="{path_of(part.pages)}">last</a></p>'

    def _row(self, listing: TruthListing, visit: Visit, mark: str = "") -> str:
        title = listing.title if len(listing.title) <= INDEX_TITLE_LENGTH else listing.title[:INDEX_TITLE_LENGTH]
        left = "Unlimited" if listing.stock is None else str(listing.stock)
        return (
            f'<tr class="row{" sticky" if mark else ""}"><td class="what">{mark}<a href="{self.listing_path(listing.key)}">{escape(title)}</a><br>'
            f"<small>Item #{listing.key} - {escape(' / '.join(listing.category))} - "
            f'<a href="/shop/{listing.vendor_key}">{escape(listing.vendor)}</a></small></td>'
            f'<td class="price">{self._price(listing.price, listing.currency)}/{escape(listing.unit)}'
            f"<br><i>{bitcoins(listing.price, floating_rate(visit.serial))} BTC</i></td>"
            f"<td><b>Views:</b> {listing.views + visit.serial} <b>Sales:</b> {listing.sold}<br><b>Quantity left:</b> {left}</td></tr>\n"
        )

    def _listing(self, visit: Visit, listing: TruthListing) -> str:
        pairs: list[tuple[str, str | None]] = [
            ("Product Class", listing.listing_type),
            ("Origin Country", None if listing.ship_from_raw is None else escape(listing.ship_from_raw)),
            ("Quantity Left", "Unlimited" if listing.stock is None else str(listing.stock)),
            ("Ships to", None if listing.ship_to_raw is None else escape(listing.ship_to_raw)),
            ("Ends In", "Never"),
            ("Payment", escape(listing.escrow)),
        ]
        cells = [f'<td class="label">{label}</td><td>{value}</td>' for label, value in pairs if value is not None]
        facts = "".join(f"<tr>{''.join(cells[at : at + 2])}</tr>" for at in range(0, len(cells), 2))
        number = next(n for n, aisle in enumerate(AISLES, 1) if aisle.name == listing.category[0])
        trail = f'<a href="{self.aisle_path(number)}">{escape(listing.category[0])}</a> / <a href="#">{escape(listing.category[1])}</a>'
        return (
            f'<div class="trail">{trail}</div><div class="listDes"><h2>{escape(listing.title)}</h2>'
            f'<p class="desc">{escape(listing.description)}</p>'
            f'<small>Item #{listing.key}</small> Sold by <a href="/shop/{listing.vendor_key}">{escape(listing.vendor)}</a> - '
            f"{listing.sold} sold since {listing.created:%B %d, %Y} - {listing.views + visit.serial} views"
            f'<table class="facts">{facts}</table><p class="buy">Purchase price: <b>{self._price(listing.price, listing.currency)}/'
            f"{escape(listing.unit)}</b> ({bitcoins(listing.price, floating_rate(visit.serial))} BTC)</p>"
            f'<select name="shipping"><option>Letter - 3 days - {self._price(listing.price / 10, listing.currency)} / order</option></select></div>'
        )

    def _vendor(self, view: MarketView, vendor: TruthVendor) -> str:
        reviews = view.feedback(vendor)
        good = sum(entry.rating == "positive" for entry in reviews)
        percent = f"{100 * good / len(reviews):.1f}%" if reviews else "n/a"
        pairs: list[tuple[str, str | None]] = [
            ("Member since", f"{vendor.member_since:%B %d, %Y}"),
            ("Last seen", f"{view.at:%B %d, %Y}"),
            ("Origin Country", None if vendor.ship_from_raw is None else escape(vendor.ship_from_raw)),
            ("Ships to", None if vendor.ship_to_raw is None else escape(vendor.ship_to_raw)),
            ("Finalize early", "Allowed" if vendor.fe_enabled else "Not allowed"),
            ("Positive feedback", percent),
        ]
        cells = [f'<td class="label">{label}</td><td>{value}</td>' for label, value in pairs if value is not None]
        facts = "".join(f"<tr>{''.join(cells[at : at + 2])}</tr>" for at in range(0, len(cells), 2))
        pages = cut(len(reviews), FEEDBACK_PER_PAGE, 1).pages
        return (
            f'<h3 class="shopHead">{escape(vendor.name)} ({vendor.sales})</h3><span class="level">Vendor Level {vendor.level}</span>'
            f'<table class="facts">{facts}</table><div class="about">{escape(vendor.profile)}</div><pre>{escape(vendor.pgp_key)}</pre>'
            f'<p class="pages"><a href="{self.feedback_path(vendor)}">{len(reviews)} reviews</a>, 1 to {pages}</p>'
        )

    def _reviews(self, view: MarketView, vendor: TruthVendor, page: int) -> str:
        reviews = view.feedback(vendor)
        part = cut(len(reviews), FEEDBACK_PER_PAGE, page)
        rows = "".join(self._review(entry) for entry in reviews[part.start : part.stop]) or "<tr><td>There are no reviews yet.</td></tr>"
        pager = self._pager(part, lambda to: self.feedback_path(vendor, to))
        name = f'<h3 class="shopHead"><a href="{self.vendor_path(vendor)}">{escape(vendor.name)}</a></h3>'
        return f'{name}<p>{part.total} results</p><table class="reviews">{rows}</table>{pager}'

    def _review(self, entry: TruthFeedback) -> str:
        sign = {"positive": "+", "neutral": "o", "negative": "\N{MINUS SIGN}"}[entry.rating]
        return (
            f'<tr class="review {entry.rating}"><td class="sign" title="{entry.rating}">{sign}</td><td class="text">{escape(entry.text)}<br>'
            f'<sub><a href="{self.listing_path(entry.listing_key)}">{escape(entry.product)}</a></sub></td><td class="buyer">{escape(entry.buyer)}</td>'
            f'<td class="paid">{self._price(entry.price, entry.currency)}</td><td class="when">{entry.at:%b %d, %Y %H:%M}</td></tr>\n'
        )
