"""Derived values follow the claims: distinct inputs only, no change rows, nothing missed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from torwatch.model import MarketFacts, Price, ShipClass, Shipping, Source
from torwatch.normalise.quantity import normalise_quantity, price_per_unit
from torwatch.normalisers import normalisers_for
from torwatch.store import derived
from torwatch.store.derived import KINDS, ORIGIN, SUBSTANCE, Normaliser, write_derived
from torwatch.store.rollback import roll_back

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
builders.COVERAGE["listing"][Source.DETAIL] |= {"category", "price_unit", "price_maximum"}
take, a_target = builders.take, builders.a_target

TEA = {
    "title": "Sencha 100 g",
    "vendor": "leafhouse",
    "category": "Tea > Green",
    "price": "12.50",
    "currency": "EUR",
    "ship_from": "Netherlands",
}
COFFEE = {"title": "Coffee 1 kg", "vendor": "beanery", "category": "Coffee", "price": "20", "currency": "EUR", "ship_from": "NL, Germany"}
NOTHING_NEW = dict.fromkeys((kind.name for kind in KINDS), 0)


class Counting:
    """A normaliser of origins that remembers what it was asked."""

    def __init__(self, version="one", code="NL"):
        self.asked = []
        self.code = code
        self.normaliser = Normaliser(ORIGIN, version, self.rows)

    def rows(self, raw):
        self.asked.append(raw)
        if not raw:
            return derived.shipping_rows(Shipping(ShipClass.UNDECLARED))
        return derived.shipping_rows(Shipping(ShipClass.COUNTRY, (self.code,)))


def origins(store):
    return {row["key"]: row["claimed_origin"] for row in store.rows("SELECT key, claimed_origin FROM listing")}


def test_each_distinct_text_is_normalised_once(store):
    target, counting = a_target(store), Counting()
    take(store, target, {"1": TEA, "2": TEA, "3": COFFEE, "4": TEA | {"ship_from": None}}, week=0)
    assert write_derived(store, target.market_id, [counting.normaliser]) == {"origin": 3}
    assert sorted(counting.asked) == ["", "NL, Germany", "Netherlands"]
    assert origins(store) == {"1": "NL", "2": "NL", "3": "NL", "4": "undeclared"}


def test_a_snapshot_with_nothing_new_asks_the_normaliser_nothing(store):
    target, counting = a_target(store), Counting()
    take(store, target, {"1": TEA}, week=0)
    write_derived(store, target.market_id, [counting.normaliser])
    take(store, target, {"1": TEA}, week=1)
    counting.asked.clear()
    assert write_derived(store, target.market_id, [counting.normaliser]) == {"origin": 0}
    assert counting.asked == []


def test_a_changed_claim_changes_the_derived_value(store):
    target = a_target(store)
    take(store, target, {"1": TEA, "2": TEA}, week=0)
    write_derived(store, target.market_id, normalisers_for())
    take(store, target, {"1": TEA | {"ship_from": "Germany"}, "2": TEA}, week=1)
    assert write_derived(store, target.market_id, normalisers_for()) == NOTHING_NEW | {"origin": 1}
    assert origins(store) == {"1": "DE", "2": "NL"}


def test_a_new_version_normalises_every_distinct_text_again_also_those_no_longer_shown(store):
    target, old, new = a_target(store), Counting(), Counting("two", "BE")
    take(store, target, {"1": TEA}, week=0)
    write_derived(store, target.market_id, [old.normaliser])
    take(store, target, {"1": TEA | {"ship_from": "Germany"}}, week=1)
    write_derived(store, target.market_id, [old.normaliser])
    assert write_derived(store, target.market_id, [new.normaliser]) == {"origin": 3}  # "" is of the vendor's profile
    assert sorted(new.asked) == ["", "Germany", "Netherlands"]
    assert {row["version"] for row in store.rows("SELECT version FROM origin")} == {"two"}
    assert origins(store) == {"1": "BE"}


def test_again_normalises_everything_although_the_version_is_the_same(store):
    target, counting = a_target(store), Counting()
    take(store, target, {"1": TEA, "2": COFFEE}, week=0)
    write_derived(store, target.market_id, [counting.normaliser])
    counting.code = "BE"
    assert write_derived(store, target.market_id, [counting.normaliser], again=True) == {"origin": 3}
    assert origins(store) == {"1": "BE", "2": "BE"}


def test_derived_values_give_no_change_rows_and_no_second_spell(store):
    target = a_target(store)
    take(store, target, {"1": TEA, "2": COFFEE}, week=0)
    before = [tuple(row) for row in store.rows("SELECT * FROM change")]
    write_derived(store, target.market_id, normalisers_for())
    write_derived(store, target.market_id, [Counting("two", "BE").normaliser])
    second, _ = take(store, target, {"1": TEA, "2": COFFEE}, week=1)
    assert [tuple(row) for row in store.rows("SELECT * FROM change")] == before
    assert store.value("SELECT count(*) FROM change WHERE snapshot_id = ?", (second,)) == 0


def test_what_a_kill_left_undone_is_done_the_next_time(store, monkeypatch):
    target = a_target(store)
    take(store, target, {str(number): TEA | {"ship_from": f"Country {number}"} for number in range(7)}, week=0)
    monkeypatch.setattr(derived, "BATCH_INPUTS", 2)
    counting = Counting()
    healthy, calls = counting.rows, 0

    def dies(raw):
        nonlocal calls
        calls += 1
        if calls > 5:
            raise KeyboardInterrupt
        return healthy(raw)

    with pytest.raises(KeyboardInterrupt):
        write_derived(store, target.market_id, [Normaliser(ORIGIN, "one", dies)])
    assert store.value("SELECT count(*) FROM origin") == 4
    assert write_derived(store, target.market_id, [counting.normaliser]) == {"origin": 4}
    assert set(origins(store).values()) == {"NL"}


def test_markets_do_not_share_normalised_values(store):
    tea, coffee = a_target(store), a_target(store, "beanhouse")
    take(store, tea, {"1": TEA}, week=0)
    take(store, coffee, {"1": TEA}, week=0)
    write_derived(store, tea.market_id, [Counting(code="NL").normaliser])
    write_derived(store, coffee.market_id, [Counting(code="BE").normaliser])
    rows = store.rows("SELECT market_id, claimed_origin FROM listing ORDER BY market_id")
    assert [tuple(row) for row in rows] == [(tea.market_id, "NL"), (coffee.market_id, "BE")]


def test_a_rolled_back_history_is_looked_at_anew(store):
    target = a_target(store)
    take(store, target, {"1": TEA}, week=0)
    second, _ = take(store, target, {"1": TEA | {"ship_from": "Germany"}}, week=1)
    write_derived(store, target.market_id, normalisers_for())
    assert origins(store) == {"1": "DE"}
    with store.write() as connection:
        roll_back(connection, market=target.market_id, snapshot=second)
    write_derived(store, target.market_id, normalisers_for())
    assert origins(store) == {"1": "NL"}


def test_excluded_countries_and_regions_are_rows_that_are_ruled_out():
    claim = Shipping(ShipClass.WORLD, excluded=("NZ", "US"), excluded_regions=("EU",), method="words", confidence=0.9)
    assert [(row[0], row[2]) for row in derived.shipping_rows(claim)] == [("", 0), ("NZ", 1), ("US", 1), ("region:EU", 1)]


def test_the_vendors_own_claim_is_normalised_too_and_an_absent_one_stays_empty(store):
    target = a_target(store)
    take(store, target, {"1": TEA, "2": COFFEE}, week=0)
    with store.write() as connection:
        connection.execute("UPDATE vendor SET ship_from = 'Belgium' WHERE key = 'beanery'")
    write_derived(store, target.market_id, normalisers_for())
    rows = store.rows("SELECT key, claimed_origin FROM vendor ORDER BY key")
    assert [tuple(row) for row in rows] == [("beanery", "BE"), ("leafhouse", None)]


def test_declared_facts_are_part_of_the_version(store):
    target = a_target(store)
    take(store, target, {"1": TEA | {"ship_from": "LV"}}, week=0)
    write_derived(store, target.market_id, normalisers_for(MarketFacts()))
    assert origins(store) == {"1": "unparseable"}
    write_derived(store, target.market_id, normalisers_for(MarketFacts(iso2=True)))
    assert origins(store) == {"1": "LV"}


def test_quantity_and_substance_stand_beside_the_title(store):
    target = a_target(store)
    title = {"title": "Autoflower cannabis seeds x10", "category": "Seeds"}
    take(store, target, {"1": TEA, "2": TEA | title}, week=0)
    write_derived(store, target.market_id, normalisers_for())
    row = store.row("SELECT * FROM quantity WHERE title = 'Sencha 100 g'")
    assert (row["amount"], row["unit"], row["category"]) == ("100", "g", "Tea > Green")
    row = store.row("SELECT * FROM substance JOIN listing USING (title) WHERE listing.key = '2'")
    assert (row["substance_group"], row["answer_group"], row["method"]) == ("seeds", "cannabis seeds", "category+title")
    assert store.value("SELECT substance_group FROM listing WHERE key = '1'") == "unknown"
    unmapped = store.row("SELECT * FROM unmapped")
    assert (unmapped["listings"], unmapped["no_group"], unmapped["no_group_percent"]) == (2, 1, 50.0)
    assert sum(row["percent"] for row in store.rows("SELECT percent FROM group_share")) == 100


@pytest.mark.parametrize(
    "claims",
    [
        {"price": "12.50"},
        {"price": "12.50", "price_unit": "g"},
        {"price": "12.50", "price_unit": "Order"},
        {"price": "12.50", "price_maximum": "20"},
        {"price": None},
        {"currency": None},
        {"title": "Sencha, ask me"},
        {"title": "Sencha 30 bags"},
        {"title": "Sencha syrup 250 ml"},
    ],
)
def test_the_unit_price_of_the_view_is_that_of_the_normaliser(store, claims):
    target, claimed = a_target(store), TEA | claims
    take(store, target, {"1": claimed}, week=0)
    write_derived(store, target.market_id, normalisers_for())
    found = store.row("SELECT unit_price, currency, unit FROM listing_unit_price")
    price = price_of(claimed)
    expected = price_per_unit(price, normalise_quantity(claimed["title"], claimed["category"]))
    if expected is None:
        assert found["unit_price"] is None
    else:
        assert found["unit_price"] == pytest.approx(float(expected[0]))
        assert (found["currency"], found["unit"]) == expected[1:]


def price_of(claims):
    return Price(claims["price"], claims["currency"], claims.get("price_unit"), claims.get("price_maximum"))


def test_the_share_of_an_origin_counts_what_was_derived(store):
    target = a_target(store)
    take(store, target, {"1": TEA, "2": COFFEE, "3": TEA | {"ship_from": "my own garden"}}, week=0)
    write_derived(store, target.market_id, normalisers_for())
    shares = {row["claimed_origin"]: row["listings"] for row in store.rows("SELECT * FROM origin_share")}
    assert shares == {"NL": 1, "DE, NL": 1, "unparseable": 1}


def test_the_missing_inputs_are_found_through_indexes(store):
    bound = {"market": 1, "version": "one", "after": 5, "again": False}
    explained = store.rows(f"EXPLAIN QUERY PLAN {derived.missing_sql(SUBSTANCE, after=5)}", bound)
    plan = "\n".join(row["detail"] for row in explained)
    assert "SEARCH change USING INTEGER PRIMARY KEY (rowid>?)" in plan
    assert "SCAN" not in plan.replace("SCAN e", "")


@pytest.mark.parametrize("again", [False, True])
def test_the_inputs_come_in_batches_of_which_one_is_read_at_a_time(store, monkeypatch, again):
    target = a_target(store)
    take(store, target, {str(number): TEA | {"ship_from": f"Country {number % 7}"} for number in range(9)}, week=0)
    monkeypatch.setattr(derived, "BATCH_INPUTS", 3)
    asked, sizes = Counting(), []

    def watching(normaliser, batches, count):
        assert count == 8  # seven countries, and the vendor's profile that names none
        for batch, made in derived.normalise_here(normaliser, batches, count):
            assert len(asked.asked) == sum(sizes) + len(batch)  # nothing was read ahead
            sizes.append(len(batch))
            yield batch, made

    assert write_derived(store, target.market_id, [asked.normaliser], again=again, spread=watching) == {"origin": 8}
    assert sizes == [3, 3, 2]
    assert sorted(asked.asked) == ["", *(f"Country {number}" for number in range(7))]


def test_what_waited_to_be_normalised_is_dropped_also_after_a_fault(store):
    target = a_target(store)
    take(store, target, {"1": TEA}, week=0)
    with pytest.raises(ZeroDivisionError):
        write_derived(store, target.market_id, [Normaliser(ORIGIN, "one", lambda _raw: 1 / 0)])
    assert store.rows("SELECT name FROM sqlite_temp_master WHERE name LIKE 'missing%'") == []
    assert write_derived(store, target.market_id, [Counting().normaliser]) == {"origin": 2}


def test_two_new_listings_that_say_the_same_are_normalised_once(store):
    target = a_target(store)
    take(store, target, {"1": TEA}, week=0)
    write_derived(store, target.market_id, normalisers_for(MarketFacts()))
    take(store, target, {"1": TEA, "2": COFFEE, "3": COFFEE}, week=1)
    assert write_derived(store, target.market_id, normalisers_for(MarketFacts()))["quantity"] == 1
