"""Digital Thrift Shop (2015-): one seller of digital goods on WooCommerce (Storefront theme); nothing is shipped, so nothing says from where."""

from torwatch.parserkit import PageKind
from torwatch.parserkit.engines import woocommerce

MARKET = woocommerce.market(
    "digital_thrift_shop",
    title="Digital Thrift Shop",
    currency="USD",
    kinds={r"^/(?:new|best-selling|top-rated)/?$": PageKind.LISTING_INDEX},
    signs=("title:Digital Thrift Shop$", ".site-title a[rel=home]:text-is('Digital Thrift Shop')"),
    opened="2015-07",
)
parse = woocommerce.Engine(seller="Digital Thrift Shop").parse
