"""The commands of history print what the store knows, and one line where the input is wrong."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from torwatch.cli import torwatch
from torwatch.errors import UsageError
from torwatch.store.database import open_store

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
        builders.take(store, target, {"1": TEA}, week=0)
        builders.take(store, target, {"1": TEA | {"price": "13"}}, week=1)

    def invoke(*arguments):
        return CliRunner().invoke(torwatch, ["--config", str(config), *arguments])

    return invoke


def test_the_timeline_of_a_listing_shows_its_changes_and_looks(run):
    assert "13" in run("history", "listing", "1").output
    (document,) = json.loads(run("history", "listing", "Sencha 100 g", "--looks", "--json").output)
    assert [one["what"] for one in document["moments"] if one["cause"] != "new"] == ["seen", "price", "seen"]


def test_the_state_at_a_day_is_that_of_its_end(run):
    (row,) = json.loads(run("state", "--at", "2026-01-05", "--json").output)
    assert row["claims"]["price"] == "12"
    assert "13" in run("state", "--at", "2026-01-12", "--market", "teahouse").output
    assert "No snapshot had ended" in run("state", "--at", "2026-01-01").output
    assert isinstance(run("state", "--at", "yesterday").exception, UsageError)


def test_search_prints_hits_as_a_table_or_json(run):
    assert "leafhouse" in run("search", "ench").output
    assert json.loads(run("search", "ench", "--json").output)[0]["key"] == "1"
    assert "No listing holds that" in run("search", "absent").output
