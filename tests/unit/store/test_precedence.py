"""A value comes from the strongest source that can show it, and one pass over single rows finds every key that may change."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torwatch.model import Source
from torwatch.store.database import open_store
from torwatch.store.precedence import SOURCE_BIT, STRENGTH, claim_sql, showing

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
COVERAGE = builders.COVERAGE["listing"]
CLAIMS = ("title", "vendor", "price", "ship_from")
COUNTERS = ("stock", "views")

said = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["Tea", "Coffee", None]),
        "vendor": st.sampled_from(["leafhouse", None]),
        "price": st.sampled_from(["1", "2", None]),
        "ship_from": st.sampled_from(["Netherlands", "Germany", None]),
        "stock": st.sampled_from(["5", None]),
        "views": st.sampled_from([1, 2, None]),
    }
)
snapshots = st.lists(
    st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from(STRENGTH)), said, max_size=6), min_size=1, max_size=5
)


def test_a_claim_no_source_can_show_stays_what_it_is():
    assert claim_sql("escrow", COVERAGE) == "e.escrow"


def test_the_sources_of_a_claim_come_strongest_first_with_the_bits_of_those_before():
    assert list(showing("title", COVERAGE)) == [(Source.DETAIL, 0), (Source.INDEX, 4), (Source.VENDOR_TABLE, 6)]
    assert list(showing("ship_from", COVERAGE)) == [(Source.DETAIL, 0)]


class Told:
    """What is known of one listing, by the rule in plain words."""

    def __init__(self):
        self.values = dict.fromkeys((*CLAIMS, *COUNTERS))
        self.sources = 0

    def hear(self, by_source):
        """Take in what the sources of one snapshot said."""
        known = self.sources
        for claim in CLAIMS:
            for source, stronger in showing(claim, COVERAGE):
                if source in by_source and not known & stronger:
                    self.values[claim] = by_source[source].get(claim)
                    break
        for counter in COUNTERS:
            shown = [by_source[source][counter] for source in STRENGTH if source in by_source and by_source[source][counter] is not None]
            self.values[counter] = shown[0] if shown else self.values[counter]
        for source in by_source:
            self.sources |= SOURCE_BIT[source]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One database for all examples: each has a market of its own."""
    with open_store(tmp_path_factory.mktemp("precedence") / "torwatch.db") as opened:
        opened.connection.execute("PRAGMA synchronous = OFF")
        yield opened


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(snapshots=snapshots)
def test_any_mix_of_sources_gives_what_the_rule_says(snapshots, store):
    told = {}
    number = store.value("SELECT count(*) FROM market")
    target = builders.a_target(store, f"market{number}", host=number)
    for week, rows in enumerate(snapshots):
        page = builders.StagedPage(tuple(builders.EntityRow(key, source, values, f"/l/{key}") for (key, source), values in rows.items()))
        builders.take(store, target, {}, week=week, page=page, complete=False)
        for key in {key for key, _ in rows}:
            told.setdefault(key, Told()).hear({source: values for (of, source), values in rows.items() if of == key})
        stored = {row["key"]: row for row in store.rows("SELECT * FROM listing WHERE market_id = ?", (target.market_id,))}
        assert stored.keys() == told.keys()
        for key, expected in told.items():
            assert {name: stored[key][name] for name in expected.values} == expected.values
            assert stored[key]["sources"] == expected.sources


@pytest.mark.parametrize("index", ["listing_standing", "vendor_standing", "spell_missed"])
def test_the_indexes_of_what_stands_are_there(store, index):
    assert store.value("SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = ?", (index,)) == 1
