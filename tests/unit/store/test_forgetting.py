"""Forgetting deletes what is about one account, and leaves what is about others as it was, but for the name."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from tests.unit.store.builders import a_target, take
from torwatch.errors import UsageError
from torwatch.store.backup import find_faults
from torwatch.store.captures import capture_histories
from torwatch.store.database import open_store
from torwatch.store.forgetting import forget_market, forget_person
from torwatch.store.person import find_person
from torwatch.store.scrubbing import overwrite_deleted, scrub_tables
from torwatch.store.search import search_listings
from torwatch.store.staging import StagedPage
from torwatch.store.targets import add_event

TEAS = {
    "1": {"title": "Oolong of the hill", "vendor": "teashop", "description": "d1", "ship_from": "Hill"},
    "2": {"title": "as good as teashop", "vendor": "ann", "description": "d2", "ship_from": "NL"},
    "3": {"title": "plain", "vendor": "bob", "description": "d2", "ship_from": "NL"},
}
TEXTS = StagedPage(texts=(("d1", "only the teashop says this"), ("d2", "better than TEASHOP, not teashopping")))


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "torwatch.db") as opened:
        target = a_target(opened)
        take(opened, target, TEAS, week=0, page=TEXTS)
        take(opened, target, TEAS | {"1": TEAS["1"] | {"title": "Oolong of the dale"}}, week=1, complete=False)
        yield opened


def forget(store, name="teashop"):
    person = find_person(store, "teahouse", name)
    pattern = person.pattern()
    with store.write() as connection:
        deleted = forget_person(connection, person)
        scrub_tables(connection, person.market_id, lambda text: pattern.sub("[forgotten]", text))
    return deleted


def test_rows_texts_sets_and_the_index_lose_the_account_and_nothing_else(store):
    deleted = forget(store)
    assert (deleted["listing"], deleted["vendor"]) == (1, 1)
    assert [row["key"] for row in store.rows("SELECT key FROM listing ORDER BY key")] == ["2", "3"]
    assert [row["digest"] for row in store.rows("SELECT digest FROM text")] == ["d2"]
    assert find_faults(store.connection) == []
    assert search_listings(store, "Oolong", with_past=True) == []
    seen = capture_histories(store, 1, "listing").seen
    assert set(seen) == {row["id"] for row in store.rows("SELECT id FROM listing")}


def test_others_words_lose_the_name_as_a_word_in_any_case(store):
    forget(store)
    assert store.value("SELECT title FROM listing WHERE key = '2'") == "as good as [forgotten]"
    assert store.value("SELECT body FROM text") == "better than [forgotten], not teashopping"
    assert store.value("SELECT count(*) FROM change WHERE new LIKE '%teashop%'") == 0


def test_the_event_log_loses_the_name_and_still_only_grows(store):
    with store.write() as connection:
        add_event(connection, store_now(), "note", "teahouse", {"text": "teashop again"})
    forget(store)
    assert "[forgotten] again" in store.value("SELECT detail FROM event WHERE kind = 'note'")
    with pytest.raises(sqlite3.IntegrityError, match="only grows"), store.write() as connection:
        connection.execute("UPDATE event SET kind = 'x'")


def test_nothing_of_it_is_left_in_the_file(store):
    assert b"Oolong of the hill" in store.path.read_bytes() + store.path.with_name("torwatch.db-wal").read_bytes()
    forget(store)
    overwrite_deleted(store.connection)
    left = b"".join(path.read_bytes() for path in store.path.parent.glob("torwatch.db*"))
    assert b"Oolong of" not in left
    assert b"teashop" not in left.replace(b"teashopping", b"").lower()


def test_a_market_goes_as_a_whole(store):
    with store.write() as connection:
        deleted = forget_market(connection, "teahouse")
    assert deleted["listing"] == 3
    assert find_faults(store.connection) == []
    for table in ("market", "target", "mirror", "snapshot", "listing", "vendor", "change", "spell", "text", "capture"):
        assert store.value(f"SELECT count(*) FROM {table}") == 0, table


def test_pages_of_the_second_pass_lose_the_keys_of_its_listings_and_those_of_another_market_keep_theirs(store):
    elsewhere, _ = take(store, a_target(store, "elsewhere", host=7), {"1": {"title": "of another market", "vendor": "zoe"}}, week=0)
    with store.write() as connection:
        connection.executemany(
            "INSERT INTO second_pass_page (snapshot_id, scope, page, path, moment, outcome, size, strays)"
            " VALUES (?, '', 1, '/1', 0, 'ok', 2, '[\"1\", \"9\"]')",
            [(1,), (elsewhere,)],
        )
    forget(store)
    rows = store.rows("SELECT snapshot_id, strays, size FROM second_pass_page ORDER BY snapshot_id")
    assert [tuple(row) for row in rows] == [(1, '["9"]', 1), (elsewhere, '["1", "9"]', 2)]


def test_a_backup_of_the_first_version_can_be_cleaned_too(store, tmp_path):
    person = find_person(store, "teahouse", "teashop")
    with contextlib.closing(sqlite3.connect(tmp_path / "old.db", isolation_level=None)) as old:
        old.executescript("ATTACH '" + str(store.path) + "' AS live")
        for table in (
            "market",
            "listing",
            "vendor",
            "feedback",
            "change",
            "spell",
            "miss",
            "capture",
            "text",
            "snapshot",
            "origin",
            "destination",
            "quantity",
            "substance",
        ):
            old.execute(f"CREATE TABLE {table} AS SELECT * FROM live.{table}")
        old.execute("DETACH live")
        forget_person(old, person)
        assert old.execute("SELECT count(*) FROM listing").fetchone() == (2,)


def test_an_account_is_found_by_key_and_by_name_and_nothing_else(store):
    assert find_person(store, "teahouse", "teashop").listings == {"1"}
    for market, name in (("teahouse", "nobody"), ("nowhere", "teashop")):
        with pytest.raises(UsageError, match="no "):
            find_person(store, market, name)


def store_now():
    import datetime as dt  # noqa: PLC0415 - one time, wanted once

    return dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
