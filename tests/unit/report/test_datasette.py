"""What datasette is told: every table and view described, every described one there, every query valid."""

from __future__ import annotations

import re

import pytest

from torwatch.report.datasette import TABLES, build_metadata
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
