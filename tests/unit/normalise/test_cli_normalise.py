"""`torwatch normalise`."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from torwatch.cli.normalise import facts_for, normalise
from torwatch.errors import ParserError
from torwatch.model import MarketFacts


@pytest.fixture
def souk(tmp_path):
    """A directory of an analyst's parsers with one market that writes codes, and one that fails."""
    folder = tmp_path / "parsers"
    for name in ("tea_souk", "broken_souk"):
        (folder / name).mkdir(parents=True)
    (folder / "tea_souk" / "parser.py").write_text(
        'from torwatch.parserkit import Market\nMARKET = Market("tea_souk", iso2=True, decimal=",")\ndef parse(page):\n    return iter(())\n'
    )
    (folder / "broken_souk" / "parser.py").write_text("MARKET = None\n")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def ask(command, *lines, arguments=()):
    result = CliRunner().invoke(normalise, [command, "--json", *arguments], input="".join(f"{line}\n" for line in lines))
    return result, [json.loads(line) for line in result.stdout.splitlines()]


def test_one_json_line_comes_out_for_each_that_goes_in():
    lines = [json.dumps({"text": text, "market": None}) for text in ("Germany", "From: Spain To: EU", None)]
    result, answers = ask("ship-from", *lines)
    assert result.exit_code == 0
    assert [(answer["class"], answer["countries"]) for answer in answers] == [("country", ["DE"]), ("country", ["ES"]), ("undeclared", [])]
    result, answers = ask("ship-to", '{"text": "World except US/Scandinavia", "market": "nowhere"}')
    assert answers == [
        {
            "class": "world",
            "countries": [],
            "excluded": ["US"],
            "regions": [],
            "excluded_regions": ["Scandinavia"],
            "method": "world",
            "confidence": 1.0,
        }
    ]


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "7",
        "[]",
        "null",
        "",
        '{"market": "souk"}',
        '{"text": 7}',
        '{"text": "x", "market": 7}',
        '{"text": "x", "category": []}',
        "[" * 5000,
    ],
)
def test_a_bad_line_is_answered_in_its_place_and_the_exit_code_is_2(bad):
    result, answers = ask("ship-from", '{"text": "Spain"}', bad, '{"text": "Japan"}')
    assert result.exit_code == 2
    assert ["error" in answer for answer in answers] == [False, True, False]
    assert "1 of 3 lines could not be normalised, the first is line 2" in result.stderr
    assert "Traceback" not in result.output


def test_bytes_that_are_no_utf8_are_a_bad_line():
    result = CliRunner().invoke(normalise, ["ship-from", "--json"], input=b'{"text": "\xff"}\n{"text": "Spain"}\n')
    assert result.exit_code == 2
    assert ["error" in json.loads(line) for line in result.stdout.splitlines()] == [True, False]


def test_the_facts_of_a_market_come_from_its_parser(souk):
    assert facts_for("tea-souk", (souk,)) == MarketFacts("tea_souk", decimal=",", iso2=True)
    _, answers = ask(
        "ship-from", '{"text": "NO", "market": "tea-souk"}', '{"text": "NO", "market": null}', arguments=["--directory", str(souk)]
    )
    assert [answer["countries"] for answer in answers] == [["NO"], []]


def test_a_market_without_a_parser_and_no_market_take_the_defaults():
    assert facts_for(None) == MarketFacts()
    assert facts_for("Atlantis Market") == MarketFacts(name="atlantis_market")


def test_a_parser_that_fails_is_told_on_the_line_that_names_it(souk):
    with pytest.raises(ParserError):
        facts_for("broken_souk", (souk,))
    result, answers = ask("ship-from", '{"text": "Spain", "market": "broken_souk"}', arguments=["--directory", str(souk)])
    assert result.exit_code == 2
    assert "broken_souk" in answers[0]["error"]


def test_price_and_quantity_answer_in_the_same_way():
    _, answers = ask("price", '{"text": "USD 12.50"}')
    assert (answers[0]["amount"], answers[0]["currency"]) == ("12.5", "USD") or (answers[0]["amount"], answers[0]["currency"]) == (
        "12.50",
        "USD",
    )
    _, answers = ask("quantity", '{"text": "Green tea 100 g", "category": "Tea"}')
    assert (answers[0]["amount"], answers[0]["unit"]) == ("100", "g")


def test_a_substance_gets_a_group():
    _, answers = ask("substance", '{"text": "Green tea 100 g", "category": "Tea", "market": "souk"}')
    assert set(answers[0]) >= {"group", "is_drug", "method"}


def test_without_json_the_answer_is_readable_and_harmless():
    result = CliRunner().invoke(normalise, ["ship-to", "\x1b[31mSpain, Portugal"])
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    result = CliRunner().invoke(normalise, ["ship-to"], input="Spain, Portugal\nWorldwide except Japan\n")
    first, second = result.stdout.splitlines()
    assert first.startswith("Spain, Portugal\t")
    assert "class=country" in first
    assert "countries=ES,PT" in first
    assert "excluded=JP" in second


def test_an_answer_comes_before_the_next_line_is_asked():
    command = [sys.executable, "-c", "from torwatch.cli.normalise import normalise; normalise(['ship-from', '--json'])"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for name, code in (("Spain", "ES"), ("Japan", "JP")):
            process.stdin.write(json.dumps({"text": name}) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["countries"] == [code]
        process.stdin.close()
        assert process.wait(timeout=60) == 0
