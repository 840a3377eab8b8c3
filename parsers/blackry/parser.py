"""BlackRy (2019-2020): the Eckmar script with the origin on the card; many origins are the first country of the vendor's form."""

from torwatch.parserkit import Beside, Extra, KindSpec, PageKind
from torwatch.parserkit.engines import eckmar

MARKET = eckmar.market(
    "blackry",
    title="BlackRy",
    signs=("title:^BlackRy\\b", "a.navbar-brand:text-is('BlackRy')"),
    default_origin="Afghanistan",
    specs={**eckmar.SPECS, PageKind.LISTING_INDEX: KindSpec(eckmar.LISTED, ("ship_from_raw",))},
)
CARD = eckmar.CARD.but(
    extra=Extra(
        vendor_last_seen=Beside("strong", behind="^last seen"),
        ship_from_is_form_default=Beside(
            "strong", before="^Ships from", pattern="^(Afghanistan)$"
        ),  # the first option of the form, left as it was: hardly ever the origin
    )
)
parse = eckmar.Engine(card=CARD).parse
