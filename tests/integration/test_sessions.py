"""A lent session from import to loss and renewal: the same snapshot goes on, and no cookie is found anywhere but in its file."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import stat
from dataclasses import replace

import pytest
from planted import COOKIE

from torwatch.cli import main
from torwatch.crawl.session import BrowserSession, Cookie, save_session
from torwatch.demo.market import Fault, FaultKind
from torwatch.lending import find_session, take_over_sessions
from torwatch.store.database import open_store
from torwatch.store.sessions import begin_session, end_session, list_sessions, lose_session, waits_for_session
from torwatch.store.targets import add_target

ONION = "a" * 55 + "d.onion"
NOW = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)


def test_a_lost_session_stops_the_walk_and_the_same_snapshot_goes_on_once_it_is_renewed(watched):
    watch = watched(listings=30, concurrency=1)
    lent = BrowserSession((Cookie("sid", COOKIE),), ("(?i)leaf",))
    save_session(watch.config.sessions_directory, watch.target.id, lent)
    begin_session(watch.store, watch.target, 1, now=watch.clock())
    login = Fault(FaultKind.LOGIN)

    def expire(step):
        if step.done > 5 and not waits_for_session(watch.store, watch.target.id):
            watch.server.faults.add(login)

    snapshot, ending = watch.look(progress=expire)
    assert ending is None
    assert waits_for_session(watch.store, watch.target.id)
    event = watch.store.row("SELECT subject, detail FROM event WHERE kind = 'session_needed'")
    assert json.loads(event["detail"])["command"] == "torwatch session renew souk cookies.txt"
    watch.server.faults.remove(login)
    begin_session(watch.store, watch.target, 1, now=watch.clock())
    again, ending = watch.look()
    assert again.id == snapshot.id
    assert ending.state == "complete"
    assert watch.store.value("SELECT count(*) FROM snapshot_page WHERE outcome = 'login'") == 0
    raw = gzip.decompress((watch.config.archive_directory / "souk" / "00000001.warc.gz").read_bytes())
    assert COOKIE.encode() not in raw
    assert b"cookie" not in raw.lower()
    assert COOKIE not in "\n".join(watch.store.connection.iterdump())


def test_how_long_a_session_lasts_is_learnt_from_those_that_were_lost(tmp_path):
    with open_store(tmp_path / "torwatch.db") as store:
        target = add_target(store, "teahouse", [(ONION, 80, "http")], parser="souk", every_seconds=60, now=NOW)
        begin_session(store, target, 1, now=NOW)
        assert list_sessions(store)[0].expected_until is None
        lose_session(store, target, "a login page", now=NOW + dt.timedelta(hours=6))
        lose_session(store, target, "a login page", now=NOW + dt.timedelta(hours=7))
        assert store.value("SELECT count(*) FROM event WHERE kind = 'session_needed'") == 1
        begin_session(store, target, 1, now=NOW + dt.timedelta(hours=8))
        assert list_sessions(store)[0].expected_until == (NOW + dt.timedelta(hours=14)).isoformat()


def test_the_commands_import_list_redact_and_drop_a_session(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("TORWATCH_CONFIG", raising=False)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "data"))
    with open_store(tmp_path / "data" / "torwatch.db") as store:
        add_target(store, "teahouse", [(ONION, 80, "http")], parser="souk", every_seconds=60, now=NOW)
    export = tmp_path / "cookies.txt"
    export.write_text(f"{ONION}\tFALSE\t/\tFALSE\t0\tsid\t{COOKIE}\n", encoding="utf-8")

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main(["session", *map(str, arguments)])
        said = capsys.readouterr()
        assert COOKIE not in said.out + said.err
        return left.value.code, said.out, said.err

    assert run("import", "teahouse", export)[0] == 0
    kept = tmp_path / "data" / "sessions" / "1.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(run("list", "--json")[1])[0]["state"] == "good"
    assert run("redact", "teahouse", "myname")[0] == 0
    assert run("redact", "teahouse", "(")[0] == 2
    assert run("redact", "teahouse", "a*")[0] == 2
    assert run("import", "teahouse", kept)[0] == 2
    assert run("renew", "teahouse", export)[0] == 0
    assert json.loads(kept.read_text(encoding="utf-8"))["redact"] == ["myname"]
    assert run("drop", "teahouse")[0] == 0
    assert not kept.exists()
    assert run("drop", "teahouse")[0] == 2


def test_cookies_that_systemd_hands_over_go_to_the_market_and_nowhere_else(watched, tmp_path):
    watch = watched(listings=8, concurrency=1)
    credential = tmp_path / "torwatch.cookies"
    host = watch.target.mirrors[0].host
    credential.write_text(f"{host}\tFALSE\t/\tFALSE\t0\tsid\t{COOKIE}\n", encoding="utf-8")
    watch.tools = replace(watch.tools, session_credential=credential)
    take_over_sessions(watch.store, watch.config.sessions_directory, credential, now=watch.clock())
    _, ending = watch.look()
    assert ending.state == "complete"
    assert {request.cookie for request in watch.server.requests} == {f"sid={COOKIE}"}
    watch.store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    for path in watch.config.data_directory.rglob("*"):
        if path.is_file():
            body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            assert COOKIE.encode() not in body, path


def test_cookies_of_the_credential_are_not_sent_once_dropped_and_stay_while_pages_are_redacted(watched, tmp_path):
    watch = watched(listings=2, concurrency=1)
    credential = tmp_path / "torwatch.cookies"
    credential.write_text(f"{watch.target.mirrors[0].host}\tFALSE\t/\tFALSE\t0\tsid\t{COOKIE}\n", encoding="utf-8")
    directory = watch.config.sessions_directory

    def cookies():
        return [one.value for one in find_session(watch.store, directory, credential, watch.target).cookies]

    assert cookies() == []  # a target added while the daemon runs: nobody would learn of the loss of such a session
    take_over_sessions(watch.store, directory, credential, now=watch.clock())
    assert cookies() == [COOKIE]
    save_session(directory, watch.target.id, BrowserSession(redact=("teadrinker",)))
    assert cookies() == [COOKIE]
    lose_session(watch.store, watch.target, "a login page", now=watch.clock())
    assert waits_for_session(watch.store, watch.target.id)
    assert cookies() == [COOKIE]  # a snapshot that a command begins now waits as well, instead of ending without a session
    end_session(watch.store, watch.target, now=watch.clock())
    assert cookies() == []
