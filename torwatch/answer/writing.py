"""The whole answer, section by section."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.answer.asking import Asking
from torwatch.answer.basis import baseline_section, basis_line, basis_numbers, basis_sections, read_basis
from torwatch.answer.extent import destination_sections, extent_section, goods_sections, home_section
from torwatch.answer.histories import read_histories
from torwatch.answer.levels import gauge_histories, level_sections, seen_of_standing
from torwatch.answer.lives import life_sections, lives_by_market
from torwatch.answer.money import money_sections
from torwatch.answer.prices import price_section
from torwatch.answer.sales import read_feedback, sales_sections
from torwatch.answer.scams import scam_section
from torwatch.answer.scope import read_scope
from torwatch.answer.sellers import seller_sections
from torwatch.answer.shares import share_sections
from torwatch.answer.trends import trend_sections
from torwatch.normalise.country import country_name
from torwatch.report.document import Document

if TYPE_CHECKING:
    from torwatch.answer.question import Question
    from torwatch.store.database import Store
    from torwatch.store.spending import Limits


def write_document(store: Store, question: Question, limits: Limits | None) -> Document:
    """Count and estimate everything that the answer prints."""
    asking = Asking(store, question, read_scope(store, question), limits)
    basis, feedback = read_basis(asking), read_feedback(asking)
    lives = lives_by_market(asking.scope.looks, asking.scope.spells, question.parameters["until"])
    histories = read_histories(asking, {row["market_id"]: row["market"] for row in basis.snapshots}, lives)
    coverages = gauge_histories(histories, question.seed)
    sections = (
        *share_sections(asking, seen_of_standing(asking.scope, histories, coverages)),
        extent_section(asking),
        *destination_sections(asking),
        *seller_sections(asking),
        *sales_sections(asking, feedback),
        *money_sections(asking, feedback),
        *trend_sections(asking),
        *goods_sections(asking),
        home_section(asking),
        scam_section(asking, feedback),
        price_section(asking),
        *level_sections(asking, histories, coverages),
        *life_sections(asking, lives),
        *basis_sections(asking, basis),
        baseline_section(asking),
    )
    lead = asking.say(
        "Origins are what vendors claim, not what is proven. The share is the figure to quote: a count is of what was seen, a floor.",
        "Herkomst is wat verkopers beweren, niet wat bewezen is. Het aandeel is het cijfer om te noemen: een aantal is wat gezien is, een ondergrens.",
    )
    name = country_name(question.country, question.language)
    title = asking.say(f"{name} on the markets watched", f"{name} op de gevolgde markten")
    period = f"{question.since.date()} \u2013 {question.until.date()}"
    numbers = basis_numbers(asking, basis, histories, coverages)
    return Document(title, question.language, period, (lead, basis_line(asking, numbers)), sections, question.parameters, numbers)
