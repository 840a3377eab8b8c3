"""`torwatch country`, `torwatch rates` and `torwatch normalise stored`, as a person calls them."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
from pathlib import Path

import pytest

from torwatch.cli import main
from torwatch.normalisers import normalisers_for
from torwatch.store.database import open_store
from torwatch.store.derived import write_derived
from torwatch.store.shipping import note_default_origin

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).parents[1] / "unit" / "store" / "builders.py")
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
take, a_target = builders.take, builders.a_target

TEA = {"title": "Sencha", "vendor": "leafhouse", "price": "12.50", "currency": "EUR", "ship_from": "Netherlands"}
RATES = "date,base,quote,rate\n2026-01-05,EUR,USD,1.1\n2026-01-06,EUR,USD,1.2\n"
HOSTILE = "=cmd|'/c tea'!A1 \x9b31m\u202ethe moon"


@pytest.fixture
def data(tmp_path, monkeypatch):
    for name in ("TORWATCH_CONFIG", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


@pytest.fixture
def run(data, capsys):
    def run_it(*arguments):
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return left.value.code, said.out, said.err

    return run_it


@pytest.fixture
def store(data):
    with open_store(data / "torwatch.db") as opened:
        yield opened


def offer(store, *origins):
    target = a_target(store)
    note_default_origin(store, target.market_id, "Albania")
    take(store, target, {str(number): TEA | {"ship_from": origin} for number, origin in enumerate(origins)}, week=0)
    write_derived(store, target.market_id, normalisers_for())


def test_unknown_countries_are_listed_with_counts(run, store):
    offer(store, "the moon", "the moon", "Germany", "my shed")
    code, out, err = run("country", "unknown")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert ["from", "teahouse", "the", "moon", "2", "2", "0"] in lines
    assert "Germany" not in out


def test_unknown_countries_as_json_for_scripts(run, store):
    offer(store, "the moon", "Germany")
    code, out, _ = run("country", "unknown", "--json", "--market", "teahouse")
    assert code == 0
    assert json.loads(out) == [
        {"direction": "from", "market": "teahouse", "raw": "the moon", "standing": 1, "listings": 1, "vendors": 0},
    ]


def test_nothing_unknown_is_said_in_a_sentence_and_as_an_empty_list(run, store):
    offer(store, "Germany")
    assert run("country", "unknown") == (0, "Every claimed country was understood.\n", "")
    assert run("country", "unknown", "--json") == (0, "[]\n", "")


def test_a_market_that_is_not_known_is_refused(run, store):
    assert run("country", "unknown", "--market", "nowhere")[0] == 2


def test_hostile_text_reaches_neither_the_terminal_nor_a_spreadsheet(run, store):
    offer(store, HOSTILE)
    for options in ((), ("--json",), ("--csv",)):
        _, out, _ = run("country", "unknown", *options)
        assert "moon" in out
        assert not {"\x9b", "\u202e", "\x1b"} & set(out), options
    assert json.loads(run("country", "unknown", "--json")[1])[0]["raw"] == HOSTILE  # escaped, not lost
    header, row = csv.reader(io.StringIO(run("country", "unknown", "--csv")[1]))
    cells = dict(zip(header, row, strict=True))
    assert cells["raw"].startswith("'=cmd")
    assert cells["listings"] == "1"


def test_markets_whose_origin_is_a_first_option_are_flagged(run, store):
    offer(store, "Albania", "Albania", "Germany")
    assert json.loads(run("country", "defaults", "--json")[1]) == [
        {"market": "teahouse", "default_origin": "Albania", "declared": 3, "same": 2, "percent": 66.67, "flagged": True}
    ]
    assert "66.67" in run("country", "defaults")[1]


def test_rates_are_imported_once_and_listed(run, tmp_path):
    file = tmp_path / "rates.csv"
    file.write_text(RATES)
    assert run("rates", "import", file, "--source", "bank") == (0, "2 rates added, 0 known already.\n", "")
    assert run("rates", "import", file, "--source", "bank") == (0, "0 rates added, 2 known already.\n", "")
    (line,) = json.loads(run("rates", "list", "--json")[1])
    assert (line["base"], line["quote"], line["source"], line["rates"], line["last_rate"]) == ("EUR", "USD", "bank", 2, "1.2")
    assert "bank" in run("rates", "list")[1]


def test_every_faulty_line_is_listed_and_nothing_is_written(run, tmp_path):
    file = tmp_path / "rates.csv"
    file.write_text(RATES + "2026-01-07,EUR,USD,1,3\nyesterday,EUR,USD,1.1\n2026-01-08,EUR,USD,-1\n")
    code, out, err = run("rates", "import", file)
    assert (code, out) == (2, "")
    first, second, third, last = err.splitlines()
    assert [line.partition(":")[0] for line in (first, second, third)] == ["line 4", "line 5", "line 6"]
    assert last.startswith("Error: nothing was imported, 3 lines cannot be used")
    assert json.loads(run("rates", "list", "--json")[1]) == []


def test_the_good_lines_can_be_asked_for(run, tmp_path):
    file = tmp_path / "rates.csv"
    file.write_text(RATES + "yesterday,EUR,USD,1.1\n")
    code, out, err = run("rates", "import", file, "--skip-faulty")
    assert (code, out) == (0, "2 rates added, 0 known already, 1 line skipped.\n")
    assert err.startswith("line 4: ")


def test_a_rate_that_stands_with_another_figure_is_named_and_replaced_only_when_told(run, tmp_path):
    file = tmp_path / "rates.csv"
    file.write_text(RATES)
    run("rates", "import", file)
    file.write_text(RATES.replace("1.2", "1.3"))
    code, _, err = run("rates", "import", file)
    assert code == 2
    assert "EUR/USD of 2026-01-06 00:00 by import: the file says 1.3, 1.2 is stored" in err
    assert run("rates", "import", file, "--replace")[1] == "0 rates added, 1 known already, 1 replaced.\n"


def test_the_listed_csv_of_a_pair_can_be_imported_again(run, tmp_path):
    file, copy = tmp_path / "rates.csv", tmp_path / "copy.csv"
    file.write_text(RATES)
    run("rates", "import", file, "--source", "bank")
    copy.write_text(run("rates", "list", "--pair", "eur/usd", "--csv")[1])
    assert run("rates", "import", copy)[1] == "0 rates added, 2 known already.\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "the file is empty"), (b"\xff\xfed\x00a\x00", "is not UTF-8 text"), (b"when;what\n", "the header must be date,base,quote,rate")],
)
def test_a_file_of_another_form_is_one_clear_line(run, tmp_path, content, said):
    file = tmp_path / "rates.csv"
    file.write_bytes(content)
    code, out, err = run("rates", "import", file)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_pair_that_is_none_is_wrong_usage(run):
    code, _, err = run("rates", "list", "--pair", "dollars")
    assert code == 2
    assert "BTC/USD" in err


def test_stored_values_are_brought_up_to_date_by_command(run, store):
    target = a_target(store)
    with store.write() as connection:
        connection.execute("UPDATE target SET parser = 'empire'")
    take(store, target, {"1": TEA, "2": TEA}, week=0)
    code, out, _ = run("normalise", "stored", "--json")
    assert code == 0
    assert {line["kind"]: line["normalised"] for line in json.loads(out)} == {"origin": 2, "destination": 1, "quantity": 1, "substance": 1}
    assert {line["normalised"] for line in json.loads(run("normalise", "stored", "--json")[1])} == {0}
    assert json.loads(run("normalise", "stored", "--again", "--market", "teahouse", "--json")[1])[0]["normalised"] == 2
    assert store.value("SELECT claimed_origin FROM listing WHERE key = '1'") == "NL"
