"""A target whose walks faults cut off rests ever longer, over restarts and while the disk takes no write."""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path

import pytest

from torwatch.crawl.schedule import LONGEST_REST
from torwatch.rests import Rests
from torwatch.store.database import open_store
from torwatch.store.spending import rests

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).parent / "store" / "builders.py")
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
NOW = builders.NOW
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "torwatch.db") as opened:
        builders.a_target(opened)
        yield opened


def rest_lengths(kept, faults, now):
    """How long the target rests after each of so many faults in a row."""
    for _ in range(faults):
        kept.add(1, "tor is down", 8.0, now)
        begun = now
        while kept.hold(1, now):
            now += SECOND
        yield (now - begun).total_seconds()


def test_each_fault_in_a_row_doubles_the_rest_until_a_walk_is_not_cut_off(store):
    kept = Rests(store)
    assert not kept.hold(1, NOW)
    lengths = list(rest_lengths(kept, 12, NOW))
    assert lengths == sorted(lengths)
    assert (lengths[0], lengths[1], lengths[-1]) == (8, 16, LONGEST_REST.total_seconds())
    assert not kept.hold(2, NOW)
    kept.end(1)
    assert list(rest_lengths(kept, 1, NOW)) == [8]


def test_a_clock_that_is_set_back_ends_the_rest(store):
    kept = Rests(store)
    kept.add(1, "tor is down", 8.0, NOW)
    assert not kept.hold(1, NOW - dt.timedelta(days=1))


def test_rests_go_on_after_a_restart(store):
    list(rest_lengths(Rests(store), 4, NOW))
    stored = rests(store)[1]
    assert (stored.faults, stored.why) == (4, "tor is down")
    after = Rests(store)
    assert after.hold(1, stored.until - SECOND)
    assert not after.hold(1, stored.until)
    assert next(rest_lengths(after, 1, NOW)) == 8 * 2**4


def test_a_target_rests_also_while_the_disk_takes_no_write(store):
    kept = Rests(store)
    store.connection.execute("PRAGMA query_only = ON")
    kept.add(1, "the disk is full", 8.0, NOW)
    store.connection.execute("PRAGMA query_only = OFF")
    assert rests(store) == {}
    assert kept.hold(1, NOW + SECOND)
