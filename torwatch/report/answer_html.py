"""An answer as one HTML file: no script, nothing from outside, a strict content security policy, made for paper as for the screen."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from torwatch.report.document import DATE, Document, Section, show_cell, show_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torwatch.report.document import Cell

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'none'; base-uri 'none'; form-action 'none'"
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.7rem;line-height:1.2;margin-bottom:.3rem}h2{font-size:1.2rem;line-height:1.3;margin:2rem 0 .5rem;border-bottom:2px solid #24527a}
table{border-collapse:collapse;min-width:100%;font-size:.9rem}caption,.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{padding:.25rem .5rem;border-bottom:1px solid #ccc;text-align:left;vertical-align:top}
thead th{vertical-align:bottom}tbody th{font-weight:normal}
.d{white-space:nowrap}.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}thead .n{white-space:normal}
.table{position:relative;overflow-x:auto}.table:focus-visible{outline:2px solid #24527a}
p.reason{background:#fff4d6;border-left:4px solid #b57700;padding:.4rem .6rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.75rem;background:#f4f4f4;padding:.5rem}
figure{margin:.5rem 0 1rem}svg{display:block;max-width:100%;height:auto;overflow:visible}.narrow,.paper{display:none}
@media screen and (max-width:40rem){.wide{display:none}.narrow{display:block}th,td{padding:.25rem .3rem}td:not(.n,.d){min-width:8rem}}
@page{size:A4;margin:15mm}
@media print{body{font-size:9.5pt;margin:0;padding:0;max-width:none}table{font-size:8pt}th,td{padding:.15rem .3rem}h2{margin-top:1.2rem}
h1,h2,figure{break-after:avoid}figure,tr,.short,p{break-inside:avoid}thead{display:table-header-group}p{orphans:3;widows:3}
.table{overflow:visible}details{display:none}.paper{display:block}}
"""
LONGEST_OPEN = 40  # rows: a longer table beside a chart is opened by who wants it
UNBROKEN = re.compile(r"[^\s]{1,24}")  # a text of no blank, an interval for instance, stays on its line
LONGEST_WHOLE = 20  # rows: a table up to here is not cut between two pages of paper


def answer_html(document: Document, pictures: Mapping[str, str] | None = None) -> str:
    """Write the whole document; `pictures`: key of a section → its chart as inline SVG, put before its table."""
    body = "".join(_section(section, document, (pictures or {}).get(section.key, "")) for section in document.sections)
    lead = "".join(f"<p>{escape(show_text(line, document.language))}</p>" for line in document.lead)
    return (
        f'<!DOCTYPE html>\n<html lang="{document.language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(document.title)}</title><style>{STYLE}</style></head><body><main><h1>{escape(document.title)}</h1>"
        f"<p>{escape(show_text(document.subtitle, document.language))}</p>{lead}{body}</main></body></html>\n"
    )


def _section(section: Section, document: Document, picture: str) -> str:
    language = document.language
    parts = [f'<section aria-labelledby="{section.key}"><h2 id="{section.key}">{escape(section.title)}</h2>']
    if section.reason:
        parts.append(f'<p class="reason">{escape(show_text(section.reason, language))}</p>')
    if picture:
        parts.append(f"<figure>{picture}</figure>")
    if section.rows:
        table = _table(section, language)
        if picture and len(section.rows) > LONGEST_OPEN:
            number, dutch = show_cell(len(section.rows), language), language == "nl"
            summary = f"Tabel van {number} rijen" if dutch else f"Table of {number} rows"
            paper = f"{summary}: op het scherm, niet op papier." if dutch else f"{summary}: on the screen, not on paper."
            table = f'<details><summary>{summary}</summary>{table}</details><p class="paper">{paper}</p>'
        parts.append(table)
    if section.note:
        parts.append(f"<p>{escape(show_text(section.note, language))}</p>")
    if section.sql:
        parameters = " ".join(f":{name} = {value}" for name, value in document.parameters.items())
        parts.append(
            f'<details><summary>SQL<span class="hidden">: {escape(section.title)}</span></summary>'
            f"<pre>{escape(section.sql)}\n{escape(parameters)}</pre></details>"
        )
    return "".join(parts) + "</section>\n"


def _table(section: Section, language: str) -> str:
    """The table, in a frame that scrolls by itself, also with the keyboard, where the screen is too narrow."""
    numeric = section.numeric
    head = "".join(f'<th scope="col"{_right(right)}>{escape(column)}</th>' for column, right in zip(section.columns, numeric, strict=True))
    rows = "".join("<tr>" + "".join(_cells(row, numeric, language)) + "</tr>" for row in section.rows)
    short = " short" if len(section.rows) <= LONGEST_WHOLE else ""
    return (
        f'<div class="table{short}" role="group" tabindex="0" aria-labelledby="{section.key}"><table><caption>{escape(section.title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _cells(row: Sequence[Cell], numeric: Sequence[bool], language: str) -> Iterator[str]:
    """The cells of a row; the first one is its heading."""
    for at, (cell, right) in enumerate(zip(row, numeric, strict=True)):
        begin, end = ('th scope="row"', "th") if at == 0 else ("td", "td")
        kind = _right(right) or (' class="d"' if isinstance(cell, str) and (DATE.fullmatch(cell) or UNBROKEN.fullmatch(cell)) else "")
        yield f"<{begin}{kind}>{escape(show_cell(cell, language))}</{end}>"


def _right(numeric: bool) -> str:  # noqa: FBT001 - one fact, said by its name
    return ' class="n"' if numeric else ""
