"""The commands of holds say what waits, what agrees, and what to type."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from torwatch.cli import torwatch
from torwatch.errors import UsageError
from torwatch.store.database import open_store, writer_lock
from torwatch.store.holds import find_hold

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).parent.parent / "store" / "builders.py")
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
TEA = {"title": "Sencha 100 g", "vendor": "leafhouse", "price": "12", "currency": "EUR", "ship_from": "Netherlands"}


@pytest.fixture
def run(tmp_path):
    config = tmp_path / "torwatch.toml"
    config.write_text(f'data_directory = "{tmp_path}"\n', encoding="utf-8")
    with open_store(tmp_path / "torwatch.db") as store:
        target = builders.a_target(store)
        for week, size in enumerate((10, 2, 2)):
            builders.take(store, target, {str(number): TEA for number in range(size)}, week=week, max_fall=0.4)

    def invoke(*arguments):
        return CliRunner().invoke(torwatch, ["--config", str(config), *arguments])

    return invoke


def test_two_that_agree_are_offered_with_the_command(run):
    offer = "Snapshots 2 and 3 of teahouse saw the same. If the fall is real: torwatch hold accept 2 --through 3 --why …"
    assert offer in run("hold", "list").output
    assert offer in run("hold", "show", "3").output
    assert [json.loads(one["figures"])["agrees_with"] for one in json.loads(run("hold", "list", "--json").output)] == [[], [2]]


def test_what_is_rejected_is_offered_no_more(run):
    assert "stay in the archive" in run("hold", "reject", "2", "--why", "the list was cut").output
    assert "saw the same" not in run("hold", "show", "3").output
    assert "saw the same" not in run("hold", "list", "--all").output


def test_a_range_that_ends_before_it_begins_decides_nothing(run, tmp_path):
    failed = run("hold", "accept", "3", "--through", "2", "--why", "real")
    assert isinstance(failed.exception, UsageError)
    assert "comes before" in str(failed.exception)
    with open_store(tmp_path / "torwatch.db") as store:
        assert [find_hold(store, number).decision for number in (2, 3)] == [None, None]


def test_nothing_is_decided_while_the_daemon_runs(run, tmp_path):
    with writer_lock(tmp_path / "torwatch.db"):
        failed = run("hold", "accept", "2", "--through", "3", "--why", "real")
    assert isinstance(failed.exception, UsageError)
    assert "the daemon is running" in str(failed.exception)
    with open_store(tmp_path / "torwatch.db") as store:
        assert find_hold(store, 2).decision is None
