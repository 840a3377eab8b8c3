"""The diff writes what changed and nothing else."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torwatch.model import Source
from torwatch.store.comparison import differences
from torwatch.store.database import open_store
from torwatch.store.history import present_state, replay, seen_in
from torwatch.store.rollback import roll_back
from torwatch.store.staging import StagedPage

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
take, a_target = builders.take, builders.a_target

TEA = {"title": "Sencha 100 g", "vendor": "leafhouse", "price": "12.50", "currency": "EUR", "ship_from": "Netherlands"}
COFFEE = {"title": "Coffee 1 kg", "vendor": "beanery", "price": "20", "currency": "EUR", "ship_from": "Germany"}


def causes(store, snapshot_id, entity="listing"):
    rows = store.rows(
        "SELECT key, field, old, new, cause FROM change WHERE snapshot_id = ? AND entity = ? ORDER BY id", (snapshot_id, entity)
    )
    return [(row["key"], row["field"], row["old"], row["cause"]) if row["field"] else (row["key"], row["cause"]) for row in rows]


def test_the_first_snapshot_makes_one_row_for_each_new_listing(store):
    first, ending = take(store, a_target(store), {"1": TEA, "2": COFFEE}, week=0)
    assert ending.state == "complete"
    assert causes(store, first) == [("1", "new"), ("2", "new")]
    assert causes(store, first, "vendor") == [("beanery", "new"), ("leafhouse", "new")]


def test_an_unchanged_snapshot_writes_no_change(store):
    target = a_target(store)
    take(store, target, {"1": TEA}, week=0)
    second, _ = take(store, target, {"1": TEA}, week=1)
    assert causes(store, second) == []


def test_a_changed_price_gives_one_row_with_old_and_new(store):
    target = a_target(store)
    take(store, target, {"1": TEA}, week=0)
    second, _ = take(store, target, {"1": TEA | {"price": "14.00"}}, week=1)
    row = store.row("SELECT * FROM change WHERE snapshot_id = ?", (second,))
    assert (row["field"], row["old"], row["new"], row["cause"]) == ("price", "12.50", "14.00", "changed")


def test_a_claim_that_is_withdrawn_is_a_change_to_null(store):
    target = a_target(store)
    take(store, target, {"1": TEA}, week=0)
    second, _ = take(store, target, {"1": TEA | {"ship_from": None}}, week=1)
    assert causes(store, second) == [("1", "ship_from", "Netherlands", "changed")]


def test_a_listing_missed_once_still_stands(store):
    target = a_target(store)
    take(store, target, {"1": TEA, "2": COFFEE}, week=0)
    second, _ = take(store, target, {"1": TEA}, week=1)
    assert causes(store, second) == []
    assert len(present_state(store, target.market_id)) == 4


def test_a_listing_missed_in_two_complete_snapshots_is_removed_since_the_first_miss(store):
    target = a_target(store)
    first, _ = take(store, target, {"1": TEA, "2": COFFEE}, week=0)
    second, _ = take(store, target, {"1": TEA}, week=1)
    third, _ = take(store, target, {"1": TEA}, week=2)
    assert ("2", "missed") in causes(store, third)
    spell = store.row("SELECT spell.* FROM spell JOIN listing ON listing.id = entity_id WHERE entity = 'listing' AND listing.key = '2'")
    assert (spell["last_seen_snapshot_id"], spell["first_missed_snapshot_id"], spell["why"]) == (first, second, "missed")


def test_a_listing_that_says_it_is_gone_is_removed_at_once(store):
    target = a_target(store)
    take(store, target, {"1": TEA, "2": COFFEE}, week=0)
    second, _ = take(store, target, {"1": TEA}, week=1, gone=["2"])
    assert causes(store, second) == [("2", "gone_explicit")]


def test_a_listing_that_returns_is_the_same_one_with_a_new_spell(store):
    target = a_target(store)
    take(store, target, {"1": TEA, "2": COFFEE}, week=0)
    take(store, target, {"1": TEA}, week=1, gone=["2"])
    third, _ = take(store, target, {"1": TEA, "2": COFFEE | {"price": "22"}}, week=2)
    assert causes(store, third) == [("2", "price", "20", "changed"), ("2", "back")]
    assert (
        store.value("SELECT count(*) FROM spell JOIN listing ON listing.id = entity_id WHERE entity = 'listing' AND listing.key = '2'") == 2
    )


def test_a_partial_snapshot_removes_nothing_and_keeps_whom_it_saw(store):
    target = a_target(store)
    take(store, target, {"1": TEA, "2": COFFEE}, week=0)
    for week in (1, 2, 3):
        snapshot, ending = take(store, target, {"1": TEA}, week=week, complete=False)
        assert ending.state == "partial"
        assert len(seen_in(store, "listing", snapshot)) == 1
    assert len(present_state(store, target.market_id)) == 4


def test_a_list_shorter_than_the_markets_own_count_is_partial(store):
    _, ending = take(store, a_target(store), {"1": TEA}, week=0, total=2)
    assert ending.state == "partial"
    assert "counts 2 listings" in ending.reason


def test_a_great_fall_is_held_and_changes_nothing(store):
    target = a_target(store)
    take(store, target, {str(number): TEA for number in range(10)}, week=0)
    second, ending = take(store, target, {"1": TEA}, week=1, max_fall=0.4)
    assert ending.state == "held"
    assert causes(store, second) == []
    assert store.value("SELECT reason FROM hold WHERE snapshot_id = ?", (second,))


def test_a_weaker_source_neither_overwrites_nor_erases_a_stronger_one(store):
    target = a_target(store)
    take(store, target, {"1": TEA}, week=0)
    cut = {"title": "Sencha 1…", "vendor": "leafhouse", "price": "12.50", "currency": "EUR"}
    second, _ = take(store, target, {"1": cut}, week=1, source=Source.INDEX)
    assert causes(store, second) == []


def test_what_only_the_index_showed_is_refined_by_the_first_detail_page(store):
    target = a_target(store)
    cut = {"title": "Sencha 1…", "vendor": "leafhouse", "price": "12.50", "currency": "EUR"}
    take(store, target, {"1": cut}, week=0, source=Source.INDEX)
    second, _ = take(store, target, {"1": TEA}, week=1)
    assert causes(store, second) == [("1", "title", "Sencha 1…", "refined"), ("1", "ship_from", None, "refined")] or set(
        causes(store, second)
    ) == {
        ("1", "title", "Sencha 1…", "refined"),
        ("1", "ship_from", None, "refined"),
    }


def test_counters_move_without_becoming_changes(store):
    target = a_target(store)
    take(store, target, {"1": TEA | {"views": 5}}, week=0)
    second, _ = take(store, target, {"1": TEA | {"views": 9}}, week=1)
    assert causes(store, second) == []
    assert [row["views"] for row in store.rows("SELECT views FROM listing_counter ORDER BY snapshot_id")] == [5, 9]
    assert store.value("SELECT views FROM listing") == 9


def test_how_much_feedback_a_listing_showed_is_kept_where_it_moved(store):
    target = a_target(store)

    def look(week, *entries, **kept):
        shown = tuple({"key": key, "listing_key": "1"} for key in entries)
        page = StagedPage(feedback=shown)
        return take(store, target, {"1": TEA}, week=week, page=page, **kept)[0]

    first, second = look(0, "a", "b"), look(1, "a", "B", "c")  # b was edited
    look(2, "a", "B", "c")  # nothing moved
    look(3)  # none was read: that says nothing
    fifth = look(4, "c", "d")
    assert [tuple(row) for row in store.rows("SELECT snapshot_id, shown FROM feedback_shown ORDER BY 1")] == [
        (first, 2),
        (second, 3),
        (fifth, 2),
    ]
    assert store.value("SELECT count(*) FROM feedback") == 5
    with store.write() as connection:
        roll_back(connection, market=target.market_id, snapshot=second)
    assert [tuple(row) for row in store.rows("SELECT snapshot_id, shown FROM feedback_shown")] == [(first, 2)]


listing_states = st.dictionaries(
    st.sampled_from("abcdef"),
    st.fixed_dictionaries(
        {
            "title": st.sampled_from(["Tea", "Coffee", "Cheese"]),
            "vendor": st.sampled_from(["leafhouse", "beanery", None]),
            "price": st.sampled_from(["1", "2", None]),
            "ship_from": st.sampled_from(["Netherlands", "Germany", None]),
        }
    ),
)
steps = st.lists(
    st.tuples(listing_states, st.sampled_from(["complete", "partial"]), st.sets(st.sampled_from("abcdef"))), min_size=1, max_size=7
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One database for all examples: each has a market of its own."""
    with open_store(tmp_path_factory.mktemp("law") / "torwatch.db") as opened:
        opened.connection.execute("PRAGMA synchronous = OFF")
        yield opened


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=steps)
def test_replaying_the_changes_gives_the_state_after_every_snapshot(steps, shared):
    number = shared.value("SELECT count(*) FROM market")
    target = a_target(shared, f"market{number}", host=number)
    states = []
    for week, (listings, kind, gone) in enumerate(steps):
        snapshot, ending = take(shared, target, listings, week=week, complete=kind == "complete", gone=gone - listings.keys())
        assert ending.state == kind
        states.append((snapshot, present_state(shared, target.market_id)))
        ids = ids_by_key(shared, target)
        assert seen_in(shared, "listing", snapshot) == sorted(ids[key] for key in listings)
    for (snapshot, state), (listings, _, _) in zip(states, steps, strict=True):
        assert replay(shared, target.market_id, snapshot) == state
        seen = seen_in(shared, "listing", snapshot)
        assert sorted(ids_by_key(shared, target)[key] for key in listings) == seen
    assert differences(states[-1][1], replay(shared, target.market_id)) == []


