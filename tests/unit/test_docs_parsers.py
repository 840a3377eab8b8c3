"""The worked example of docs/parsers.md does what the page says: its pages, its commands, its edits, in this order."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex

import pytest
from click.testing import CliRunner

from torwatch.cli import torwatch
from torwatch.model import Feedback, Listing, PageInfo, Vendor
from torwatch.parserkit import Market

FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
EMPTY = "<html><head><title>Tea - Leaf Exchange</title></head><body><h1>Leaf Exchange</h1><p>Nothing on this shelf</p></body></html>"


@pytest.fixture
def example(checkout, tmp_path, monkeypatch):
    """The code blocks of the example by language, in a folder of its own that holds its two pages."""
    section = (checkout / "docs" / "parsers.md").read_text(encoding="utf-8").partition("## An example")[2].partition("\n## ")[0]
    blocks = FENCE.findall(section)
    index, listing = [text for language, text in blocks if language == "html"]
    (tmp_path / "index.html").write_text(index)
    (tmp_path / "listing.html").write_text(listing)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    return {language: text for language, text in blocks if language != "html"}


def run(line):
    words = shlex.split(line.removeprefix("$ "))
    assert words[0] == "torwatch"
    result = CliRunner().invoke(torwatch, words[1:], catch_exceptions=False, standalone_mode=False)
    assert not result.return_value, result.output
    return result.output


def test_the_commands_of_the_example_write_a_parser_that_passes_and_reads_the_page(example, tmp_path):
    lines = example["console"].splitlines()
    new, check, tried = (run(line) for line in lines)
    assert "index: listing-index" in new
    assert "listing: listing" in new
    assert "all right" in check
    assert "labels that no field took: Stealth" in tried
    rows = json.loads((tmp_path / "mine/leaf_exchange/expected/index.json").read_text())["listings"]
    assert [(one["key"], one["title"], one["vendor"], one["price_raw"], one.get("ship_from_raw")) for one in rows] == [
        ("11", "Green tea 100 g", "leafhouse", "$ 4.50", "Netherlands"),
        ("12", "Assam, ships from: Mars", "otto", "$ 1,200.00", "Sri Lanka"),
        ("13", "Cheese e-book", "otto", "$ 2.00", None),
    ]
    (listing,) = json.loads((tmp_path / "mine/leaf_exchange/expected/listing.json").read_text())["listings"]
    assert (listing["ship_from_raw"], listing["stock_raw"]) == ("Netherlands", "7")


def test_the_edits_of_the_example_hold_too(example, tmp_path):
    lines = example["console"].splitlines()
    run(lines[0])
    folder = tmp_path / "mine/leaf_exchange"
    source = (folder / "parser.py").read_text()
    start, title, rest = source.partition('\n    title="h2.title"')
    assert title
    source = f"{start}\n{example['python'].rstrip()}{title}{rest}".replace("    Fields,\n", "    Extra,\n    Fields,\n", 1)
    source = source.replace('empty=""', "empty=\"p:has-text('Nothing on this shelf')\"").replace(
        "    kinds={\n", '    kinds={\n        r"^/offers\\?": PageKind.LISTING_INDEX,\n', 1
    )
    (folder / "parser.py").write_text(source)
    (folder / "pages/index_empty.html").write_text(EMPTY)
    (folder / "expected/index_empty.json").write_text('{"path": "/offers?page=9", "kind": "listing-index", "listings": []}')
    run(lines[1])
    tried = run(lines[2])
    assert "stealth" in tried
    assert "5 of 5" in tried


@pytest.mark.parametrize("record", [Listing, Vendor, Feedback, PageInfo])
def test_every_field_of_a_record_is_listed(checkout, record):
    page = (checkout / "docs" / "parsers.md").read_text(encoding="utf-8")
    listed = re.search(rf"^- `{record.__name__}`: ([^.:]*)", page, re.MULTILINE)
    assert listed
    assert re.findall(r"`(\w+)`", listed[1]) == [field.name for field in dataclasses.fields(record)]


def test_every_fact_of_a_market_is_told(checkout):
    page = (checkout / "docs" / "parsers.md").read_text(encoding="utf-8")
    told = set(re.findall(r"\b(\w+)(?==)|`(\w+)`", page))
    assert {field.name for field in dataclasses.fields(Market)} - {one for pair in told for one in pair} <= {"name"}
