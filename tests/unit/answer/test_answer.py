from __future__ import annotations

import builtins
import datetime as dt

import pytest
from click.testing import CliRunner
from statsmodels.stats.proportion import proportion_confint

from torwatch.answer import Question, check_country, write_answer
from torwatch.errors import TorwatchError, UsageError
from torwatch.report.answer_html import answer_html
from torwatch.report.answer_text import answer_text
from torwatch.store.database import open_store


def section(document, key):
    return next(one for one in document.sections if one.key == key)


def test_silk_road_2012_prints_its_three_published_bounds(silk_road_answers):
    for row in section(silk_road_answers["en"], "share").rows[:2]:
        assert row[1] == 24_385
        assert row[2:5] == (6.52, 7.79, 22.81)
    assert "6.52  " in answer_text(silk_road_answers["en"])
    assert "22,81" in answer_text(silk_road_answers["nl"])


def test_every_printed_share_has_its_limits(silk_road_answers):
    shares, limits = (section(silk_road_answers["en"], key).rows for key in ("share", "share_limits"))
    for share, limit in zip(shares, limits, strict=False):
        assert share[0] == limit[0]
        for value, text in zip(share[2:5], limit[1:], strict=True):
            low, high = map(float, text.split("\u2013"))
            assert low < value < high


def test_what_the_letter_of_2012_names_is_told_also_where_nothing_was_seen(silk_road_answers):
    named = {row[0]: row[1] for row in section(silk_road_answers["nl"], "share").rows}
    assert named["kweekbenodigdheden"] == named["wapens"] == named["precursoren"] == 0


def test_australia_new_zealand_and_the_world_are_always_told(silk_road_answers):
    assert [row[0] for row in section(silk_road_answers["en"], "destinations").rows[:3]] == ["AU Australia", "NZ New Zealand", "worldwide"]
    assert section(silk_road_answers["nl"], "destinations").rows[1][0] == "NZ Nieuw-Zeeland"


def test_every_sql_of_the_answer_runs_by_itself(silk_road, silk_road_answers):
    for one in silk_road_answers["en"].sections:
        if one.sql:
            names = {name: value for name, value in silk_road_answers["en"].parameters.items() if f":{name}" in one.sql}
            assert isinstance(silk_road.rows(one.sql, names), list)


def test_the_text_is_readable_at_80_columns_in_both_languages(silk_road_answers, bazaar_answers):
    for document in (*silk_road_answers.values(), *bazaar_answers.values()):
        assert max(map(len, answer_text(document).splitlines())) <= 80


def test_a_figure_that_cannot_be_carried_gives_its_reason(silk_road_answers):
    assert section(silk_road_answers["en"], "sales").reason.startswith("Not printed")
    assert section(silk_road_answers["nl"], "sales").reason.startswith("Niet vermeld")


def test_both_languages_have_the_same_figures_and_no_text_in_common(bazaar_answers):
    for one, other in zip(bazaar_answers["en"].sections, bazaar_answers["nl"].sections, strict=True):
        assert one.key == other.key
        assert one.title != other.title
        assert len(one.rows) == len(other.rows)
        numbers = [[cell for cell in row if not isinstance(cell, str)] for row in one.rows]
        assert sorted(map(repr, numbers)) == sorted(repr([cell for cell in row if not isinstance(cell, str)]) for row in other.rows)
        assert not one.note or one.note != other.note


def test_the_html_is_one_file_without_script_or_outside_resource(silk_road_answers):
    html = answer_html(silk_road_answers["nl"])
    assert '<html lang="nl">' in html
    assert "default-src 'none'" in html.replace("&#x27;", "'")
    for forbidden in ("<script", "http://", "https://", "src=", "href="):
        assert forbidden not in html
    assert html.count("<svg") <= html.count("<table")


def test_the_same_question_gives_the_same_answer(bazaar, bazaar_answers):
    document = bazaar_answers["en"]
    question = Question("NL", *(moment(document.parameters[name]) for name in ("since", "until")))
    assert write_answer(bazaar, question) == document


def moment(text):
    return dt.datetime.fromisoformat(text)


def test_without_numpy_one_line_says_what_to_install(silk_road, silk_road_answers, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **named):
        if name == "numpy":
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(TorwatchError, match=r"pip install 'torwatch\[analysis\]'"):
        write_answer(silk_road, Question("NL", moment("2012-07-01T00:00:00+00:00"), moment("2012-07-01T00:00:00+00:00")))


def test_one_line_says_what_every_figure_rests_on(bazaar_answers):
    line = bazaar_answers["en"].lead[1]
    assert "3 of 3 known markets watched" in line
    assert "14 complete, 2 partial, 0 failed, 1 held" in line
    assert "parsers last changed 2026-02-02" in line
    covered = sorted(row[3] for row in section(bazaar_answers["en"], "coverage").rows)
    assert f"coverage of the markets {covered[0]:.2f}\u2013{covered[-1]:.2f} %" in line
    assert "in wacht" in bazaar_answers["nl"].lead[1]


def test_the_part_of_feedback_that_complains_has_limits_unless_there_is_none(bazaar_answers, silk_road_answers):
    read, complaints = (row[1] for row in section(bazaar_answers["en"], "scams").rows[:2])
    low, high = (100 * limit for limit in proportion_confint(complaints, read, method="wilson"))
    assert (
        f"{100 * complaints / read:.2f} % ({low:.2f}\u2013{high:.2f}) of the feedback read" in section(bazaar_answers["en"], "scams").note
    )
    assert section(silk_road_answers["en"], "scams").note == "Claims only; none was checked."


def test_any_iso_code_will_do_and_nothing_else():
    assert check_country("de") == "DE"
    with pytest.raises(UsageError, match="two letters"):
        check_country("Holland")


def test_a_database_without_a_snapshot_says_what_to_do(tmp_path):
    from torwatch.cli import torwatch  # noqa: PLC0415 - the command line is loaded by the test that uses it

    config = tmp_path / "c.toml"
    config.write_text(f'data_directory = "{tmp_path}"\n')
    open_store(tmp_path / "torwatch.db").close()
    result = CliRunner().invoke(torwatch, ["--config", str(config), "answer"])
    assert "no snapshot yet" in str(result.exception)
