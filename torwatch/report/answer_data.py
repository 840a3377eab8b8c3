"""An answer as data for programs: one JSON object, or rows of one CSV table; names are the same in every language."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from torwatch.report.document import Document, Interval, Label, Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torwatch.report.document import Cell

SCHEMA = "torwatch-answer/1"
CSV_COLUMNS = ("section", "row", "name", "column", "value")


def answer_object(document: Document) -> dict[str, Any]:
    """The object that JSON holds; docs/answer-data.md describes it. Limits are numbers, labels have their key beside their text."""
    return {
        "schema": SCHEMA,
        "title": document.title,
        "language": document.language,
        "period": document.subtitle,
        "lead": list(document.lead),
        "parameters": document.parameters,
        "basis": dict(document.basis),
        "sections": {section.key: _section(section) for section in document.sections},
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "columns": dict(zip(section.names, section.columns, strict=True)),
        "rows": [{name: _value(cell) for name, cell in zip(section.names, row, strict=True)} for row in section.rows],
        "note": section.note,
        "reason": section.reason,
        "sql": section.sql,
    }


def _value(cell: Cell) -> Any:
    if isinstance(cell, Interval):
        return dataclasses.asdict(cell)
    return {"key": cell.key, "text": str(cell)} if isinstance(cell, Label) else cell


def answer_rows(document: Document) -> Iterator[tuple[Cell, ...]]:
    """One row a cell: section, number of the row, stable name and heading of its column, and the value; limits are two rows.

    What is said of a whole section (title, note, reason, sql) or of the answer (title, period, lead, parameters) has no number.
    """
    yield from (("", None, name, "", value) for name, value in (("title", document.title), ("period", document.subtitle)))
    yield from (("", None, "lead", "", line) for line in document.lead)
    yield from (("", None, f"parameter_{name}", "", value) for name, value in document.parameters.items())
    words = ("laag", "hoog") if document.language == "nl" else ("low", "high")
    for section in document.sections:
        told = (("title", section.title), ("note", section.note), ("reason", section.reason), ("sql", section.sql))
        yield from ((section.key, None, name, "", text) for name, text in told if text)
        for number, row in enumerate(section.rows, 1):
            for name, column, cell in zip(section.names, section.columns, row, strict=True):
                if isinstance(cell, Interval):
                    yield (section.key, number, f"{name}_low", f"{column} {words[0]}", cell.low)
                    yield (section.key, number, f"{name}_high", f"{column} {words[1]}", cell.high)
                else:
                    yield (section.key, number, name, column, cell)
