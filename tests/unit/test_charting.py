from __future__ import annotations

import collections
import datetime as dt

import pytest

from torwatch.answer import Question, write_answer
from torwatch.charting import BESIDE, LACKING, NOT_DRAWN, all_charts, count_figures, draw_figures, with_charts
from torwatch.measure.survival import Life, kaplan_meier
from torwatch.report.answer_html import answer_html
from torwatch.report.chart import NAMES
from torwatch.report.chart_svg import WIDTHS
from torwatch.store.database import open_store

FIRST, LAST = (dt.datetime(2026, month, day, tzinfo=dt.UTC) for month, day in ((1, 5), (2, 23)))


@pytest.fixture(scope="module")
def store(watched_markets):
    with open_store(watched_markets) as opened:
        yield opened


@pytest.fixture(scope="module")
def answered(store):
    document = write_answer(store, Question("NL", FIRST, LAST, "nl"))
    return document, count_figures(store, document.parameters)


def test_the_last_week_of_the_chart_is_the_share_of_the_answer(answered):
    document, figures = answered
    row = next(row for row in figures.rows["share_over_time"] if row[0] == "2026-02-23")
    drugs = next(section for section in document.sections if section.key == "share").rows[0]
    assert row[1:4] == drugs[2:5]


def test_the_trend_of_the_answer_is_the_chart_also_where_a_market_closed(store):
    document = write_answer(store, Question("NL", FIRST, dt.datetime(2026, 5, 1, tzinfo=dt.UTC)))
    drawn = count_figures(store, document.parameters).rows
    weeks = {row[0]: row for section in document.sections if section.key == "trend_week" for row in section.rows}
    assert {week: row[1] for week, row in weeks.items()} == {
        week: listings for week, origin, listings in drawn["supply_over_time"] if origin == "NL"
    }
    assert [week for week, row in weeks.items() if "\u2212" in row[-1]] == ["2026-03-23"]  # on the Friday before
    assert weeks["2026-03-23"][1] < weeks["2026-03-16"][1]
    assert 0 < weeks["2026-03-23"][4] < weeks["2026-03-23"][1]  # the panel has no market that came late


def test_the_last_week_of_the_trend_is_the_extent_where_a_market_has_just_closed(store):
    document = write_answer(store, Question("NL", FIRST, dt.datetime(2026, 3, 23, 23, tzinfo=dt.UTC)))
    sections = {section.key: section.rows for section in document.sections}
    here, declared = sections["trend_week"][-1][1:3]
    assert declared == next(row for row in sections["share"] if row[0] == "all goods")[3]
    assert 0 < here <= sections["extent"][0][3]  # a listing of several countries counts a part there, and whole here


