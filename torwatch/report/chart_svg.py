"""A chart drawn as inline SVG through vl-convert: no script, nothing fetched, one picture to a screen reader."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from torwatch.report.chart import STYLE, with_room

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torwatch.report.chart import Chart
    from torwatch.report.document import Cell

VEGA_LITE = "6.4"
WIDTHS = {"wide": 640, "narrow": 300}  # pixels, by the class of the picture: the style of the page shows the one that fits
# The picture is one thing to a screen reader, and the table beside it is to be read: no mark has a role or a name of its own.
ROLES = re.compile(r' (?:role|class|aria-\w+)="[^"]*"')
NAME_SPACES = re.compile(r' xmlns(?::\w+)?="[^"]*"')
WORDED = frozenset({"title", "text"})  # keys whose texts are for people


def draw_svg(chart: Chart, rows: Sequence[Sequence[Cell]], language: str, width: str = "wide") -> str:
    """The rows of the chart's query, drawn; `width`: one of WIDTHS. Raises ImportError without vl-convert (extra [analysis])."""
    import vl_convert  # noqa: PLC0415 - an extra, and half a second to load

    fields = tuple(chart.columns)
    values = [{field: _said(chart, cell, language) for field, cell in zip(fields, row, strict=True)} for row in rows]
    spec = {
        "width": WIDTHS[width],
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"values": values},
        **with_room(_translate(chart, chart.spec, language), WIDTHS[width]),
    }
    locale: Literal["nl-NL", "en-US"] = "nl-NL" if language == "nl" else "en-US"
    svg = vl_convert.vegalite_to_svg(
        spec, vl_version=VEGA_LITE, config=dict(STYLE), allowed_base_urls=[], format_locale=locale, time_format_locale=locale
    )
    return _embed(svg, chart, language, width)


def _said(chart: Chart, cell: Cell, language: str) -> Cell:
    return chart.say(cell, language) if isinstance(cell, str) else cell


def _translate(chart: Chart, part: Any, language: str) -> Any:
    if isinstance(part, dict):
        return {
            name: chart.say(inner, language) if name in WORDED and isinstance(inner, str) else _translate(chart, inner, language)
            for name, inner in part.items()
        }
    if isinstance(part, list) and all(isinstance(inner, str) for inner in part):  # the values of a domain
        return [chart.say(inner, language) for inner in part]
    return [_translate(chart, inner, language) for inner in part] if isinstance(part, list) else part


def _embed(svg: str, chart: Chart, language: str, width: str) -> str:
    """For a page of HTML: named, scaling, without name spaces, and with ids that no other chart has."""
    title, description = (escape(chart.say(text, language)) for text in (chart.title, chart.description))
    svg = ROLES.sub("", NAME_SPACES.sub("", svg))
    name = f"{chart.name}-{width}"
    svg = re.sub(r'\b(id="|url\(#)', rf"\g<1>{name}-", svg)
    head, rest = svg.split(">", 1)
    head = head.replace("<svg ", f'<svg class="{width}" role="img" aria-labelledby="{name}-name {name}-text" ', 1)
    return f'{head}><title id="{name}-name">{title}</title><desc id="{name}-text">{description}</desc>{rest}'
