"""A past state is the same by every way: taken back from the present, replayed from the changes, and read from the views."""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torwatch.errors import UsageError
from torwatch.store.database import open_store
from torwatch.store.history import present_state, replay
from torwatch.store.state import market_named, markets_with_snapshots, newest_snapshot_at, state_after

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
take, a_target = builders.take, builders.a_target

STATE_FROM_VIEWS = """
SELECT s.entity, s.key, c.field, c.value FROM standing_version AS s
LEFT JOIN (SELECT * FROM claim_version WHERE market_id = :market) AS c ON c.entity = s.entity AND c.key = s.key AND c.value IS NOT NULL
  AND c.from_snapshot_id <= :snapshot AND (c.until_snapshot_id IS NULL OR c.until_snapshot_id > :snapshot)
WHERE s.market_id = :market AND s.from_snapshot_id <= :snapshot AND (s.until_snapshot_id IS NULL OR s.until_snapshot_id > :snapshot)
"""
claims = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["Tea", "Other tea"]),
        "vendor": st.sampled_from(["leafhouse", "beanery", None]),
        "price": st.sampled_from(["1", "2", None]),
        "ship_from": st.sampled_from(["Germany", None]),
    }
)
steps = st.lists(
    st.tuples(st.dictionaries(st.sampled_from("1234"), claims), st.booleans(), st.sets(st.sampled_from("1234"))), min_size=1, max_size=5
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("state") / "torwatch.db") as opened:
        opened.connection.execute("PRAGMA synchronous = OFF")
        yield opened


def state_from_views(store, market_id, snapshot_id):
    state = {}
    for row in store.rows(STATE_FROM_VIEWS, {"market": market_id, "snapshot": snapshot_id}):
        found = state.setdefault((row["entity"], row["key"]), {})
        if row["field"] is not None:
            found[row["field"]] = row["value"]
    return state


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(taken=steps)
def test_every_past_state_is_the_same_taken_back_replayed_and_by_the_views(taken, store):
    number = store.value("SELECT count(*) FROM market")
    target = a_target(store, f"market{number}", host=number)
    truth = {}
    for week, (listings, complete, gone) in enumerate(taken):
        snapshot, _ = take(store, target, listings, week=week, complete=complete, gone=sorted(gone))
        truth[snapshot] = present_state(store, target.market_id)
    for snapshot, state in truth.items():
        assert state_after(store, target.market_id, snapshot) == state
        assert replay(store, target.market_id, snapshot) == state
        assert state_from_views(store, target.market_id, snapshot) == state


def test_the_newest_snapshot_that_had_ended_tells_the_state(store):
    target = a_target(store, "clocked", host=900_000)
    first, _ = take(store, target, {"1": {"title": "Tea"}}, week=0)
    second, _ = take(store, target, {"1": {"title": "Tea"}}, week=1)
    day = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    assert newest_snapshot_at(store, target.market_id, day - dt.timedelta(days=1)) is None
    assert newest_snapshot_at(store, target.market_id, day + dt.timedelta(days=6)) == first
    assert newest_snapshot_at(store, target.market_id, day + dt.timedelta(days=7)) == second
    assert (target.market_id, "clocked") in markets_with_snapshots(store)


def test_a_market_that_is_not_known_is_told_with_the_remedy(store):
    with pytest.raises(UsageError, match="market list"):
        market_named(store, "nowhere")
