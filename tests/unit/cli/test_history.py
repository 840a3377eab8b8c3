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


def test_the_timeline_tells_texts_in_words_and_not_by_their_digests(run, tmp_path):
    with open_store(tmp_path / "torwatch.db") as store:
        store.connection.execute("INSERT INTO text (digest, body) VALUES ('d1', 'First words'), ('d2', ?)", ("Other words " * 30,))
        store.connection.execute(
            "INSERT INTO change (snapshot_id, market_id, entity, key, field, old, new, cause)"
            " VALUES (2, 1, 'listing', '1', 'description', 'd1', 'd2', 'changed')"
        )
    said = run("history", "listing", "1").output
    assert "First words" in said
    assert "Other words" in said
    assert max(map(len, said.splitlines())) <= 80
    document = json.loads(run("history", "listing", "1", "--json").output)
    assert document[0]["moments"][-1]["new"] == "d2"


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("state", "--at", "9999-12-31T23:59-12:00"), "is no day or time"),
        (("state", "--at", "0001-01-01T00:00+12:00"), "is no day or time"),
        (("state", "--at", ""), "is no day or time"),
        (("state", "--at", "2026-01-05", "--market", "nowhere"), "no market is called 'nowhere'"),
        (("search", "tea", "--market", "nowhere"), "no market is called 'nowhere'"),
        (("search", "tea", "--ship-from", "XX"), "'XX' is no claimed origin"),
        (("search", "tea", "--ship-from", "Narnia"), "'Narnia' is no claimed origin"),
        (("search", '"'), "nothing to look for"),
        (("history", "listing", "x'y"), "no listing has the key or title"),
        (("history", "vendor", ""), "no vendor has the key or name"),
    ],
)
def test_bad_input_is_one_clear_line(run, arguments, said):
    error = run(*arguments).exception
    assert isinstance(error, UsageError)
    assert said in str(error)
    assert "\n" not in str(error)


def test_a_time_may_have_an_offset_and_a_day_may_be_written_without_dashes(run):
    def price(at):
        return json.loads(run("state", "--at", at, "--json").output)[0]["claims"]["price"]

    assert price("20260112") == price("2026-W03-1") == "13"
    assert price("2026-01-12T00:00:00") == price("2026-01-12T01:00:00+01:00") == price("2026-01-11T19:00:00-05:00")


def test_a_day_that_is_still_to_come_is_told(run):
    result = run("state", "--at", "2999-01-01", "--json")
    assert json.loads(result.stdout)[0]["claims"]["price"] == "13"
    assert "still to come" in result.stderr
    assert run("state", "--at", "2026-01-12").stderr == ""


@pytest.mark.parametrize(
    "words", ["tea OR (", "NEAR(tea", "title:x", "a*", "--", "'); DROP TABLE listing; --", "^tea", "\\", "{", "AND", "te AND"]
)
def test_what_fts_takes_for_operators_is_looked_for_as_it_stands(run, words):
    result = run("search", "--", words)
    assert result.exit_code == 0, result.exception
    assert "No listing holds that" in result.output


def test_words_shorter_than_three_letters_are_found_too_and_regions_in_any_case(run):
    assert "leafhouse" in run("search", "nc").output
    assert "leafhouse" in run("search", "g").output
    assert "No listing" in run("search", "nc", "--ship-from", "europe").output
