"""A backup is whole, verified and never replaces a file; the checks find damage."""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3

import pytest

from torwatch.errors import StoreError, UsageError
from torwatch.store.backup import back_up, backup_path, compact, drop_old_backups, find_faults
from torwatch.store.database import apply_migrations, open_store


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "torwatch.db") as opened:
        opened.connection.execute("INSERT INTO market (name, added_at) VALUES ('teahouse', '2026-01-05T00:00:00+00:00')")
        yield opened


def test_a_backup_taken_while_another_writes_holds_what_was_committed(store, tmp_path):
    with sqlite3.connect(store.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO market (name, added_at) VALUES ('unfinished', '')")
        size = back_up(store.connection, tmp_path / "copy.db")
        other.execute("ROLLBACK")
    assert size == (tmp_path / "copy.db").stat().st_size > 0
    with open_store(tmp_path / "copy.db", create=False) as copy:
        assert [row["name"] for row in copy.rows("SELECT name FROM market")] == ["teahouse"]
    assert not list(tmp_path.glob("*.part"))


def test_a_backup_never_replaces_a_file(store, tmp_path):
    (tmp_path / "copy.db").write_text("kept", encoding="utf-8")
    with pytest.raises(UsageError, match="is there already"):
        back_up(store.connection, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text(encoding="utf-8") == "kept"


def test_a_backup_that_cannot_be_made_is_one_line(store, tmp_path):
    with pytest.raises(StoreError, match="cannot be made"):
        back_up(store.connection, tmp_path / "nowhere" / "copy.db")


def test_a_row_that_refers_to_nothing_is_a_fault(store):
    assert find_faults(store.connection) == []
    store.connection.execute("PRAGMA foreign_keys = OFF")
    store.connection.execute("INSERT INTO hold (snapshot_id, reason, held_at) VALUES (9, '', '')")
    [fault] = find_faults(store.connection)
    assert "snapshot" in fault


def test_compacting_gives_back_space(store):
    store.connection.execute("INSERT INTO text (digest, body) VALUES ('d', ?)", ("x" * 1_000_000,))
    store.connection.execute("DELETE FROM text")
    before, after = compact(store.connection, store.path)
    assert after < before - 900_000


def test_a_database_of_the_first_version_is_backed_up_and_then_migrated(tmp_path):
    old = tmp_path / "old.db"
    with contextlib.closing(sqlite3.connect(old, isolation_level=None)) as connection:
        apply_migrations(connection, stop_before="m0003_access")
        connection.execute("INSERT INTO market (name, added_at) VALUES ('teahouse', '')")
    with open_store(old) as opened:
        assert opened.value("SELECT name FROM market") == "teahouse"
        assert opened.value("SELECT count(*) FROM manifest") == 0
    [kept] = tmp_path.glob("old.db.before-*")
    with contextlib.closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("SELECT name FROM market").fetchone() == ("teahouse",)
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'manifest'").fetchone() == (0,)


def test_old_backups_go_and_only_they(store, tmp_path):
    now = dt.datetime(2026, 1, 5, 3, 15, tzinfo=dt.UTC)
    taken = [backup_path(tmp_path, now + dt.timedelta(days=day)) for day in range(4)]
    for path in taken:
        back_up(store.connection, path)
    mine = taken[0].parent / "torwatch-before-the-move.db"
    mine.touch()
    assert drop_old_backups(taken[0].parent, 2) == taken[:2]
    assert sorted(taken[0].parent.iterdir()) == sorted([*taken[2:], mine])
    assert taken[0].name == "torwatch-2026-01-05T031500.db"


def test_a_folder_of_backups_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "backups").touch()
    with pytest.raises(StoreError, match="cannot be made"):
        backup_path(tmp_path, dt.datetime(2026, 1, 5, tzinfo=dt.UTC))


def test_a_damaged_database_is_told_in_one_line_whatever_page_it_is(store, tmp_path):
    store.close()
    whole = store.path.read_bytes()
    assert len(whole) > 50 * 4096
    said = {words for page in range(0, len(whole), 4096) for words in look_at(damaged(whole, page), tmp_path / "damaged.db")}
    assert any("is damaged" in words for words in said)
    assert "database disk image is malformed" in said
    assert all("\n" not in words and len(words) < 400 for words in said)


def damaged(whole, start):
    return whole[:start] + bytes(byte ^ 0x5A for byte in whole[start : start + 300]) + whole[start + 300 :]


def look_at(data, path):
    """What opening and checking a file with this content says."""
    for side in ("-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)
    path.write_bytes(data)
    try:
        with open_store(path) as opened:
            return find_faults(opened.connection)
    except StoreError as error:
        return [str(error)]


def test_a_database_that_cannot_be_compacted_is_one_line_that_says_what_to_do(store):
    store.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="mend its permissions"):
        compact(store.connection, store.path)
