"""A chart drawn as inline SVG through vl-convert: no script, nothing fetched, one picture to a screen reader."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from torwatch.report.chart import STYLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torwatch.report.chart import Chart
    from torwatch.report.document import Cell

VEGA_LITE = "6.4"
WIDTH = 640
# The picture is one thing to a screen reader, and the table beside it is to be read: no mark has a role or a name of its own.
ROLES = re.compile(r' (?:role|class|aria-\w+)="[^"]*"')
NAME_SPACES = re.compile(r' xmlns(?::\w+)?="[^"]*"')
WORDED = frozenset({"title", "text"})  # keys whose texts are for people


def draw_svg(chart: Chart, rows: Sequence[Sequence[Cell]], language: str) -> str:
    """The rows of the chart's query, drawn. Raises ImportError without vl-convert (extra [analysis])."""
    import vl_convert  # noqa: PLC0415 - an extra, and half a second to load

    fields = tuple(chart.columns)
    values = [{field: _said(chart, cell, language) for field, cell in zip(fields, row, strict=True)} for row in rows]
    spec = {"width": WIDTH, "data": {"values": values}, **_translate(chart, chart.spec, language)}
    svg = vl_convert.vegalite_to_svg(
        spec, vl_version=VEGA_LITE, config=dict(STYLE), allowed_base_urls=[], format_locale="nl-NL" if language == "nl" else "en-US"
    )
    return _embed(svg, chart, language)


def _said(chart: Chart, cell: Cell, language: str) -> Cell:
    return chart.say(cell, language) if isinstance(cell, str) else cell


def _translate(chart: Chart, part: Any, language: str) -> Any:
    if isinstance(part, dict):
        return {
            name: chart.say(inner, language) if name in WORDED and isinstance(inner, str) else _translate(chart, inner, language)
            for name, inner in part.items()
        }
    return [_translate(chart, inner, language) for inner in part] if isinstance(part, list) else part


def _embed(svg: str, chart: Chart, language: str) -> str:
    """For a page of HTML: named, scaling, without name spaces, and with ids that no other chart has."""
    title, description = (escape(chart.say(text, language)) for text in (chart.title, chart.description))
    svg = ROLES.sub("", NAME_SPACES.sub("", svg))
    svg = re.sub(r'\b(id="|url\(#)', rf"\g<1>{chart.name}-", svg)
    head, rest = svg.split(">", 1)
    name = chart.name
    head = head.replace("<svg ", f'<svg role="img" aria-labelledby="{name}-name {name}-text" ', 1)
    return f'{head}><title id="{name}-name">{title}</title><desc id="{name}-text">{description}</desc>{rest}'
