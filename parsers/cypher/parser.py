"""Cypher (2020-2022): the Eckmar script; its index names no origin at all."""

from torwatch.parserkit import KindSpec, PageKind
from torwatch.parserkit.engines import eckmar

MARKET = eckmar.market(
    "cypher",
    title="Cypher",
    aliases=("Cypher Market",),
    signs=("title:^Cypher\\b", "a.navbar-brand:has-text('\u041c\u0410\u0413KET')"),  # the name in Cyrillic and Latin letters
    specs={**eckmar.SPECS, PageKind.LISTING_INDEX: KindSpec(eckmar.LISTED, ("escrow_raw", "sales"))},
)
parse = eckmar.Engine().parse
