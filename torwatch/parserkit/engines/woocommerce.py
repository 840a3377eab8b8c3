"""The WooCommerce family: shops of one seller on WordPress, read by the class names of WooCommerce's own templates (themes keep them).

A shop is a thin declaration: `MARKET = market("name", …)` and `parse = Engine(seller="Shop name").parse`. A shop shows no vendor: its own
name is the vendor of every listing. What it says of shipping stands, if anywhere, in the table of attributes or on a side page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.parserkit import (
    Each,
    Evidence,
    Extra,
    Feedback,
    Fields,
    First,
    KindSpec,
    Lines,
    Listing,
    Market,
    ObstacleRule,
    Page,
    PageInfo,
    PageKind,
    Record,
    Rows,
    Single,
    Source,
    Split,
    find,
    lines,
    number,
    obstacle,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KINDS: Mapping[str, PageKind] = {
    r"[?&](?:add-to-cart|orderby|min_price|max_price|filter_[\w-]+|rating_filter|wc-ajax)=": PageKind.OTHER,  # acts, or the same rows again
    r"^/product/(?P<key>[^/?#]+)/?(?:$|\?)": PageKind.LISTING,
    r"^/product-(?:category|tag)/[^?#]+$": PageKind.LISTING_INDEX,
    r"^/shop/(?:page/\d+/?)?$": PageKind.LISTING_INDEX,
    r"[?&](?:product-page|paged)=\d+": PageKind.LISTING_INDEX,
    r"^/(?:page/\d+/?)?$": PageKind.LISTING_INDEX,
}
_RELATED = "not(ancestor::*[contains(@class, 'related') or contains(@class, 'upsells') or contains(@class, 'up-sells') or contains(@class, 'cross-sells')])"
_LOOP = f"//ul[contains(concat(' ', normalize-space(@class), ' '), ' products ')][{_RELATED}]/li[contains(concat(' ', normalize-space(@class), ' '), ' product ')]"
_BLOCKS = f"//li[contains(@class, 'wc-block-grid__product')][{_RELATED}]"
SHAPES: Mapping[PageKind, str | tuple[str, ...]] = {
    PageKind.LISTING: ("h1.product_title", "body.single-product"),
    PageKind.LISTING_INDEX: (_LOOP, _BLOCKS, "p.woocommerce-result-count", ".woocommerce-no-products-found", "body.post-type-archive-product", "body.tax-product_cat", "body.tax-product_tag"),
}  # fmt: skip
EMPTY = ".woocommerce-no-products-found, p.woocommerce-info:has-text('No products were found')"
OBSTACLES: tuple[ObstacleRule, ...] = (
    obstacle("gone", selector="body.error404"),
    obstacle("maintenance", title=r"^(?:Maintenance|Briefly unavailable|Coming soon)\b", max_text=2000),
    obstacle("login", selector="body.woocommerce-account form.woocommerce-form-login input[type=password]"),
    obstacle("login", selector="#customer_login form.woocommerce-form-login input[type=password]"),
    obstacle("login", selector="body.login form#loginform input[type=password]", max_text=3000),
)
PERMALINK = r"/product/([^/?#]+)"


def read_price(node: Any) -> str | None:
    """The offer as displayed: the new price of a sale, both ends of a range; not the struck price, not what a plugin converts it to."""
    for holder in node.xpath(
        "(.//*[self::p or self::span or self::div][contains(concat(' ', @class, ' '), ' price ') or contains(@class, 'product-price')])[1]"
    ):
        amounts = [text(one) for one in find(holder, ".//*[contains(concat(' ', @class, ' '), ' amount ')][not(ancestor::del)]")]
        symbols = [re.sub(r"[\d.,\s]", "", one) for one in amounts]
        if len(amounts) > 1 and symbols[0] == symbols[1] and amounts[0] != amounts[1]:
            return f"{amounts[0]} \u2013 {amounts[1]}"
        return amounts[0] if amounts else text(holder) or None
    return None


def read_type(node: Any) -> str | None:
    """What the shop's own classes say of the goods: "downloadable", "virtual" or both; None for goods that are sent."""
    holder = next(iter(find(node, ".//div[contains(@class, 'type-product')]")), node)
    classes = (holder.get("class") or "").split()
    return " ".join(one for one in ("downloadable", "virtual") if one in classes) or None


def read_description(root: Any) -> str | None:
    """The text of the description's tab without the heading that themes put above it."""
    blocks = find(root, ".//*[@id='tab-description']/*[not(self::h2)]")
    return "\n".join(filter(None, map(lines, blocks))) or None


