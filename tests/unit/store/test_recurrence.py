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
    """An import that leaves the rows "a" and "b" of the listings 1 and 2, and none of 3, whose row is read each time."""
    snapshot = begin(connection, number, **layout)
    recurrence.begin_recurrence(connection, snapshot)
    connection.executemany(
        "INSERT OR IGNORE INTO listing (id, market_id, key, title, vendor, sales, first_snapshot_id) VALUES (?, ?, ?, 'tea', 'ann', 3, ?)",
        [(number, snapshot.market_id, str(number), snapshot.id) for number in (1, 2, 3)],
    )
    recurrence.note_fresh(connection, [("1", "a"), ("2", "b")])
    recurrence.end_recurrence(connection, snapshot)
    return snapshot


def known_to(connection, snapshot):
    recurrence.begin_recurrence(connection, snapshot)
    return recurrence.known_rows(connection, snapshot.market_id)


def test_rows_are_known_to_the_next_import(connection):
    remember(connection, 0)
    assert known_to(connection, begin(connection, 1)) == {"a": 1, "b": 2}


def test_a_row_that_a_file_no_longer_has_is_not_remembered(connection):
    remember(connection, 0)
    recurrence.forget_rows(connection, {2})
    assert known_to(connection, begin(connection, 1)) == {"a": 1}


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


def test_a_listing_is_found_by_its_key_in_its_market(connection):
    market = remember(connection, 0).market_id
    assert [recurrence.find_listing(connection, market, key) for key in ("2", "9")] == [2, None]
    assert recurrence.find_listing(connection, market + 1, "2") is None


def test_listings_whose_rows_recur_are_staged_by_their_ids_and_their_vendors_once(connection):
    snapshot = remember(connection, 0)
    connection.execute("INSERT INTO stage_vendor (snapshot_id, key, source, name) VALUES (?, 'ann', 2, 'ann')", (snapshot.id,))
    connection.execute("UPDATE listing SET vendor = 'bob' WHERE id = 2")
    recurrence.stage_unchanged(connection, snapshot.id, {1, 2})
    assert [row[0] for row in connection.execute("SELECT id FROM temp.unchanged_listing")] == [1, 2]
    assert [tuple(row) for row in connection.execute("SELECT key, source, name FROM stage_vendor")] == [
        ("ann", 2, "ann"),
        ("bob", 2, "bob"),
    ]
    assert connection.execute("SELECT count(*) FROM stage_listing").fetchone()[0] == 0
