"""The journal holds every row that no page can tell, as the database has it."""

from __future__ import annotations

import datetime as dt

import pytest

from torwatch.archive.journal import read_journal
from torwatch.errors import StoreError
from torwatch.ledger import GONE, ROW, find_journal_breaks, open_journaled
from torwatch.store.targets import add_target, set_state

NOW = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
ONION = "t" * 55 + "d.onion"


def test_the_newest_line_of_each_row_is_the_row(tmp_path):
    with open_journaled(tmp_path / "torwatch.db", tmp_path / "archive") as store:
        target = add_target(store, "teahouse", [(ONION, 80, "http")], parser="souk", every_seconds=604800, now=NOW)
        set_state(store, target, "paused", now=NOW, why="asked to")
        newest = {(line.subject, line.detail.get("id")): line.detail for line in read_journal(tmp_path / "archive") if line.kind == ROW}
        for table in ("market", "target", "mirror", "event"):
            for row in store.rows(f"SELECT * FROM {table}"):
                assert newest[table, row["id"]] == dict(row)


def test_a_row_that_went_has_a_line_of_its_own(tmp_path):
    with open_journaled(tmp_path / "torwatch.db", tmp_path / "archive") as store, store.write() as connection:
        connection.execute("INSERT INTO market (name, added_at) VALUES ('teahouse', '')")
        connection.execute("DELETE FROM market")
    assert [line.kind for line in read_journal(tmp_path / "archive")] == [ROW, GONE]


def test_an_archive_that_lost_its_database_gets_no_new_one_that_would_give_its_numbers_again(tmp_path):
    archive = tmp_path / "archive"
    open_journaled(tmp_path / "torwatch.db", archive).close()
    (tmp_path / "torwatch.db").unlink()
    open_journaled(tmp_path / "torwatch.db", archive).close()  # nothing was archived yet
    with open_journaled(tmp_path / "torwatch.db", archive) as store:
        add_target(store, "teahouse", [(ONION, 80, "http")], parser="souk", every_seconds=604800, now=NOW)
    for file in tmp_path.glob("torwatch.db*"):
        file.unlink()
    for create in (True, False):
        with pytest.raises(StoreError, match="torwatch rebuild --from-archive"):
            open_journaled(tmp_path / "torwatch.db", archive, create=create)
    assert not (tmp_path / "torwatch.db").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE target SET note = 'altered'", "row 1 of target is not as told by the journal"),
        ("INSERT INTO market (id, name, added_at) VALUES (7, 'planted', '')", "row 7 of market is not in the journal"),
        ("DELETE FROM mirror", "row 1 of mirror is only in the journal"),
    ],
)
def test_a_row_that_was_altered_behind_the_back_of_the_journal_is_told(tmp_path, change, said):
    with open_journaled(tmp_path / "torwatch.db", tmp_path / "archive") as store:
        add_target(store, "teahouse", [(ONION, 80, "http")], parser="souk", every_seconds=604800, now=NOW)
        assert list(find_journal_breaks(store, tmp_path / "archive", [])) == []
        with store.write() as connection:
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'journal%'").fetchall():
                connection.execute(f"DROP TRIGGER {row[0]}")
            connection.execute(change)
        [found] = find_journal_breaks(store, tmp_path / "archive", [])
    assert said in found


def test_a_line_that_another_hand_filled_with_nonsense_is_no_fault(tmp_path):
    with open_journaled(tmp_path / "torwatch.db", tmp_path / "archive") as store:
        add_target(store, "teahouse", [(ONION, 80, "http")], parser="souk", every_seconds=604800, now=NOW)
        with (tmp_path / "archive" / "journal.jsonl").open("a", encoding="utf-8") as journal:
            for detail in ("[]", "null", '{"id": [1]}', '{"id": {}}', "7"):
                journal.write(f'{{"at": "", "kind": "row", "subject": "target", "detail": {detail}}}\n')
        assert list(find_journal_breaks(store, tmp_path / "archive", [])) == []