INDEX = Rows(
    f"{_LOOP} | {_BLOCKS}",
    Listing,
    key=("a[href*='/product/']@href", PERMALINK),
    path="a[href*='/product/']@href",
    title=First("h2.woocommerce-loop-product__title", ".wc-block-grid__product-title", ".product-title", "h2", "h3"),
    price_raw=read_price,
    listing_type=read_type,
    extra=Extra(rating=("[class*=star-rating]", r"([\d.]+) out of 5"), sale=".onsale"),
)
ATTRIBUTES = Fields(
    "table.shop_attributes, table.woocommerce-product-attributes",
    {
        "Ships from": "ship_from_raw",
        "Ship from": "ship_from_raw",
        "Shipping from": "ship_from_raw",
        "Shipped from": "ship_from_raw",
        "Origin": "ship_from_raw",
        "Ships to": "ship_to_raw",
        "Ship to": "ship_to_raw",
        "Shipping to": "ship_to_raw",
    },
    shape="cells",
)
DETAIL = Single(
    Listing,
    ATTRIBUTES,
    key=First(("link[rel=canonical]@href", PERMALINK), ("form.cart@action", PERMALINK), ("meta[property='og:url']@content", PERMALINK)),
    title="h1.product_title",
    price_raw=lambda root: next(
        (
            price
            for one in find(root, "(.//h1[contains(@class, 'product_title')])[1]/..")
            if (price := read_price(one) or read_price(one.getparent()))
        ),
        None,
    ),
    category=First(Each(".posted_in a"), Split("nav.woocommerce-breadcrumb", r"\s*[/>\u00bb\u203a]\s*", r"^Home\s*[/>\u00bb\u203a]\s*(.*)\s*[/>\u00bb\u203a]")),
    stock_raw=".summary .stock, div.product p.stock",
    listing_type=read_type,
    description=First(read_description, Lines(".woocommerce-product-details__short-description")),
    extra=Extra(
        sku=".product_meta .sku",
        rating=(".woocommerce-product-rating", r"([\d.]+) out of 5"),
        short=".woocommerce-product-details__short-description",
        tags=lambda root: ", ".join(text(one) for one in find(root, ".//span[contains(@class, 'tagged_as')]//a")),
    ),
)  # fmt: skip
REVIEWS = Rows(
    "#reviews li.review, #reviews li.comment",
    Feedback,
    key=("@id", r"comment-(\d+)"),
    buyer=First(".woocommerce-review__author", ".comment_container .author", "cite"),
    stars=(".star-rating", r"Rated (\d)"),
    text=".description",
    date_raw="time",
)
SPECS: Mapping[PageKind, KindSpec] = {
    PageKind.LISTING_INDEX: KindSpec(("title", "vendor", "path"), ("price_raw", "listing_type"), Evidence.DESCRIBED),
    PageKind.LISTING: KindSpec(
        ("title", "vendor"),
        ("price_raw", "category", "stock_raw", "description", "listing_type", "ship_from_raw", "ship_to_raw"),
        Evidence.DESCRIBED,
    ),
}


@dataclass(frozen=True, slots=True)
class Engine:
    """The parts of a shop of this family; `seller` is the name that stands for the vendor, because a shop shows none."""

    seller: str
    index: Rows[Listing] = INDEX
    detail: Single[Listing] = DETAIL
    reviews: Rows[Feedback] = REVIEWS

    def parse(self, page: Page) -> Iterator[Record]:
        """Parse one page of the family."""
        match page.kind:
            case PageKind.LISTING_INDEX:
                yield from self.index.read_or_empty(page, vendor=self.seller)
                yield read_info(page)
            case PageKind.LISTING:
                found = self.detail.read(page, key=page.key, vendor=self.seller, source=Source.DETAIL)
                yield from filter(None, [found])
                if found is not None:
                    yield from self.reviews.read(page, vendor=self.seller, listing_key=found.key, product=found.title)
        yield from page.links()


def read_info(page: Page) -> PageInfo:
    """Read "Showing 1 to 12 of 340 results" (with a dash) and the pager."""
    count = page.text("p.woocommerce-result-count") or ""
    counted = re.search(r"(?:of|all)\s+([\d,]+)", count)
    total = 1 if "single result" in count else number(counted.group(1)) if counted else None
    pages = [value for one in page.all("a.page-numbers, span.page-numbers") if (value := number(text(one))) is not None]
    current = page.number("span.page-numbers.current")
    return PageInfo(current, max([*pages, current or 0]) or None, total, re.sub(r"page/\d+/?$", "", page.scope("product-page", "paged")))


def market(name: str, **facts: Any) -> Market:
    """Declare a shop of the family; what is given wins over the family's own, `kinds` are asked before them."""
    facts = {**facts, "kinds": {**facts.get("kinds", {}), **KINDS}}
    given = {"engine": "woocommerce", "shapes": SHAPES, "specs": SPECS, "obstacles": OBSTACLES, "empty": EMPTY, **facts}
    return Market(name, **given)
