"""The index beside a WARC: whole or not at all, sorted as web-archive tools expect."""

from __future__ import annotations

import re

from torwatch.archive.index import Entry, read_index, sort_key, write_index

ONION = "http://" + "a" * 55 + "d.onion"


def entry(path="/", **fields):
    values = {"outcome": "ok", "kind": "listing", "status": 200, "digest": "d", "filename": "1.warc.gz", "offset": 0, "length": 9} | fields
    return Entry(url=f"{ONION}{path}", timestamp="20260105073059", **values)


def test_an_index_is_read_back_sorted_as_web_archive_tools_expect(tmp_path):
    index = tmp_path / "1.cdxj"
    failed = entry("/b", outcome="stalled", status=None, digest="", filename="", offset=None, length=None)
    assert write_index(index, [failed, entry("/c?x=1"), entry("/a")]) == 3
    lines = index.read_text(encoding="utf-8").splitlines()
    assert lines == sorted(lines)
    assert all(re.match(r"onion,a{55}d\)/\S* \d{14} \{", line) for line in lines)
    assert list(read_index(index)) == [entry("/a"), failed, entry("/c?x=1")]
    assert list(tmp_path.iterdir()) == [index]


def test_an_index_is_replaced_whole(tmp_path):
    index = tmp_path / "1.cdxj"
    write_index(index, [entry("/a"), entry("/b")])
    write_index(index, [entry("/c")])
    assert list(read_index(index)) == [entry("/c")]


def test_a_sub_domain_sorts_with_its_onion():
    assert sort_key("http://www.tea.onion/a?b=c") == "onion,tea,www)/a?b=c"
    assert sort_key("http://tea.onion") == "onion,tea)/"
