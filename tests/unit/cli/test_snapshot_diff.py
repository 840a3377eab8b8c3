"""`torwatch snapshot diff` shows what differs, within a terminal's width, and all of it as JSON."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from torwatch.cli import torwatch
from torwatch.model import Source
from torwatch.store.database import open_store
from torwatch.store.staging import EntityRow, StagedPage

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).parent.parent / "store" / "builders.py")
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
TEA = {
    "title": "Sencha 100 g",
    "vendor": "leafhouse",
    "price": "12",
    "currency": "EUR",
    "category": "Tea > Green",
    "ship_from": "Netherlands",
}
LONG = "The first harvest of the year, from the southern slopes, dried in the shade and packed by hand. " * 3
OTHER_LONG = LONG.replace("by hand", "by machine", 1)
WIDTH = 80


def profile(week):
    """The account's own page, with words that differ from week to week."""
    vendor = EntityRow("leafhouse", Source.DETAIL, {"name": "leafhouse"})
    feedback = {"key": f"f{week}", "vendor": "leafhouse", "body": "arrived quickly " * 10, "stars": 5, "date": "2026-01-01"}
    return StagedPage(vendors=(vendor,), feedback=(feedback,), texts=(("d1", LONG), ("d2", OTHER_LONG)))


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    config = tmp_path / "torwatch.toml"
    config.write_text(f'data_directory = "{tmp_path}"\n', encoding="utf-8")
    with open_store(tmp_path / "torwatch.db") as store:
        target = builders.a_target(store)
        many = {str(number): TEA | {"title": f"Tea {number}"} for number in range(100, 160)}
        cut = {"title": "Sencha 1…", "vendor": "leafhouse", "price": "12", "currency": "EUR"}
        builders.take(store, target, {"2": cut}, week=0, source=Source.INDEX)
        first = {"1": TEA | {"description": "d1"}, "2": TEA, "3": TEA}
        builders.take(store, target, first, week=1, page=profile(1))
        second = {"1": TEA | {"price": "13", "description": "d2", "ship_from": None}, "2": TEA, **many}
        builders.take(store, target, second, week=2, gone=["3"], page=profile(2))
        builders.take(store, target, {"1": TEA}, week=3, drift="titles are gone")

    def invoke(*arguments):
        return CliRunner().invoke(torwatch, ["--config", str(config), "snapshot", "diff", *arguments])

    return invoke


def test_what_differs_fits_a_terminal_and_is_told_in_words(run):
    done = run("2", "3")
    assert done.exit_code == 0
    assert max(map(len, done.output.splitlines())) <= WIDTH
    words = " ".join(done.output.split())
    assert "teahouse: snapshot 2 (2026-01-12 00:00, complete) against 3 (2026-01-19 00:00, complete)" in words
    assert "price 12 13" in words
    assert "ship_from Netherlands" in words
    assert "by hand" in words
    assert "machine" in words
    assert "50 of 64 lines; --limit 0 shows all." in words
    assert "Tea > Green 3 62" in words


def test_the_claims_that_only_a_better_page_told_are_marked(run):
    assert "title (refined)" in run("1", "2").output


def test_json_holds_every_section_whole(run):
    document = json.loads(run("2", "3", "--json").output)
    assert document["market"] == "teahouse"
    assert document["first"] == {"snapshot": 2, "started_at": "2026-01-12T00:00:00+00:00", "state": "complete"}
    assert len([one for one in document["listings"] if one["cause"] == "new"]) == 60
    (gone,) = [one for one in document["listings"] if one["cause"] == "gone_explicit"]
    assert (gone["key"], gone["old"]["title"], gone["new"]) == ("3", "Sencha 100 g", None)
    assert [one["key"] for one in document["feedback"]] == ["f2"]
    assert document["categories"] == [{"category": "Tea > Green", "before": 3, "after": 62}]
    assert (document["vendors"], document["keys"], document["notes"]) == ([], [], [])


def test_sections_can_be_chosen_and_printed_whole(run):
    assert set(json.loads(run("2", "3", "--of", "categories", "--json").output)) == {"market", "first", "second", "notes", "categories"}
    whole = run("2", "3", "--of", "listings", "--limit", "0").output
    assert "159" in whole
    assert "feedback" not in whole
    assert "Nothing differs." in run("2", "3", "--of", "vendors").output


def test_the_later_one_first_tells_it_the_other_way_round(run):
    document = json.loads(run("3", "2", "--json").output)
    assert sum(one["field"] is None and one["new"] is None for one in document["listings"]) == 60
    words = " ".join(run("3", "2", "--limit", "0").output.split())
    assert "price 13 12" in words
    assert "came" in words


def test_a_held_snapshot_is_told_and_adds_nothing(run):
    done = run("3", "4")
    assert "Nothing differs." in done.output
    assert "Snapshot 4 is held: torwatch hold show 4." in done.output
    assert "Nothing differs." in run("3", "3").output
