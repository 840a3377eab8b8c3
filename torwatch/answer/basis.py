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


def basis_line(asking: Asking, coverage: Section) -> str:
    """One line of what every figure rests on."""
    found, frame = asking.rows(sql.SNAPSHOTS), asking.rows(sql.FRAME)[0]
    states = [sum(row[state] for row in found) for state in ("complete", "partial", "failed", "held")]
    gauges = sorted(float(row[3]) for row in coverage.rows if isinstance(row[3], float))
    seen = (
        asking.percent(gauges[0] / 100) + ("" if len(gauges) == 1 else f"\u2013{asking.percent(gauges[-1] / 100)}") if gauges else "\u2013"
    )
    scope = asking.scope
    declared = asking.percent(float(scope.declared[scope.standing].mean()) if scope.standing.any() else None)
    changed = max((row["since"] for row in asking.rows(sql.PARSERS)), default="\u2013")
    return asking.say(
        f"Every figure rests on: {frame['watched']} of {frame['known']} known markets watched; snapshots: {states[0]} complete, {states[1]} partial,"
        f" {states[2]} failed, {states[3]} held; coverage of the markets {seen} %; {declared} % of the standing listings declare a country;"
        f" parsers last changed {changed}.",
        f"Elk cijfer rust op: {frame['watched']} van {frame['known']} bekende markten gevolgd; opnamen: {states[0]} volledig, {states[1]} deels,"
        f" {states[2]} mislukt, {states[3]} in wacht; dekking van de markten {seen} %; {declared} % van het staande aanbod noemt een land;"
        f" lezers laatst gewijzigd {changed}.",
    )


def baseline_section(asking: Asking) -> Section:
    """What others measured, each with its source."""
    columns = (("period", "periode"), ("source", "bron"), ("measure", "maat"), ("Netherlands", "Nederland"))
    rows: list[tuple[Cell, ...]] = [tuple(asking.say(*cell) for cell in row) for row in BASELINES]
    return asking.section("baselines", ("What others measured", "Wat anderen maten"), columns, rows, "")
