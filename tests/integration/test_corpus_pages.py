"""Parsers on the saved pages beside the project (never in it): what the truth says, value by value, as the scorer counts."""

from __future__ import annotations

import collections
import datetime as dt
import json
import os
from pathlib import Path

import pytest

from torwatch.cli.parser import describe
from torwatch.model import Outcome
from torwatch.parsing.parse_page import parse_bytes
from torwatch.parsing.registry import find_parsers, load_parser

CORPUS = Path(os.environ.get("TORWATCH_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")
MARKETS = [name for name in sorted(find_parsers()) if (CORPUS / "expected" / f"{name.replace('_', '-')}.jsonl").is_file()] or ["empire"]
CORE = ("title", "vendor", "price", "currency", "price_unit", "category", "ship_from_raw", "ship_to_raw")
VENDOR = ("name", "member_since_raw", "last_seen_raw", "vendor_level", "trust_level", "sales", "fe_enabled", "ship_from_raw", "ship_to_raw")
FEEDBACK = ("buyer", "text", "product", "rating", "stars", "price_text")
NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="no saved pages: TORWATCH_CORPUS is not set and ../shared/corpus is not there"),
]


def collapsed(value):
    if isinstance(value, list | tuple):
        return " > ".join(str(one).strip() for one in value)
    return None if value is None else " ".join(str(value).split())


def same(field, got, want):
    if want is None:
        return got in (None, "", [])
    if field == "price" and got is not None:
        return abs(float(got) - float(want)) < 1e-9
    return collapsed(got) == collapsed(want)


def pairs(wanted, given):
    if len(wanted) == len(given) == 1:
        return [(wanted[0], given[0])]
    pools = collections.defaultdict(list)
    for row in given:
        pools[row["key"]].append(row)
        pools["title", row["title"]].append(row)
    found = []
    for want in wanted:
        pool = pools.get(str(want.get("key"))) or pools.get(("title", want.get("title"))) or []
        found.append((want, pool.pop(0) if pool else {}))
    return found


def wrong_values(row, got):
    """Yield (field, whether it is right) for every value that the truth has for one page."""
    yield f"kind {got['kind']}", got["kind"] in {row["kind"], *row.get("kind_accept", [])}
    if "listings" in row:
        yield "listings too many", len(got["listings"]) <= len(row["listings"])
    vendors = [(row["vendor"], got["vendor"] or {})] if (row.get("vendor") or {}).get("name") else []
    wanted = row.get("feedback") or []
    entries = zip(wanted, [*got["feedback"], *[{}] * len(wanted)], strict=False)
    for fields, matched in ((CORE, pairs(row.get("listings", []), got["listings"])), (VENDOR, vendors), (FEEDBACK, entries)):
        for want, have in matched:
            yield from ((field, same(field, have.get(field), want[field])) for field in fields if field in want)


def faults_of(market):
    """Give how many values were checked and "page: field" of those that are wrong, never the value: it is a market's text."""
    parser = load_parser(market)
    checked, faults = 0, []
    for line in (CORPUS / "expected" / f"{market.replace('_', '-')}.jsonl").read_text().splitlines():
        row = json.loads(line)
        got = describe(parser, row["page"], parse_bytes(parser, (CORPUS / row["page"]).read_bytes(), fetched_at=NOON))
        for field, right in wrong_values(row, got):
            checked += 1
            if not right:
                faults.append(f"{row['page']}: {field}")
    return checked, faults


@pytest.mark.parametrize("market", MARKETS)
def test_a_parser_is_right_on_the_saved_pages_of_its_market(market):
    checked, faults = faults_of(market)
    assert checked > 0
    share = 1 - len(faults) / checked
    assert share >= (1 if market in {"empire", "dream"} else 0.99), faults[:20]
    assert not [one for one in faults if one.endswith((": ship_from_raw", ": title")) or ": kind" in one]


def test_no_saved_page_breaks_any_parser():
    files = sorted((CORPUS / "pages").glob("*/*.html"))
    assert len(files) > 100
    for name in ("empire", "dream"):
        parser = load_parser(name)
        for file in files:
            parsed = parse_bytes(parser, file.read_bytes(), fetched_at=NOON)
            foreign = file.parent.name not in {name, "wethenorth"}
            assert not (foreign and parsed.listings), file


def test_pictures_and_empty_bodies_are_told_before_parsing():
    parser = load_parser("empire")
    got = {
        file.stem: parse_bytes(parser, file.read_bytes(), fetched_at=NOON).outcome for file in (CORPUS / "pages" / "_nasty").glob("*.html")
    }
    assert got == {"empty": Outcome.EMPTY, "image-jpeg": Outcome.NOT_TEXT, "image-png": Outcome.NOT_TEXT}
