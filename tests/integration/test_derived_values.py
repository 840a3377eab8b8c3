"""A snapshot leaves normalised values beside the raw claims, and a second one without news normalises nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from torwatch.normalisers import normalisers_for
from torwatch.parsing.registry import load_parser
from torwatch.store.derived import write_derived


@pytest.mark.parametrize("engine", ["bazaar", "souk"])
def test_every_listing_of_a_snapshot_has_its_normalised_values(watched, engine):
    watch = watched(engine)
    watch.look()
    store = watch.store
    total = store.value("SELECT count(*) FROM listing")
    assert total > 10
    for kind, claims in (
        ("quantity", "title, category"),
        ("substance", "title, category"),
        ("origin", "ship_from"),
        ("destination", "ship_to"),
    ):
        wanted = {tuple(value or "" for value in row) for row in store.rows(f"SELECT {claims} FROM listing")}
        inputs = "title, category" if "title" in claims else "raw"
        assert wanted <= {tuple(row) for row in store.rows(f"SELECT {inputs} FROM {kind}")}, kind
    assert store.value("SELECT count(*) FROM listing WHERE claimed_origin IS NULL OR substance_group IS NULL") == 0
    assert store.value("SELECT count(*) FROM listing_unit_price") == total
    assert store.value("SELECT count(*) FROM stage_rate") == 0
    facts = load_parser(engine).market.facts
    assert set(write_derived(store, watch.target.market_id, normalisers_for(facts)).values()) == {0}


def test_a_changed_market_is_normalised_again_without_more_change_rows(watched):
    watch = watched()
    watch.look()
    watch.clock.advance(dt.timedelta(days=7))
    watch.look()
    changes = watch.store.value("SELECT count(*) FROM change")
    derived = watch.store.value("SELECT count(*) FROM quantity")
    assert sum(write_derived(watch.store, watch.target.market_id, normalisers_for(), again=True).values()) >= derived
    assert watch.store.value("SELECT count(*) FROM change") == changes
