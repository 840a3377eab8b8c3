"""What speaks of scams: claims only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.measure.estimate import Estimate
from torwatch.measure.share import wilson
from torwatch.report import answer_sql as sql

if TYPE_CHECKING:
    from torwatch.answer.asking import Asking
    from torwatch.answer.sales import Feedback
    from torwatch.report.document import Cell, Section


def scam_section(asking: Asking, feedback: Feedback) -> Section:
    """Claims of scams: complaints, bans, phishing checks, addresses that are not what they should be, and closed markets."""
    row = asking.rows(sql.SIGNS)[0]
    here, code = asking.scope.here[feedback.listing], asking.question.country
    rows: list[tuple[Cell, ...]] = [
        (asking.label("feedback_read", "feedback read", "gelezen beoordelingen"), feedback.read),
        (
            asking.label("complaints", "that speaks of non-delivery or scam", "die van niet leveren of oplichting spreekt"),
            feedback.complaints,
        ),
        (asking.label("feedback_read_here", f"feedback on {code} listings", f"beoordelingen van {code} aanbod"), int(here.sum())),
        (
            asking.label("complaints_here", f"of these, non-delivery or scam, {code}", f"daarvan niet leveren of oplichting, {code}"),
            int(feedback.complains[here].sum()),
        ),
        (
            asking.label("banned_accounts", "accounts that their market calls banned", "rekeningen die hun markt uitgesloten noemt"),
            row["banned"],
        ),
        (asking.label("phishing_checks", "pages that looked like phishing checks", "pagina's als phishing-controle"), row["phishing"]),
        (
            asking.label(
                "not_on_list", "addresses that are not on their market's signed list", "adressen die niet op de getekende lijst staan"
            ),
            row["not_on_list"],
        ),
        (
            asking.label("wrong_market", "addresses that served another market", "adressen die een andere markt toonden"),
            row["wrong_market"],
        ),
        (asking.label("markets_closed", "markets closed", "gesloten markten"), row["closed"]),
    ]
    part = wilson(feedback.complaints, feedback.read)
    note = ("Claims only; none was checked.", "Slechts beweringen; geen is nagegaan.")
    if isinstance(part, Estimate):
        limits = f"{asking.percent(part.value)} % ({asking.percents(part.low, part.high)})"
        note = (
            f"{note[0]} {limits} of the feedback read speaks of it: a plain proportion with Wilson's 95 % limits, as if each were written apart.",
            f"{note[1]} {limits} van de gelezen beoordelingen spreekt ervan: een gewoon aandeel met Wilsons 95 %-grenzen, alsof elke op zichzelf staat.",
        )
    columns = (("claim", "bewering"), ("number", "aantal"))
    return asking.section("scams", ("Scam indicators", "Aanwijzingen van oplichting"), columns, rows, sql.SCAMS, note)
