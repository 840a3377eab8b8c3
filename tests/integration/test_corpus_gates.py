"""Gates on the saved pages beside the project: each told for what it is, no ordinary page taken for one, and each market recognised."""

from __future__ import annotations

import collections
import datetime as dt
import json

import pytest

from torwatch.cli.parser import KIND_OF_OUTCOME
from torwatch.model import Outcome
from torwatch.parserkit import Market, Obstacle, open_page
from torwatch.parsing.parse_page import parse_bytes
from torwatch.parsing.proposal import propose_parser
from torwatch.parsing.registry import find_parsers, load_all, load_parser

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
GATES = {"login", "captcha", "queue", "banned"}
ANY = Market("any")
NO_MARKET = {"darkfail-directory", "_nasty"}
pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def truth(corpus):
    """Every page that the truth names and that is there."""
    rows = [json.loads(line) for file in sorted((corpus / "expected").glob("*.jsonl")) for line in file.read_text().splitlines()]
    rows = [row for row in rows if (corpus / row["page"]).is_file()]
    assert len(rows) > 100
    return rows


def generic_kind(body):
    """What the kit calls a page without knowing the market: a kind as the truth has them, or None for an ordinary page."""
    try:
        open_page(ANY, body, fetched_at=NOON)
    except Obstacle as met:
        return KIND_OF_OUTCOME[met.outcome]
    return None


def test_every_gate_is_told_without_knowing_the_market(corpus, truth):
    gates = [row for row in truth if row["kind"] in GATES]
    assert len(gates) > 10
    got = {row["page"]: generic_kind((corpus / row["page"]).read_bytes()) for row in gates}
    assert [row["page"] for row in gates if got[row["page"]] not in {row["kind"], *row.get("kind_accept", [])}] == []


def test_no_ordinary_page_of_any_market_is_taken_for_a_gate(corpus, truth):
    ordinary = [row for row in truth if row["kind"] not in {*GATES, "error"}]
    assert len(ordinary) > 100
    assert [(row["page"], kind) for row in ordinary if (kind := generic_kind((corpus / row["page"]).read_bytes())) is not None] == []


def test_the_beginning_of_an_ordinary_page_is_hardly_ever_taken_for_a_gate(corpus, truth):
    ordinary = [(corpus / row["page"]).read_bytes() for row in truth if row["kind"] not in {*GATES, "error"}]
    pieces = [body[: int(len(body) * share)] for body in ordinary for share in (0.02, 0.1, 0.35)]
    assert sum(generic_kind(piece) is not None for piece in pieces) <= 0.005 * len(pieces)


@pytest.mark.parametrize("name", sorted(find_parsers()))
def test_every_parser_tells_the_gates_of_every_market(corpus, truth, name):
    parser, wrong = load_parser(name), []
    for row in truth:
        if row["kind"] in GATES:
            outcome = parse_bytes(parser, (corpus / row["page"]).read_bytes(), fetched_at=NOON).outcome
            if KIND_OF_OUTCOME.get(outcome) not in {row["kind"], *row.get("kind_accept", [])}:
                wrong.append((row["page"], outcome))
    assert wrong == []


@pytest.mark.parametrize("name", sorted(find_parsers()))
def test_no_parser_takes_what_is_no_page_for_an_empty_market(corpus, name):
    parser = load_parser(name)
    got = {
        file.stem: parse_bytes(parser, file.read_bytes(), fetched_at=NOON).outcome for file in (corpus / "pages" / "_nasty").glob("*.html")
    }
    assert got == {"empty": Outcome.EMPTY, "image-jpeg": Outcome.NOT_TEXT, "image-png": Outcome.NOT_TEXT}


def test_the_parser_of_a_page_is_proposed_first_and_never_another_one_surely(corpus):
    parsers = load_all()
    names = {parser.name for parser in parsers}
    asked, first, sure, wrong = collections.Counter(), collections.Counter(), collections.Counter(), []
    for file in sorted((corpus / "pages").glob("*/*.html")):
        market = file.parent.name.replace("-", "_")
        proposal = propose_parser(file.read_bytes(), parsers=parsers)
        if file.parent.name in NO_MARKET:
            wrong += [file.name] * proposal.sure
        elif market in names:
            asked[market] += 1
            first[market] += proposal.name == market
            sure[market] += proposal.sure
            wrong += [file.name] * (proposal.sure and proposal.name != market)
    assert asked.total() > 10
    assert wrong == []
    assert first.total() >= 0.99 * asked.total()  # a page that only sends on bears no sign
    assert sure.total() >= 0.95 * asked.total()
    assert [market for market in asked if not sure[market]] == []
