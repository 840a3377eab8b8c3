"""`torwatch doctor` on a whole installation."""

from __future__ import annotations

import base64
import json

import pytest

from torwatch.cli import main
from torwatch.store.database import open_store
from torwatch.tor.address import onion_host
from torwatch.tor.client_keys import key_path, save_client_key

ONION = onion_host(bytes(range(32)))


@pytest.fixture
def examined(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("TORWATCH_CONFIG", raising=False)

    def examine():
        with pytest.raises(SystemExit) as left:
            main(["doctor", "--json"])
        return left.value.code, {one["check"]: one for one in json.loads(capsys.readouterr().out)}

    return examine


def test_everything_is_examined(examined, tmp_path):
    open_store(tmp_path / "torwatch.db").close()
    _, found = examined()
    assert list(found) == [
        "configuration",
        "data directory",
        "tor program",
        "client keys",
        "clock",
        "disk",
        "database",
        "parsers",
        "units",
        "proxies",
        "leaks",
    ]
    assert found["database"]["level"] == found["parsers"]["level"] == "ok"
    assert all(one["remedy"] for one in found.values() if one["level"] != "ok")


def test_a_file_that_is_no_database_fails(examined, tmp_path):
    (tmp_path / "torwatch.db").write_text("something else altogether", encoding="utf-8")
    code, found = examined()
    assert (code, found["database"]["level"]) == (4, "fail")


def test_a_tor_that_is_attached_to_and_is_not_there_fails(examined, tmp_path, monkeypatch):
    config = tmp_path / "config.toml"
    config.write_text(f"data_directory = '{tmp_path}'\n[tor]\nmode = 'attach'\ncontrol = '{tmp_path}/absent'\n", encoding="utf-8")
    monkeypatch.setenv("TORWATCH_CONFIG", str(config))
    code, found = examined()
    assert (code, found["tor control"]["level"]) == (4, "fail")
    assert found["tor control"]["remedy"] == "is tor running, and is this the ControlPort or ControlSocket of its torrc?"


def test_the_trial_finds_no_leak_in_a_fetch(examined):
    _, found = examined()
    assert found["leaks"]["level"] == "ok", found["leaks"]


def test_client_keys_that_others_can_read_fail_and_those_of_no_target_are_warned_of(examined, tmp_path):
    open_store(tmp_path / "torwatch.db").close()
    save_client_key(tmp_path / "client_keys", ONION, base64.b64encode(bytes(range(32))).decode())
    _, found = examined()
    assert found["client keys"]["level"] == "warn"
    assert ONION in found["client keys"]["what"]
    key_path(tmp_path / "client_keys", ONION).chmod(0o640)
    code, found = examined()
    assert (code, found["client keys"]["level"]) == (4, "fail")
    assert "chmod 600" in found["client keys"]["what"]
