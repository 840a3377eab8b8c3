"""What the figures rest on: markets, snapshots, parsers, and what others measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.measure.estimate import Estimate
from torwatch.report import answer_sql as sql
from torwatch.report.baselines import BASELINES
from torwatch.report.document import Label

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from torwatch.answer.asking import Asking
    from torwatch.answer.histories import History
    from torwatch.measure.estimate import Refusal
    from torwatch.report.document import Cell, Section

DUTCH_STATES = {"held": "wacht", "rejected": "verworpen"}
STATES = ("complete", "partial", "failed", "held")


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
    """What stands on each market, its snapshots with the frame, those held, and the parsers that read them."""
    parsers: list[tuple[Cell, ...]] = [(row["market"], row["parser"], row["version"], row["since"]) for row in basis.parsers]
    heads = (("market", "markt"), ("parser", "lezer"), ("version", "versie"), ("since", "sinds"))
    return [
        _markets(asking, basis),
        _snapshots(asking, basis),
        _budgets(asking),
        _held(asking),
        asking.section("parsers", ("Parser versions", "Versies van de lezers"), heads, parsers, sql.PARSERS),
    ]


def _markets(asking: Asking, basis: Basis) -> Section:
    code, scope = asking.question.country, asking.scope
    rows: list[tuple[Cell, ...]] = []
    for row in basis.snapshots:
        stands = scope.standing & (scope.market == row["market_id"])
        ours = stands & scope.here
        figures = (int(stands.sum()), int(ours.sum()), scope.vendors_of(ours))
        rows.append((row["market"], *figures, row["last_good"], row["closed"] and row["closed"][:10]))
    columns = (
        ("market", "markt"),
        ("standing", "staand"),
        (f"{code} standing", f"{code} staand", "standing_here"),
        (f"{code} vendors", f"{code} verkopers", "vendors_here"),
        ("last good look", "laatste goede keer"),
        ("closed", "gesloten"),
    )
    note = (
        "What stood at the last good look; nothing stands on a market that had closed by the end of the period.",
        "Wat er bij de laatste goede keer stond; op een markt die aan het eind van de periode gesloten was staat niets.",
    )
    return asking.section("markets", ("Extent by market", "Omvang per markt"), columns, rows, sql.MARKETS, note)


def _snapshots(asking: Asking, basis: Basis) -> Section:
    counted = ("market", "complete", "partial", "failed", "held", "imported", "pages")
    rows: list[tuple[Cell, ...]] = [(*(row[name] for name in counted), round(row["megabytes"], 2)) for row in basis.snapshots]
    columns = (
        ("market", "markt"),
        ("complete", "volledig"),
        ("partial", "deels"),
        ("failed", "mislukt"),
        ("held", "wacht"),
        ("imported", "invoer"),
        ("pages", "pagina's"),
        ("MB", "MB"),
    )
    note = (
        f"{basis.watched} of {basis.known} known markets were watched. Known are those in this database: there may be others.",
        f"{basis.watched} van {basis.known} bekende markten zijn gevolgd. Bekend is wat in deze database staat: er kunnen er meer zijn.",
    )
    return asking.section("snapshots", ("Snapshots and frame", "Opnamen en kader"), columns, rows, sql.SNAPSHOTS, note)


def _budgets(asking: Asking) -> Section:
    """How hard each target may be asked in a day, the most that one took, and on what ground it is watched."""
    general = asking.limits
    rows: list[tuple[Cell, ...]] = []
    for row in asking.rows(sql.BUDGETS):
        requests, received = row["requests_per_day"], row["bytes_per_day"]
        if general is not None:
            requests = general.requests_per_day if requests is None else requests
            received = int(general.bytes_per_day) if received is None else received
        megabytes = None if row["most_megabytes"] is None else round(row["most_megabytes"], 2)
        budgets = (requests or None, row["most_requests"], round(received / 1e6, 2) if received else None, megabytes)
        rows.append((row["market"], *budgets, row["legal_basis"] or None))
    columns = (
        ("market", "markt"),
        ("requests a day", "verzoeken per dag", "requests_per_day"),
        ("most asked", "meest gevraagd", "most_requests"),
        ("MB a day", "MB per dag", "megabytes_per_day"),
        ("most MB", "meeste MB", "most_megabytes"),
        ("legal basis", "grondslag"),
    )
    note = (
        "Budget of a day (UTC) and the most that a day of the period took; a dash: no budget but the pace, or nothing recorded.",
        "Wat een dag (UTC) mag kosten en wat een dag van de periode ten hoogste kostte; een streepje: slechts het tempo begrenst, of niets vastgelegd.",
    )
    none = ("No target is watched: all was imported.", "Er is geen doel gevolgd: alles is ingevoerd.")
    titles = ("Budgets and ground of each target", "Budgetten en grondslag per doel")
    return asking.section("budgets", titles, columns, rows, sql.BUDGETS, note if rows else ("", ""), none)


def _held(asking: Asking) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (market, day, Label(state, asking.say(state, DUTCH_STATES[state])), reason) for market, day, state, reason in asking.rows(sql.HELD)
    ]
    columns = (("market", "markt"), ("day", "dag"), ("state", "staat"), ("reason, as recorded", "reden, zoals vastgelegd", "reason"))
    note = (
        "They are in no figure. Decide on those that are held with torwatch hold list.",
        "Zij zitten in geen cijfer. Beslis over die in wacht met torwatch hold list.",
    )
    none = ("None was held or rejected.", "Er is geen in wacht of verworpen.")
    titles = ("Snapshots held or rejected", "Opnamen in wacht of verworpen")
    return asking.section("held", titles, columns, rows, sql.HELD, note if rows else ("", ""), none)


def basis_numbers(asking: Asking, basis: Basis, histories: Sequence[History], coverages: Sequence[Estimate | Refusal]) -> dict[str, Any]:
    """What every figure rests on, for programs: shares from 0 to 1; `coverage` by market, null where it is not known."""
    scope = asking.scope
    return {
        "markets_watched": basis.watched,
        "markets_known": basis.known,
        "snapshots": {state: sum(row[state] for row in basis.snapshots) for state in STATES},
        "coverage": {
            history.market: {"value": found.value, "low": found.low, "high": found.high} if isinstance(found, Estimate) else None
            for history, found in zip(histories, coverages, strict=True)
        },
        "declared_share": float(scope.declared[scope.standing].mean()) if scope.standing.any() else None,
        "parser_versions": len(basis.parsers),
        "parsers_last_changed": max((row["since"] for row in basis.parsers), default=None),
    }


def basis_line(asking: Asking, numbers: Mapping[str, Any]) -> str:
    """One line of what every figure rests on, from its numbers."""
    states = [numbers["snapshots"][state] for state in STATES]
    covered = sorted((found for found in numbers["coverage"].values() if found), key=lambda found: found["value"])
    ends = [
        f"{asking.percent(found['value'])} ({asking.percents(found['low'], found['high'])})" for found in covered[:1] + covered[1:][-1:]
    ]
    seen = " \u2013 ".join(ends) or "\u2013"
    declared, changed = asking.percent(numbers["declared_share"]), numbers["parsers_last_changed"] or "\u2013"
    watched, known = numbers["markets_watched"], numbers["markets_known"]
    return asking.say(
        f"Every figure rests on: {watched} of {known} known markets watched; snapshots: {states[0]} complete, {states[1]} partial,"
        f" {states[2]} failed, {states[3]} held; coverage of the markets {seen} %; {declared} % of the standing listings declare a country;"
        f" {numbers['parser_versions']} parser versions, last changed {changed}.",
        f"Elk cijfer rust op: {watched} van {known} bekende markten gevolgd; opnamen: {states[0]} volledig, {states[1]} deels,"
        f" {states[2]} mislukt, {states[3]} in wacht; dekking van de markten {seen} %; {declared} % van het staande aanbod noemt een land;"
        f" {numbers['parser_versions']} versies van lezers, laatst gewijzigd {changed}.",
    )


def baseline_section(asking: Asking) -> Section:
    """What others measured, each with its source."""
    columns = (("period", "periode"), ("source", "bron"), ("measure", "maat"), ("Netherlands", "Nederland"))
    rows: list[tuple[Cell, ...]] = [tuple(asking.say(*cell) for cell in row) for row in BASELINES]
    return asking.section("baselines", ("What others measured", "Wat anderen maten"), columns, rows, "")
