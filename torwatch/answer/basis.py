"""What the figures rest on: markets, snapshots, parsers, and what others measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.report import answer_sql as sql
from torwatch.report.baselines import BASELINES

if TYPE_CHECKING:
    from torwatch.answer.asking import Asking
    from torwatch.report.document import Cell, Section


def basis_sections(asking: Asking) -> list[Section]:
    """Snapshots by market with the frame, and the parsers that read them."""
    counted: list[tuple[Cell, ...]] = [
        (row["market"], row["complete"], row["partial"], row["failed"], row["held"], row["pages"], round(row["megabytes"], 2))
        for row in asking.rows(sql.SNAPSHOTS)
    ]
    columns = (
        ("market", "markt"),
        ("complete", "volledig"),
        ("partial", "deels"),
        ("failed", "mislukt"),
        ("held", "wacht"),
        ("pages", "pagina's"),
        ("MB", "MB"),
    )
    frame = asking.rows(sql.FRAME)[0]
    note = (
        f"{frame['watched']} of {frame['known']} known markets were watched.",
        f"{frame['watched']} van {frame['known']} bekende markten zijn gevolgd.",
    )
    parsers: list[tuple[Cell, ...]] = [(row["market"], row["parser"], row["version"], row["since"]) for row in asking.rows(sql.PARSERS)]
    heads = (("market", "markt"), ("parser", "lezer"), ("version", "versie"), ("since", "sinds"))
    return [
        asking.section("snapshots", ("Snapshots and frame", "Opnamen en kader"), columns, counted, sql.SNAPSHOTS, note),
        asking.section("parsers", ("Parser versions", "Versies van de lezers"), heads, parsers, sql.PARSERS),
    ]


def baseline_section(asking: Asking) -> Section:
    """What others measured, each with its source."""
    columns = (("period", "periode"), ("source", "bron"), ("measure", "maat"), ("Netherlands", "Nederland"))
    rows: list[tuple[Cell, ...]] = [tuple(asking.say(*cell) for cell in row) for row in BASELINES]
    return asking.section("baselines", ("What others measured", "Wat anderen maten"), columns, rows, "")
