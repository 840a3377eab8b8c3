"""Differences between two truths: complete, sorted, replayable."""

import datetime as dt

import hypothesis
from hypothesis import strategies as st

from torwatch.demo.market import EPOCH, World, diff_truth, remember, replay_truth, state_of
from torwatch.demo.market.truth import CLAIMS, TruthChange, claims_of


def moment(days):
    return EPOCH + dt.timedelta(days=days)


def test_the_same_moment_differs_in_nothing():
    world = World(1, listings=50)
    assert diff_truth(world.truth(EPOCH), world.truth(EPOCH)) == []


def test_counters_are_no_changes():
    world = World(1, listings=50)
    before, after = world.truth(EPOCH), world.truth(moment(0.2))
    assert any(before.listings[key].views != after.listings[key].views for key in before.listings.keys() & after.listings.keys())
    assert {row.field for row in diff_truth(before, after)} <= {"", *(name for names in CLAIMS.values() for name in names)}


def test_a_first_sight_is_all_new():
    truth = World(1, listings=20).truth(EPOCH)
    rows = diff_truth(None, truth, entities=("listing",))
    assert {row.cause for row in rows} == {"new"}
    assert sum(row.field == "" for row in rows) == 20
    assert all(row.new is not None for row in rows if row.field)


def test_what_returns_is_back_only_for_who_saw_it_before():
    world = World(3, listings=200)
    known, before, returned = None, None, set()
    for week in range(8):
        truth = world.truth(moment(7 * week))
        rows = diff_truth(before, truth, known=known, entities=("listing", "vendor"))
        returned |= {row.key for row in rows if row.cause == "back" and row.field == ""}
        assert all(row.cause != "back" for row in diff_truth(before, truth, entities=("listing",)))
        known, before = remember(known, truth), truth
    assert returned


def test_rows_come_sorted():
    world = World(2, listings=60)
    rows = diff_truth(world.truth(EPOCH), world.truth(moment(30)))
    assert rows == sorted(rows, key=lambda row: (row.entity, row.key, row.field, row.cause))


@hypothesis.given(seed=st.integers(0, 99), days=st.lists(st.floats(0.01, 60), min_size=1, max_size=5))
@hypothesis.settings(max_examples=20)
def test_replaying_the_differences_gives_every_state(seed, days):
    world = World(seed, listings=25)
    known = before = None
    state, day = {}, 0.0
    for step in days:
        day += step
        after = world.truth(moment(day))
        state = replay_truth(state, diff_truth(before, after, known=known), archive=state_of(known))
        expected = state_of(after)
        assert {where: claims for where, claims in state.items() if where[0] != "feedback"} == {
            where: claims for where, claims in expected.items() if where[0] != "feedback"
        }
        assert expected.items() <= state.items()  # feedback of vendors who left stays
        known, before = remember(known, after), after


def test_claims_are_text():
    truth = World(1, listings=20).truth(EPOCH)
    listing = next(iter(truth.listings.values()))
    claims = claims_of("listing", listing)
    assert claims["price"] == str(listing.price)
    assert (claims["ship_from"], claims["vendor"]) == (listing.ship_from_raw, listing.vendor_key)
    assert claims["category"] == " > ".join(listing.category)
    vendor = claims_of("vendor", next(iter(truth.vendors.values())))
    assert vendor["fe_enabled"] in {"0", "1"}
    assert isinstance(TruthChange("listing", "1", "price", "1.00", "2.00", "changed").new, str)


def test_hidden_listings_leave_the_seen_truth_but_not_the_world():
    truth = World(1, listings=20).truth(EPOCH)
    key = next(iter(truth.listings))
    assert key not in truth.without([key]).listings
    assert key in truth.listings
