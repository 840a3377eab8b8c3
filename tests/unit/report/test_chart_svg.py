from __future__ import annotations

import re

from torwatch.report.chart import read_chart
from torwatch.report.chart_svg import draw_svg

ROWS = [("anchorage", "down: timeout connect", 1, "2026-01-05", "2026-01-07", 4), ("<b>&", "up", 1, "2026-01-05", "2026-01-20", 30)]


def drawn(language):
    return draw_svg(read_chart("market_availability", {}), ROWS, language)


def test_a_chart_is_one_picture_with_a_name_and_a_description():
    svg = drawn("en")
    assert svg.startswith('<svg class="wide" role="img" aria-labelledby="market_availability-wide-name market_availability-wide-text"')
    assert '<title id="market_availability-wide-name">Market availability</title><desc id="market_availability-wide-text">' in svg
    assert re.findall(r"\b(?:role|aria-\w+)=", svg) == ["role=", "aria-labelledby="]


def test_a_chart_holds_no_script_and_no_address():
    svg = drawn("en")
    assert not re.search(r"<script|http|href|<image|\bon\w+=", svg)
    assert "&lt;b&gt;&amp;" in svg


def test_two_charts_on_a_page_share_no_id():
    one, other = drawn("en"), draw_svg(read_chart("coverage", {}), [("2026-01-05T00:00:00+00:00", "anchorage", "held", 3, 10, 30.0)], "en")
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (one, other)]
    assert all(ids)
    assert not ids[0] & ids[1]
    for svg, known in zip((one, other), ids, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= known


def test_a_chart_speaks_dutch():
    svg = drawn("nl")
    assert "onbereikbaar: geen verbinding op tijd" in svg
    assert "Bereikbaarheid van markten" in svg
