"""Hansa (2014-2017): one Bootstrap row a listing, variants of the same vendor nested in it; every tab repeats the header."""

from torwatch.parserkit.engines import hansa

MARKET = hansa.market(
    "hansa",
    title="HANSA Market",
    signs=("title:HANSA Market", "input[placeholder='Search HANSA Market...']"),
    opened="2014-08",
    closed="2017-07",
)
parse = hansa.Engine().parse
