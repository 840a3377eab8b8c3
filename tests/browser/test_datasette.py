"""The database in a real browser: pages open, no script fails, and nothing is asked of another host."""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.util
import json
import re
import subprocess
import sys
import urllib.parse
import urllib.request

import pytest

from torwatch.report.queries import QUERIES


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def served(checkout, tmp_path_factory):
    """`torwatch serve` on a market seen twice."""
    market = load(checkout / "tests" / "integration" / "conftest.py", "browsed_market")
    serve = load(checkout / "tests" / "integration" / "test_serve.py", "browsed_serve")
    folder = tmp_path_factory.mktemp("browser")
    with contextlib.ExitStack() as stack:
        watch = market.Watch(stack, folder, "bazaar", listings=20)
        for _ in range(2):
            assert watch.look()[1].state == "complete"
            watch.clock.advance(dt.timedelta(days=7))
    with serve.a_datasette(folder) as address:
        yield address


BROWSE = """
import json, sys
from playwright.sync_api import sync_playwright

chromium, address, folder, *paths = sys.argv[1:]
seen = {"errors": [], "hosts": [], "titles": {}}
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("pageerror", lambda error: seen["errors"].append(str(error)))
    page.on("console", lambda said: seen["errors"].append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: seen["hosts"].append(request.url.split("/")[2]))
    for number, path in enumerate(paths):
        answer = page.goto(address + path, wait_until="load")
        seen["titles"][path] = [answer.status, page.title(), page.locator("table.rows-and-columns tbody tr").count()]
        page.screenshot(path=f"{folder}/{number}-{path.strip('/').replace('/', '-').split('?')[0]}.png")
    browser.close()
print(json.dumps(seen))
"""
PATHS = ("/torwatch", "/torwatch/listing", "/torwatch/change", "/torwatch/listings_by_origin", "/torwatch/listings_from?country=GB")
GIVEN = {"country": "GB", "day": "2000-01-01", "snapshot": "1", "vendor": "x", "group": "cannabis-flower", "text": "tea"}


def browse(chromium, address, folder, paths):
    """Open the pages one after another; what the browser saw."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", BROWSE, chromium, address, str(folder), *paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["errors"] == []
    assert set(seen["hosts"]) == {address.removeprefix("http://")}
    assert {path: status for path, (status, _, _) in seen["titles"].items() if status != 200} == {}
    assert len(list(folder.glob("*.png"))) >= len(paths)
    return seen["titles"]


def test_the_pages_open_without_a_script_error_and_without_another_host(served, chromium, checkout):
    seen = browse(chromium, served, checkout / "artefacts" / "datasette", PATHS)
    for path in PATHS[1:4]:
        assert seen[path][2] > 0, path


def test_every_table_and_every_canned_query_opens(served, chromium, checkout):
    with urllib.request.urlopen(f"{served}/torwatch.json", timeout=30) as answer:
        tables = [table["name"] for table in json.load(answer)["tables"] if not table["hidden"]]
    asked = [(query.name, {name: GIVEN[name] for name in re.findall(r":(\w+)", query.sql)}) for query in QUERIES]
    assert len(tables) > 20
    assert len(asked) > 10
    paths = [f"/torwatch/{name}" for name in tables] + [f"/torwatch/{name}?{urllib.parse.urlencode(given)}" for name, given in asked]
    seen = browse(chromium, served, checkout / "artefacts" / "datasette-all", paths)
    assert [path for path in paths if not seen[path][1]] == []
