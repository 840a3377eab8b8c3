"""`parser new`, `parser try` on the archive, and what `parser list` knows from the database."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from click.testing import CliRunner

from torwatch.archive.index import Entry, write_index
from torwatch.archive.writer import open_archive
from torwatch.cli import torwatch
from torwatch.errors import UsageError
from torwatch.model import Fetched, Outcome
from torwatch.parsing.registry import bundled_folder
from torwatch.store.database import open_store

EMPIRE = bundled_folder() / "empire" / "pages"
ONION = "a" * 55 + "d.onion"
ADDRESS = f"http://{ONION}/product/530054"


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A configuration whose data directory is empty."""
    tmp_path.chmod(0o755)
    (tmp_path / "config.toml").write_text(f'data_directory = "{tmp_path / "data"}"\n')
    monkeypatch.setenv("TORWATCH_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def run(*arguments):
    result = CliRunner().invoke(torwatch, ["parser", *map(str, arguments)], catch_exceptions=False, standalone_mode=False)
    assert not result.return_value, result.output
    return result.output


def store_page(archive, body, day):
    """Write one page to a WARC of that day, with its index."""
    archive.mkdir(parents=True, exist_ok=True)
    warc = archive / f"{day:08d}.warc.gz"
    now = dt.datetime(2026, 3, day, tzinfo=dt.UTC)
    with open_archive(warc, referenced_bytes=0) as writer:
        offset, length = writer.write_exchange(
            Fetched(ADDRESS, Outcome.OK, now, 5, 200, (("Content-Type", "text/html"),), digest="0"), body, 0
        )
        writer.sync()
    entry = Entry(ADDRESS, f"202603{day:02d}000000", "ok", "listing", 200, "0", warc.name, offset, length)
    write_index(archive / f"{day:08d}.cdxj", [entry])


def test_a_new_parser_is_written_checked_and_told_about(data, tmp_path):
    pages = [f"--page={EMPIRE / name}.html" for name in ("index", "vendor")]
    shown = run("new", "tea-demo", *pages, f"--page={EMPIRE / 'listing.html'}=/product/530054", "--directory", tmp_path / "mine")
    assert "listing: listing" in shown
    assert "must not be committed" in shown
    expected = json.loads((tmp_path / "mine/tea_demo/expected/listing.json").read_text())
    assert expected["path"] == "/product/530054"
    assert "all right" in run("check", "tea_demo", "--directory", tmp_path / "mine")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Tea Demo", "--page", EMPIRE / "index.html"], "cannot be a parser's name"),
        (["tea", "--page", "absent.html"], "absent.html cannot be read: No such file"),
        (["empire", "--page", EMPIRE / "index.html", "--directory", bundled_folder()], "exists already and is not overwritten"),
        (["tea", "--page", EMPIRE / "index.html", "--label", "Leaves from=origin"], "is no label with its field"),
        (["tea", *["--page=x"] * 61], "61 pages are too many"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(data, arguments, message):
    with pytest.raises(UsageError, match=message):
        run("new", *arguments)


@pytest.mark.parametrize("wanted", [ADDRESS, "/product/530054"])
def test_a_page_of_the_archive_is_tried_in_its_newest_copy(data, wanted):
    store_page(data / "archive" / "empire", b"<html><body>old</body></html>", 1)
    store_page(data / "archive" / "empire", (EMPIRE / "listing.html").read_bytes(), 2)
    got = json.loads(run("try", "empire", wanted, "--json"))
    assert (got["kind"], got["outcome"], got["listings"][0]["key"]) == ("listing", "ok", "530054")
    assert got["milliseconds"] > 0
    assert "2026-03-02" in run("try", "empire", wanted)


def test_an_address_that_the_archive_does_not_have_is_said(data):
    with pytest.raises(UsageError, match="no stored page of"):
        run("try", "empire", f"http://{ONION}/nowhere")


def test_the_list_knows_the_last_success_and_its_fill_rates(data):
    with open_store(data / "torwatch.db") as store, store.write() as connection:
        connection.execute("INSERT INTO market (id, name, source, added_at) VALUES (1, 'empire', 'target', '2026-03-01T00:00:00Z')")
        for number, state in ((1, "complete"), (2, "partial"), (3, "held")):
            connection.execute(
                "INSERT INTO snapshot (id, market_id, state, started_at, ended_at, parser, parser_digest, torwatch_version)"
                " VALUES (?, 1, ?, '2026-03-01T00:00:00Z', '2026-03-01T01:00:00Z', 'empire', 'd', 't')",
                (number, state),
            )
        connection.execute("INSERT INTO fill_rate VALUES (2, 'listing', 'title', 10, 10), (2, 'listing', 'ship_from_raw', 3, 10)")
    got = {row["name"]: row for row in map(json.loads, run("list", "--json").splitlines())}
    assert got["empire"]["last_success"]["snapshot"] == 2
    assert got["empire"]["last_success"]["fill_rates"] == {"listing": {"title": 1.0, "ship_from_raw": 0.3}}
    assert got["dream"]["last_success"] is None
