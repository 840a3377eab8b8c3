"""What differs between two snapshots is the one state minus the other, and between neighbours the change rows."""

from __future__ import annotations

import importlib.util
import itertools
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torwatch.model import Source
from torwatch.store.comparison import CategoryDifference, compare_snapshots, differences
from torwatch.store.database import open_store
from torwatch.store.staging import EntityRow, StagedPage
from torwatch.store.state import state_after

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
take, a_target = builders.take, builders.a_target
CAME, WENT = {"new", "back"}, {"gone_explicit", "missed"}
claims = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["Tea", "Other tea"]),
        "vendor": st.sampled_from(["leafhouse", "beanery", None]),
        "price": st.sampled_from(["1", "2", None]),
        "category": st.sampled_from(["Tea > Green", "Tea > Black", None]),
    }
)
steps = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("1234"), claims),
        st.booleans(),
        st.sets(st.sampled_from("1234")),
        st.sampled_from([Source.DETAIL, Source.INDEX]),
    ),
    min_size=2,
    max_size=6,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("comparison") / "torwatch.db") as opened:
        opened.connection.execute("PRAGMA synchronous = OFF")
        yield opened


def read_fingerprints(armour):
    """Stands for the reader of armoured keys: a word is a key."""
    return [(word, "") for word in armour.split()]


def compare(store, target, first, second):
    return compare_snapshots(store, target.market_id, first, second, fingerprints=read_fingerprints)


def a_market_of_its_own(store, taken):
    """A new market with the snapshots that were drawn; gives its target and their numbers."""
    number = store.value("SELECT count(*) FROM market")
    target = a_target(store, f"market{number}", host=number)
    return target, [
        take(store, target, listings, week=week, complete=complete, gone=sorted(gone), source=source)[0]
        for week, (listings, complete, gone, source) in enumerate(taken)
    ]


def categories(state):
    return Counter(values.get("category") for (entity, _), values in state.items() if entity == "listing")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(taken=steps)
def test_a_comparison_is_the_second_state_minus_the_first_for_every_pair(taken, store):
    target, snapshots = a_market_of_its_own(store, taken)
    states = {snapshot: state_after(store, target.market_id, snapshot) for snapshot in snapshots}
    for first in snapshots:
        for second in snapshots:
            found = compare(store, target, first, second)
            told = [(one.entity, one.key, one.field, one.old, one.new) for one in (*found.listings, *found.vendors)]
            wanted = differences(states[first], states[second])
            assert told == [(one.entity, one.key, one.field, one.old, one.new) for one in wanted]
            before, after = categories(states[first]), categories(states[second])
            assert {one.category: (one.before, one.after) for one in found.categories} == {
                name: (before[name], after[name]) for name in before | after if before[name] != after[name]
            }


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(taken=steps)
def test_between_neighbours_a_comparison_is_the_change_rows(taken, store):
    target, snapshots = a_market_of_its_own(store, taken)
    for first, second in itertools.pairwise(snapshots):
        found = compare(store, target, first, second)
        told = {(one.entity, one.key, one.field, one.cause) for one in (*found.listings, *found.vendors)}
        rows = store.rows("SELECT entity, key, field, old, new, cause FROM change WHERE snapshot_id = ?", (second,))
        moved = {(row["entity"], row["key"]) for row in rows if row["cause"] in CAME | WENT}
        # the claims of what came or went are within that one difference
        assert told == {
            (row["entity"], row["key"], row["field"], row["cause"])
            for row in rows
            if row["field"] is None or (row["entity"], row["key"]) not in moved
        }
        values = {(one.entity, one.key, one.field): (one.old, one.new) for one in (*found.listings, *found.vendors) if one.field}
        assert all(
            values.get((row["entity"], row["key"], row["field"]), (row["old"], row["new"])) == (row["old"], row["new"]) for row in rows
        )


def test_keys_feedback_and_categories_are_compared_too(store):
    target = a_target(store, "keyed", host=900_001)
    tea = {"title": "Tea", "vendor": "leafhouse", "price": "1", "category": "Tea > Green"}

    def page(digest, *feedback):
        return StagedPage(
            vendors=(EntityRow("leafhouse", Source.DETAIL, {"name": "leafhouse", "pgp": digest}),),
            feedback=tuple({"key": key, "vendor": "leafhouse", "body": "good", "stars": 5} for key in feedback),
            texts=(("one", "AAAA"), ("two", "AAAA BBBB"), ("three", "BBBB")),
        )

    first, _ = take(store, target, {"1": tea}, week=0, page=page("one", "f1"))
    second, _ = take(store, target, {"1": tea, "2": tea}, week=1, page=page("two", "f1", "f2"))
    third, _ = take(store, target, {"1": tea, "2": tea | {"category": "Tea > Black"}}, week=2, page=page("three", "f2"))
    found = compare(store, target, first, third)
    assert [(one.account, one.fingerprint, one.shown) for one in found.keys] == [("leafhouse", "AAAA", False), ("leafhouse", "BBBB", True)]
    assert [(one.key, one.vendor, one.rating, one.body) for one in found.feedback] == [("f2", "leafhouse", "5", "good")]
    assert found.categories == (CategoryDifference("Tea > Black", 0, 1),)
    assert [(one.account, one.fingerprint, one.shown) for one in compare(store, target, first, second).keys] == [
        ("leafhouse", "BBBB", True)
    ]
    assert compare(store, target, second, third).feedback == ()
    assert not compare(store, target, third, third)


def test_a_comparison_is_of_one_moment_whatever_is_committed_meanwhile(store, tmp_path):
    with open_store(tmp_path / "torwatch.db") as mine:
        target = a_target(mine)
        first, _ = take(mine, target, {"1": {"title": "Tea", "price": "1"}}, week=0)
        second, _ = take(mine, target, {"1": {"title": "Tea", "price": "2"}}, week=1)
        with open_store(tmp_path / "torwatch.db") as other, mine.one_moment():
            wanted = compare(mine, target, first, second)
            take(other, target, {"1": {"title": "Tea", "price": "3"}}, week=2)
            assert compare(mine, target, first, second) == wanted
            assert mine.value("SELECT count(*) FROM snapshot") == 2
        assert mine.value("SELECT count(*) FROM snapshot") == 3
        assert compare(mine, target, first, second) == wanted
