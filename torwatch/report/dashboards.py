"""The dashboards of datasette: the charts side by side, live, with the country and the period as filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torwatch.report.chart import NO_DATA, STYLE, Chart, tell_when_empty, with_room

if TYPE_CHECKING:
    from collections.abc import Sequence

DATABASE = "torwatch"
LIBRARY = "vega-lite"
# The menu of a chart saves it as a picture; it never sends the data to an editor elsewhere.
EMBED = {"renderer": "svg", "actions": {"export": True, "source": False, "compiled": False, "editor": False}}
COUNTRY = {
    "name": "Country (ISO 3166-1 alpha-2)",
    "type": "select",
    "db": DATABASE,
    "query": "SELECT code FROM (SELECT 'NL' AS code UNION SELECT code FROM origin WHERE code <> '' AND code NOT LIKE 'region:%') ORDER BY code",
    "default": "NL",
}
PERIOD = {"since": {"name": "Since", "type": "date"}, "until": {"name": "Until", "type": "date"}}
DASHBOARDS = {
    "country": (
        "One country among the markets watched",
        "Origins are what vendors claim. The same charts and queries as in torwatch answer.",
        {"country": COUNTRY, **PERIOD},
        (
            ("share_over_time", "share_over_time"),
            ("supply_over_time", "supply_over_time"),
            ("category_mix", "price_per_gram"),
            ("destinations", "vendor_survival"),
        ),
    ),
    "watch": (
        "The watch itself",
        "Which markets answered, and how much of each was seen: what every figure rests on.",
        PERIOD,
        (("market_availability",), ("coverage",)),
    ),
}


def build_dashboards(charts: Sequence[Chart]) -> dict[str, Any]:
    """Configuration of the plugin datasette-dashboards; every chart stands on one dashboard."""
    by_name = {chart.name: chart for chart in charts}
    return {
        slug: {
            "title": title,
            "description": description,
            "filters": filters,
            "layout": [list(row) for row in layout],
            "charts": {name: show_live(by_name[name]) for name in dict.fromkeys(name for row in layout for name in row)},
        }
        for slug, (title, description, filters, layout) in DASHBOARDS.items()
    }


def show_live(chart: Chart) -> dict[str, Any]:
    """One chart as the plugin takes it."""
    spec = with_room(tell_when_empty(chart.spec, f"No chart: {NO_DATA}."), None)
    display = {**spec, "description": f"{chart.title}. {chart.description}", "config": STYLE, "usermeta": {"embedOptions": EMBED}}
    return {"title": chart.title, "db": DATABASE, "query": chart.sql, "library": LIBRARY, "display": display}
