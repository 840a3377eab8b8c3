"""A database made again takes the place of another only when it is whole, and what was there is kept."""

from __future__ import annotations

import pytest

from torwatch.errors import StoreError
from torwatch.store.database import open_store
from torwatch.store.rebuilt import begin, begun_from, discard, finish, is_begun, put_in_place, still_to_make, work_path
from torwatch.store.signals import unscanned

SNAPSHOT = {
    "id": 7,
    "market_id": 1,
    "state": "complete",
    "started_at": "2026-01-05",
    "pages": 40,
    "parser": "souk",
    "parser_digest": "0",
    "torwatch_version": "1",
}
ROWS = {
    "market": [{"id": 1, "name": "teahouse", "added_at": ""}],
    "snapshot": [SNAPSHOT, SNAPSHOT | {"id": 8, "state": "running"}],
}


@pytest.fixture
def work(tmp_path):
    path = work_path(tmp_path / "torwatch.db")
    with open_store(path) as store, store.write() as connection:
        begin(connection, "digest", ROWS, {7})
    return path


def test_the_work_knows_from_what_it_was_begun_and_what_is_left(work):
    assert begun_from(work) == "digest"
    with open_store(work) as store:
        assert is_begun(store)
        assert still_to_make(store) == {7}


def test_what_only_the_work_needed_is_taken_out_at_the_end(work):
    with open_store(work) as store:
        with store.write() as connection:
            finish(connection, {})
        assert not is_begun(store)
        assert store.value("SELECT count(*) FROM journal_queue") == 0
    assert begun_from(work) == ""


def test_of_a_snapshot_that_came_out_otherwise_the_journal_is_to_be_told(work):
    with open_store(work) as store:
        with store.write() as connection:
            finish(connection, {7: SNAPSHOT | {"pages": 41}, 8: SNAPSHOT | {"id": 8, "state": "running", "pages": 40}})
        [waiting] = store.rows("SELECT entity, fields FROM journal_queue")
    assert waiting["entity"] == "snapshot"
    assert '"id":7' in waiting["fields"]


def test_what_was_before_counts_as_told(work):
    with open_store(work) as store:
        assert [one.id for one in unscanned(store)] == [7]
        with store.write() as connection:
            finish(connection, {})
            connection.execute("UPDATE snapshot SET state = 'complete' WHERE id = 8")
        assert [one.id for one in unscanned(store)] == [8]  # it ended afterwards


def test_a_file_that_is_no_database_was_begun_from_nothing(tmp_path):
    (tmp_path / "odd").write_text("no database", encoding="utf-8")
    assert begun_from(tmp_path / "odd") == ""


def test_what_was_there_is_kept_under_a_name_of_its_own(work, tmp_path):
    target = tmp_path / "torwatch.db"
    assert put_in_place(work, target) is None
    for number in (1, 2):
        work.write_text("newer", encoding="utf-8")
        (tmp_path / "torwatch.db-wal").write_text("log", encoding="utf-8")
        kept = put_in_place(work, target)
        assert kept == tmp_path / f"torwatch.db.before-rebuild-{number}"
        assert (tmp_path / f"{kept.name}-wal").read_text(encoding="utf-8") == "log"
    assert not (tmp_path / "torwatch.db-wal").exists()


def test_a_place_that_cannot_be_taken_is_one_line_and_the_work_stays(work, tmp_path):
    with pytest.raises(StoreError, match="the finished database is"):
        put_in_place(work, tmp_path / "nowhere" / "torwatch.db")
    assert work.exists()


def test_unfinished_work_is_thrown_away_whole(work, tmp_path):
    work.with_name(work.name + "-wal").write_text("log", encoding="utf-8")
    discard(work)
    assert list(tmp_path.iterdir()) == []
