"""What the figures rest on: markets, snapshots, parsers, and what others measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.measure.estimate import Estimate, Refusal
from torwatch.report import answer_sql as sql
from torwatch.report.baselines import BASELINES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from torwatch.answer.asking import Asking
    from torwatch.report.document import Cell, Section


@dataclass(frozen=True, slots=True)
class Basis:
    """Rows of the period: its snapshots by market, its parsers by market and version; and how many markets were watched of those known."""

    snapshots: list[sqlite3.Row]
    parsers: list[sqlite3.Row]
    watched: int
    known: int


def read_basis(asking: Asking) -> Basis:
    """Read what the figures rest on."""
    frame = asking.rows(sql.FRAME)[0]
    return Basis(asking.rows(sql.SNAPSHOTS), asking.rows(sql.PARSERS), frame["watched"], frame["known"])


def basis_sections(asking: Asking, basis: Basis) -> list[Section]:
    """Snapshots by market with the frame, and the parsers that read them."""
    counted: list[tuple[Cell, ...]] = [
        (row["market"], row["complete"], row["partial"], row["failed"], row["held"], row["pages"], round(row["megabytes"], 2))
        for row in basis.snapshots
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
    note = (
        f"{basis.watched} of {basis.known} known markets were watched.",
        f"{basis.watched} van {basis.known} bekende markten zijn gevolgd.",
    )
    parsers: list[tuple[Cell, ...]] = [(row["market"], row["parser"], row["version"], row["since"]) for row in basis.parsers]
    heads = (("market", "markt"), ("parser", "lezer"), ("version", "versie"), ("since", "sinds"))
    return [
        asking.section("snapshots", ("Snapshots and frame", "Opnamen en kader"), columns, counted, sql.SNAPSHOTS, note),
        asking.section("parsers", ("Parser versions", "Versies van de lezers"), heads, parsers, sql.PARSERS),
    ]


def basis_line(asking: Asking, basis: Basis, coverages: Sequence[Estimate | Refusal]) -> str:
    """One line of what every figure rests on; `coverages`: one a market."""
    states = [sum(row[state] for row in basis.snapshots) for state in ("complete", "partial", "failed", "held")]
    covered = sorted(found.value for found in coverages if isinstance(found, Estimate))
    seen = "\u2013".join(asking.percent(share) for share in dict.fromkeys((covered[0], covered[-1]))) if covered else "\u2013"
    scope = asking.scope
    declared = asking.percent(float(scope.declared[scope.standing].mean()) if scope.standing.any() else None)
    changed = max((row["since"] for row in basis.parsers), default="\u2013")
    return asking.say(
        f"Every figure rests on: {basis.watched} of {basis.known} known markets watched; snapshots: {states[0]} complete, {states[1]} partial,"
        f" {states[2]} failed, {states[3]} held; coverage of the markets {seen} %; {declared} % of the standing listings declare a country;"
        f" parsers last changed {changed}.",
        f"Elk cijfer rust op: {basis.watched} van {basis.known} bekende markten gevolgd; opnamen: {states[0]} volledig, {states[1]} deels,"
        f" {states[2]} mislukt, {states[3]} in wacht; dekking van de markten {seen} %; {declared} % van het staande aanbod noemt een land;"
        f" lezers laatst gewijzigd {changed}.",
    )


def baseline_section(asking: Asking) -> Section:
    """What others measured, each with its source."""
    columns = (("period", "periode"), ("source", "bron"), ("measure", "maat"), ("Netherlands", "Nederland"))
    rows: list[tuple[Cell, ...]] = [tuple(asking.say(*cell) for cell in row) for row in BASELINES]
    return asking.section("baselines", ("What others measured", "Wat anderen maten"), columns, rows, "")
