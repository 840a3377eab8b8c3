"""An answer as one HTML file: no script, nothing from outside, a strict content security policy, made for paper as for the screen."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from torwatch.report.document import Document, Section, show_cell

if TYPE_CHECKING:
    from collections.abc import Mapping

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
LONGEST_OPEN = 40  # rows: a longer table beside a chart is opened by who wants it


def answer_html(document: Document, pictures: Mapping[str, str] | None = None) -> str:
    """Write the whole document; `pictures`: key of a section → its chart as inline SVG, put before its table."""
    body = "".join(_section(section, document, (pictures or {}).get(section.key, "")) for section in document.sections)
    lead = "".join(f"<p>{escape(line)}</p>" for line in document.lead)
    return (
        f'<!DOCTYPE html>\n<html lang="{document.language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(document.title)}</title><style>{STYLE}</style></head><body><main><h1>{escape(document.title)}</h1>"
        f"<p>{escape(document.subtitle)}</p>{lead}{body}</main></body></html>\n"
    )


def _section(section: Section, document: Document, picture: str) -> str:
    parts = [f'<section aria-labelledby="{section.key}"><h2 id="{section.key}">{escape(section.title)}</h2>']
    if section.reason:
        parts.append(f'<p class="reason">{escape(section.reason)}</p>')
    if section.rows:
        table = _table(section, document.language)
        if picture and len(section.rows) > LONGEST_OPEN:
            words = "Tabel" if document.language == "nl" else "Table"
            table = f"<details><summary>{words} ({len(section.rows)})</summary>{table}</details>"
        parts.append(picture + table)
    if section.note:
        parts.append(f"<p>{escape(section.note)}</p>")
    if section.sql:
        parameters = " ".join(f":{name} = {value}" for name, value in document.parameters.items())
        parts.append(f"<details><summary>SQL</summary><pre>{escape(section.sql)}\n{escape(parameters)}</pre></details>")
    return "".join(parts) + "</section>\n"


def _table(section: Section, language: str) -> str:
    numeric = section.numeric
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
