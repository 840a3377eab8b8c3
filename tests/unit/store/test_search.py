"""Search finds parts of words in titles and descriptions, and the index follows every change."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from torwatch.errors import UsageError
from torwatch.store.database import open_store
from torwatch.store.rollback import roll_back
from torwatch.store.search import search_listings, split_words

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
take, a_target = builders.take, builders.a_target
TEA = {"title": "Fine GBLeaf 100 g", "vendor": "leafhouse", "price": "12", "description": "d1"}
COFFEE = {"title": "Coffee 1 kg", "vendor": "beanery", "price": "20", "description": "d2"}


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "torwatch.db") as opened:
        with opened.write() as connection:
            connection.executemany(
                "INSERT INTO text VALUES (?, ?)", [("d1", "picked by hand"), ("d2", 'roasted "slowly" by hand'), ("d3", "stale")]
            )
        yield opened


def keys(store, words, **options):
    return sorted(hit.key for hit in search_listings(store, words, **options))


def test_any_part_of_a_word_in_any_case_is_found_in_title_and_description(store):
    take(store, a_target(store), {"1": TEA, "2": COFFEE}, week=0)
    assert keys(store, "gbl") == ["1"]
    assert keys(store, "HAND") == ["1", "2"]
    assert keys(store, "hand coffee") == ["2"]
    assert keys(store, '"by hand" kg') == ["2"]
    assert keys(store, "kg") == ["2"]
    assert keys(store, "'; DROP TABLE listing; --") == []
    assert keys(store, "hand", limit=1) in (["1"], ["2"])


def test_the_index_follows_changes_removals_and_a_roll_back(store):
    target = a_target(store)
    take(store, target, {"1": TEA, "2": COFFEE}, week=0)
    second, _ = take(store, target, {"1": TEA | {"description": "d3"}}, week=1, gone=["2"])
    assert keys(store, "picked") == []
    assert keys(store, "stale") == ["1"]
    assert keys(store, "roasted") == []
    assert keys(store, "roasted", with_past=True) == ["2"]
    with store.write() as connection:
        roll_back(connection, market=target.market_id, snapshot=second)
    assert keys(store, "picked") == ["1"]
    with store.write() as connection:
        connection.execute("INSERT INTO listing_search (listing_search) VALUES ('integrity-check')")


def test_only_the_claimed_origin_and_market_asked_for(store):
    take(store, a_target(store), {"1": TEA | {"ship_from": "Netherlands"}, "2": COFFEE}, week=0)
    with store.write() as connection:
        connection.execute("INSERT INTO origin VALUES (1, 'Netherlands', 'NL', 'country', 0, 'exact', 1.0, '1')")
        connection.execute("UPDATE listing SET claimed_origin = 'undeclared' WHERE key = '2'")
    assert keys(store, "hand", ship_from="nl") == ["1"]
    assert keys(store, "hand", ship_from="undeclared") == ["2"]
    with pytest.raises(UsageError, match="no market is called 'elsewhere'"):
        keys(store, "hand", market="elsewhere")


def test_nothing_to_look_for_is_wrong_usage(store):
    assert split_words(' a "b c" d') == ["a", "b c", "d"]
    with pytest.raises(UsageError, match="nothing to look for"):
        search_listings(store, ' "" ')
