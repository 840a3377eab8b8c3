"""`torwatch doctor` beside a real tor that is attached to."""

from __future__ import annotations

import json

import pytest

from torwatch.cli import main


def test_an_attached_tor_that_is_right_is_found_right(network, tmp_path, monkeypatch, capsys):
    config = tmp_path / "config.toml"
    config.write_text(
        f"data_directory = '{tmp_path}'\n{network.attach_section}",
        encoding="utf-8",
    )
    monkeypatch.setenv("TORWATCH_CONFIG", str(config))
    with pytest.raises(SystemExit):
        main(["doctor", "--json"])
    found = {one["check"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["tor control"]["level"] in {"ok", "warn"}  # a warning where this machine's tor knows no proof of work
    assert found["tor control"]["what"].startswith("tor 0.4.")
    assert (found["tor network"]["level"], found["tor SOCKS"]["level"], found["leaks"]["level"]) == ("ok", "ok", "ok")
