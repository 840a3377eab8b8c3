"""Pages read again give what they gave, and how a connection went is not made up from the bytes that came."""

from __future__ import annotations

import datetime as dt

import pytest

from torwatch.archive.index import Entry
from torwatch.archive.reader import ArchivedPage
from torwatch.claims import rules_of
from torwatch.model import Outcome, PageKind, Parsed
from torwatch.normalise.price import normalise_price
from torwatch.parsing.registry import load_parser
from torwatch.reading import PageReader
from torwatch.replay.pages import GROUP_PAGES, LocalReaders, Version, grouped, path_of, read_again

URL = "http://teahouse.onion/aisle/1?page=2"


class Fine:
    """Parser workers for whom every page is an empty, good list."""

    def parse(self, *_arguments, **_page):
        return Parsed(Outcome.OK, PageKind.LISTING_INDEX)


def an_entry(outcome="ok", **fields):
    return Entry(URL, "20260105070000", outcome, "listing-index", 200, "d", "w", 0, 1, **fields)


@pytest.fixture
def reader():
    return PageReader("souk", rules_of(load_parser("souk").market, normalise_price), Fine(), lambda _seconds: None)


def a_page(body=b"<html>tea</html>"):
    return ArchivedPage(URL, "", 200, "text/html", body)


def test_a_good_page_is_read_again_at_its_own_time(reader):
    result = read_again(reader, an_entry(elapsed_ms=7, attempts=2), a_page()).result
    assert (result.outcome, result.at, result.elapsed_ms) == (Outcome.OK, dt.datetime(2026, 1, 5, 7, tzinfo=dt.UTC), 7)
    assert (result.visit.path, result.visit.attempts, result.size) == ("/aisle/1?page=2", 2, 16)


@pytest.mark.parametrize("outcome", ["reset", "stalled", "too_large", "timeout_total"])
def test_how_the_connection_went_is_kept(reader, outcome):
    result = read_again(reader, an_entry(outcome, reason="so it went"), a_page()).result
    assert (result.outcome.value, result.reason) == (outcome, "so it went")


def test_an_obstacle_that_a_mended_parser_reads_is_read(reader):
    assert read_again(reader, an_entry("layout_changed"), a_page()).result.outcome is Outcome.OK


def test_a_visit_that_brought_no_page_keeps_its_outcome(reader):
    result = read_again(reader, an_entry("onion_not_found", reason="no descriptor"), None).result
    assert (result.outcome, result.reason) == (Outcome.ONION_NOT_FOUND, "no descriptor")


def test_the_size_is_that_of_the_page_as_it_came(reader):
    assert read_again(reader, an_entry(size=90_000), a_page()).result.size == 90_000


def test_groups_are_read_in_order(reader, tmp_path):
    version = Version("souk", "d", tmp_path, reader.rules)
    entries = [
        Entry(f"http://teahouse.onion/{number}", "20260105070000", "reset", "home", None, "", "", None, None) for number in range(450)
    ]
    with LocalReaders(lambda _version: Fine(), threads=3) as readers:
        groups = list(readers.read(version, tmp_path / "none", grouped(entries)))
    assert [len(group) for group in groups] == [GROUP_PAGES, GROUP_PAGES, 50]
    assert [one.result.visit.path for group in groups for one in group] == [path_of(entry) for entry in entries]
