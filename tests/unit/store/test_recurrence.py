"""What is remembered of imported rows, and when it is dropped."""

from __future__ import annotations

import datetime as dt

import pytest

from torwatch.store import recurrence
from torwatch.store.database import open_store
from torwatch.store.imports import begin_import, find_or_add_market

NOON = dt.datetime(2014, 5, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def connection(tmp_path):
    with open_store(tmp_path / "torwatch.db") as store, store.write() as connection:
        yield connection


def begin(connection, number, *, digest="layout", version="1.0"):
    market = find_or_add_market(connection, "bazaar", source="", now=NOON)
    return begin_import(connection, market, at=NOON + dt.timedelta(days=number), parser="import:x", digest=digest, version=version)


def remember(connection, number, **layout):
    """An import that leaves the rows "a" and "b" of the listings 1 and 2, and of 3 one that is read each time."""
    snapshot = begin(connection, number, **layout)
    recurrence.begin_recurrence(connection, snapshot)
    connection.executemany(
        "INSERT OR IGNORE INTO listing (id, market_id, key, title, vendor, sales, first_snapshot_id) VALUES (?, ?, ?, 'tea', 'ann', 3, ?)",
        [(number, snapshot.market_id, str(number), snapshot.id) for number in (1, 2, 3)],
    )
    recurrence.note_fresh(connection, [("1", "a"), ("2", "b"), ("3", None)])
    recurrence.end_recurrence(connection, snapshot)
    return snapshot


def known_to(connection, snapshot):
    recurrence.begin_recurrence(connection, snapshot)
    return recurrence.find_known(connection, snapshot.market_id, ["", "b", "c", "a", "b"])


def test_rows_are_known_by_their_place_to_the_next_import(connection):
    remember(connection, 0)
    assert known_to(connection, begin(connection, 1)) == {1: 2, 3: 1, 4: 2}


@pytest.mark.parametrize("changed", [{"digest": "other"}, {"version": "1.1"}])
def test_another_layout_or_version_knows_no_row(connection, changed):
    remember(connection, 0)
    assert known_to(connection, begin(connection, 1, **changed)) == {}


def test_a_snapshot_that_left_no_memory_drops_what_was_there(connection):
    remember(connection, 0)
    begin(connection, 1)
    assert known_to(connection, begin(connection, 2)) == {}
    assert connection.execute("SELECT count(*) FROM imported_row").fetchone()[0] == 0


def test_a_dropped_memory_knows_no_row(connection):
    market = remember(connection, 0).market_id
    recurrence.drop_memory(connection, market)
    assert known_to(connection, begin(connection, 1)) == {}


def test_a_listing_is_staged_once_with_the_claims_that_the_file_shows(connection):
    snapshot = remember(connection, 0)
    assert recurrence.stage_known(connection, snapshot.id, [1, 2], frozenset({"title"})) == 2
    assert recurrence.stage_known(connection, snapshot.id, [2], frozenset({"title"})) == 0
    staged = connection.execute("SELECT key, source, title, vendor, sales, promoted FROM stage_listing ORDER BY key").fetchall()
    assert [tuple(row) for row in staged] == [("1", 4, "tea", None, 3, 0), ("2", 4, "tea", None, 3, 0)]


def test_vendors_that_staged_listings_name_are_staged_once(connection):
    snapshot = remember(connection, 0)
    recurrence.stage_known(connection, snapshot.id, [1, 2], frozenset({"title", "vendor"}))
    recurrence.stage_vendors(connection, snapshot.id)
    recurrence.stage_vendors(connection, snapshot.id)
    assert [tuple(row) for row in connection.execute("SELECT key, source, name FROM stage_vendor")] == [("ann", 2, "ann")]
