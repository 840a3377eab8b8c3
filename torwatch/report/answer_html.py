"""An answer as one HTML file: no script, nothing from outside, a strict content security policy, made for paper as for the screen."""

from __future__ import annotations

from html import escape

from torwatch.report.document import Document, Section, show_cell

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'none'; base-uri 'none'; form-action 'none'"
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.7rem;margin-bottom:0}h2{font-size:1.2rem;margin:2rem 0 .4rem;border-bottom:2px solid #24527a}
table{border-collapse:collapse;width:100%;font-size:.9rem}caption{text-align:left;color:#444;padding-bottom:.3rem}
th,td{padding:.25rem .5rem;border-bottom:1px solid #ccc;text-align:left;vertical-align:top;overflow-wrap:anywhere}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
p.reason{background:#fff4d6;border-left:4px solid #b57700;padding:.4rem .6rem}
pre{white-space:pre-wrap;font-size:.75rem;background:#f4f4f4;padding:.5rem}
svg{max-width:100%;height:auto;display:block;margin:.5rem 0}
@media print{body{font-size:10pt;margin:0;max-width:none}h2{break-after:avoid}tr,svg{break-inside:avoid}thead{display:table-header-group}details{display:none}}
"""
CHARTED = {"share": 3, "trend_week": 2, "trend_month": 2, "destinations": 1}  # section → column that is drawn
WIDTH, LABEL, BAR, MOST_BARS = 720, 200, 22, 60


def answer_html(document: Document) -> str:
    """Write the whole document."""
    body = "".join(_section(section, document) for section in document.sections)
    lead = "".join(f"<p>{escape(line)}</p>" for line in document.lead)
    return (
        f'<!DOCTYPE html>\n<html lang="{document.language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(document.title)}</title><style>{STYLE}</style></head><body><main><h1>{escape(document.title)}</h1>"
        f"<p>{escape(document.subtitle)}</p>{lead}{body}</main></body></html>\n"
    )


def _section(section: Section, document: Document) -> str:
    parts = [f'<section aria-labelledby="{section.key}"><h2 id="{section.key}">{escape(section.title)}</h2>']
    if section.reason:
        parts.append(f'<p class="reason">{escape(section.reason)}</p>')
    if section.rows:
        if section.key in CHARTED:
            parts.append(bar_chart(section, CHARTED[section.key], document.language))
        parts.append(_table(section, document.language))
    if section.note:
        parts.append(f"<p>{escape(section.note)}</p>")
    if section.sql:
        parameters = " ".join(f":{name} = {value}" for name, value in document.parameters.items())
        parts.append(f"<details><summary>SQL</summary><pre>{escape(section.sql)}\n{escape(parameters)}</pre></details>")
    return "".join(parts) + "</section>\n"


def _table(section: Section, language: str) -> str:
    numeric = [all(not isinstance(row[at], str) for row in section.rows) for at in range(len(section.columns))]
    head = "".join(f'<th scope="col"{_right(right)}>{escape(column)}</th>' for column, right in zip(section.columns, numeric, strict=True))
    rows = "".join(
        "<tr>"
        + "".join(f"<td{_right(right)}>{escape(show_cell(cell, language))}</td>" for cell, right in zip(row, numeric, strict=True))
        + "</tr>"
        for row in section.rows
    )
    return f"<table><caption>{escape(section.title)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _right(numeric: bool) -> str:  # noqa: FBT001 - one fact, said by its name
    return ' class="n"' if numeric else ""


def bar_chart(section: Section, column: int, language: str) -> str:
    """One bar a row of a numeric column, as inline SVG; the table under it holds the same figures."""
    drawn = [(str(row[0]), float(row[column])) for row in section.rows if isinstance(row[column], int | float)][-MOST_BARS:]  # type: ignore[arg-type]  # checked in the condition
    most = max((value for _, value in drawn), default=0.0)
    if most <= 0:
        return ""
    title = f"{section.title}: {section.columns[column]}"
    bars = "".join(_bar(number, label, value, value / most, language) for number, (label, value) in enumerate(drawn))
    height = BAR * len(drawn) + 4
    return f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"><title>{escape(title)}</title>{bars}</svg>'


def _bar(number: int, label: str, value: float, share: float, language: str) -> str:
    top, width = number * BAR, max(1.0, share * (WIDTH - LABEL - 90))
    shown = label if len(label) <= 26 else label[:25] + "\u2026"  # noqa: PLR2004 - what fits beside the bars; the table has it whole
    return (
        f'<text x="{LABEL - 8}" y="{top + 16}" text-anchor="end" font-size="13">{escape(shown)}</text>'
        f'<rect x="{LABEL}" y="{top + 4}" width="{width:.1f}" height="{BAR - 7}" fill="#24527a"/>'
        f'<text x="{LABEL + width + 6:.1f}" y="{top + 16}" font-size="13">{show_cell(int(value) if value.is_integer() else round(value, 2), language)}</text>'
    )
