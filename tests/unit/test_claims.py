"""Claims: where raw records become the rows that are compared."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.claims import ClaimRules, digest, feedback_rows, fill_rates, listing_row, rules_of, stage_of, vendor_row
from torwatch.model import Feedback, Listing, MarketFacts, Outcome, PageInfo, PageKind, Parsed, Price, Source, Vendor
from torwatch.normalise.price import normalise_price
from torwatch.parserkit import KindSpec, Market

FACTS = MarketFacts(name="teahouse", currency="USD")
SHOWN = {
    PageKind.LISTING_INDEX: frozenset({"title", "vendor", "price_raw"}),
    PageKind.LISTING: frozenset({"title", "vendor", "price_raw", "ship_from_raw", "description"}),
    PageKind.VENDOR: frozenset({"name", "profile"}),
    PageKind.FEEDBACK: frozenset({"text", "rating"}),
}
ENTRY = Feedback(vendor="leafy", listing_key="7", buyer="t***a", text="Good tea", rating="positive", date_raw="Jan 5, 2026")


def no_price(text, facts):
    return Price()


def rules(*, facts=FACTS, vendor_by_key=False, price=no_price):
    return ClaimRules(facts=facts, shown=SHOWN, followed=frozenset(SHOWN), vendor_by_key=vendor_by_key, price=price)


def values(row):
    return {name: value for name, value in row.values.items() if value is not None}


def test_a_listing_gives_its_claims_and_counters_and_nothing_of_what_is_absent():
    listing = Listing("7", title="Green tea", vendor="leafy", category=("Drinks", "Tea"), ship_from_raw="Japan", sales=12)
    found = values(listing_row(listing, rules(), {}))
    assert found == {"title": "Green tea", "vendor": "leafy", "category": "Drinks > Tea", "ship_from": "Japan", "sales": 12}


def test_a_price_is_split_into_exact_claims():
    priced = values(listing_row(Listing("7", price_raw="12.50 EUR/100g"), rules(price=normalise_price), {}))
    assert (priced["price"], priced["currency"], priced["price_unit"]) == ("12.50", "EUR", "100g")


def test_a_counter_that_moves_does_not_change_the_digest_of_a_row():
    quiet, busy = (
        listing_row(Listing("7", title="Tea", views=views, stock_raw=stock), rules(), {}) for views, stock in ((1, "9"), (2, "8"))
    )
    assert quiet.row_digest == busy.row_digest


@pytest.mark.parametrize("field", ["title", "vendor", "ship_from_raw", "ship_to_raw", "description", "escrow_raw", "listing_type"])
def test_a_claim_that_moves_changes_the_digest_of_a_row(field):
    before, after = (listing_row(Listing("7", **{field: text}), rules(), {}) for text in ("a", "b"))
    assert before.row_digest != after.row_digest


def test_long_texts_are_stored_once_under_their_digest():
    texts = {}
    row = listing_row(Listing("7", description="A long story of tea"), rules(), texts)
    assert texts == {row.values["description"]: "A long story of tea"}
    assert listing_row(Listing("8", description=""), rules(), texts).values["description"] is None


def test_the_order_of_a_vendors_keys_is_no_change():
    first, second = (vendor_row(Vendor("leafy", pgp_keys=keys), {}) for keys in (("a", "b"), ("b", "a")))
    assert first.values["pgp"] == second.values["pgp"]


def test_a_vendors_flags_are_numbers_or_absent():
    found = vendor_row(Vendor("leafy", key="77", verified=True, banned=False), {})
    assert found.key == "77"
    assert (found.values["verified"], found.values["banned"], found.values["fe_enabled"]) == (1, 0, None)


def test_vendors_are_told_apart_by_the_id_only_where_every_listing_page_shows_it():
    parsed = Parsed(Outcome.OK, PageKind.LISTING_INDEX, listings=(Listing("7", vendor="Leafy", vendor_key="77"),))
    for by_key, key in ((True, "77"), (False, "Leafy")):
        staged = stage_of(parsed, rules(vendor_by_key=by_key))
        assert [vendor.key for vendor in staged.vendors] == [key]
        assert staged.listings[0].values["vendor"] == key


def test_the_rules_follow_from_what_a_parser_declares():
    assert rules_of(Market("teahouse", kinds={}, specs={}), no_price).vendor_by_key is False
    shown = {PageKind.LISTING_INDEX: ("title", "vendor_key"), PageKind.LISTING: ("title", "vendor_key", "ship_from_raw")}
    market = Market("teahouse", kinds={}, specs={kind: KindSpec(("key",), fields) for kind, fields in shown.items()})
    derived = rules_of(market, no_price)
    assert derived.vendor_by_key is True
    coverage = derived.coverage()["listing"]
    assert "ship_from" in coverage[Source.DETAIL]
    assert "ship_from" not in coverage[Source.INDEX]
    assert coverage[Source.VENDOR_TABLE] <= {"title", "vendor"}


def test_a_vendor_that_several_rows_name_is_one_account():
    parsed = Parsed(Outcome.OK, PageKind.LISTING_INDEX, listings=tuple(Listing(str(key), vendor="leafy") for key in range(3)))
    assert [(vendor.key, vendor.source) for vendor in stage_of(parsed, rules()).vendors] == [("leafy", Source.INDEX)]


def test_the_totals_of_a_list_are_believed_on_list_pages_only():
    info = PageInfo(total=40, pages=2, scope="Tea")
    for kind, total in ((PageKind.LISTING_INDEX, 40), (PageKind.VENDOR, None)):
        staged = stage_of(Parsed(Outcome.OK, kind, info=info), rules())
        assert (staged.scope, staged.total) == ("Tea", total)


def keys(*entries):
    return [row["key"] for row in feedback_rows(entries, rules())]


def test_the_markets_own_id_of_feedback_is_its_key():
    assert keys(Feedback(key="f1", text="Good"), Feedback(key="f2", text="Good")) == ["f1", "f2"]


def test_equal_feedback_twice_on_a_page_stays_two():
    first, second = keys(ENTRY, ENTRY)
    assert first != second
    assert keys(ENTRY) == [first]


def test_what_moves_by_itself_does_not_make_other_feedback():
    assert keys(replace(ENTRY, age_raw="9d", price_text="$ 12.20", delivery_raw="3 days")) == keys(ENTRY)


@pytest.mark.parametrize("field", ["vendor", "listing_key", "buyer", "text", "rating", "date_raw"])
def test_what_was_said_by_another_or_of_another_is_other_feedback(field):
    assert keys(replace(ENTRY, **{field: "other"})) != keys(ENTRY)


def test_a_buyer_is_stored_as_a_digest_that_differs_between_markets():
    (row,) = feedback_rows([ENTRY], rules())
    (elsewhere,) = feedback_rows([ENTRY], rules(facts=MarketFacts(name="coffeehouse")))
    assert "t***a" not in str(row)
    assert len(row["buyer_hash"]) == 16
    assert row["buyer_hash"] != elsewhere["buyer_hash"]
    assert next(iter(feedback_rows([Feedback(text="Good")], rules())))["buyer_hash"] is None


def test_fill_rates_count_every_declared_field():
    listings = (Listing("1", title="Tea", vendor="leafy"), Listing("2", title="", vendor=None))
    assert list(fill_rates(Parsed(Outcome.OK, PageKind.LISTING_INDEX, listings=listings), rules())) == [
        ("listing-index", "price_raw", 0, 2),
        ("listing-index", "title", 1, 2),
        ("listing-index", "vendor", 1, 2),
    ]


def test_a_page_without_records_says_nothing_of_its_fields():
    assert list(fill_rates(Parsed(Outcome.OK, PageKind.LISTING_INDEX), rules())) == []


@given(st.lists(st.text(max_size=20) | st.none(), max_size=4), st.lists(st.text(max_size=20) | st.none(), max_size=4))
def test_a_digest_is_stable_and_tells_texts_apart(first, second):
    assert digest(*first) == digest(*first)
    plain = [[part or "" for part in parts] for parts in (first, second)]
    if len(first) == len(second) and plain[0] != plain[1] and not any("\x1f" in part for parts in plain for part in parts):
        assert digest(*first) != digest(*second)


def test_the_digest_is_that_of_every_version():
    assert digest("Green tea") == "e2029462d80da65893d33a5a002b0f25"
