"""The world of a simulated market: deterministic, stationary, and computable at any moment."""

import datetime as dt
import time

import hypothesis
import pytest
from hypothesis import strategies as st

from torwatch.demo.market import EPOCH, Claims, Pace, SimulatedClock, World

LATER = EPOCH + dt.timedelta(days=40, hours=7)


def test_two_worlds_of_one_seed_agree_in_everything():
    one, other = World(5, listings=60), World(5, listings=60)
    other.truth(EPOCH + dt.timedelta(days=300))  # what was asked before must not matter
    assert one.truth(LATER).listings == other.truth(LATER).listings
    assert one.truth(LATER).vendors == other.truth(LATER).vendors
    assert one.truth(LATER).feedback == other.truth(LATER).feedback


def test_other_seeds_give_other_worlds():
    titles = {tuple(entry.title for entry in World(seed, listings=30).truth(EPOCH).listings.values()) for seed in range(4)}
    assert len(titles) == 4


def test_the_asked_number_of_listings_stands_at_the_start_and_about_as_many_later():
    world = World(2, listings=1000)
    assert len(world.truth(EPOCH).listings) == 1000
    for days in (7, 60, 365):
        assert 800 < len(world.truth(EPOCH + dt.timedelta(days=days)).listings) < 1200


def test_listings_appear_vanish_and_come_back_under_the_same_key():
    world = World(3, listings=200)
    weeks = [set(world.truth(EPOCH + dt.timedelta(weeks=week)).listings) for week in range(12)]
    ever = set().union(*weeks)
    appeared = ever - weeks[0]
    vanished = weeks[0] - weeks[-1]
    came_back = {
        key for key in ever if any(key in a and key not in b and key in c for a, b, c in zip(weeks, weeks[1:], weeks[2:], strict=False))
    }
    assert appeared
    assert vanished
    assert came_back


def test_prices_texts_and_shipping_claims_of_standing_listings_change():
    world = World(3, listings=300)
    before, after = world.truth(EPOCH).listings, world.truth(EPOCH + dt.timedelta(weeks=3)).listings
    both = before.keys() & after.keys()
    for field in ("price", "title", "description", "ship_from_raw", "ship_to_raw"):
        assert any(getattr(before[key], field) != getattr(after[key], field) for key in both), field
    for field in ("vendor", "category", "created", "unit"):
        assert all(getattr(before[key], field) == getattr(after[key], field) for key in both), field


def test_vendors_come_and_go_and_their_names_are_unique():
    world = World(8, listings=300, pace=Pace(vendor_life=60))
    before, after = world.truth(EPOCH).vendors, world.truth(EPOCH + dt.timedelta(days=120)).vendors
    assert before.keys() - after.keys()
    assert after.keys() - before.keys()
    names = [vendor.name for vendor in (before | after).values()]
    assert len(names) == len(set(names))


def test_every_standing_listing_has_a_standing_vendor_and_no_vendor_stands_without_a_listing():
    truth = World(4, listings=150, pace=Pace(vendor_life=80)).truth(LATER)
    assert {entry.vendor_key for entry in truth.listings.values()} == set(truth.vendors)


def test_feedback_only_grows_while_its_vendor_stands():
    world = World(6, listings=80)
    before, after = world.truth(EPOCH + dt.timedelta(days=30)), world.truth(EPOCH + dt.timedelta(days=60))
    assert after.feedback.keys() - before.feedback.keys()
    for vendor_key in before.vendors.keys() & after.vendors.keys():
        earlier = before.feedback_of(vendor_key)
        assert after.feedback_of(vendor_key)[-len(earlier) :] == earlier if earlier else True


def test_feedback_lies_in_the_past_and_newest_comes_first():
    truth = World(6, listings=80).truth(LATER)
    assert truth.feedback
    assert all(entry.at <= LATER for entry in truth.feedback.values())
    for vendor_key in truth.vendors:
        moments = [entry.at for entry in truth.feedback_of(vendor_key)]
        assert moments == sorted(moments, reverse=True)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_dutch_share_is_what_was_asked_for(share):
    shares = [World(seed, listings=400, vendors=200, dutch_share=share).truth(EPOCH).claimed_share("NL") for seed in range(5)]
    assert abs(sum(shares) / len(shares) - share) < 0.06


def test_digital_goods_declare_no_shipping_at_all():
    digital = [entry for entry in World(1, listings=200).truth(EPOCH).listings.values() if entry.listing_type == "Digital"]
    assert digital
    assert all(entry.ship_from_raw is entry.ship_to_raw is entry.origin is None and not entry.codes_raw for entry in digital)


def test_the_shares_of_claims_can_be_set():
    world = World(1, listings=200, claims=Claims(undeclared=1.0, region=0.0, world=0.0, digital=0.0))
    assert {entry.origin_class for entry in world.truth(EPOCH).listings.values()} == {"undeclared"}


@hypothesis.given(days=st.floats(0, 900), seed=st.integers(0, 50))
@hypothesis.settings(max_examples=40)
def test_any_moment_can_be_asked_in_any_order(days, seed):
    world = World(seed, listings=12)
    at = EPOCH + dt.timedelta(days=days)
    world.truth(EPOCH + dt.timedelta(days=450))
    assert world.truth(at).listings == World(seed, listings=12).truth(at).listings


def test_prices_are_exact_and_positive():
    for entry in World(9, listings=200).truth(LATER).listings.values():
        assert entry.price > 0
        assert entry.price.as_tuple().exponent == -2


def test_fifty_thousand_listings_are_known_in_seconds():
    started = time.process_time()
    truth = World(1, listings=50_000).truth(EPOCH)
    assert len(truth.listings) == 50_000
    assert time.process_time() - started < 60  # three seconds of an idle core; coverage and busy neighbours cost their share


def test_a_naive_moment_is_refused():
    with pytest.raises(ValueError, match="aware"):
        World(1, listings=5).truth(dt.datetime(2026, 1, 5))  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="aware"):
        SimulatedClock(dt.datetime(2026, 1, 5))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("counts", [{"listings": 0}, {"listings": 5, "vendors": 0}])
def test_an_empty_market_is_refused(counts):
    with pytest.raises(ValueError, match="at least one"):
        World(1, **counts)


def test_the_clock_stands_still_until_it_is_moved():
    clock = SimulatedClock(EPOCH)
    assert clock() == clock() == EPOCH
    assert clock.advance(dt.timedelta(days=7)) == EPOCH + dt.timedelta(days=7) == clock()
    clock.set(EPOCH)
    assert clock() == EPOCH
