"""TorZon (2022-): its gates were seen; of a listing one row is described, "Shipping | Ceylon -> WorldWide", and nothing else is known.

The address of a listing is its key, since no other is known; so a file without its address gives no record.
"""

from collections.abc import Iterator

from torwatch.parserkit import Evidence, KindSpec, Listing, Market, Page, PageKind, Record, Single, Source, obstacle

ARROW = r"\s*(?:->|\u2192|\u27f6)\s*"
ROW = ".//tr/td[normalize-space(translate(., ':', '')) = 'Shipping']/following-sibling::td[1][contains(., '->') or contains(., '\u2192') or contains(., '\u27f6')]"
UNSEEN = KindSpec(evidence=Evidence.GATE_ONLY)
MARKET = Market(
    "torzon",
    title="TorZon Market",
    aliases=("TorZon",),
    shapes={PageKind.LISTING: ROW},
    specs={
        PageKind.LISTING: KindSpec(("ship_from_raw",), ("ship_to_raw",), Evidence.DESCRIBED),
        PageKind.LISTING_INDEX: UNSEEN,
        PageKind.VENDOR: UNSEEN,
        PageKind.FEEDBACK: UNSEEN,
    },
    obstacles=(
        # 37 fields with random names, one of them real; the words between stand in elements with random names too.
        obstacle("phishing_check", title=r"anti.?phishing|url.?match", max_text=4000),
        obstacle("phishing_check", pattern=r"enter the \d+ missing\b.{0,12} characters", selector="input.styled-input", max_text=4000),
        obstacle("captcha", selector="form img[src*='captcha/']", max_text=4000),
    ),
    signs=("title:TorZon",),
    opened="2022",
)
LISTING = Single(Listing, ship_from_raw=(ROW, f"^(.*?){ARROW}"), ship_to_raw=(ROW, f"{ARROW}(.*)$"))


def parse(page: Page) -> Iterator[Record]:
    page.require(page.kind is PageKind.LISTING, "of this market only the gates and one row of a listing are known")
    page.require(page.path, "a listing without its address, which is the only key known of this market")
    yield from filter(None, [LISTING.read(page, key=page.path, path=page.path, source=Source.DETAIL)])
