"""A quick look at the configuration sees what the whole check sees, or leaves it to the check."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from torwatch.cli import main
from torwatch.config import load_config
from torwatch.config_file import glance_at_config

FILES = [
    "",
    'data_directory = "kept"\n',
    'data_directory = "~/kept"\n[schedule]\njitter = 0\n',
    '[schedule]\nhours = "22:00-06:00"\njitter = 0.25\n',
    'data_directory = "/srv/kept"\n[crawl]\nconcurrency = 2\n',
]


@pytest.mark.parametrize("text", FILES)
def test_a_glance_gives_what_the_whole_configuration_gives(tmp_path, text):
    file = tmp_path / "torwatch.toml"
    file.write_text(text)
    environ = {"HOME": "/home/someone"}
    look, whole = glance_at_config(file, environ), load_config(file, environ)
    assert look is not None
    assert (look.data_directory, look.jitter) == (whole.data_directory, whole.schedule.jitter)
    assert look.hours == ((dt.time(22), dt.time(6)) if whole.schedule.hours else None)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("data_directory = 3\n", "data_directory: "),
        ("schedule = 3\n", "schedule: must be a table"),
        ("[schedule]\njitter = 2\n", "schedule.jitter: "),
        ("[schedule]\njitter = true\n", "schedule.jitter: "),
        ("[schedule]\nhours = 22\n", "schedule.hours: "),
        ('[schedule]\nhours = "22:00"\n', "schedule.hours: "),
        ('[schedule]\nhours = "late"\n', "schedule.hours: "),
    ],
)
def test_a_faulty_key_of_the_glance_is_told_as_ever(tmp_path, capsys, text, fault):
    file = tmp_path / "torwatch.toml"
    file.write_text(text)
    with pytest.raises(SystemExit) as left:
        main(["--config", str(file), "status"])
    assert left.value.code == 2
    assert fault in capsys.readouterr().err


def test_no_file_is_the_defaults(monkeypatch):
    monkeypatch.setattr("torwatch.config_file.SYSTEM_CONFIG", Path("/nonexistent/config.toml"))
    look = glance_at_config(None, {"STATE_DIRECTORY": "/var/lib/torwatch"})
    assert look is not None
    assert str(look.data_directory) == "/var/lib/torwatch"
