"""What is diffed: the claims and counters of listings and vendors, declared once for staging, diff, history and docs.

A *claim* gives a `change` row when it differs. A *counter* (views, sold, stock, last seen, levels) moves by itself: it goes to a
per-snapshot series and never becomes a change. An *attribute* (the path of a page) is kept up to date silently.
"""

from __future__ import annotations

from dataclasses import dataclass

from torwatch.store.temporary import unchanged_table


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an entity: its name, its SQLite type and the record field that fills it."""

    name: str
    record_field: str
    affinity: str = "TEXT"
    description: str = ""


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of thing a market shows, with the columns that are compared."""

    name: str
    claims: tuple[Column, ...]
    counters: tuple[Column, ...]

    @property
    def stage_table(self) -> str:
        """Working table that holds what the running snapshot read."""
        return f"stage_{self.name}"

    @property
    def unchanged_table(self) -> str:
        """Temporary table of the ids of those that the running snapshot saw just as the snapshot before it had."""
        return unchanged_table(self.name)

    @property
    def counter_table(self) -> str:
        """Series of counters, one row a snapshot in which one of them moved."""
        return f"{self.name}_counter"

    def claims_of(self, record_fields: frozenset[str]) -> frozenset[str]:
        """Names of the claims that the given record fields fill."""
        return frozenset(column.name for column in self.claims if column.record_field in record_fields)


LISTING = Entity(
    "listing",
    claims=(
        Column("title", "title", description="title as displayed, from the strongest source read"),
        Column("vendor", "vendor", description="the market's own id of the vendor account, else its name"),
        Column("category", "category", description="the market's own category path, levels joined by ' > '"),
        Column("price", "price_raw", description="exact decimal in the listing's own currency"),
        Column("currency", "price_raw", description="currency of the price: ISO 4217 or BTC, XMR …; empty where the page does not say"),
        Column("price_unit", "price_raw", description="what the price is for, where it is per unit"),
        Column("price_maximum", "price_raw", description="upper end where the page gives a range"),
        Column("ship_from", "ship_from_raw", description="claimed origin as displayed; empty: not declared"),
        Column("ship_to", "ship_to_raw", description="claimed destinations as displayed"),
        Column("listing_type", "listing_type", description="physical or digital, as displayed"),
        Column("escrow", "escrow_raw", description="payment protection as displayed"),
        Column("created", "created_raw", description="date of creation as displayed"),
        Column("sold_since", "sold_since_raw", description="since when sales are counted, as displayed"),
        Column("minimum_order", "minimum_order", description="least quantity as displayed"),
        Column("description", "description", description="digest of the description; its words are in table text"),
    ),
    counters=(
        Column("stock", "stock_raw", description="stock as displayed"),
        Column("sales", "sales", "INTEGER", "orders the market counts for this listing"),
        Column("views", "views", "INTEGER", "views the market counts"),
        Column("vendor_level", "vendor_level", description="vendor level shown on the listing"),
        Column("trust_level", "trust_level", description="trust level shown on the listing"),
    ),
)

VENDOR = Entity(
    "vendor",
    claims=(
        Column("name", "name", description="displayed name of the account"),
        Column("member_since", "member_since_raw", description="as displayed"),
        Column("ship_from", "ship_from_raw", description="claimed origin on the profile as displayed"),
        Column("ship_to", "ship_to_raw", description="claimed destinations on the profile as displayed"),
        Column("fe_enabled", "fe_enabled", "INTEGER", "1: may ask to finalise early"),
        Column("verified", "verified", "INTEGER", "1: the market calls the account verified"),
        Column("banned", "banned", "INTEGER", "1: the market says the account is banned"),
        Column("user_type", "user_type", description="seller or buyer as displayed"),
        Column("profile", "profile", description="digest of the profile; its words are in table text"),
        Column("pgp", "pgp_keys", description="digest of the armoured key blocks; the blocks are in table text"),
    ),
    counters=(
        Column("last_seen", "last_seen_raw", description="last activity as displayed"),
        Column("vendor_level", "vendor_level"),
        Column("trust_level", "trust_level"),
        Column("sales", "sales", "INTEGER", "orders the market counts"),
        Column("positive_percent", "positive_percent"),
        Column("rating", "rating_raw"),
        Column("orders", "orders_raw"),
        Column("disputes", "disputes_raw"),
        Column("positive", "positive", "INTEGER"),
        Column("neutral", "neutral", "INTEGER"),
        Column("negative", "negative", "INTEGER"),
    ),
)

ENTITIES = (VENDOR, LISTING)  # vendors first: listings refer to them
