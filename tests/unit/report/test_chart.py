from __future__ import annotations

import contextlib
import json
import re
import sqlite3

import pytest
import vl_convert

from torwatch.report.baselines import BASELINES
from torwatch.report.chart import NAMES, NO_DATA, pivoted, read_chart, tell_when_empty, with_room
from torwatch.store.database import open_store

REGIONS = {"Europe": ["NL", "DE"], "EU": ["NL"], "Asia": ["JP"]}
EVERYTHING = {"country": "NL", "since": "", "until": ""}
charts = pytest.mark.parametrize("chart", [read_chart(name, REGIONS) for name in NAMES], ids=lambda chart: chart.name)


@pytest.fixture(scope="module")
def rows(watched_markets):
    """Give a function that runs a chart's query."""
    connection = sqlite3.connect(watched_markets)

    def run(name, **parameters):
        chart = read_chart(name, REGIONS)
        given = EVERYTHING | parameters
        found = connection.execute(chart.sql, {key: value for key, value in given.items() if f":{key}" in chart.sql})
        assert [column[0] for column in found.description] == list(chart.columns)
        return [dict(zip(chart.columns, row, strict=True)) for row in found]

    yield run
    connection.close()


def texts(part):
    """What a specification says to people."""
    if isinstance(part, dict):
        for name, inner in part.items():
            if name in {"title", "text"} and isinstance(inner, str):
                yield inner
            yield from texts(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from texts(inner)


def fields(part):
    """The columns that a specification draws."""
    if isinstance(part, dict):
        if isinstance(part.get("field"), str):
            yield part["field"]
        for inner in part.values():
            yield from fields(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from fields(inner)


@charts
def test_every_field_that_is_drawn_is_a_column_and_every_column_has_a_heading(chart):
    assert set(fields(chart.spec)) <= set(chart.columns)
    assert set(fields(chart.spec))


@charts
def test_every_word_of_a_chart_has_its_dutch_one(chart):
    said = {chart.title, chart.description, *chart.columns.values(), *texts(chart.spec)}
    assert {text for text in said if text != "%" and text not in chart.dutch} - {"EUR", "USD"} == set()


@charts
def test_the_files_of_a_chart_and_no_others_lie_in_the_folder(chart, checkout):
    folder = checkout / "torwatch" / "report" / "charts"
    assert {path.name for path in folder.iterdir()} == {f"{name}.{end}" for name in NAMES for end in ("json", "sql")} | {"parts"}
    assert json.loads((folder / f"{chart.name}.json").read_text(encoding="utf-8"))["$schema"].endswith("/v6.json")


def test_every_part_is_of_use_to_more_than_one_chart(checkout):
    folder = checkout / "torwatch" / "report" / "charts"
    parts = [path.stem for path in (folder / "parts").iterdir()]
    assert parts
    for part in parts:
        assert sum(f"/*part {part}*/" in path.read_text(encoding="utf-8") for path in folder.glob("*.sql")) > 1


@charts
def test_a_chart_of_nothing_says_so_and_one_of_something_does_not(chart, rows):
    spec = {"width": 300, **with_room(tell_when_empty(chart.spec, NO_DATA), 300)}
    for values, said in (([], True), (rows(chart.name), False)):
        data = {"values": values, "format": {"type": "json"}}
        svg = vl_convert.vegalite_to_svg({"data": data, **spec}, vl_version="6.4", allowed_base_urls=[])
        assert (NO_DATA in svg) is said
        width, height = (float(size) for size in re.search(r'width="([^"]+)" height="([^"]+)"', svg).groups())
        assert width < 600  # a legend without a title and without an entry has no end
        assert height < 500


@charts
def test_an_empty_database_gives_no_row(chart, tmp_path):
    with open_store(tmp_path / "torwatch.db") as store:
        assert store.rows(chart.sql, EVERYTHING) == []


@charts
def test_a_period_before_the_watch_gives_no_row(chart, rows):
    assert rows(chart.name, since="1999-01-01", until="1999-02-01") == []


def test_every_week_has_every_line_and_a_held_week_is_a_gap(rows):
    found = rows("supply_over_time")
    weeks = {row["week"] for row in found}
    assert len(weeks) == 16
    assert len(found) == 16 * len({row["origin"] for row in found})
    assert {row["week"] for row in found if row["listings"] is None} == {"2026-03-02"}
    assert [row["origin"] for row in found[:2]] == ["NL", "DE"]
    shares = rows("share_over_time")
    assert [row["week"] for row in shares if row["declared"] is None and row["week"]] == ["2026-03-02"]


def test_a_market_counts_from_its_first_to_its_last_good_look(rows, watched_markets):
    found = rows("supply_over_time")
    before, after = (sum(row["listings"] for row in found if row["week"] == week) for week in ("2026-03-16", "2026-03-30"))
    with sqlite3.connect(watched_markets) as connection:
        closed = connection.execute("SELECT count(*) FROM standing_listing WHERE market = 'causeway'").fetchone()[0]
    connection.close()
    assert closed > 200
    assert before - after > 0.8 * closed


def test_a_listing_of_two_countries_counts_half_for_each(rows, watched_markets):
    with sqlite3.connect(watched_markets) as connection:
        standing = connection.execute("SELECT count(*) FROM listing WHERE standing = 1").fetchone()[0]
        closed = connection.execute("SELECT count(*) FROM standing_listing WHERE market = 'causeway'").fetchone()[0]
    connection.close()
    last = [row["listings"] for row in rows("supply_over_time") if row["week"] == "2026-04-20"]
    assert sum(last) == pytest.approx(standing - closed)


def test_a_period_cuts_and_another_country_is_asked_without_baselines(rows):
    found = rows("share_over_time", country="de", since="2026-02-01", until="2026-02-28T23:59:59+00:00")
    assert [row["week"] for row in found] == ["2026-02-02", "2026-02-09", "2026-02-16", "2026-02-23"]
    assert all(row["low"] <= row["declared"] for row in found)
    assert {row["source"] for row in found} == {None}


def test_the_high_bound_takes_the_regions_that_hold_the_country(rows, watched_markets):
    everywhere, nowhere = (read_chart("share_over_time", regions) for regions in (REGIONS, {}))
    connection = sqlite3.connect(watched_markets)
    high = [max(row[3] or 0 for row in connection.execute(chart.sql, EVERYTHING)) for chart in (everywhere, nowhere)]
    connection.close()
    assert high[0] > high[1]


def test_the_baselines_are_those_that_the_answer_prints(rows):
    drawn = [row["baseline"] for row in rows("share_over_time") if row["source"]]
    assert sorted(drawn) == [6.52, 7.0, 7.79, 22.81]
    printed = str(BASELINES)
    assert "6.52 / 7.79 / 22.81 %" in printed
    assert "around 7 %" in printed


def test_what_ships_to_australia_new_zealand_and_the_world_is_always_told(rows):
    found = rows("destinations", country="NL")
    assert {"AU", "NZ", "world"} <= {row["destination"] for row in found}
    assert found[0]["origin"] == "NL"


@pytest.mark.parametrize("name", ["destinations", "category_mix", "price_per_gram"])
def test_nothing_stands_on_a_market_that_has_closed(name, watched_markets):
    chart = read_chart(name, REGIONS)
    with contextlib.closing(sqlite3.connect(watched_markets)) as watched, contextlib.closing(sqlite3.connect(":memory:")) as closed:
        watched.backup(closed)
        closed.execute("UPDATE market SET closed = '2026-04-01'")
        day_before, day_itself = (
            closed.execute(
                chart.sql, {key: value for key, value in (EVERYTHING | {"until": until}).items() if f":{key}" in chart.sql}
            ).fetchall()
            for until in ("2026-03-31", "2026-04-01")
        )
    assert day_before
    assert not day_itself


@pytest.mark.parametrize("name", ["destinations", "category_mix", "price_per_gram"])
def test_nothing_stands_on_a_market_that_was_not_looked_at_in_the_period(name, rows):
    before = rows(name, since="2026-04-13", until="2026-05-01")
    assert before
    assert rows(name, since="2026-04-22", until="2026-05-01") == []


def test_the_days_of_a_market_lie_end_to_end_and_say_why_it_was_down(rows):
    found = [row for row in rows("market_availability") if row["market"] == "causeway"]
    by_time = sorted(found, key=lambda row: row["first"])
    assert [row["first"] for row in by_time[1:]] == [row["before"] for row in by_time[:-1]]
    assert by_time[-1]["state"] == "down: onion not found"
    assert sum(row["visits"] for row in by_time) == 16 * 7 * 2 + 11  # two probes a day, and the snapshots


def test_prices_that_are_few_are_left_out(rows):
    found = rows("price_per_gram")
    assert found
    for row in found:
        assert row["listings"] >= 3
        assert row["quarter"] <= row["median"] <= row["three_quarters"]


def test_a_matrix_is_read_as_one():
    chart = read_chart("destinations", {})
    heads, table = pivoted(chart, [("NL", "AU", 3), ("NL", "DE", 2), ("DE", "AU", 1)])
    assert heads == ("origin", "AU", "DE")
    assert table == [("NL", 3, 2), ("DE", 1, None)]


def test_a_reason_is_said_in_dutch_part_by_part():
    chart = read_chart("market_availability", {})
    assert chart.say("down: tor down", "nl") == "onbereikbaar: tor werkt niet"
    assert chart.say("down: something new", "nl") == "onbereikbaar: something new"
    assert chart.say("down: tor down", "en") == "down: tor down"
