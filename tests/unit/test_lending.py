"""Cookies that systemd hands over become sessions, once for each time they are given anew, and are kept nowhere else."""

from __future__ import annotations

import datetime as dt

import pytest
from planted import COOKIE, MARK, OTHER_COOKIE

from torwatch.errors import UsageError
from torwatch.lending import take_over_sessions
from torwatch.store.database import open_store
from torwatch.store.sessions import list_sessions, lose_session, waits_for_session
from torwatch.store.targets import add_target

NOW = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
HOSTS = {name: f"{name[0] * 55}d.onion" for name in ("bazaar", "souk", "teahouse")}


@pytest.fixture
def desk(tmp_path):
    with open_store(tmp_path / "torwatch.db") as store:
        yield store, tmp_path


def give(folder, **values):
    path = folder / "torwatch.cookies"
    path.write_text("".join(f"{HOSTS[name]}\tFALSE\t/\tFALSE\t0\tsid\t{value}\n" for name, value in values.items()))
    return path


def test_each_target_with_cookies_gets_a_session_once(desk):
    store, folder = desk
    targets = {
        name: add_target(store, name, [(host, 80, "http")], parser="souk", every_seconds=60, now=NOW) for name, host in HOSTS.items()
    }
    path = give(folder, souk=COOKIE, bazaar=OTHER_COOKIE)
    assert [take_over_sessions(store, folder / "sessions", path, now=NOW) for _ in range(2)] == [2, 0]
    assert [(one.market, one.state) for one in list_sessions(store)] == [("bazaar", "good"), ("souk", "good")]
    lose_session(store, targets["souk"], "a login page", now=NOW)
    assert take_over_sessions(store, folder / "sessions", path, now=NOW) == 0
    assert waits_for_session(store, targets["souk"].id)
    assert take_over_sessions(store, folder / "sessions", give(folder, souk=f"{COOKIE}new", bazaar=OTHER_COOKIE), now=NOW) == 1
    assert not waits_for_session(store, targets["souk"].id)
    kept = "".join(file.read_text() for file in (folder / "sessions").iterdir()) + "\n".join(store.connection.iterdump())
    assert MARK not in kept


def test_no_credential_begins_nothing(desk):
    store, folder = desk
    add_target(store, "souk", [(HOSTS["souk"], 80, "http")], parser="souk", every_seconds=60, now=NOW)
    assert take_over_sessions(store, folder / "sessions", None, now=NOW) == 0


def test_a_credential_that_is_no_export_is_one_clear_line(desk):
    store, folder = desk
    add_target(store, "souk", [(HOSTS["souk"], 80, "http")], parser="souk", every_seconds=60, now=NOW)
    path = folder / "torwatch.cookies"
    path.write_text("hello\n")
    with pytest.raises(UsageError, match="line 1 is not that of"):
        take_over_sessions(store, folder / "sessions", path, now=NOW)
