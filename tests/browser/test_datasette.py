"""The database in a real browser: pages open, no script fails, and nothing is asked of another host."""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.util
import json
import subprocess
import sys

import pytest


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


def test_the_pages_open_without_a_script_error_and_without_another_host(served, chromium, checkout):
    folder = checkout / "artefacts" / "datasette"
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", BROWSE, chromium, served, str(folder), *PATHS], capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["errors"] == []
    assert set(seen["hosts"]) == {served.removeprefix("http://")}
    assert [status for status, _, _ in seen["titles"].values()] == [200] * len(PATHS)
    for path in PATHS[1:4]:
        assert seen["titles"][path][2] > 0, path
    assert len(list(folder.glob("*.png"))) >= len(PATHS)
