"""A chart: a Vega-Lite specification and a named SQL query, both files in the folder `charts`; every picture comes from these.

Parameters of every query: `:country` (ISO 3166-1 alpha-2; empty: NL), `:since` and `:until` (days as 2026-01-31; empty: without bound).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.resources.abc import Traversable

    from torwatch.report.document import Cell

NAMES = (
    "supply_over_time",
    "share_over_time",
    "category_mix",
    "destinations",
    "price_per_gram",
    "vendor_survival",
    "market_availability",
    "coverage",
)
REGIONS = "/*regions*/'{}'"  # stands in the SQL for the table of regions: JSON, region → its countries in one text
PART = re.compile(
    r"/\*part (\w+)\*/"
)  # stands in the SQL for a part of the folder `parts`: table expressions that several charts count from
PARTS = re.compile(r"(: |, )")
STYLE: Mapping[str, Any] = {  # Vega-Lite's `config`, the same on a dashboard and on paper
    "background": None,
    # The width of a text is measured where the chart is drawn and not where it is read: fonts of one width, at hand everywhere.
    "font": "Arial, Liberation Sans, Helvetica, sans-serif",
    "view": {"stroke": None},
    "scale": {"invalid": {"fill": {"value": "#bbbbbb"}}},  # not known, which is not 0
    "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "gridColor": "#e4e4e4"},
    "legend": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelLimit": 260, "orient": "bottom"},
}
NO_DATA = "nothing that counts was seen in this period"


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart. `spec`: Vega-Lite without data; `columns`: field of the query → heading; `dutch`: English words → Dutch ones."""

    name: str
    title: str
    description: str
    sql: str
    spec: Mapping[str, Any]
    columns: Mapping[str, str]
    dutch: Mapping[str, str]
    pivot: Mapping[str, str] | None

    def say(self, text: str, language: str) -> str:
        """A word of the chart in a language; of "down: tor down" and of "heroin, USD" each part for itself."""
        if language != "nl":
            return text
        return self.dutch.get(text) or "".join(self.dutch.get(part, part) for part in PARTS.split(text))


def read_chart(name: str, regions: Mapping[str, Sequence[str]]) -> Chart:
    """Read a chart of the folder; `regions`: region → countries in it, for the high bound of a share."""
    folder = files("torwatch.report") / "charts"
    spec = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    sql = PART.sub(lambda part: _read(folder / "parts" / f"{part[1]}.sql"), _read(folder / f"{name}.sql"))
    members = json.dumps({region: " ".join(codes) for region, codes in regions.items()})
    meta = spec.pop("usermeta")
    return Chart(
        name,
        meta["title"],
        spec.pop("description"),
        sql.replace(REGIONS, f"'{members}'"),
        spec,
        meta["columns"],
        meta["dutch"],
        meta.get("pivot"),
    )


def _read(file: Traversable) -> str:
    return file.read_text(encoding="utf-8").strip()


def with_room(spec: Mapping[str, Any], room: int | None) -> dict[str, Any]:
    """The specification with its parameter `room`: the pixels that it has from side to side (None: those of its place on the page).

    Legends have as many columns as there is room for. They cannot look at `width`, which depends on them.
    """
    measured = "isFinite(containerSize()[0]) ? containerSize()[0] : 600"
    return {**spec, "params": [{"name": "room", "value": room} if room else {"name": "room", "expr": measured}]}


def tell_when_empty(spec: Mapping[str, Any], words: str) -> dict[str, Any]:
    """The specification with one more layer, which says so where the query gives no row: an empty frame says nothing.

    Vega-Lite calls the data of the outermost view source_0; the marks look there.
    """
    inner = {name: part for name, part in spec.items() if name in {"mark", "encoding", "layer", "transform"}}
    note = {
        "data": {"values": [{}]},
        "transform": [{"filter": "length(data('source_0')) == 0"}],
        "mark": {"type": "text", "text": words, "fontSize": 14, "color": "#444", "x": {"expr": "width / 2"}, "y": {"expr": "height / 2"}},
    }
    outer = {name: part for name, part in spec.items() if name not in inner}
    return {**outer, "layer": [inner, note]}


def pivoted(chart: Chart, rows: Sequence[Sequence[Cell]]) -> tuple[tuple[str, ...], list[tuple[Cell, ...]]]:
    """Headings and rows as people read them: one column a value of the pivot's field where the chart has one."""
    if chart.pivot is None:
        return tuple(chart.columns.values()), [tuple(row) for row in rows]
    fields = list(chart.columns)
    at, across, value = (fields.index(chart.pivot[name]) for name in ("row", "column", "value"))
    heads = list(dict.fromkeys(str(row[across]) for row in rows))
    table: dict[Cell, dict[str, Cell]] = {}
    for row in rows:
        table.setdefault(row[at], {})[str(row[across])] = row[value]
    return (chart.columns[chart.pivot["row"]], *heads), [(name, *(found.get(head) for head in heads)) for name, found in table.items()]
