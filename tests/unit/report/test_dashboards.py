from __future__ import annotations

from torwatch.report.chart import NAMES, read_chart
from torwatch.report.dashboards import build_dashboards

CHARTS = [read_chart(name, {}) for name in NAMES]


def test_every_chart_stands_on_one_dashboard():
    boards = build_dashboards(CHARTS)
    assert sorted(name for board in boards.values() for name in board["charts"]) == sorted(NAMES)
    for board in boards.values():
        assert {name for row in board["layout"] for name in row} == set(board["charts"])


def test_the_country_is_a_filter_that_begins_with_the_netherlands():
    assert build_dashboards(CHARTS)["country"]["filters"]["country"]["default"] == "NL"


def test_no_chart_offers_to_send_its_data_to_an_editor_elsewhere():
    for board in build_dashboards(CHARTS).values():
        for chart in board["charts"].values():
            assert chart["display"]["usermeta"]["embedOptions"]["actions"]["editor"] is False
            assert "data" not in chart["display"]
