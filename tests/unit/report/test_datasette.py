"""What datasette is told: every table and view described, every described one there, every query valid."""

from __future__ import annotations

import re

import pytest

from torwatch.normalise.openpgp import fold_handle
from torwatch.report.columns import COLUMNS, OWN, SOURCES
from torwatch.report.datasette import TABLES, build_metadata
from torwatch.report.datasette_command import SHOWN_ROWS
from torwatch.report.queries import QUERIES
from torwatch.store.database import open_store
from torwatch.store.entities import ENTITIES
from torwatch.store.schema import WORKING_TABLE_NAMES


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("store") / "torwatch.db") as opened:
        yield opened


def names(store):
    return {row["name"] for row in store.rows("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")}


def test_every_table_and_view_is_described_or_hidden(store):
    assert names(store) - {"_sqlite_migrations"} == set(TABLES) | set(WORKING_TABLE_NAMES)


def test_every_column_of_every_table_and_view_is_described_and_every_table_has_a_source(store):
    present = {name: [row["name"] for row in store.rows(f"PRAGMA table_info({name})")] for name in TABLES}
    said = {entity.name: {column.name: column.description for column in (*entity.claims, *entity.counters)} for entity in ENTITIES}
    tables = build_metadata(said, (), (), present)["databases"]["torwatch"]["tables"]
    assert {(name, column) for name in TABLES for column in present[name] if not tables[name]["columns"].get(column)} == set()
    assert [name for name, facts in tables.items() if not (facts["title"] and facts["description"] and facts["source"])] == []


def test_every_word_about_a_column_is_of_use(store):
    present = {name: {row["name"] for row in store.rows(f"PRAGMA table_info({name})")} for name in TABLES}
    assert {(name, column) for name, words in OWN.items() for column in words if column not in present[name]} == set()
    assert set(COLUMNS) - set().union(*present.values()) == set()
    beside = {name: facts.get("columns", {}) for name, facts in TABLES.items()}
    said = [(name, column, text) for words in (OWN, beside) for name, columns in words.items() for column, text in columns.items()]
    assert [(name, column) for name, column, text in said if text == COLUMNS.get(column)] == []  # what is said everywhere is said once
    assert set(SOURCES) <= set(TABLES)


def test_only_columns_that_are_there_are_described(store):
    described = {entity.name: {column.name for column in (*entity.claims, *entity.counters)} for entity in ENTITIES}
    assert described
    for table, facts in TABLES.items():
        columns = {row["name"] for row in store.rows(f"PRAGMA table_info({table})")}
        said = {*facts.get("columns", {}), *facts.get("facets", ()), *described.get(table, ())}
        assert said <= columns, table


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_every_canned_query_runs(store, query):
    parameters = dict.fromkeys(re.findall(r":(\w+)", query.sql), "1")
    store.rows(query.sql, parameters)


def test_working_tables_are_hidden():
    metadata = build_metadata({}, WORKING_TABLE_NAMES)
    tables = metadata["databases"]["torwatch"]["tables"]
    assert all(tables[name] == {"hidden": True} for name in WORKING_TABLE_NAMES)


def test_a_name_on_several_markets_is_found_whatever_signs_it_is_written_with(tmp_path):
    accounts = [
        (1, 1, "Leaf-House"),
        (2, 2, "\u2605 LEAFHOUSE \u2605"),
        (3, 1, "leaf house"),
        (4, 2, "beans"),
        (5, 2, "\uff2c\uff45afhouse"),
    ]
    with open_store(tmp_path / "torwatch.db") as store:
        with store.write() as connection:
            connection.execute("INSERT INTO market (id, name, added_at) VALUES (1, 'tea', ''), (2, 'coffee', '')")
            connection.execute(
                "INSERT INTO snapshot (id, market_id, started_at, state, parser, parser_digest, torwatch_version)"
                " VALUES (1, 1, '2026-01-05', 'complete', 'p', 'd', 't')"
            )
            for number, market, name in accounts:
                connection.execute(
                    "INSERT INTO vendor (id, market_id, key, name, first_snapshot_id) VALUES (?, ?, ?, 'now', 1)", (number, market, name)
                )
                connection.execute("INSERT INTO vendor_handle VALUES (?, ?, ?, 1)", (number, fold_handle(name), name))
        query = next(query for query in QUERIES if query.name == "vendors_on_several_markets")
        found = store.rows(query.sql)
    assert [(row["handle"], row["markets"]) for row in found] == [("leafhouse", 2)]
    expected = ["coffee: \u2605 LEAFHOUSE \u2605", "coffee: \uff2c\uff45afhouse", "tea: Leaf-House", "tea: leaf house"]
    assert sorted(found[0]["accounts"].split(", ")) == sorted(expected)


def test_every_query_is_cut_one_row_after_what_is_shown():
    queries = build_metadata({}, (), (), {})["databases"]["torwatch"]["queries"]
    assert len(queries) >= len(QUERIES)
    limits = {name: int(re.search(r" LIMIT (\d+)$", queries[name]["sql"])[1]) for name in (query.name for query in QUERIES)}
    assert set(limits.values()) == {500, 1000, SHOWN_ROWS + 1}  # two say so themselves
