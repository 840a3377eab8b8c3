from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from torwatch.cli.parser import parser
from torwatch.errors import UsageError
from torwatch.parsing.registry import bundled_folder

EMPIRE = bundled_folder() / "empire" / "pages"
DREAM = bundled_folder() / "dream" / "pages"


def run(*arguments, code=0):
    result = CliRunner().invoke(parser, [str(one) for one in arguments], catch_exceptions=False, standalone_mode=False)
    assert (result.return_value or 0) == code
    return result.stdout


def rows(*arguments):
    return [json.loads(line) for line in run("try", *arguments, "--json").splitlines()]


def test_one_object_comes_out_for_every_file_also_for_hopeless_ones(tmp_path):
    empty, picture = tmp_path / "empty.html", tmp_path / "picture.html"
    empty.write_bytes(b"")
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    files = [EMPIRE / "listing.html", EMPIRE / "login.html", EMPIRE / "queue.html", EMPIRE / "home.html", empty, picture]
    got = rows("empire", *files)
    assert [one["page"] for one in got] == [str(file) for file in files]
    assert [one["kind"] for one in got] == ["listing", "login", "queue", "other", "other", "other"]
    assert [one["outcome"] for one in got] == ["ok", "login", "queue", "ok", "empty", "not_text"]


def test_a_listing_shows_its_normalised_price_its_path_of_categories_and_its_destinations():
    (got,) = rows("empire", EMPIRE / "listing.html")
    (listing,) = got["listings"]
    assert (listing["price"], listing["currency"]) == ("3750.00", "USD")
    assert listing["category"] == ["Tea", "Green"]
    assert listing["ship_to"] == ["World Wide", "Antarctica(c)", "Germany"]


def test_vendors_and_feedback_are_shown():
    (got,) = rows("dream", DREAM / "vendor_ratings.html")
    assert got["vendor"]["name"] == "leafhouse"
    assert got["vendor"]["fe_enabled"] is True
    assert [one["stars"] for one in got["feedback"]] == [5, 1, 3]


def test_a_gone_page_is_an_error_page():
    (got,) = rows("dream", DREAM / "listing_not_found.html")
    assert (got["kind"], got["outcome"], got["listings"]) == ("error", "gone", [])


def test_without_json_a_person_reads_records_and_reasons():
    shown = run("try", "empire", EMPIRE / "listing.html", EMPIRE / "index_redesigned.html", "--path", "/category/categories/3/15")
    assert "listing page, ok" in shown
    assert "Netherlands" in shown
    assert "layout_changed" in shown


def test_a_listing_whose_key_stands_in_its_address_asks_for_the_address(tmp_path):
    (tmp_path / "mine").mkdir(mode=0o755)
    page = tmp_path / "listing.html"
    page.write_text("<html><title>Stall</title><h1>Green tea</h1></html>")
    parser = tmp_path / "mine" / "stall.py"
    parser.write_text(
        "from torwatch.parserkit import KindSpec, Listing, Market, PageKind, Single\n"
        "KINDS = {r'^/tea/(?P<key>[0-9]+)': PageKind.LISTING}\n"
        "MARKET = Market('stall', kinds=KINDS, shapes={PageKind.LISTING: 'h1'}, specs={PageKind.LISTING: KindSpec(('title',), ())})\n"
        "DETAIL = Single(Listing, title='h1')\n"
        "def parse(page):\n    yield from filter(None, [DETAIL.read(page, key=page.key)])\n"
    )
    parser.chmod(0o644)
    assert "say --path" in run("try", "stall", page, "--directory", tmp_path / "mine")
    assert "listing page, ok" in run("try", "stall", page, "--directory", tmp_path / "mine", "--path", "/tea/7")


def test_links_that_no_kind_fits_are_named(tmp_path):
    page = tmp_path / "index.html"
    page.write_text((EMPIRE / "index.html").read_text().replace("</body>", "<a href='/quay/tea?page=2'>next</a></body>"))
    named = re.search(r"never followed: (.*)", run("try", "empire", page))
    assert named
    assert "/quay/tea?page=2" in named[1]
    assert "/product/" not in named[1]


def test_what_a_page_says_never_steers_the_terminal(tmp_path):
    file = tmp_path / "page.html"
    file.write_text((EMPIRE / "index.html").read_text().replace("Old gouda", "Old \x1b]0;gouda\u202e"))
    assert "\x1b" not in run("try", "empire", file)


def test_a_file_that_cannot_be_read_and_an_unknown_parser_are_usage_errors(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        run("try", "empire", tmp_path / "no.html")
    with pytest.raises(UsageError, match="did you mean dream"):
        run("try", "draem", DREAM / "index.html")


def test_the_list_shows_doors_and_evidence():
    got = {row["name"]: row for row in map(json.loads, run("list", "--json").splitlines())}
    assert got["empire"]["door"] == "bundled"
    assert got["empire"]["evidence"]["listing"] == "page"
    assert len(got["dream"]["digest"]) == 64
    assert "bundled" in run("list")


def test_the_list_shows_whole_names_on_a_narrow_terminal_and_says_what_evidence_means(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = run("list")
    assert "digital_thrift_shop" in shown
    assert "gate-only: no such page is read" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_a_parser_that_does_not_load_is_listed_with_its_fault(tmp_path):
    (tmp_path / "mine").mkdir(mode=0o755)
    (tmp_path / "mine" / "broken.py").write_text("1/0")
    (tmp_path / "mine" / "broken.py").chmod(0o644)
    assert "ZeroDivisionError" in run("list", "--json", "--directory", tmp_path / "mine")
    assert "ZeroDivisionError" in run("check", "broken", "--directory", tmp_path / "mine", code=1)


def test_checking_runs_the_fixtures_of_every_bundled_parser():
    assert "all right" in run("check", "empire")
    got = [json.loads(line) for line in run("check", "--json", "dream", "empire").splitlines()]
    assert [(one["parser"], one["faults"]) for one in got] == [("dream", []), ("empire", [])]
    assert all(one["values"] > 100 for one in got)


def test_a_wrong_value_makes_checking_fail(tmp_path):
    folder = tmp_path / "mine" / "empire"
    for part in ("pages", "expected"):
        (folder / part).mkdir(parents=True)
    for directory in (tmp_path / "mine", folder, folder / "pages", folder / "expected"):
        directory.chmod(0o755)
    (folder / "parser.py").write_bytes((bundled_folder() / "empire" / "parser.py").read_bytes())
    (folder / "parser.py").chmod(0o644)
    Path(folder / "pages" / "login.html").write_bytes((EMPIRE / "login.html").read_bytes())
    (folder / "expected" / "login.json").write_text('{"outcome": "queue"}')
    assert "outcome is 'login', not 'queue'" in run("check", "empire", "--directory", tmp_path / "mine", code=1)
