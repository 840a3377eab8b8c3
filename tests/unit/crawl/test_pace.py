"""Politeness: whatever the number of connections, requests keep their distance."""

from __future__ import annotations

import itertools
import random
import threading
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from torwatch.crawl.pace import JITTER, Pace


class Stop:
    """An event whose waiting moves a clock instead of taking time."""

    def __init__(self, set_after=None):
        self.now = 0.0
        self.set_after = set_after

    def clock(self):
        return self.now

    def is_set(self):
        return self.set_after is not None and self.now >= self.set_after

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


class Draws(random.Random):
    """Random numbers that note when each request was let go: each draws its pause then."""

    def __init__(self, clock):
        super().__init__(1)
        self.clock, self.starts = clock, []

    def uniform(self, low, high):
        self.starts.append(self.clock())
        return super().uniform(low, high)


def test_threads_share_one_budget():
    draws, stop = Draws(time.monotonic), threading.Event()
    pace = Pace(0.01, clock=time.monotonic, rng=draws)
    threads = [threading.Thread(target=lambda: [pace.wait(stop) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(draws.starts) == 40
    assert all(later - earlier >= 0.01 for earlier, later in itertools.pairwise(draws.starts))


def test_what_the_market_asks_for_holds_for_threads_that_wait_already():
    draws, stop = Draws(time.monotonic), threading.Event()
    pace = Pace(0.1, clock=time.monotonic, rng=draws)
    pace.wait(stop)
    threads = [threading.Thread(target=pace.wait, args=(stop,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    pace.hold_back(0.4)
    for thread in threads:
        thread.join()
    assert len(draws.starts) == 4
    assert draws.starts[1] - draws.starts[0] >= 0.4


def worst_minute(arrivals):
    """Most arrivals that any minute saw."""
    arrivals = sorted(arrivals)
    return max(sum(1 for later in arrivals[place:] if later < first + 60) for place, first in enumerate(arrivals))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.floats(1, 30), st.integers(1, 8))
def test_no_minute_at_the_market_sees_more_than_the_budget_and_one_however_long_tor_holds_requests_up(data, seconds, connections):
    """Connections take turns in simulated time; each request arrives some time between its start and its end, as an enemy would choose."""
    stop, now, current = Stop(), [0.0], [0]
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    pace = Pace(seconds, clock=lambda: now[0], rng=rng, thread=lambda: current[0])
    free, busy, arrivals = list(range(connections)), [], []  # threads by number; (end, thread)
    while len(arrivals) < 60 and now[0] < 1500:
        while free and pace.pause() <= 0:
            current[0] = free.pop()
            assert pace.wait(stop)
            lasts = rng.choice([0.3, 2.0, 8.0, 45.0, 100.0])
            arrivals.append(now[0] + lasts * rng.choice([0, 1]))
            busy.append((now[0] + lasts, current[0]))
        now[0] = min([end for end, _ in busy] + ([now[0] + max(0.01, pace.pause())] if free else []))
        for one in [one for one in busy if one[0] <= now[0]]:
            current[0] = one[1]
            pace.answered()
            busy.remove(one)
            free.append(one[1])
    assert worst_minute(arrivals) <= max(int(60 / seconds) + 1, 1)


def test_a_market_under_strain_is_asked_so_many_times_more_slowly():
    stop = Stop()
    pace = Pace(5, clock=stop.clock, rng=random.Random(1))
    pace.slow_down = 4.0
    for _ in range(11):
        pace.wait(stop)
    assert 200 <= stop.now <= 240


def test_a_first_one_has_the_next_turn_before_all_that_wait():
    stop, order = threading.Event(), []
    pace = Pace(0.3, clock=time.monotonic, rng=random.Random(1))
    pace.wait(stop)
    waiting = [threading.Thread(target=lambda: pace.wait(stop) and order.append("others")) for _ in range(4)]
    for thread in waiting:
        thread.start()
    time.sleep(0.1)
    assert pace.wait_first(stop)
    order.append("first")
    for thread in waiting:
        thread.join()
    assert order == ["first"] + ["others"] * 4


def test_a_first_one_that_is_stopped_leaves_the_turn_to_the_others():
    stop, own = Stop(), threading.Event()
    own.set()
    pace = Pace(5, clock=stop.clock, rng=random.Random(1))
    assert not pace.wait_first(own)
    assert pace.wait(stop)
    assert stop.now == 0
