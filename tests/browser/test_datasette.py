"""The database and the report in a real browser: pages open, charts are drawn and readable, and nothing is asked of another host.

The pictures are kept in the folder artefacts/ of the checkout, to be looked at.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.util
import json
import shutil
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from torwatch.cli import torwatch
from torwatch.report.chart import NAMES
from torwatch.report.dashboards import DASHBOARDS
from torwatch.report.queries import QUERIES

DESKTOP, NARROW = 1280, 390
TABLES = ("listing", "change", "vendor", "snapshot")


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


browsing = load(Path(__file__).with_name("browsing.py"), "browsing")


@pytest.fixture(scope="module")
def serve(checkout):
    """The function that runs `torwatch serve` on a data folder."""
    return load(checkout / "tests" / "integration" / "test_serve.py", "browsed_serve").a_datasette


@pytest.fixture(scope="module")
def served(checkout, serve, tmp_path_factory):
    """`torwatch serve` on a market seen twice."""
    market = load(checkout / "tests" / "integration" / "conftest.py", "browsed_market")
    folder = tmp_path_factory.mktemp("browser")
    with contextlib.ExitStack() as stack:
        watch = market.Watch(stack, folder, "bazaar", listings=20)
        for _ in range(2):
            assert watch.look()[1].state == "complete"
            watch.clock.advance(dt.timedelta(days=7))
    with serve(folder) as address:
        yield address


@pytest.fixture(scope="module")
def months(watched_markets, tmp_path_factory):
    """A data folder with five markets of four months: one dead, one that came late, a held week, one whose only snapshot is held."""
    folder = tmp_path_factory.mktemp("months")
    shutil.copy(watched_markets, folder / "torwatch.db")
    return folder


@pytest.fixture
def browse(chromium, checkout):
    """Give a function that opens {name: path} at a width; it gives what was seen by name, and asserts that nothing went wrong."""

    def open_all(address, pages, width=DESKTOP):
        plan = [(address + path, width, name) for name, path in pages.items()]
        seen = browsing.browse(chromium, checkout / "artefacts", plan)
        assert seen["errors"] == []
        assert set(seen["hosts"]) <= {address.removeprefix("http://") if address.startswith("http:") else ""}
        assert {name: page["status"] for name, page in seen["pages"].items() if page["status"] not in {200, 0}} == {}
        assert [name for name in pages if not (checkout / "artefacts" / f"{name}.png").stat().st_size] == []
        return seen["pages"]

    return open_all


def assert_readable(pages, width):
    """Every chart shows marks and words, no word lies over another or is cut, and no page is wider than the screen."""
    for name, page in pages.items():
        assert page["width"] <= width, name
        for chart in page["charts"]:
            assert chart["texts"] > 3, (name, chart)
            assert (chart["over"], chart["cut"]) == ([], []), (name, chart)


def test_every_table_and_every_canned_query_opens(served, browse):
    with urllib.request.urlopen(f"{served}/torwatch.json", timeout=30) as answer:
        database = json.load(answer)
    tables = [table["name"] for table in (*database["tables"], *database["views"]) if not table.get("hidden")]
    assert {"listing", "listing_unit_price", "spell_readable"} <= set(tables)
    assert len(tables) > 40
    assert len(QUERIES) > 10
    pages = {"database": "/torwatch", **{f"table-{name}": f"/torwatch/{name}" for name in tables}}
    for query in QUERIES:
        pages[f"query-{query.name}"] = f"/torwatch/{query.name}" + ("?text=tea" if query.name == "search" else "")
    seen = browse(served, pages)
    assert [name for name, page in seen.items() if not page["title"]] == []
    assert {name: page["width"] for name, page in seen.items() if page["width"] > DESKTOP} == {}
    for name in TABLES:
        assert seen[f"table-{name}"]["rows"] > 0, name


@pytest.mark.parametrize(("width", "size"), [(DESKTOP, "wide"), (NARROW, "narrow")])
def test_every_dashboard_draws_every_chart_and_all_of_it_can_be_read(months, serve, browse, width, size):
    pages = {f"dashboard-{slug}-{size}": f"/-/dashboards/{slug}" for slug in DASHBOARDS}
    with serve(months) as address:
        seen = browse(address, {f"dashboards-{size}": "/-/dashboards", **pages}, width)
    drawn = {chart["id"].removeprefix("chart-"): chart["marks"] for page in seen.values() for chart in page["charts"]}
    assert set(drawn) == set(NAMES)
    assert {name: marks for name, marks in drawn.items() if marks < 4} == {}
    assert_readable(seen, width)


def test_each_chart_has_a_page_of_its_own_and_a_period_without_snapshots_says_so(months, serve, browse):
    pages = {f"chart-{name}": f"/-/dashboards/{slug}/{name}" for slug, board in DASHBOARDS.items() for row in board[3] for name in row}
    with serve(months) as address:
        seen = browse(address, {**pages, "dashboard-empty": "/-/dashboards/country?country=NL&since=1999-01-01&until=1999-02-01"})
    empty = seen.pop("dashboard-empty")
    assert [page["charts"][0]["marks"] < 4 for page in seen.values()] == [False] * len(NAMES)
    assert_readable(seen, DESKTOP)
    assert [chart["marks"] for chart in empty["charts"]] == [1] * len(empty["charts"])  # the words that say so
    assert len(empty["charts"]) == empty["frames"] == 6


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_report_can_be_read_on_a_desktop_on_a_phone_and_on_paper(months, browse, monkeypatch, tmp_path, language, checkout):
    monkeypatch.setenv("STATE_DIRECTORY", str(months))
    monkeypatch.delenv("TORWATCH_CONFIG", raising=False)
    file = tmp_path / "answer.html"
    asked = ["answer", "--lang", language, "--format", "html", "--until", "2026-05-01", "--output", str(file)]
    assert CliRunner().invoke(torwatch, asked).exit_code == 0
    for width, name in ((DESKTOP, f"report-{language}"), (360, f"report-{language}-narrow")):
        seen = browse(file.as_uri(), {name: ""}, width)
        assert len(seen[name]["charts"]) == len(NAMES)
        assert_readable(seen, width)
    assert (checkout / "artefacts" / f"report-{language}.pdf").stat().st_size > 50_000
