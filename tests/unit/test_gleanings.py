"""Gleanings come back as they were, and the same gleanings are the same bytes."""

from __future__ import annotations

import pytest

from torwatch.archive.index import Entry
from torwatch.errors import ArchiveError
from torwatch.gleanings import Gleaned, gleanings_path, pack_gleanings, read_gleanings
from torwatch.model import Outcome, Source
from torwatch.replay.pages import lacks_pages, reread_of
from torwatch.store.staging import EntityRow, StagedPage

PAGE = Gleaned(
    "/aisle/1",
    second=False,
    outcome=Outcome.OK,
    reason="",
    staged=StagedPage(
        listings=(EntityRow("7", Source.INDEX, {"title": "tea \udcff", "vendor": "ann"}, path="/item/7", row_digest="d", promoted=True),),
        vendors=(EntityRow("ann", Source.DETAIL, {"name": "ann"}),),
        feedback=({"key": "f", "body": "fine", "stars": 5},),
        texts=(("d", "words"),),
        scope="teas",
        total=40,
        pages=2,
        fills=(("listing", "title", 1, 1),),
        rates=(("BTC", "EUR", "9000"),),
    ),
    keys=frozenset({"7"}),
)


def test_what_was_packed_comes_back(tmp_path):
    warc = tmp_path / "00000001.warc.gz"
    assert read_gleanings(warc) == []
    gleanings_path(warc).write_bytes(pack_gleanings([PAGE, PAGE]))
    assert read_gleanings(warc) == [PAGE, PAGE]
    assert pack_gleanings(read_gleanings(warc)) == pack_gleanings([PAGE, PAGE])


def test_a_damaged_file_is_one_line(tmp_path):
    warc = tmp_path / "00000001.warc.gz"
    gleanings_path(warc).write_bytes(pack_gleanings([PAGE])[:-9])
    with pytest.raises(ArchiveError, match="is damaged"):
        read_gleanings(warc)


def test_a_page_that_was_taken_out_gives_what_it_gave():
    entry = Entry("http://t.onion/aisle/1", "20260105070000", "ok", "listing-index", 200, "d", "w", 0, 9, removed="expired", size=4000)
    again = reread_of(entry, {("/aisle/1", False): PAGE})
    assert (again.staged, again.keys, again.result.outcome, again.result.size) == (PAGE.staged, PAGE.keys, Outcome.OK, 4000)
    assert reread_of(entry, {}).staged == StagedPage()
    assert not lacks_pages([entry])
