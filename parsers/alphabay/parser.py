"""AlphaBay (2014-2017): the script that Empire copied; known from its labels only, no page was seen. A sold-out listing has no price."""

from torwatch.parserkit import Evidence
from torwatch.parserkit.engines import empire

MARKET = empire.market(
    "alphabay",
    evidence=Evidence.DESCRIBED,
    title="AlphaBay Market",
    aliases=("AlphaBay",),
    currency="USD",
    signs=("title:AlphaBay", "text:Welcome to AlphaBay"),
    opened="2014-12",
    closed="2017-07",
)
parse = empire.Engine().parse
