"""WeTheNorth (2021-): Empire-style, in English and French, for Canada only. Its gates were seen, nothing behind them.

What stands behind the gate is read where it has the family's shape; anything else is `layout_changed`, never "0 listings".
"""

from collections.abc import Iterator

from torwatch.parserkit import Evidence, Page, PageKind, Record, obstacle
from torwatch.parserkit.engines import empire

MARKET = empire.market(
    "wethenorth",
    evidence=Evidence.GATE_ONLY,
    title="WeTheNorth Market",
    aliases=("WeTheNorth", "We The North"),
    currency="CAD",
    languages=("en", "fr"),
    obstacles=(
        obstacle(
            "phishing_check",
            text=("link in the image matches", "le lien dans l'image correspond", "anti phishing captcha"),
            selector="form input",
            max_text=2000,
        ),
        *empire.OBSTACLES,
    ),
    signs=("title:We ?The ?North", "meta[name=description][content*=ethenorth]"),
    opened="2021",
)
ENGINE = empire.Engine(
    detail=empire.DETAIL.but(
        price_raw=("div.listDes form p:has-text('Buy Price')", r"Buy Price:?\s*(.+?)\s*(?:\(|$)")
    )  # in brackets: converted to BTC
)


def parse(page: Page) -> Iterator[Record]:
    page.require(page.kind is not PageKind.OTHER, "of this market only the gates are known, and this is none of them")
    yield from ENGINE.parse(page)
