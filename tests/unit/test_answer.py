from __future__ import annotations

import datetime as dt

import pytest
from click.testing import CliRunner

from torwatch.answer import Question, check_country, write_answer
from torwatch.errors import UsageError
from torwatch.normalisers import normalisers_for
from torwatch.report.answer_html import answer_html
from torwatch.report.answer_text import answer_text
from torwatch.store.database import open_store
from torwatch.store.derived import write_derived

DAY = dt.datetime(2012, 7, 1, tzinfo=dt.UTC)
ITEMS, UNDECLARED, DUTCH = 24_385, 3_972, 1_590  # 16.29 % and 6.52 %


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Silk Road 2012 as published, invented item by item: 500 vendors, each from one country or none."""
    with open_store(tmp_path_factory.mktemp("answer") / "torwatch.db") as opened:
        with opened.write() as connection:
            connection.execute("INSERT INTO market (id, name, added_at) VALUES (1, 'silkroad', ?)", (DAY.isoformat(),))
            connection.execute(
                "INSERT INTO snapshot (id, market_id, state, started_at, parser, parser_digest, torwatch_version, pages, received_bytes)"
                " VALUES (1, 1, 'complete', ?, 'souk', 'd', 't', 10, 1000)",
                (DAY.isoformat(),),
            )
            connection.executemany(
                "INSERT INTO vendor (id, market_id, key, name, first_snapshot_id) VALUES (?, 1, ?, ?, 1)",
                [(number, f"v{number}", f"vendor {number}") for number in range(1, 501)],
            )
            rows = []
            for number in range(ITEMS):
                origin = None if number < UNDECLARED else "Netherlands" if number < UNDECLARED + DUTCH else "United States"
                rows.append((number + 1, 1 + number * 500 // ITEMS, str(number), origin, "Australia" if number % 2 else "Worldwide"))
            connection.executemany(
                "INSERT INTO listing (id, market_id, vendor_id, key, title, category, price, currency, ship_from, ship_to, first_snapshot_id)"
                " VALUES (?, 1, ?, ?, '5 gram white widow', 'Drugs > Cannabis', '50', 'USD', ?, ?, 1)",
                rows,
            )
            connection.execute("INSERT INTO spell (entity, entity_id, opened_snapshot_id) SELECT 'listing', id, 1 FROM listing")
        write_derived(opened, 1, normalisers_for(_facts()))
        yield opened


def _facts():
    from torwatch.parsing.registry import load_parser  # noqa: PLC0415 - the facts of a simulated market will do

    return load_parser("souk", ()).market.facts


@pytest.fixture(scope="module")
def answers(store):
    return {language: write_answer(store, Question("NL", DAY, DAY, language)) for language in ("en", "nl")}


def section(document, key):
    return next(one for one in document.sections if one.key == key)


def test_silk_road_2012_prints_its_three_published_bounds(answers):
    for row in section(answers["en"], "share").rows[:2]:
        assert row[1] == ITEMS
        assert row[2:5] == (6.52, 7.79, 22.81)
    assert "6.52  " in answer_text(answers["en"])
    assert "22,81" in answer_text(answers["nl"])


def test_australia_new_zealand_and_the_world_are_always_told(answers):
    assert [row[0] for row in section(answers["en"], "destinations").rows[:3]] == ["AU", "NZ", "world"]


def test_every_sql_of_the_answer_runs_by_itself(store, answers):
    for one in answers["en"].sections:
        if one.sql:
            names = {name: value for name, value in answers["en"].parameters.items() if f":{name}" in one.sql}
            assert isinstance(store.rows(one.sql, names), list)


def test_the_text_is_readable_at_80_columns_in_both_languages(answers):
    for document in answers.values():
        assert max(map(len, answer_text(document).splitlines())) <= 80


def test_a_figure_that_cannot_be_carried_gives_its_reason(answers):
    assert section(answers["en"], "sales").reason.startswith("Not printed")
    assert section(answers["nl"], "sales").reason.startswith("Niet vermeld")


def test_both_languages_have_the_same_sections_and_other_titles(answers):
    pairs = list(zip(answers["en"].sections, answers["nl"].sections, strict=True))
    assert all((one.key == other.key and one.rows != ()) or one.reason for one, other in pairs)
    assert [one.key for one, other in pairs if one.title == other.title] == []


def test_the_html_is_one_file_without_script_or_outside_resource(answers):
    html = answer_html(answers["nl"])
    assert '<html lang="nl">' in html
    assert "default-src 'none'" in html.replace("&#x27;", "'")
    for forbidden in ("<script", "http://", "https://", "src=", "href="):
        assert forbidden not in html
    assert html.count("<svg") <= html.count("<table")


def test_any_iso_code_will_do_and_nothing_else():
    assert check_country("de") == "DE"
    with pytest.raises(UsageError, match="two letters"):
        check_country("Holland")


def test_a_database_without_a_snapshot_says_what_to_do(tmp_path, monkeypatch):
    from torwatch.cli import torwatch  # noqa: PLC0415 - the command line is loaded by the test that uses it

    config = tmp_path / "c.toml"
    config.write_text(f'data_directory = "{tmp_path}"\n')
    open_store(tmp_path / "torwatch.db").close()
    result = CliRunner().invoke(torwatch, ["--config", str(config), "answer"])
    assert "no snapshot yet" in str(result.exception)
