from __future__ import annotations

import builtins
import datetime as dt
import itertools
import json
import re

import pytest
from click.testing import CliRunner
from statsmodels.stats.proportion import proportion_confint

from torwatch.answer import Question, check_country, write_answer
from torwatch.errors import TorwatchError, UsageError
from torwatch.report.answer_data import answer_object, answer_rows
from torwatch.report.answer_html import answer_html
from torwatch.report.answer_text import answer_text
from torwatch.report.document import Interval
from torwatch.store.database import open_store

LITERAL = re.compile(r" *'[^']*'")  # of SQL: a line break in it would change it


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
        for value, limits in zip(share[2:5], limit[1:], strict=True):
            assert limits.low < value < limits.high


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
        assert [line for line in answer_text(document).splitlines() if len(line) > 80 and not LITERAL.fullmatch(line)] == []


def test_the_sql_of_the_text_gives_every_figure_again(bazaar, bazaar_answers):
    for document in bazaar_answers.values():
        _, queries = re.split(r"\nSQL (?:of every figure|van elk cijfer)\n-+\n", answer_text(document))
        head, *told = re.split(r"\n\n((?:[^\n]+ \(\w+\)\n)+)", queries)
        scope = head[head.index("WITH scope") :]
        keys = [re.findall(r"\((\w+)\)\n", heads) for heads in told[::2]]
        assert sorted(itertools.chain.from_iterable(keys)) == sorted(one.key for one in document.sections if one.sql)
        assert len(set(told[1::2])) == len(keys)  # no query comes twice
        for key, text in ((key, text) for group, text in zip(keys, told[1::2], strict=True) for key in group):
            names = {name: value for name, value in document.parameters.items() if f":{name}" in section(document, key).sql}
            printed = bazaar.rows(text.replace("\u2026", scope, 1), names)
            assert [tuple(row) for row in printed] == [tuple(row) for row in bazaar.rows(section(document, key).sql, names)]


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
    assert "6 parser versions, last changed 2026-02-02" in line
    covered = sorted((row[3], row[4]) for row in section(bazaar_answers["en"], "coverage").rows)
    first, last = (f"{value:.2f} ({limits.low:.2f}\u2013{limits.high:.2f})" for value, limits in (covered[0], covered[-1]))
    assert f"coverage of the markets {first} \u2013 {last} %" in line
    assert "in wacht" in bazaar_answers["nl"].lead[1]


def test_the_part_of_feedback_that_complains_has_limits_unless_there_is_none(bazaar_answers, silk_road_answers):
    read, complaints = (row[1] for row in section(bazaar_answers["en"], "scams").rows[:2])
    low, high = (100 * limit for limit in proportion_confint(complaints, read, method="wilson"))
    assert (
        f"{100 * complaints / read:.2f} % ({low:.2f}\u2013{high:.2f}) of the feedback read" in section(bazaar_answers["en"], "scams").note
    )
    assert section(silk_road_answers["en"], "scams").note == "Claims only; none was checked."


def test_any_iso_code_will_do_and_nothing_else():
    for code in ("AU", "nz", " us", "GB", "xk"):
        assert check_country(code) == code.strip().upper()
    for text, remedy in (
        ("Holland", "use NL"),
        ("uk", "use GB"),
        ("Nederland", "use NL"),
        ("new zealand", "use NZ"),
        ("USA", "use US"),
        ("zz", "two letters"),
    ):
        with pytest.raises(UsageError, match=remedy):
            check_country(text)


def test_limits_are_for_these_markets_only_where_it_says_so_and_narrower(bazaar_answers):
    for language, words in (("en", "these markets only"), ("nl", "alleen deze markten")):
        wide, narrow = (section(bazaar_answers[language], f"share_limits{name}") for name in ("", "_this_market_only"))
        assert words in narrow.title
        assert words not in wide.title
        for outer, inner in zip(wide.rows, narrow.rows, strict=True):
            assert outer[0] == inner[0]
            assert all(one.low <= other.low <= other.high <= one.high for one, other in zip(outer[1:], inner[1:], strict=True))


def test_without_coverage_no_limits_are_for_these_markets_only(silk_road_answers):
    assert section(silk_road_answers["en"], "share_limits_this_market_only").reason.startswith("Not printed: the coverage")


def test_the_data_has_numbers_for_limits_and_the_same_names_in_both_languages(bazaar_answers, silk_road_answers):
    for answers in (bazaar_answers, silk_road_answers):
        english, dutch = (json.loads(json.dumps(answer_object(answers[language]))) for language in ("en", "nl"))
        assert english["schema"] == dutch["schema"] == "torwatch-answer/1"
        assert english["basis"] == dutch["basis"]
        for key, one in english["sections"].items():
            assert list(one["columns"]) == list(dutch["sections"][key]["columns"])
            assert all(list(row) == list(one["columns"]) for row in one["rows"])
            keyed = [[cell["key"] for cell in row.values() if isinstance(cell, dict) and "key" in cell] for row in one["rows"]]
            assert sorted(keyed) == sorted(
                [cell["key"] for cell in row.values() if isinstance(cell, dict) and "key" in cell] for row in dutch["sections"][key]["rows"]
            )
        limits = english["sections"]["share_limits"]["rows"][0]
        assert isinstance(limits["low"]["low"], float)
        assert limits["goods"] == {"key": "physical drugs", "text": "physical drugs"}


def test_csv_holds_every_figure_and_what_it_rests_on(bazaar_answers):
    for document in bazaar_answers.values():
        rows = list(answer_rows(document))
        for one in document.sections:
            mine = {(number, name): value for key, number, name, _, value in rows if key == one.key}
            assert mine[None, "title"] == one.title
            assert mine.get((None, "sql"), "") == one.sql
            assert mine.get((None, "reason"), "") == one.reason
            cells = sum(1 + isinstance(cell, Interval) for row in one.rows for cell in row)
            assert sum(number is not None for number, _ in mine) == cells
        assert ("", None, "lead", "", document.lead[1]) in rows


def test_every_section_and_column_of_the_data_is_in_its_document(bazaar_answers, checkout):
    told = (checkout / "docs" / "answer-data.md").read_text(encoding="utf-8")
    for one in bazaar_answers["en"].sections:
        line = next((line for line in told.splitlines() if line.startswith(f"| `{one.key}` |")), "")
        assert set(one.names) <= set(re.findall(r"`(\w+)`", line)), one.key


def test_a_database_without_a_snapshot_says_what_to_do(tmp_path):
    from torwatch.cli import torwatch  # noqa: PLC0415 - the command line is loaded by the test that uses it

    config = tmp_path / "c.toml"
    config.write_text(f'data_directory = "{tmp_path}"\n')
    open_store(tmp_path / "torwatch.db").close()
    result = CliRunner().invoke(torwatch, ["--config", str(config), "answer"])
    assert "no snapshot yet" in str(result.exception)
