from __future__ import annotations

from torwatch.model import Listing, Outcome, PageKind, Parsed
from torwatch.parserkit import KindSpec, Market
from torwatch.parsing.drift import Drift, Rate, add_rates, compare, count_fields, names_drift

INDEX = PageKind.LISTING_INDEX
MARKET = Market("tea_bazaar", specs={INDEX: KindSpec(("title",), ("price_raw", "views"))})


def pages(titled, priced, total, views=0):
    rows = tuple(
        Listing(str(n), title="Tea" if n < titled else None, price_raw="$4" if n < priced else None, views=n if n < views else None)
        for n in range(total)
    )
    return [Parsed(Outcome.OK, INDEX, rows[:5]), Parsed(Outcome.OK, INDEX, rows[5:]), Parsed(Outcome.OK, PageKind.HOME)]


def rates(*given, **more):
    return count_fields(MARKET, pages(*given, **more))


def test_fill_rates_are_counted_per_kind_and_field():
    assert rates(20, 15, 20) == {INDEX: {"title": Rate(20, 20), "price_raw": Rate(15, 20), "views": Rate(0, 20)}}
    assert count_fields(MARKET, []) == {}
    assert rates(20, 15, 20)[INDEX]["price_raw"].share == 0.75


def test_a_field_below_half_of_its_usual_rate_is_drift():
    usual = rates(100, 80, 100)
    assert compare(rates(20, 9, 20), usual, MARKET) == []
    (drift,) = compare(rates(20, 7, 20), usual, MARKET)
    assert (drift.kind, drift.field, drift.now, drift.usual, drift.mandatory) == (INDEX, "price_raw", 0.35, 0.8, False)
    assert str(drift) == "listing-index: field price_raw filled in 35% of the records, usually 80%"


def test_a_reason_names_drift_by_its_beginning_whatever_a_page_says():
    assert names_drift(str(Drift(INDEX, "price_raw", 0.35, 0.8, mandatory=False)) + " (and 2 more fields); last good snapshot 3")
    assert names_drift(str(Drift(PageKind.VENDOR, "name", 0.0, None, mandatory=True)))
    assert not names_drift("the layout of listing pages changed on 9 of 9: the form asks to be filled in 3 fields")


def test_a_lost_mandatory_field_is_drift_without_any_history():
    (drift,) = compare(rates(1, 4, 4), {}, MARKET)
    assert (drift.field, drift.usual, drift.mandatory) == ("title", None, True)
    assert "mandatory field title" in str(drift)


def test_few_records_and_rare_fields_say_nothing():
    assert compare(rates(9, 0, 9), rates(100, 80, 100), MARKET) == []
    assert compare(rates(20, 20, 20), rates(100, 100, 100, views=5), MARKET) == []
    assert compare(rates(20, 0, 20), rates(5, 5, 5), MARKET) == []
    assert compare({}, rates(100, 80, 100), MARKET) == []


def test_the_usual_rate_is_that_of_all_good_snapshots():
    assert add_rates(rates(10, 5, 10), rates(20, 15, 20))[INDEX]["price_raw"] == Rate(20, 30)
    assert add_rates({}, rates(10, 5, 10)) == rates(10, 5, 10)
