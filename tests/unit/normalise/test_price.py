"""Displayed prices: exact decimals, currency, unit, range, further quotes."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.model import MarketFacts
from torwatch.normalise.price import normalise_price
from torwatch.normalise.units_number import canonical, drop_float_noise, parse_decimal

COMMA = MarketFacts(decimal=",")
DOLLAR = MarketFacts(currency="USD")


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("EUR 6.36", "6.36", "EUR"),
        ("Purchase price: USD 3,750.00", "3750.00", "USD"),
        ("Sale Price : 24.10 USD", "24.10", "USD"),
        ("35 EUR", "35", "EUR"),
        ("12.5 eur", "12.5", "EUR"),
        ("0,125 XMR", "0.125", "XMR"),
        ("1.234,56 EUR", "1234.56", "EUR"),
        ("1'200.00 CHF", "1200.00", "CHF"),
        ("1 202.70 EUR", "1202.70", "EUR"),
        ("1\u00a0202,70\u00a0EUR", "1202.70", "EUR"),
        ("฿0.0006", "0.0006", "BTC"),
        ("₿ 0.0006", "0.0006", "BTC"),
        ("0.05 bitcoin", "0.05", "BTC"),
        ("12 mBTC", "0.012", "BTC"),
        ("9.2e-05 BTC", "0.000092", "BTC"),
        ("A$15", "15", "AUD"),
        ("C$ 15.50", "15.50", "CAD"),
        ("US$5", "5", "USD"),
        ("£13.00 GBP", "13.00", "GBP"),
        ("$20.00 USD", "20.00", "USD"),
        ("CAD $ 4.20", "4.20", "CAD"),
        ("&pound; 0.91", "0.91", "GBP"),
        ("&amp;euro; 0.91", "0.91", "EUR"),
        ("USD50", "50", "USD"),
        ("1.5k USD", "1500.0", "USD"),
        ("USD + 5.23 / order", "5.23", "USD"),
    ],
)
def test_an_amount_and_its_currency_are_read_as_displayed(text: str, amount: str, currency: str) -> None:
    price = normalise_price(text)
    assert (price.amount, price.currency) == (amount, currency)


@pytest.mark.parametrize("text", ["$25", "25 $", "25.00 $", "25"])
def test_a_bare_dollar_or_number_is_the_markets_own_currency_and_nothing_without_one(text: str) -> None:
    assert normalise_price(text).currency is None
    assert normalise_price(text, DOLLAR).currency == "USD"
    assert Decimal(normalise_price(text).amount or 0) == 25


def test_the_markets_decimal_sign_decides_where_the_text_leaves_a_doubt() -> None:
    assert normalise_price("1.250 EUR").amount == "1.250"
    assert normalise_price("1.250 EUR", COMMA).amount == "1250"
    assert normalise_price("1,250 EUR").amount == "1250"
    assert normalise_price("1,250 EUR", COMMA).amount == "1.250"


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("131.25 USD/Ounce", "Ounce"),
        ("485.00 USD/112g", "112g"),
        ("19.00 EUR / g", "g"),
        ("2.10 GBP / cup", "cup"),
        ("650.00 USD/1/4pound", "1/4pound"),
        ("100.00 USD/$400", "$400"),
        ("700.00 USD/2500$", "2500$"),
        ("35.00 EUR per gram", "gram"),
        ("131.25 USD/Ounce Bulk from 110.40 USD/Ounce", "Ounce"),
        ("30.00 USD", None),
    ],
)
def test_what_stands_after_the_slash_is_the_unit(text: str, unit: str | None) -> None:
    price = normalise_price(text)
    assert price.unit == unit
    assert price.others == ()


@pytest.mark.parametrize(
    ("text", "first", "others"),
    [
        ("฿0.0008 (€7.28)", "0.0008", (("EUR", "7.28"),)),
        ("€12 / 0.0012 BTC", "12", (("BTC", "0.0012"),)),
        ("Buy Price CAD $9.25 (0.00014 BTC)", "9.25", (("BTC", "0.00014"),)),
        ("0.05 BTC ≈ 300 USD", "0.05", (("USD", "300"),)),
        ("USD 32.70 0.0451 BTC", "32.70", (("BTC", "0.0451"),)),
        ("EUR 1 $ 1.17 £ 0.91 AUD\u00a01.61 CAD\u00a01.55", "1", (("USD", "1.17"), ("GBP", "0.91"), ("AUD", "1.61"), ("CAD", "1.55"))),
    ],
)
def test_further_quotes_are_kept_beside_the_first_amount(text: str, first: str, others: tuple[tuple[str, str], ...]) -> None:
    price = normalise_price(text, DOLLAR)
    assert (price.amount, price.others) == (first, others)


def test_a_fee_or_a_minimum_order_is_no_quote() -> None:
    assert normalise_price("USD 22.71 (including 2.71 EUR transaction fee)").others == ()
    assert normalise_price("10.00 EUR (minimum order 100 USD)").others == ()
    assert normalise_price("10.00 EUR + 5 USD shipping").others == ()


def test_a_minimum_order_in_front_is_not_the_price() -> None:
    price = normalise_price("Buy 4 For 13.25 USD/Ounce")
    assert (price.amount, price.currency, price.unit) == ("13.25", "USD", "Ounce")


@pytest.mark.parametrize("text", ["50.00 - 3900.00 EUR", "EUR 50.00 - EUR 3,900.00", "€50.00\u2013€3900.00", "from 50.00 to 3900.00 EUR"])
def test_a_range_keeps_both_ends(text: str) -> None:
    price = normalise_price(text)
    assert (price.amount, price.maximum, price.currency) == ("50.00", "3900.00", "EUR")


def test_binary_float_noise_is_dropped_and_real_digits_are_kept() -> None:
    assert normalise_price("$3.1096000000000004").amount == "3.1096"
    assert normalise_price("€124.80000000000001").amount == "124.8"
    assert normalise_price("5.299999999999999 USD").amount == "5.3"
    assert normalise_price("0.012345678901234567 ETH").amount == "0.012345678901234567"
    assert normalise_price("0.100000000000 XMR").amount == "0.100000000000"


@pytest.mark.parametrize(
    "text", [None, "", "  ", "N/A", "-", "custom order", "Sold out", "ask me", "USD -5.00", "1,00,00 USD", "100%", "x" * 500]
)
def test_what_is_no_price_has_no_amount(text: str | None) -> None:
    price = normalise_price(text)
    assert price.amount is None
    assert price.currency is None
    assert price.method in {"none", "not-understood", "too-long"}


def test_free_is_a_price_of_zero_and_zero_stays_zero() -> None:
    assert normalise_price("FREE").amount == "0"
    assert normalise_price("0.00 USD").amount == "0.00"


@given(st.text(max_size=450))
def test_no_text_makes_it_raise(text: str) -> None:
    price = normalise_price(text)
    if price.amount is not None:
        assert Decimal(price.amount).is_finite()
        assert "e" not in price.amount.lower()


@given(st.text(alphabet="0123456789.,' $€£-/()eEUSDBTCkm+% ", max_size=60))
def test_no_price_like_text_makes_it_raise(text: str) -> None:
    normalise_price(text)
    normalise_price(text, COMMA)


@given(
    st.decimals(min_value=0, max_value=10**9, places=8, allow_nan=False, allow_infinity=False),
    st.sampled_from(["USD", "EUR", "BTC", "XMR", "AUD", "USDT"]),
)
def test_its_own_canonical_output_reads_as_itself(amount: Decimal, currency: str) -> None:
    once = normalise_price(f"{canonical(amount)} {currency}")
    twice = normalise_price(f"{once.amount} {once.currency}")
    assert (twice.amount, twice.currency) == (once.amount, once.currency)
    assert Decimal(once.amount or "-1") == drop_float_noise(amount)


@given(st.from_regex(r"((USD|XMR|FOO) )?[0-9]{1,7}([.][0-9]{1,9})?( (EUR|USDT))?( ?/ ?(g|EUR|k|item))?", fullmatch=True))
def test_the_short_cut_for_plain_prices_gives_what_the_whole_reader_gives(text: str) -> None:
    quick, slow = normalise_price(text), normalise_price(f" {text}")
    assert quick == slow


def test_long_hostile_text_takes_bounded_time() -> None:
    begun = time.monotonic()
    for text in ("1." * 200, "1 000 " * 66, "$" * 400, "USD " * 100, "9" * 400, " - " * 130):
        normalise_price(text)
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize(
    ("text", "value"), [("1,234,567", "1234567"), ("1.234.567", "1234567"), ("0,5", "0.5"), ("12,5", "12.5"), ("007", "7")]
)
def test_a_number_that_leaves_no_doubt_is_read_whatever_the_market_writes(text: str, value: str) -> None:
    assert parse_decimal(text, ".") == parse_decimal(text, ",") == Decimal(value)


def test_a_number_that_fits_no_reading_is_none() -> None:
    assert parse_decimal("1.2.3") is None
    assert parse_decimal("1,00,000") is None
    assert parse_decimal("1" * 60) is None


def test_a_range_takes_the_currency_that_only_its_upper_end_names():
    price = normalise_price("$10 - $100 CAD")
    assert (price.amount, price.maximum, price.currency) == ("10", "100", "CAD")


def test_roubles_are_read_in_russian():
    assert normalise_price("5 000 руб").currency == "RUB"  # noqa: RUF001 - it is Russian


@pytest.mark.parametrize("text", ["1e400 USD", "1e-400 USD", "inf USD", "NaN USD", "-5 USD"])
def test_a_figure_that_is_no_price_has_no_amount(text):
    assert normalise_price(text).amount is None
