"""Spells are closed by complete misses in a row or by the market's own word, and the work does not grow with what is long gone."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torwatch.store.database import open_store

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
take, a_target = builders.take, builders.a_target

TEA = {"title": "Sencha", "vendor": "leafhouse", "price": "12.50", "currency": "EUR"}


def spells(store, market=1):
    return [
        tuple(row)
        for row in store.rows(
            "SELECT listing.key, opened_snapshot_id, last_seen_snapshot_id, first_missed_snapshot_id, why FROM spell"
            " JOIN listing ON listing.id = entity_id WHERE entity = 'listing' AND market_id = ? ORDER BY spell.id",
            (market,),
        )
    ]


def test_a_sight_between_two_misses_begins_the_count_again(store):
    target = a_target(store)
    for week, seen in enumerate(("12", "1", "12", "1", "1")):
        take(store, target, dict.fromkeys(seen, TEA), week=week)
    assert spells(store) == [("1", 1, None, None, None), ("2", 1, 3, 4, "missed")]


def test_the_last_sight_is_told_from_this_market_alone(store):
    target, other = a_target(store), a_target(store, "beanhouse")
    for week in range(2):
        take(store, target, {"1": TEA, "2": TEA}, week=week)  # snapshots 1 and 3
        take(store, other, {"1": TEA}, week=week)  # snapshots 2 and 4
    take(store, target, {"1": TEA}, week=2)
    assert ("2", 1, 3, 5, None) in spells(store)


def test_a_partial_snapshot_that_sees_it_takes_the_running_miss_away(store):
    target = a_target(store)
    take(store, target, {"1": TEA, "2": TEA}, week=0)
    take(store, target, {"1": TEA}, week=1)
    take(store, target, {"2": TEA}, week=2, complete=False)
    take(store, target, {"1": TEA}, week=3)
    assert ("2", 1, 3, 4, None) in spells(store)
    assert store.value("SELECT standing FROM listing WHERE key = '2'") == 1


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One database for all examples: each has a market of its own."""
    with open_store(tmp_path_factory.mktemp("spells") / "torwatch.db") as opened:
        opened.connection.execute("PRAGMA synchronous = OFF")
        yield opened


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(st.tuples(st.sets(st.sampled_from("abc")), st.booleans(), st.sets(st.sampled_from("abc"))), min_size=2, max_size=8))
def test_every_closed_interval_begins_with_the_newest_sight_of_any_kind(steps, shared):
    sights = {}
    number = shared.value("SELECT count(*) FROM market")
    target = a_target(shared, f"market{number}", host=number)
    for week, (seen, complete, gone) in enumerate(steps):
        snapshot, _ = take(shared, target, dict.fromkeys(sorted(seen), TEA), week=week, complete=complete, gone=gone - seen)
        for key in seen:
            sights.setdefault(key, []).append(snapshot)
    for key, _, last_seen, first_missed, _ in spells(shared, target.market_id):
        if first_missed is not None:
            assert last_seen == max(sight for sight in sights[key] if sight < first_missed)


def test_unseen_and_running_misses_are_found_through_the_indexes_of_what_stands(store):
    plan = store.rows(
        "EXPLAIN QUERY PLAN SELECT key FROM listing WHERE market_id = 1 AND standing = 1"
        " EXCEPT SELECT key FROM stage_listing WHERE snapshot_id = 1 ORDER BY key"
    )
    text = " ".join(row["detail"] for row in plan)
    assert "MERGE (EXCEPT)" in text
    assert "listing_standing" in text
    assert "TEMP B-TREE" not in text
    missed = "EXPLAIN QUERY PLAN SELECT id FROM spell WHERE entity = 'listing' AND why IS NULL AND first_missed_snapshot_id IS NOT NULL"
    assert "spell_missed" in store.row(missed)["detail"]


def test_the_rows_of_another_running_snapshot_stay_when_one_ends(store):
    target, other = a_target(store), a_target(store, "beanhouse")
    running = builders.begin_snapshot(
        store, other, mirror_id=other.mirrors[0].id, parser_digest="0" * 64, torwatch_version="test", now=builders.NOW
    )
    row = builders.EntityRow("9", builders.Source.INDEX, TEA)
    with store.write() as connection:
        builders.staging.stage_pages(connection, running.id, [builders.StagedPage(listings=(row,))])
    take(store, target, {"1": TEA}, week=0)
    assert [tuple(row) for row in store.rows("SELECT snapshot_id, key FROM stage_listing")] == [(running.id, "9")]
