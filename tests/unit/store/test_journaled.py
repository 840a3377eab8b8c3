"""Rows that no page can tell reach the journal with their write, in order, and a journal that cannot take them makes them wait."""

from __future__ import annotations

import datetime as dt
import sqlite3

import pytest

from torwatch.errors import ArchiveError
from torwatch.store.database import open_store
from torwatch.store.journaled import JOURNALED, key_columns, put_rows, renew_triggers
from torwatch.store.targets import add_market, add_target, edit_target

NOW = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
ONION = "t" * 55 + "d.onion"


class Journal:
    """Takes rows, unless its disk is full."""

    def __init__(self):
        self.rows, self.full = [], False

    def __call__(self, rows):
        if self.full:
            raise ArchiveError("the journal cannot be written: No space left on device")
        self.rows += rows


@pytest.fixture
def journal():
    return Journal()


@pytest.fixture
def store(tmp_path, journal):
    with open_store(tmp_path / "torwatch.db", journal=journal) as opened:
        yield opened


def a_target(store):
    return add_target(store, "teahouse", [(ONION, 80, "http")], parser="souk", every_seconds=604800, now=NOW)


def test_every_row_of_a_write_is_handed_over_in_order(store, journal):
    a_target(store)
    assert [(row.entity, row.gone) for row in journal.rows] == [("market", False), ("target", False), ("mirror", False), ("event", False)]
    assert journal.rows[1].fields == dict(store.row("SELECT * FROM target"))
    assert store.value("SELECT count(*) FROM journal_queue") == 0


def test_a_changed_row_is_handed_over_as_it_is_now_and_a_deleted_one_by_its_key(store, journal):
    edit_target(store, a_target(store), {"note": "seen in a forum"}, now=NOW)
    assert journal.rows[-2].fields["note"] == "seen in a forum"
    with store.write() as connection:
        connection.execute("DELETE FROM mirror")
    assert (journal.rows[-1].entity, journal.rows[-1].gone, journal.rows[-1].fields) == ("mirror", True, {"id": 1})


def test_what_was_undone_is_not_handed_over(store, journal):
    with pytest.raises(sqlite3.IntegrityError), store.write() as connection:
        connection.executemany("INSERT INTO market (name, added_at) VALUES (?, '')", [("teahouse",), ("teahouse",)])
    assert journal.rows == []


def test_rows_wait_while_the_disk_is_full_and_none_is_lost(store, journal):
    journal.full = True
    add_market(store, "teahouse", now=NOW)
    assert store.value("SELECT name FROM market") == "teahouse"
    assert store.value("SELECT count(*) FROM journal_queue") == 1
    journal.full = False
    add_market(store, "spicery", now=NOW)
    assert [row.fields["name"] for row in journal.rows] == ["teahouse", "spicery"]


def test_rows_written_without_a_journal_are_handed_over_when_one_is_there(tmp_path, journal):
    with open_store(tmp_path / "torwatch.db") as without:
        add_market(without, "teahouse", now=NOW)
    with open_store(tmp_path / "torwatch.db", journal=journal):
        assert [row.entity for row in journal.rows] == ["market"]


def test_a_market_s_own_quotes_are_no_matter_of_the_journal(store, journal):
    market = add_market(store, "teahouse", now=NOW)
    with store.write() as connection:
        for source, owner in (("bank", None), ("quotes of teahouse", market)):
            connection.execute("INSERT INTO rate VALUES ('BTC', 'USD', '2026-01-05', '90000', ?, ?)", (source, owner))
    assert [row.fields["source"] for row in journal.rows if row.entity == "rate"] == ["bank"]


def test_a_row_of_the_journal_makes_the_same_row_again(store, journal, tmp_path):
    a_target(store)
    with open_store(tmp_path / "again.db") as again, again.write() as connection:
        for row in journal.rows:
            put_rows(connection, row.entity, [row.fields | {"of a later version": 1}])
        for table in JOURNALED:
            assert [tuple(row) for row in again.rows(f"SELECT * FROM {table}")] == [
                tuple(row) for row in store.rows(f"SELECT * FROM {table}")
            ]


def test_tables_that_get_triggers_later_are_queued_as_they_stand(store, journal):
    a_target(store)
    journal.rows.clear()
    with store.write() as connection:
        for act in ("insert", "update", "delete"):
            connection.execute(f"DROP TRIGGER journal_target_{act}")
        renew_triggers(connection)
    assert [row.entity for row in journal.rows] == ["target"]


def test_the_key_of_a_table_may_have_several_columns(store):
    assert key_columns(store.connection, "rate") == ("base", "quote", "at", "source")
