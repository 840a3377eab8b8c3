"""`torwatch status` on a real database."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
import subprocess
import sys

import pytest

from torwatch.assembly import utc_now
from torwatch.cli import main
from torwatch.crawl.schedule import Hours
from torwatch.ops.status import Pulse, write_pulse
from torwatch.overview import PULSE_NAME, gather_status
from torwatch.store.database import apply_migrations, is_locked, open_store, writer_lock
from torwatch.store.targets import add_target, stamp


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("TORWATCH_CONFIG", raising=False)
    open_store(tmp_path / "torwatch.db").close()
    return tmp_path


def exit_of(*arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code


def test_a_daemon_that_does_not_run_is_critical_for_monitoring(folder, capsys):
    assert exit_of("status", "--json") == 4
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["state"], found["daemon"], found["targets"]) == (1, "critical", "stopped", [])


def test_a_look_writes_and_migrates_nothing(folder, capsys):
    path = folder / "torwatch.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm0007_operation'")
        connection.commit()
    before = path.read_bytes()
    assert exit_of("status", "--json") == 4
    assert json.loads(capsys.readouterr().out)["holds"] == 0
    assert path.read_bytes() == before


def test_a_look_at_a_database_that_lacks_a_table_migrates_it_first(folder, capsys):
    path = folder / "torwatch.db"
    path.unlink()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        apply_migrations(connection, stop_before="m0003_access")
    assert exit_of("status", "--json") == 4
    assert json.loads(capsys.readouterr().out)["sessions"] == []


def test_a_look_at_no_database_says_what_to_do(folder, capsys):
    (folder / "torwatch.db").unlink()
    assert exit_of("status") == 1
    assert "add a target first" in capsys.readouterr().err


def test_the_screen_says_what_to_do(folder, capsys):
    assert exit_of("status") == 4
    assert "the daemon does not run → systemctl start torwatch" in capsys.readouterr().out


def test_a_daemon_with_a_fresh_pulse_runs(folder):
    path = folder / "torwatch.db"
    with open_store(path) as store, writer_lock(path) as held:
        assert held
        write_pulse(folder / PULSE_NAME, Pulse(stamp(utc_now()), 1, "ready", "", ()))
        assert gather_status(store, folder, jitter=0, now=utc_now(), hours=None).daemon == "running"


def test_looking_for_the_lock_takes_it_from_nobody(folder):
    path = folder / "torwatch.db"
    assert not is_locked(path)
    with writer_lock(path):
        assert is_locked(path)
    assert not is_locked(path)


@pytest.mark.parametrize(("hour", "due"), [(23, "2026-01-05T23:00:00+00:00"), (12, "2026-01-05T22:00:00+00:00")])
def test_the_next_snapshot_waits_for_the_visiting_hours(folder, hour, due):
    now = dt.datetime(2026, 1, 5, hour, tzinfo=dt.UTC)
    with open_store(folder / "torwatch.db") as store:
        add_target(store, "souk", [("a" * 55 + "d.onion", 80, "http")], parser="souk", every_seconds=604800, now=now)
        (target,) = gather_status(store, folder, jitter=0, now=now, hours=Hours(dt.time(22), dt.time(6))).targets
    assert target.next_due_at == due


def test_the_visiting_hours_hide_no_snapshot_that_is_late(folder):
    now = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
    with open_store(folder / "torwatch.db") as store:
        add_target(store, "souk", [("a" * 55 + "d.onion", 80, "http")], parser="souk", every_seconds=604800, now=now - dt.timedelta(days=9))
        (target,) = gather_status(store, folder, jitter=0, now=now, hours=Hours(dt.time(22), dt.time(6))).targets
    assert target.next_due_at == "2025-12-27T22:00:00+00:00"


@pytest.mark.usefixtures("folder")
def test_a_look_loads_nothing_that_it_can_do_without():
    script = "import sys; from torwatch.cli import main\ntry: main(['status', '--json'])\nfinally: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    loaded = set(done.stderr.split())
    assert "torwatch.store.database" in loaded
    heavy = {
        "dataclasses",
        "lxml",
        "numpy",
        "pydantic",
        "requests",
        "rich",
        "sqlite_utils",
        "stem",
        "structlog",
        "torwatch.model",
        "warcio",
    }
    assert heavy & loaded == set()
