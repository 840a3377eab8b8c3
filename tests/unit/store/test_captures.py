"""Capture histories equal the truth of who was seen, whatever the mix of snapshots."""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torwatch.store.capture import encode_ids
from torwatch.store.captures import capture_histories
from torwatch.store.database import open_store
from torwatch.store.history import present_state, replay

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
take, a_target = builders.take, builders.a_target

KEYS = ("1", "2", "3", "4")
EXAMPLES = 500

looks = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["complete", "partial", "failed", "held", "rejected"]),
        "seen": st.sets(st.sampled_from(KEYS)),
        "gone": st.sets(st.sampled_from(KEYS)),
        "price": st.sampled_from(["10", "11", None]),
        "second_pass": st.one_of(st.none(), st.sets(st.sampled_from(KEYS))),
    }
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One database for all examples: each has a market of its own."""
    with open_store(tmp_path_factory.mktemp("captures") / "torwatch.db") as opened:
        opened.connection.execute("PRAGMA synchronous = OFF")
        yield opened


def claims_of(key, price):
    return {"title": f"Tea {key}", "vendor": f"house {int(key) % 2}", "price": price, "currency": "EUR"}


def look_at(store, target, week, look):
    """Take one snapshot of the kind the example asks for; gives its number and the keys that it makes known as seen."""
    listings = {key: claims_of(key, look["price"]) for key in sorted(look["seen"])}
    kind = look["kind"]
    if kind == "failed":
        return take(store, target, {}, week=week, readable=False)[0], None
    if kind in {"held", "rejected"}:
        number, ending = take(store, target, listings, week=week, drift="price is not read any more")
        assert ending.state == "held"
        if kind == "rejected":
            with store.write() as connection:
                connection.execute("UPDATE snapshot SET state = 'rejected' WHERE id = ?", (number,))
        return number, None
    number, ending = take(store, target, listings, week=week, complete=kind == "complete", gone=sorted(look["gone"]))
    assert ending.state == kind
    return number, set(look["seen"])


def store_second_pass(store, target, number, keys):
    """What a second pass leaves: the known ones among `keys`."""
    ids = [row["id"] for row in store.rows("SELECT id, key FROM listing WHERE market_id = ?", (target.market_id,)) if row["key"] in keys]
    with store.write() as connection:
        connection.execute(
            "INSERT INTO capture (snapshot_id, entity, pass, size, ids) VALUES (?, 'listing', 'B', ?, ?)",
            (number, len(ids), encode_ids(ids)),
        )
    return set(ids)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(looks, min_size=1, max_size=7))
def test_histories_equal_the_truth_and_replay_equals_the_state_under_any_mix(steps, store):
    number_of_market = store.value("SELECT count(*) FROM market")
    target = a_target(store, f"market{number_of_market}", host=number_of_market)
    truth, vendors_truth, states = [], [], {}
    for week, look in enumerate(steps):
        number, seen = look_at(store, target, week, look)
        states[number] = present_state(store, target.market_id)
        if seen is None:
            continue
        truth.append((number, "A", seen))
        vendors_truth.append((number, "A", {f"house {int(key) % 2}" for key in seen}))
        if look["second_pass"] is not None:
            ids = store_second_pass(store, target, number, look["second_pass"])
            names = {row["key"] for row in store.rows("SELECT id, key FROM listing") if row["id"] in ids}
            truth.append((number, "B", names))
    for entity, expected in (("listing", truth), ("vendor", vendors_truth)):
        histories = capture_histories(store, target.market_id, entity)
        key_of = {row["id"]: row["key"] for row in store.rows(f"SELECT id, key FROM {entity} WHERE market_id = ?", (target.market_id,))}
        found = [
            (one.snapshot_id, one.pass_name, {key_of[number] for number, bits in histories.seen.items() if bits >> place & 1})
            for place, one in enumerate(histories.occasions)
        ]
        assert found == expected
    for number, state in states.items():
        assert replay(store, target.market_id, number) == state


def test_since_and_until_choose_the_occasions_and_keep_what_was_seen_in_them(store):
    target = a_target(store, "window", host=999_999)
    for week, keys in enumerate((["1", "2"], ["1"], ["1", "2"])):
        take(store, target, {key: claims_of(key, "10") for key in keys}, week=week)
    second = dt.datetime(2026, 1, 12, tzinfo=dt.UTC)
    histories = capture_histories(store, target.market_id, "listing", since=second)
    assert [one.at for one in histories.occasions] == [second, second + dt.timedelta(weeks=1)]
    assert sorted(histories.seen.values()) == [0b10, 0b11]
    only_second = capture_histories(store, target.market_id, "listing", since=second, until=second)
    assert list(only_second.seen.values()) == [1]


def test_another_entity_has_no_capture_history(store):
    with pytest.raises(ValueError, match="listings and vendors"):
        capture_histories(store, 1, "feedback")
