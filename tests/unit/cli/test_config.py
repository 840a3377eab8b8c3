"""`torwatch config` writes, checks and shows."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from torwatch.cli import main, torwatch
from torwatch.cli.config import render_example
from torwatch.config import config_digest, load_config
from torwatch.config_sections import HoldSection


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("TORWATCH_CONFIG", "STATE_DIRECTORY", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments: CliRunner().invoke(torwatch, arguments, catch_exceptions=False)


def exit_of(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code, capsys.readouterr()


def test_the_example_beside_the_project_is_what_init_writes(checkout):
    assert (checkout / "config.example.toml").read_text(encoding="utf-8") == render_example()


def test_init_writes_a_file_that_check_accepts(run, tmp_path):
    run("config", "init")
    assert "is right" in run("config", "check", "config.toml").output
    assert (tmp_path / "config.toml").read_text(encoding="utf-8") == render_example()


def test_init_writes_to_standard_output(run):
    assert run("config", "init", "-").output == render_example()


def test_init_never_writes_over_a_file_without_force(run, tmp_path, capsys):
    (tmp_path / "config.toml").write_text("# mine", encoding="utf-8")
    code, said = exit_of(capsys, "config", "init")
    assert code == 2
    assert "--force" in said.err
    assert (tmp_path / "config.toml").read_text(encoding="utf-8") == "# mine"
    run("config", "init", "--force")
    assert (tmp_path / "config.toml").read_text(encoding="utf-8") == render_example()


def test_check_lists_every_fault_and_exits_with_2(run, tmp_path, capsys):
    (tmp_path / "bad.toml").write_text("[crawl]\nconcurrency = 0\nread_timeout = 'x'\n", encoding="utf-8")
    code, said = exit_of(capsys, "config", "check", "bad.toml")
    assert code == 2
    assert "crawl.concurrency" in said.err
    assert "crawl.read_timeout" in said.err
    assert "Traceback" not in said.err


def test_show_says_where_each_value_comes_from(run, tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text("[crawl]\nread_timeout = '5s'\n", encoding="utf-8")
    monkeypatch.setenv("STATE_DIRECTORY", "/state")
    shown = run("--config", "mine.toml", "config", "show").output.splitlines()
    assert 'crawl.read_timeout = "5s"  # mine.toml' in shown
    assert 'data_directory = "/state"  # $STATE_DIRECTORY' in shown
    assert "crawl.concurrency = 1  # default" in shown


def test_show_gives_json(run):
    shown = json.loads(run("config", "show", "--json").output)
    assert {"key": "crawl.read_timeout", "value": "1m", "source": "default"} in shown["values"]
    assert shown["digest"] == config_digest(load_config(None, {"STATE_DIRECTORY": "elsewhere"}))
    assert shown["digest"] != config_digest(
        load_config(None, {"STATE_DIRECTORY": "x"}).model_copy(update={"hold": HoldSection(max_fall=0.5)})
    )
