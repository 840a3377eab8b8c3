"""`torwatch answer` in every form and language: complete, well formed, the same figures in all; `--output` writes a whole file, or none."""

from __future__ import annotations

import csv
import datetime as dt
import importlib.util
import io
import json
import re
import shutil
from pathlib import Path

import lxml.html
import pytest
from click.testing import CliRunner

from torwatch.cli import main, torwatch
from torwatch.normalisers import normalisers_for
from torwatch.report.answer_text import text_width
from torwatch.report.chart import NAMES
from torwatch.report.document import show_cell, show_text
from torwatch.store.database import open_store
from torwatch.store.derived import write_derived

SPEC = importlib.util.spec_from_file_location("store_builders", Path(__file__).parents[1] / "store" / "builders.py")
builders = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(builders)
TEA = {"title": "Tea", "vendor": "leaf", "price": "12", "currency": "EUR", "ship_from": "Netherlands"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("TORWATCH_CONFIG", raising=False)
    with open_store(tmp_path / "torwatch.db") as store:
        target = builders.a_target(store)
        builders.take(store, target, {"1": TEA}, week=0)
        write_derived(store, target.market_id, normalisers_for())
    return tmp_path


def exit_of(*arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code


def test_a_folder_gets_a_file_named_by_country_and_day(folder):
    assert exit_of("answer", "--format", "html", "--output", str(folder / "reports"), "--until", "2026-02-01") == 0
    (report,) = (folder / "reports").iterdir()
    assert report.name == "answer-NL-2026-02-01.html"
    text = report.read_text(encoding="utf-8")
    assert text.startswith("<!")
    assert text.rstrip().endswith("</html>")


def test_a_file_is_written_under_its_name_and_over_the_last_one(folder):
    path = folder / "answer.txt"
    for _ in range(2):
        assert exit_of("answer", "--output", str(path)) == 0
    assert path.read_text(encoding="utf-8")
    assert dt.datetime.now(dt.UTC).strftime("%Y") in path.read_text(encoding="utf-8")


SECTION = {"title": str, "columns": dict, "rows": list, "note": str, "reason": str, "sql": str}
MONTHS = re.compile(r"\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}\b")
MAANDEN = re.compile(r"\b\d{1,2} (?:jan|feb|mrt|apr|mei|jun|jul|aug|sep|okt|nov|dec) \d{4}\b")
# Words of everyday English: none of them is Dutch, a name or a unit.
ENGLISH = re.compile(
    r"\b(?:the|and|with|from|which|that|there|this|these|each|every|other|countries|country|listings?|vendors?|markets?|week|weeks to|share|seen|"
    r"snapshots?|down|unknown|undeclared|declared|low|high|price|prices|quarter|origin|destination|standing|held|complete|partial|failed|rejected|"
    r"worldwide|world|Europe|goods|weapons|seeds|opioids|cocaine|amphetamine|other countries|feedback|orders|not|none|unmapped|digital|why|coverage)\b"
)
BORROWED = {"week", "digital"}  # Dutch words too


@pytest.fixture(scope="module")
def answered(watched_markets, tmp_path_factory):
    """The answer over four months of five markets, by form and language."""
    folder = tmp_path_factory.mktemp("answered")
    shutil.copy(watched_markets, folder / "torwatch.db")
    with open_store(folder / "torwatch.db") as store, store.write() as connection:
        connection.execute("UPDATE vendor SET name = '\u732b\u732b\u732b ' || name || ' \u00e9\u0301\u202e' WHERE id % 3 = 0")
    written = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATE_DIRECTORY", str(folder))
        patch.delenv("TORWATCH_CONFIG", raising=False)
        for language in ("en", "nl"):
            for form in ("text", "html", "json", "csv"):
                done = CliRunner().invoke(torwatch, ["answer", "--lang", language, "--format", form, "--until", "2026-05-01"])
                assert done.exit_code == 0, done.output
                written[form, language] = done.stdout
    return written


languages = pytest.mark.parametrize("language", ["en", "nl"])


def sections_of(answered, language):
    return json.loads(answered["json", language])["sections"]


def shown(value, language):
    """A value of the JSON as people read it."""
    if isinstance(value, dict):
        return value["text"] if "text" in value else f"{show_cell(value['low'], language)}\u2013{show_cell(value['high'], language)}"
    return show_cell(value, language)


def numbers(value):
    """The numbers of a value of the JSON."""
    return [part for part in (value.values() if isinstance(value, dict) else [value]) if isinstance(part, int | float)]


def figures_of(text):
    """The text form without the SQL at its end."""
    return re.split(r"\nSQL (?:van elk cijfer|of every figure)\n", text)[0]


def page_text(answered, language):
    """What a reader of the page sees, without the SQL."""
    page = lxml.html.document_fromstring(answered["html", language])
    for hidden in page.xpath("//pre | //style | //meta | //title[not(ancestor::svg)]"):
        hidden.drop_tree()
    return page


@languages
def test_the_json_has_the_shape_that_scripts_read(answered, language):
    document = json.loads(answered["json", language])
    assert document["language"] == language
    assert len(document["sections"]) > 25
    assert {f"chart_{name}" for name in NAMES} <= set(document["sections"])
    for key, section in document["sections"].items():
        assert {name: type(value) for name, value in section.items()} == SECTION
        assert section["rows"] or section["reason"], key
        for row in section["rows"]:
            assert list(row) == list(section["columns"])


@languages
def test_the_csv_holds_every_number_of_the_json(answered, language):
    rows = list(csv.DictReader(io.StringIO(answered["csv", language], newline="")))
    told = {(row["section"], row["row"], row["name"]): row["value"] for row in rows if row["row"]}
    assert len(told) == len([row for row in rows if row["row"]]) > 1000
    for key, section in sections_of(answered, language).items():
        for number, row in enumerate(section["rows"], 1):
            for name, value in row.items():
                limits = isinstance(value, dict) and "low" in value
                for end in ("_low", "_high") if limits else ("",):
                    cell = value[end[1:]] if limits else value
                    if isinstance(cell, int | float):
                        assert float(told[key, str(number), name + end]) == cell


def test_both_languages_give_the_same_figures(answered):
    english, dutch = (sections_of(answered, language) for language in ("en", "nl"))
    assert list(english) == list(dutch)
    for key, section in english.items():
        found = [[[numbers(value) for value in row.values()] for row in one["rows"]] for one in (section, dutch[key])]
        assert found[0] == found[1], key
        assert section["sql"] == dutch[key]["sql"]
        assert list(section["columns"]) == list(dutch[key]["columns"])


@languages
def test_the_page_is_well_formed_and_holds_every_cell(answered, language):
    html = answered["html", language]
    assert html.startswith("<!DOCTYPE html>")
    page = page_text(answered, language)
    assert page.get("lang") == language
    tables = {section.get("aria-labelledby"): section.xpath(".//table") for section in page.xpath("//section")}
    for key, section in sections_of(answered, language).items():
        if not section["rows"]:
            assert not tables[key]
            continue
        (table,) = tables[key]
        found = [[cell.text_content() for cell in row.xpath("./th | ./td")] for row in table.xpath("./tbody/tr")]
        assert found == [[shown(value, language) for value in row.values()] for row in section["rows"]], key
        assert [head.text_content() for head in table.xpath("./thead/tr/th[@scope='col']")] == list(section["columns"].values())
        assert len(table.xpath("./tbody/tr/th[@scope='row']")) == len(section["rows"])


@languages
def test_the_page_can_be_heard(answered, language):
    page = page_text(answered, language)
    assert [head.tag for head in page.iter("h1", "h2", "h3", "h4")] == ["h1", *["h2"] * len(page.xpath("//section"))]
    headings = [head.text_content() for head in page.iter("h2")]
    assert len(headings) == len(set(headings))
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert {name for names in page.xpath("//@aria-labelledby") for name in names.split()} <= set(ids)
    pictures = page.xpath("//svg")
    assert len(pictures) == 2 * len(NAMES)
    for picture in pictures:
        assert picture.get("role") == "img"
        assert picture.xpath("./title")[0].text
        assert picture.xpath("./desc")[0].text
    assert page.xpath("//summary[not(normalize-space())]") == []


@languages
def test_the_page_asks_for_nothing_and_runs_nothing(answered, language):
    page = lxml.html.document_fromstring(answered["html", language])
    policy = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src 'none'; base-uri 'none'; form-action 'none'"]
    assert page.xpath("//script | //link | //img | //iframe | //object | //form | //a | //image | //use") == []
    assert [
        name for element in page.iter() for name in element.attrib if name.startswith("on") or name in {"src", "href", "xlink:href"}
    ] == []
    assert not re.search(r"@import|url\((?!#)", answered["html", language])


@languages
def test_no_line_of_the_text_is_wider_than_a_terminal_wide_characters_counted(answered, language):
    lines = answered["text", language].splitlines()
    assert max(map(text_width, lines)) <= 80
    assert any("\u732b" in line for line in lines)
    assert "\u202e" not in answered["text", language]
    for key, section in sections_of(answered, language).items():
        if not key.startswith("chart_"):
            assert section["title"].split()[0] in answered["text", language]


@languages
def test_dates_are_written_as_the_language_writes_them(answered, language):
    ours, theirs = (MAANDEN, MONTHS) if language == "nl" else (MONTHS, MAANDEN)
    for said in (figures_of(answered["text", language]), page_text(answered, language).text_content()):
        assert not re.search(r"\d{4}-\d{2}-\d{2}", said)
        assert ours.search(said)
        assert not theirs.search(said)
    assert re.search(r"\d{4}-\d{2}-\d{2}", answered["json", language])
    assert show_text("since 2026-03-02T04:05:06+00:00", language) == (
        "since 2 mrt 2026, 04:05" if language == "nl" else "since 2 Mar 2026, 04:05"
    )


def test_no_english_word_is_left_in_the_dutch_answer(answered):
    for form, said in (("text", figures_of(answered["text", "nl"])), ("html", page_text(answered, "nl").text_content())):
        baselines = said.rindex("Wat anderen maten")  # names of publications
        recorded = " ".join(
            row["reason"] or "" for row in sections_of(answered, "nl")["held"]["rows"]
        )  # why a snapshot is held, as it was written down
        left = {word for word in ENGLISH.findall(said[:baselines]) if word not in BORROWED and word not in ENGLISH.findall(recorded)}
        assert left == set(), form


def test_every_message_is_said_in_two_ways(answered):
    english, dutch = (sections_of(answered, language) for language in ("en", "nl"))
    alike = {"MB", "95 %", "%", "g", "USD", "n", "EUR"}
    for key, one in english.items():
        other = dutch[key]
        assert one["title"] != other["title"], key
        for name in ("note", "reason"):
            assert not one[name] or one[name] != other[name], (key, name)
        heads = {a for a, b in zip(one["columns"].values(), other["columns"].values(), strict=True) if a == b}
        assert {head for head in heads - alike if re.search(r"[a-z]{3}", head) and "panel" not in head} == set(), key
