"""Politeness: whatever the number of connections, requests keep their distance."""

from __future__ import annotations

import itertools
import random
import threading

from hypothesis import given
from hypothesis import strategies as st

from torwatch.crawl.pace import JITTER, Pace


class Stop:
    """An event whose waiting moves a clock instead of taking time."""

    def __init__(self, set_after=None):
        self.now = 0.0
        self.set_after = set_after

    def clock(self):
        return self.now

    def wait(self, seconds):
        if self.set_after is not None and self.now + seconds >= self.set_after:
            self.now = self.set_after
            return True
        self.now += seconds
        return False


def test_the_first_request_starts_at_once():
    stop = Stop()
    assert Pace(5, clock=stop.clock, rng=random.Random(1)).wait(stop)
    assert stop.now == 0


@given(st.floats(0.001, 100), st.integers(0, 2**32), st.lists(st.floats(0, 20), min_size=1, max_size=30))
def test_two_requests_are_never_closer_than_the_rate_allows(seconds, seed, pauses):
    stop = Stop()
    pace = Pace(seconds, clock=stop.clock, rng=random.Random(seed))
    starts = []
    for pause in pauses:
        stop.now += pause  # what a page takes
        assert pace.wait(stop)
        starts.append(stop.now)
    for earlier, later in itertools.pairwise(starts):
        assert later - earlier >= seconds * (1 - 1e-9)


@given(st.floats(0.1, 10), st.integers(0, 2**32))
def test_a_steady_walk_is_slower_than_the_rate_by_the_jitter_at_most(seconds, seed):
    stop = Stop()
    pace = Pace(seconds, clock=stop.clock, rng=random.Random(seed))
    for _ in range(21):
        pace.wait(stop)
    assert 20 * seconds * (1 - 1e-9) <= stop.now <= 20 * seconds * (1 + JITTER) * (1 + 1e-9)


def test_what_the_market_asks_for_is_waited_even_without_a_rate():
    stop = Stop()
    pace = Pace(0, clock=stop.clock, rng=random.Random(1))
    pace.hold_back(120)
    assert pace.wait(stop)
    assert stop.now == 120


def test_a_shorter_wish_does_not_shorten_a_longer_one():
    stop = Stop()
    pace = Pace(0, clock=stop.clock, rng=random.Random(1))
    pace.hold_back(120)
    pace.hold_back(3)
    assert pace.wait(stop)
    assert stop.now == 120


def test_a_stop_ends_the_wait_without_a_request():
    stop = Stop(set_after=3)
    pace = Pace(60, clock=stop.clock, rng=random.Random(1))
    assert pace.wait(stop)
    assert not pace.wait(stop)
    assert stop.now == 3


def test_threads_share_one_budget():
    pace = Pace(1, clock=lambda: 0.0, rng=random.Random(1))
    slots, stop = [], threading.Event()

    class Noted:
        def wait(self, seconds):
            slots.append(seconds)
            return stop.is_set()

    threads = [threading.Thread(target=lambda: [pace.wait(Noted()) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    slots.sort()
    assert len(slots) == 200
    assert all(later - earlier >= 1 - 1e-9 for earlier, later in itertools.pairwise(slots))