def ids_by_key(store, target):
    return {row["key"]: row["id"] for row in store.rows("SELECT id, key FROM listing WHERE market_id = ?", (target.market_id,))}


def test_a_normal_row_wins_over_a_promoted_one_whichever_page_came_first(store):
    target = a_target(store)
    snapshot = builders.begin_snapshot(
        store, target, mirror_id=target.mirrors[0].id, parser_digest="0" * 64, torwatch_version="test", now=builders.NOW
    )
    for order in (("promoted", "normal"), ("normal", "promoted")):
        with store.write() as connection:
            connection.execute("DELETE FROM stage_listing")
        for name in order:
            row = builders.EntityRow("1", Source.INDEX, {"title": name}, promoted=name == "promoted")
            with store.write() as connection:
                builders.staging.stage_pages(connection, snapshot.id, [builders.StagedPage(listings=(row,))])
        assert store.value("SELECT title FROM stage_listing") == "normal"


def test_what_is_temporary_and_large_lies_in_a_file_beside_the_database(store):
    connection = store.connection
    connection.execute(
        "CREATE TEMP TABLE large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20) SELECT i FROM n"
    )
    connection.execute("UPDATE temp.large SET i = zeroblob(1000000)")
    opened = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert [name for name in opened if name.startswith(f"{store.path.parent}/etilqs") and name.endswith("(deleted)")]
