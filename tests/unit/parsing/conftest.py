"""Builders for tests of the parsing stage: a folder of parsers, written as an analyst would."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from torwatch.parsing.registry import Place, load_place

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
SOURCE = '''"""Tea Bazaar, invented for tests."""
from torwatch.parserkit import Fields, KindSpec, Listing, Market, PageKind, Rows, Single, Source, obstacle

MARKET = Market(
    "{name}", title="Tea Bazaar",
    kinds={{r"^/item/(?P<key>[0-9]+)": "listing", r"^/cat": "listing-index"}},
    shapes={{PageKind.LISTING: "div.item", PageKind.LISTING_INDEX: "div.card"}},
    specs={{PageKind.LISTING: KindSpec(("title", "ship_from_raw"), ("price_raw",)), PageKind.LISTING_INDEX: KindSpec(("title",), ("price_raw",))}},
    obstacles=(obstacle("gone", text="This item was removed"),),
    empty="p.none",
    signs=("title:Tea Bazaar", "div.teapot"),
)
INDEX = Rows("div.card", Listing, key=("a@href", r"/item/([0-9]+)"), path="a@href", title="h4", price_raw="b")
DETAIL = Single(Listing, Fields("dl", {{"Ships from": "ship_from_raw"}}, shape="dl"), title="h1", price_raw="b")


def parse(page):
    {body}
    if page.kind is PageKind.LISTING_INDEX:
        yield from INDEX.read(page)
    elif page.kind is PageKind.LISTING:
        yield from filter(None, [DETAIL.read(page, key=page.key or "1", source=Source.DETAIL)])
    yield from page.links()
'''
ITEM = "<html><body><div class=item><h1>Tea</h1><b>$4</b><dl><dt>Ships from</dt><dd>Netherlands</dd><dt>Colour</dt><dd>red</dd></dl></div></body></html>"
INDEX = (
    "<html><body>" + "".join(f"<div class=card><a href=/item/{n}><h4>Tea {n}</h4></a><b>$4</b></div>" for n in (1, 2, 3)) + "</body></html>"
)


def write_parser(directory, name="tea_bazaar", body="pass", source=SOURCE):
    """Write `directory/NAME/parser.py`, open to nobody but us."""
    folder = directory / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "parser.py").write_text(source.format(name=name, body=body))
    for one in (directory, folder):
        one.chmod(0o755)
    (folder / "parser.py").chmod(0o644)
    return folder


def write_fixture(folder, name, page, expected):
    """Write `pages/NAME.html` and `expected/NAME.json`."""
    for part in ("pages", "expected"):
        (folder / part).mkdir(exist_ok=True)
    (folder / "pages" / f"{name}.html").write_text(page)
    (folder / "expected" / f"{name}.json").write_text(json.dumps(expected))


def build_parser(directory, **given):
    """Write a parser and load it."""
    folder = write_parser(directory, **given)
    return load_place(Place(folder.name, "directory", folder / "parser.py"))


@pytest.fixture
def tea(tmp_path):
    """The loaded parser of the Tea Bazaar."""
    return build_parser(tmp_path / "mine")


@pytest.fixture
def make():
    """All builders: make.parser(directory), make.folder(directory), make.fixture(folder, …), make.item, make.index, make.noon."""

    class Builders:
        parser = staticmethod(build_parser)
        folder = staticmethod(write_parser)
        fixture = staticmethod(write_fixture)
        item, index, noon, source = ITEM, INDEX, NOON, SOURCE

    return Builders
