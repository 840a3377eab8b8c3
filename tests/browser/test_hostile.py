"""Hostile titles in a real browser: in datasette and in the report no script runs, no dialog opens, and no other host is asked."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import urllib.parse

import pytest
from click.testing import CliRunner

from torwatch.cli import torwatch
from torwatch.normalisers import key_reader, normalisers_for
from torwatch.report.queries import QUERIES
from torwatch.store.alerts import Alert, add_alerts
from torwatch.store.database import open_store
from torwatch.store.derived import write_derived
from torwatch.store.vendor_keys import write_vendor_keys

PAYLOADS = (
    "<script>window.owned=1;fetch('http://evil.invalid/a')</script>",
    '"><img src=http://evil.invalid/b.png onerror="window.owned=1">',
    "<svg onload=window.owned=1>",
    "javascript:window.owned=1",
    "<iframe src=http://evil.invalid/c></iframe>",
    "</td></table><style>@import 'http://evil.invalid/d.css'</style>",
    '<a href="javascript:window.owned=1" id=x>tea</a>',
    "{{constructor.constructor('window.owned=1')()}}",
    "]]><!--",
)
LOOK = """
import json, sys
from playwright.sync_api import sync_playwright

chromium, *addresses = sys.argv[1:]
seen = {"owned": [], "dialogs": [], "asked": [], "shown": 0}
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    page = browser.new_page()
    page.on("dialog", lambda dialog: (seen["dialogs"].append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: seen["asked"].append(request.url))
    for address in addresses:
        page.goto(address, wait_until="load")
        page.wait_for_timeout(100)
        seen["shown"] += "window.owned=1" in page.content()
        if page.evaluate("window.owned === 1"):
            seen["owned"].append(address)
    browser.close()
print(json.dumps(seen))
"""


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def look(chromium, *addresses):
    done = subprocess.run([sys.executable, "-c", LOOK, chromium, *addresses], capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["owned"], seen["dialogs"]) == ([], [])
    return seen


@pytest.fixture
def folder(checkout, tmp_path):
    """A database whose titles, names, categories, origins and alerts are all payloads."""
    builders = load(checkout / "tests" / "unit" / "store" / "builders.py", "browsed_builders")
    with open_store(tmp_path / "torwatch.db") as store:
        target = builders.a_target(store)
        listings = {
            payload: {"title": payload, "vendor": payload, "price": "12", "currency": "EUR", "ship_from": payload, "description": payload}
            for payload in PAYLOADS
        }
        builders.take(store, target, {}, week=0)
        builders.take(store, target, listings, week=1)
        write_derived(store, target.market_id, normalisers_for())
        write_vendor_keys(store, target.market_id, key_reader())
        add_alerts(store, [Alert(one, "change", "mine", "teahouse", one, one) for one in PAYLOADS], [], now=builders.NOW)
    return tmp_path


def test_datasette_shows_hostile_titles_as_text(folder, chromium, checkout):
    serve = load(checkout / "tests" / "integration" / "test_serve.py", "browsed_serve_hostile")
    text = urllib.parse.quote(PAYLOADS[0])
    with serve.a_datasette(folder) as address:
        tables = ("listing", "vendor", "change", "alert", "origin", "text", "standing_listing", "change_readable")
        queries = [f"/torwatch/{query.name}?text=owned&vendor={text}&country=NL&day=2000-01-01&snapshot=2&group=x" for query in QUERIES[:4]]
        paths = [f"/torwatch/{name}" for name in tables] + queries + ["/torwatch/listing/1", f"/torwatch/listing?title={text}"]
        seen = look(chromium, *(address + path for path in paths))
        assert {url.split("/")[2] for url in seen["asked"]} == {address.removeprefix("http://")}
    assert seen["shown"] >= len(tables)


def test_the_report_runs_no_script_and_asks_nobody(folder, chromium, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(folder))
    monkeypatch.delenv("TORWATCH_CONFIG", raising=False)
    report = folder / "answer.html"
    done = CliRunner().invoke(torwatch, ["answer", "--format", "html", "--output", str(report)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    seen = look(chromium, report.as_uri())
    assert seen["asked"] == [report.as_uri()]
