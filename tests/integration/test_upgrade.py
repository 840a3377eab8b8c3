"""A database of every earlier version is taken along, and a rollback gives back what was there before."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sqlite3
import subprocess
import sys

import pytest

from torwatch.errors import StoreError
from torwatch.store.backup import find_faults
from torwatch.store.database import applied_migrations, apply_migrations, open_store
from torwatch.store.schema import MIGRATIONS

NAMES = list(MIGRATIONS)


def an_old_database(path, stop_before):
    """A database as the version before `stop_before` left it, with a market, a snapshot and a listing."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        apply_migrations(connection, stop_before=stop_before)
        for statement in (
            "INSERT INTO market (id, name, added_at) VALUES (1, 'teahouse', '2026-01-05T00:00:00+00:00')",
            (
                "INSERT INTO snapshot (id, market_id, state, started_at, parser, parser_digest, torwatch_version)"
                " VALUES (1, 1, 'complete', '2026-01-05T00:00:00+00:00', 'souk', '', '0.1.0')"
            ),
            "INSERT INTO listing (id, market_id, key, title, first_snapshot_id) VALUES (1, 1, '7', 'Green tea', 1)",
            "INSERT INTO spell (entity, entity_id, opened_snapshot_id) VALUES ('listing', 1, 1)",
        ):
            connection.execute(statement)


def content(path):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        names = [
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'listing_search%'")
        ]
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in sorted(names)}


@pytest.mark.parametrize("stop_before", NAMES[1:])
def test_a_database_of_each_earlier_version_is_taken_along(tmp_path, stop_before):
    path = tmp_path / "torwatch.db"
    an_old_database(path, stop_before)
    with open_store(path) as store:
        assert applied_migrations(store.connection) == set(NAMES)
        assert find_faults(store.connection) == []
        assert store.value("SELECT title FROM standing_listing") == "Green tea"
        assert store.value("SELECT count(*) FROM listing_search WHERE listing_search MATCH 'green'") == 1


def test_a_rollback_is_the_backup_that_the_upgrade_made(tmp_path):
    path = tmp_path / "torwatch.db"
    an_old_database(path, NAMES[-1])
    before = content(path)
    with open_store(path) as store:
        store.connection.execute("UPDATE listing SET title = 'changed by the new version'")
    (kept,) = tmp_path.glob("torwatch.db.before-*")
    for name in ("torwatch.db", "torwatch.db-wal", "torwatch.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(kept, path)
    assert content(path) == before


KILLED_UPGRADE = """
import os, signal, sys
from pathlib import Path
from torwatch.store import schema
from torwatch.store.database import open_store

left = int(sys.argv[2])

class Deadly(tuple):
    def __iter__(self):
        global left
        for statement in super().__iter__():
            yield statement
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

schema.MIGRATIONS = {name: Deadly(statements) for name, statements in schema.MIGRATIONS.items()}
open_store(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("share_done", [0.01, 0.5, 0.99])
def test_an_upgrade_that_is_killed_leaves_the_old_database_and_the_next_one_is_done(tmp_path, share_done):
    path = tmp_path / "torwatch.db"
    an_old_database(path, NAMES[1])
    before = content(path)
    statements = sum(len(MIGRATIONS[name]) for name in NAMES[1:])
    done = max(1, int(share_done * statements))
    killed = subprocess.run([sys.executable, "-c", KILLED_UPGRADE, str(path), str(done)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert content(path) == before
    with open_store(path) as store:
        assert applied_migrations(store.connection) == set(NAMES)
        assert find_faults(store.connection) == []
    first, second = sorted(tmp_path.glob("torwatch.db.before-*"))  # of the upgrade that was killed, and of the one that was done
    assert content(first) == content(second) == before


def test_an_upgrade_that_fails_leaves_the_old_database_and_no_copy(tmp_path, monkeypatch):
    path = tmp_path / "torwatch.db"
    an_old_database(path, NAMES[1])
    before = content(path)
    broken = MIGRATIONS | {NAMES[-1]: (*MIGRATIONS[NAMES[-1]], "INSERT INTO nowhere VALUES (1)")}
    monkeypatch.setattr("torwatch.store.schema.MIGRATIONS", broken)
    with pytest.raises(StoreError, match="nowhere"):
        open_store(path)
    assert content(path) == before
    assert not list(tmp_path.glob("*.before-*"))


def test_an_older_torwatch_refuses_the_upgraded_database_and_leaves_it_as_it_is(tmp_path, monkeypatch):
    path = tmp_path / "torwatch.db"
    an_old_database(path, None)
    before = path.read_bytes()
    monkeypatch.setattr("torwatch.store.schema.MIGRATIONS", {name: MIGRATIONS[name] for name in NAMES[:-1]})
    with pytest.raises(StoreError, match="written by a newer torwatch"):
        open_store(path)
    assert path.read_bytes() == before