@pytest.mark.parametrize(
    ("change", "closed", "leaves"),
    [
        ("UPDATE snapshot SET state = 'rejected' WHERE state = 'held'", None, ["2026-03-30"]),
        ("UPDATE target SET every_seconds = 21 * 86400", None, ["2026-04-13"]),
        ("UPDATE target SET every_seconds = 21 * 86400", "2026-04", ["2026-04-06"]),
        ("UPDATE target SET every_seconds = 21 * 86400", "2025", []),
    ],
)
def test_a_rejected_week_is_a_gap_in_both_and_a_long_rhythm_lets_go_late_in_both(store, tmp_path, change, closed, leaves):
    store.rows("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    with open_store(tmp_path / "copy.db") as copy:
        with copy.write() as connection:
            connection.execute(change)
            connection.execute("UPDATE market SET closed = ? WHERE name = 'causeway'", (closed,))
        document = write_answer(copy, Question("NL", FIRST, dt.datetime(2026, 5, 1, tzinfo=dt.UTC)))
        drawn = count_figures(copy, document.parameters).rows
    weeks = {row[0]: row for section in document.sections if section.key == "trend_week" for row in section.rows}
    assert {week: row[1] for week, row in weeks.items()} == {
        week: listings for week, origin, listings in drawn["supply_over_time"] if origin == "NL"
    }
    assert [week for week, row in weeks.items() if row[1] is None] == ["2026-03-02"]
    assert [week for week, row in weeks.items() if "\u2212" in row[-1]] == leaves


def test_the_prices_that_are_drawn_are_those_of_the_table(store):
    document = write_answer(store, Question("NL", FIRST, dt.datetime(2026, 5, 1, tzinfo=dt.UTC)))
    table = next(section for section in document.sections if section.key == "prices")
    printed = {f"{row[0].key}, {row[3]}": (row[2], row[5]) for row in table.rows if row[1].key == "NL"}
    drawn = {row[0]: (row[4], row[2]) for row in count_figures(store, document.parameters).rows["price_per_gram"] if row[1] == "NL"}
    assert {goods: number for goods, (_, number) in drawn.items()} == {goods: number for goods, (_, number) in printed.items()}
    odd = [goods for goods, (_, number) in drawn.items() if number % 2]  # of an even number the chart takes the lower one in the middle
    assert len(odd) > 2
    assert {goods: drawn[goods] for goods in odd} == {goods: printed[goods] for goods in odd}


def test_every_chart_stands_beside_its_subject_with_its_table_and_sql(answered):
    document, figures = answered
    sections = {section.key: section for section in with_charts(document, figures).sections}
    keys = list(sections)
    assert [key for key in keys if not key.startswith("chart_")] == [section.key for section in document.sections]
    for name in NAMES:
        assert keys.index(f"chart_{name}") > keys.index(BESIDE[name])
        assert sections[f"chart_{name}"].rows
        assert sections[f"chart_{name}"].sql


def test_the_report_holds_each_chart_as_a_picture_with_a_table(answered):
    document, figures = answered
    html = answer_html(with_charts(document, figures), draw_figures(figures, "nl"))
    for width in WIDTHS:
        assert html.count(f'<svg class="{width}" role="img"') == len(NAMES)
    for forbidden in ("<script", "http://", "https://", "src=", "href="):
        assert forbidden not in html
    for part in html.split('<section aria-labelledby="chart_')[1:]:
        assert "<table" in part.split("</section>")[0]
    assert "Aanbod in de tijd naar opgegeven herkomst" in html


def test_a_chart_of_nothing_is_not_drawn_and_says_so(tmp_path):
    with open_store(tmp_path / "torwatch.db") as store:
        figures = count_figures(store, Question("NL", FIRST, LAST).parameters)
        assert draw_figures(figures, "en") == {}
        document = with_charts(write_answer(store, Question("NL", FIRST, LAST)), figures)
    reasons = [section.reason for section in document.sections if section.key.startswith("chart_")]
    assert reasons == [NOT_DRAWN["en"]] * len(NAMES)


def test_an_empty_chart_says_what_is_lacking_where_something_was_seen(store):
    day = dt.datetime(2026, 1, 5, 23, tzinfo=dt.UTC)  # one look: no account can have ended
    document = write_answer(store, Question("NL", FIRST, day, "nl"))
    told = with_charts(document, count_figures(store, document.parameters))
    survival = next(section for section in told.sections if section.key == "chart_vendor_survival")
    assert survival.reason == LACKING["vendor_survival"]["nl"]


def test_the_survival_that_is_drawn_is_that_of_the_estimator(store):
    chart = next(chart for chart in all_charts(LAST.date()) if chart.name == "vendor_survival")
    drawn = collections.defaultdict(list)
    for origin, age, percent, low, high, risk in store.rows(chart.sql, {"country": "NL", "since": "", "until": ""}):
        drawn[origin].append((age, percent, low, high, risk))
    assert set(drawn) == {"NL", "other countries"}
    for origin, steps in drawn.items():
        lives = vendor_lives(store, here=origin == "NL")
        expected = [
            (round(step.age_days, 2), *(round(100 * value, 2) for value in (step.survival, step.low, step.high)), step.at_risk)
            for step in kaplan_meier(lives)
        ]
        assert expected
        assert steps[1 : 1 + len(expected)] == expected
        longest = max(life.last_seen if life.first_missed is None else (life.last_seen + life.first_missed) / 2 for life in lives)
        assert [step[:4] for step in steps[1 + len(expected) :]] == [(round(longest, 2), *expected[-1][1:4])]  # drawn on to its end


def test_the_table_of_vendors_gives_the_curve_that_is_drawn_where_no_account_shows_its_age(store, tmp_path, monkeypatch):
    monkeypatch.setattr("torwatch.answer.lives.LEAST_AT_RISK", 1)  # few as they are: the chart is drawn to the last one
    store.rows("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    with open_store(tmp_path / "copy.db") as copy:
        with copy.write() as connection:  # many vendors have one listing from the country, among several from elsewhere
            connection.execute(
                "UPDATE listing SET ship_from = (SELECT max(raw) FROM origin WHERE code = 'NL' AND origin.market_id = listing.market_id)"
                " WHERE id IN (SELECT min(id) FROM listing WHERE vendor_id IS NOT NULL GROUP BY vendor_id HAVING count(*) > 2)"
            )
        assert copy.value("SELECT count(member_since) FROM vendor") == 0
        document = write_answer(copy, Question("NL", FIRST, dt.datetime(2026, 5, 1, tzinfo=dt.UTC)))
        figures = count_figures(copy, document.parameters)
    drawn = [row for row in figures.rows["vendor_survival"] if row[0] == "NL"]
    table = {row[1]: row[2] for section in document.sections if section.key == "survival" for row in section.rows if row[0] == "NL vendors"}
    assert 30 in table
    for age, percent in table.items():
        assert percent == [row[2] for row in drawn if row[1] <= age][-1]
    median = next(row[3] for section in document.sections if section.key == "lives" for row in section.rows if row[0] == "NL vendors")
    assert median == next((pytest.approx(row[1], abs=0.06) for row in drawn if row[2] <= 50), None)


def vendor_lives(store, *, here):
    """The vendors' spells that began after the market's first snapshot, as lives; most of their declaring listings name the country, or not."""
    rows = store.rows(
        "SELECT s.opened_at, s.last_seen_at, s.first_missed_at, (SELECT max(started_at) FROM snapshot WHERE market_id = vendor.market_id"
        " AND state = 'complete') AS newest FROM spell_readable AS s JOIN spell ON spell.id = s.spell_id JOIN vendor ON vendor.id = spell.entity_id"
        " WHERE s.entity = 'vendor' AND spell.opened_snapshot_id > (SELECT min(id) FROM snapshot WHERE market_id = vendor.market_id AND state = 'complete')"
        " AND (SELECT 2 * sum(claimed_origin LIKE '%NL%') > count(*) FROM listing WHERE vendor_id = vendor.id"
        " AND claimed_origin NOT IN ('undeclared', 'world', 'Europe', 'digital')) IS ?",
        (int(here),),
    )
    lives = []
    for opened, seen, missed, newest in rows:
        begin, *ends = (
            None if text is None else dt.datetime.fromisoformat(text) for text in (opened, seen or (opened if missed else newest), missed)
        )
        lives.append(Life(0.0, *(None if end is None else (end - begin).total_seconds() / 86_400 for end in ends)))
    return lives
