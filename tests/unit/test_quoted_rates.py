"""What a page quotes twice becomes a rate."""

from __future__ import annotations

from torwatch.claims import quoted_rates, rules_of
from torwatch.model import Listing, Outcome, PageInfo, PageKind, Parsed, Source
from torwatch.normalise.price import normalise_price
from torwatch.parserkit import Market

TEAHOUSE = Market("teahouse")
COMMA = Market("theehuis", decimal=",")


def a_page(*prices, rates=()):
    listings = tuple(Listing(key=str(number), source=Source.INDEX, price_raw=price) for number, price in enumerate(prices))
    return Parsed(Outcome.OK, PageKind.LISTING_INDEX, listings, info=PageInfo(rates=rates))


def quoted(page, market=TEAHOUSE):
    return list(quoted_rates(page, rules_of(market, normalise_price)))


def test_a_price_quoted_twice_implies_a_rate():
    assert quoted(a_page("0.00200 BTC (100.00 EUR)", "12 EUR", None)) == [("BTC", "EUR", "50000")]


def test_a_printed_rate_is_taken_with_the_markets_decimal_sign():
    assert quoted(a_page(rates=(("EUR per BTC", "50,123.45"), ("EUR per EUR", "1"), ("gold", "2")))) == [("BTC", "EUR", "50123.45")]
    assert quoted(a_page(rates=(("EUR per BTC", "50.123,45"), ("USD per BTC", "soon"))), COMMA) == [("BTC", "EUR", "50123.45")]
