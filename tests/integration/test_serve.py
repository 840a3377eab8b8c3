"""`torwatch serve`: a real datasette on a live database; everything opens, nothing can be written."""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.util
import json
import os
import re
import select
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from torwatch.report.queries import QUERIES
from torwatch.store.schema import WORKING_TABLE_NAMES

START_SECONDS = 30
spec = importlib.util.spec_from_file_location("watched_market", Path(__file__).with_name("conftest.py"))
watched_market = importlib.util.module_from_spec(spec)
spec.loader.exec_module(watched_market)


@contextlib.contextmanager
def a_datasette(data):
    """`torwatch serve` on a data folder; gives its address."""
    environment = {**os.environ, "STATE_DIRECTORY": str(data)}
    environment.pop("TORWATCH_CONFIG", None)
    command = [sys.executable, "-m", "torwatch", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment) as process:
        try:
            yield read_address(process)
        finally:
            process.terminate()
            process.stderr.read()


def read_address(process):
    said, give_up = b"", time.monotonic() + START_SECONDS
    while not (found := re.search(rb"running on (http://127\.0\.0\.1:\d+)", said)):
        assert time.monotonic() < give_up, said.decode()
        assert process.poll() is None, said.decode() + process.stderr.read().decode()
        if select.select([process.stderr], [], [], 0.2)[0]:
            said += os.read(process.stderr.fileno(), 65536)
    return found[1].decode()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder with two snapshots of a market, a week apart."""
    folder = tmp_path_factory.mktemp("serve")
    with contextlib.ExitStack() as stack:
        watch = watched_market.Watch(stack, folder, "souk", listings=20)
        for _ in range(2):
            assert watch.look()[1].state == "complete"
            watch.clock.advance(dt.timedelta(days=7))
    return folder


@pytest.fixture(scope="module")
def served(data):
    with a_datasette(data) as address:
        yield address


@pytest.fixture
def get(served):
    def get_it(path, **parameters):
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        with urllib.request.urlopen(f"{served}{path}{query}", timeout=30) as answer:
            assert answer.status == 200
            return answer.read().decode()

    return get_it


@pytest.fixture
def refused(served):
    def ask(path, data=None):
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(f"{served}{path}", data=data, timeout=30)
        with error.value as answer:
            return answer.code

    return ask


def names_of(data):
    with contextlib.closing(sqlite3.connect(data / "torwatch.db")) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")]


def test_every_table_and_view_opens(get, data):
    names = names_of(data)
    assert {"listing", "change", "standing_listing", "origin_share"} <= set(names)
    for name in names:
        assert "torwatch" in get(f"/torwatch/{name}"), name


def test_every_canned_query_opens_and_answers(get):
    given = {"country": "NL", "day": "2000-01-01", "snapshot": "1", "vendor": "x", "group": "cannabis-flower", "text": "x"}
    assert QUERIES
    rows = {}
    for query in QUERIES:
        parameters = {name: given[name] for name in set(re.findall(r":(\w+)", query.sql))}
        assert query.title in get(f"/torwatch/{query.name}", **parameters)
        rows[query.name] = json.loads(get(f"/torwatch/{query.name}.json", _shape="array", **parameters))
    for name in ("listings_by_origin", "new_since", "changes_in_snapshot"):
        assert rows[name], name


def test_every_parameter_of_a_canned_query_may_stay_empty(get):
    rows = {query.name: json.loads(get(f"/torwatch/{query.name}.json", _shape="array")) for query in QUERIES if ":" in query.sql}
    assert {"listings_from", "listings_to", "new_since", "vendor_history", "price_over_time", "changes_in_snapshot"} <= set(rows)
    for name in ("new_since", "vendor_history", "changes_in_snapshot"):
        assert rows[name], name


def test_a_page_of_a_table_says_what_each_column_is_and_where_it_comes_from(get, data):
    said = json.loads(get("/-/metadata.json"))["databases"]["torwatch"]["tables"]
    shown = [name for name in names_of(data) if not said.get(name, {}).get("hidden") and name in said]
    assert len(shown) > 20
    with contextlib.closing(sqlite3.connect(data / "torwatch.db")) as connection:
        for name in shown:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            assert list(said[name]["columns"]) == columns, name
            assert all(said[name]["columns"].values()), name
    page = get("/torwatch/listing_unit_price")
    for words in ("Listing unit price", "currency for one unit", "torwatch&#39;s normalisers"):
        assert words in page


def test_working_tables_are_hidden_and_the_others_described(get):
    tables = {table["name"]: table for table in json.loads(get("/torwatch.json"))["tables"]}
    shown = {name for name, table in tables.items() if not table["hidden"]}
    assert shown
    assert not shown & {*WORKING_TABLE_NAMES, "_sqlite_migrations"}
    described = json.loads(get("/-/metadata.json"))["databases"]["torwatch"]["tables"]
    assert [name for name in shown if not described.get(name, {}).get("description")] == []


def test_foreign_keys_show_the_name_of_what_they_lead_to(get):
    row = json.loads(get("/torwatch/listing.json", _labels="on", _size=1, _shape="array"))[0]
    assert row["market_id"]["label"] == "souk"
    assert row["vendor_id"]["label"]
    assert ">souk</a>" in get("/torwatch/listing")


def test_the_facets_of_market_and_country_are_there(get):
    for table in ("listing", "vendor", "change", "snapshot"):
        facets = json.loads(get(f"/torwatch/{table}.json", _size=1))["facet_results"]
        assert "market_id" in facets, table
    facet = json.loads(get("/torwatch/listing.json", _size=1))["facet_results"]["claimed_origin"]
    assert facet["results"]


def test_robots_are_kept_out(get):
    assert get("/robots.txt").splitlines() == ["User-agent: *", "Disallow: /"]


def test_nothing_can_be_written_and_the_file_cannot_be_taken(refused, data):
    before = (data / "torwatch.db").read_bytes()
    for sql in ("DELETE FROM listing", "DROP TABLE listing", "PRAGMA user_version = 7", "ATTACH ':memory:' AS other"):
        assert refused(f"/torwatch.json?{urllib.parse.urlencode({'sql': sql})}") == 400, sql
    pages = [
        f"/torwatch/{name}"
        for name in (*names_of(data), *(query.name for query in QUERIES), "listing/1", "chart_coverage", "no-such-thing")
    ]
    boards = [f"/-/dashboards/{name}" for name in ("country", "watch", "watch/coverage")]
    for path in (
        "/",
        "/torwatch",
        "/torwatch.json",
        *pages,
        *boards,
        "/-/dashboards",
        "/-/logout",
        "/-/messages",
        "/-/permissions",
        "/-/actor",
    ):
        assert refused(path, data=b"title=x&sql=DELETE+FROM+listing") == 405, path
    assert refused("/torwatch.db") == 403
    assert (data / "torwatch.db").read_bytes() == before


def test_what_is_written_meanwhile_is_seen_at_once(get, data):
    environment = {**os.environ, "STATE_DIRECTORY": str(data)}
    command = [sys.executable, "-m", "torwatch", "market", "add", "valhalla", "--source", "Europol 2019"]
    subprocess.run(command, check=True, capture_output=True, env=environment, timeout=60)
    assert "valhalla" in get("/torwatch/market")


def test_the_metadata_can_be_had_alone(data):
    environment = {**os.environ, "STATE_DIRECTORY": str(data)}
    command = [sys.executable, "-m", "torwatch", "serve", "--metadata-only"]
    done = subprocess.run(command, check=True, capture_output=True, env=environment, timeout=60)
    assert json.loads(done.stdout)["databases"]["torwatch"]["tables"]["visit"] == {"hidden": True}
