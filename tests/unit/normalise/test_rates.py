"""Exchange rates: nearest earlier within an age, inverse and cross rates with their sources, imports with every fault named."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.model import Price
from torwatch.normalise.price import normalise_price
from torwatch.normalise.rates import Rate, RateFault, RateTable, implied_rates, read_rates_csv

MAY = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def rate(base: str = "BTC", quote: str = "USD", value: str = "60000", at: dt.datetime = MAY, source: str = "table") -> Rate:
    return Rate(base, quote, Decimal(value), at, source)


def test_the_nearest_earlier_rate_is_taken_and_never_a_later_one() -> None:
    table = RateTable.from_rows([rate(at=MAY + 2 * DAY, value="62000"), rate(), rate(at=MAY + DAY, value="61000")])
    found = table.convert("2", "BTC", "USD", MAY + 1.5 * DAY)
    assert found is not None
    assert (found.amount, found.rate, found.at, found.source) == (Decimal(122000), Decimal(61000), MAY + DAY, "table")
    assert table.convert("2", "BTC", "USD", MAY - DAY) is None


def test_a_rate_that_is_too_old_is_no_rate() -> None:
    table = RateTable.from_rows([rate()])
    assert table.convert("1", "BTC", "USD", MAY + 7 * DAY) is not None
    assert table.convert("1", "BTC", "USD", MAY + 8 * DAY) is None
    assert table.convert("1", "BTC", "USD", MAY + 8 * DAY, maximum_age=30 * DAY) is not None


def test_an_unknown_currency_is_not_guessed() -> None:
    assert RateTable.from_rows([rate()]).convert("1", "XMR", "USD", MAY) is None
    assert RateTable.from_rows([]).convert("1", "BTC", "USD", MAY) is None


def test_the_inverse_serves_and_the_same_currency_needs_none() -> None:
    table = RateTable.from_rows([rate("EUR", "USD", "1.25")])
    inverse, same = table.convert("10", "USD", "EUR", MAY), table.convert("10", "EUR", "EUR", MAY)
    assert inverse is not None
    assert same is not None
    assert (inverse.amount, inverse.rate) == (Decimal(8), Decimal("0.8"))
    assert (same.amount, same.rate) == (Decimal(10), Decimal(1))


def test_a_cross_rate_names_both_sources_and_the_older_time() -> None:
    table = RateTable.from_rows([rate("XMR", "USD", "150", MAY, "one"), rate("EUR", "USD", "1.25", MAY + DAY, "two")])
    found = table.convert("1", "XMR", "EUR", MAY + DAY)
    assert found is not None
    assert (found.amount, found.at) == (Decimal(120), MAY)
    assert found.source == "one (XMR/USD) and two (USD/EUR)"


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        RateTable.from_rows([rate()]).convert("1", "BTC", "USD", dt.datetime(2024, 5, 1))  # noqa: DTZ001 - the fault under test


@given(
    st.decimals(min_value=Decimal("0.01"), max_value=10**6, places=2), st.decimals(min_value=Decimal("0.001"), max_value=10**5, places=4)
)
def test_there_and_back_again_is_the_same_amount(amount: Decimal, value: Decimal) -> None:
    table = RateTable.from_rows([rate("EUR", "USD", str(value))])
    there = table.convert(amount, "EUR", "USD", MAY)
    assert there is not None
    back = table.convert(there.amount, "USD", "EUR", MAY)
    assert back is not None
    assert abs(back.amount - amount) <= max(amount * Decimal("1e-9"), Decimal("1e-8") / value, Decimal("1e-7"))


def test_an_import_reads_dates_times_and_sources() -> None:
    rows, faults = read_rates_csv(
        [
            "\ufeffdate,base,quote,rate,source\n",
            "2024-05-01,btc,usd,60000.5,central bank\n",
            "\n",
            "2024-05-01T12:00:00+02:00,EUR,USD,1.07,\n",
        ],
        source="file",
    )
    assert faults == []
    assert rows == [
        Rate("BTC", "USD", Decimal("60000.5"), MAY, "central bank"),
        Rate("EUR", "USD", Decimal("1.07"), MAY + dt.timedelta(hours=10), "file"),
    ]


def test_every_fault_of_an_import_is_named_with_its_line() -> None:
    lines = [
        "date,base,quote,rate",
        "2024-05-01,BTC,USD,60000",
        "01/05/2024,BTC,USD,1",
        "2024-05-01,Bitcoin coin,USD,1",
        "2024-05-01,USD,USD,1",
        "2024-05-01,EUR,USD,much",
        "2024-05-01,EUR,USD,-1",
        "2024-05-01,EUR,USD,NaN",
        "2024-05-01,EUR,USD,1,07,extra",
        "2024-05-01,BTC,USD,61000",
        "2024-05-02,BTC,USD,61000",
    ]
    rows, faults = read_rates_csv(lines)
    assert [row.rate for row in rows] == [Decimal(60000), Decimal(61000)]
    assert [fault.line for fault in faults] == [3, 4, 5, 6, 7, 8, 9, 10]
    assert all("\n" not in fault.reason and fault.reason for fault in faults)
    assert "another rate" in faults[-1].reason


def test_a_decimal_comma_never_becomes_a_source() -> None:
    for header in ("date,base,quote,rate", "date,base,quote,rate,source"):
        rows, faults = read_rates_csv([header, "2024-05-01,EUR,USD,1,07"])
        assert (rows, [fault.line for fault in faults]) == ([], [2]), header
        assert "decimal comma" in faults[0].reason


def test_a_wrong_or_missing_header_is_one_fault() -> None:
    assert read_rates_csv(["2024-05-01,BTC,USD,60000"]) == ([], [RateFault(1, "the header must be date,base,quote,rate[,source]")])
    assert read_rates_csv([])[1][0].reason == "the file is empty"


@given(st.lists(st.text(max_size=80), max_size=8))
def test_no_import_makes_it_raise_and_no_line_is_dropped(lines: list[str]) -> None:
    rows, faults = read_rates_csv(["date,base,quote,rate", *lines])
    assert len(rows) + len(faults) <= len(lines)


def test_a_double_quote_implies_a_rate_with_the_dearer_coin_as_base() -> None:
    one = implied_rates(normalise_price("฿0.00100 (€7.28)"), MAY, "market quote")
    other = implied_rates(normalise_price("€7.28 (0.00100 BTC)"), MAY, "market quote")
    assert one == other == (Rate("BTC", "EUR", Decimal(7280), MAY, "market quote"),)


@pytest.mark.parametrize(
    "price",
    [
        Price(),
        Price(amount="1", currency="EUR", others=(("AUD", "1.61"),)),
        Price(amount="5.00", currency="EUR", maximum="9.00", others=(("USD", "6.00"),)),
        Price(amount="0.00", currency="EUR", others=(("USD", "0.00"),)),
        Price(amount="5.00", currency=None, others=(("BTC", "0.00123"),)),
    ],
)
def test_a_rough_or_missing_quote_implies_nothing(price: Price) -> None:
    assert implied_rates(price, MAY, "market quote") == ()
