"""The charts of an answer: their queries run on the store, as sections with a table each, and drawn for the report."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

from torwatch.answer.words import DUTCH_CATEGORIES, DUTCH_CLASSES, DUTCH_GROUPS, DUTCH_REGIONS
from torwatch.normalise.country import country_codes, region_codes, region_contains
from torwatch.report.chart import NAMES, Chart, pivoted, read_chart
from torwatch.report.document import Document, Label, Section

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torwatch.report.document import Cell
    from torwatch.store.database import Store

# After which section of the answer each chart stands.
BESIDE = {
    "share_over_time": "share",
    "supply_over_time": "extent",
    "category_mix": "extent",
    "destinations": "destinations",
    "vendor_survival": "vendors",
    "price_per_gram": "prices",
    "market_availability": "snapshots",
    "coverage": "coverage",
}
WORDS = {**DUTCH_GROUPS, **DUTCH_CATEGORIES, **DUTCH_CLASSES, **DUTCH_REGIONS}
NOT_DRAWN = {
    "en": "Not drawn: nothing that counts was seen in this period. A held snapshot counts once it is accepted.",
    "nl": "Niet getekend: in deze periode is niets gezien dat telt. Een aangehouden opname telt zodra zij is aanvaard.",
}

# Why a chart is empty although something was seen in the period; the others then say what they say of nothing.
LACKING = {
    "vendor_survival": {
        "en": "Not drawn: no account that came under watch was seen to end yet.",
        "nl": "Niet getekend: van geen rekening die in beeld kwam is het einde al gezien.",
    },
    "price_per_gram": {
        "en": "Not drawn: no goods of one claimed origin have three standing prices of a gram.",
        "nl": "Niet getekend: van geen waar van één opgegeven herkomst staan er drie prijzen van een gram.",
    },
    "share_over_time": {
        "en": "Not drawn: no physical drugs were seen in this period.",
        "nl": "Niet getekend: in deze periode zijn geen fysieke drugs gezien.",
    },
}


def all_charts(day: dt.date) -> tuple[Chart, ...]:
    """Every chart, with the regions as they were on a day, and with the words of the answer beside its own."""
    regions = {region: [code for code in country_codes() if region_contains(region, code, day)] for region in region_codes()}
    charts = (read_chart(name, regions) for name in NAMES)
    return tuple(dataclasses.replace(chart, dutch={**WORDS, **chart.dutch}) for chart in charts)


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """The charts' rows by name, of one country and period."""

    charts: tuple[Chart, ...]
    rows: Mapping[str, Sequence[tuple[Cell, ...]]]


def count_figures(store: Store, parameters: Mapping[str, str]) -> Figures:
    """Run every chart's query; `parameters`: country, since and until as the answer binds them."""
    charts = all_charts(dt.date.fromisoformat(parameters["until"][:10]))
    return Figures(charts, {chart.name: [tuple(row) for row in store.rows(chart.sql, dict(parameters))] for chart in charts})


def with_charts(document: Document, figures: Figures) -> Document:
    """The answer with a section for each chart, beside the one of its subject."""
    sections = list(document.sections)
    seen = any(section.key == "extent" and section.rows for section in sections)
    for chart in reversed(figures.charts):
        places = [at for at, section in enumerate(sections) if section.key == BESIDE[chart.name]]
        sections.insert(places[0] + 1 if places else len(sections), _section(chart, figures.rows[chart.name], document.language, seen=seen))
    return dataclasses.replace(document, sections=tuple(sections))


def draw_figures(figures: Figures, language: str) -> dict[str, str]:
    """Section key → every chart that has something to show as inline SVG: a wide picture, and a narrow one for a small screen."""
    from torwatch.report.chart_svg import WIDTHS, draw_svg  # noqa: PLC0415 - an extra, loaded only for the report

    return {
        _key(chart): "".join(draw_svg(chart, rows, language, width) for width in WIDTHS)
        for chart in figures.charts
        if (rows := figures.rows[chart.name])
    }


def _key(chart: Chart) -> str:
    return f"chart_{chart.name}"


def _section(chart: Chart, rows: Sequence[tuple[Cell, ...]], language: str, *, seen: bool) -> Section:
    """The table of a chart, or why it is empty; `seen`: something was, in the period."""
    title, note = chart.say(chart.title, language), chart.say(chart.description, language)
    if not rows:
        why = LACKING.get(chart.name, NOT_DRAWN) if seen else NOT_DRAWN
        return Section(_key(chart), title, note=note, reason=why[language], sql=chart.sql)
    columns, table = pivoted(chart, rows)
    said = tuple(tuple(_label(chart, cell, language) if isinstance(cell, str) else cell for cell in row) for row in table)
    return Section(_key(chart), title, tuple(chart.say(name, language) for name in columns), columns, said, note, sql=chart.sql)


def _label(chart: Chart, cell: str, language: str) -> str:
    """A word that has a Dutch one knows its key in both languages; a name or a day is what it is."""
    return Label(cell, chart.say(cell, language)) if chart.say(cell, "nl") != cell else cell
