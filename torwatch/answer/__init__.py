"""The answer: extent and share of one country, with what each figure rests on; composes store, normalise, measure and report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.answer.question import Question, check_country
from torwatch.errors import TorwatchError

if TYPE_CHECKING:
    from torwatch.report.document import Document
    from torwatch.store.database import Store
    from torwatch.store.spending import Limits

__all__ = ["Question", "check_country", "write_answer"]


def write_answer(store: Store, question: Question, limits: Limits | None = None) -> Document:
    """Count and estimate everything that the answer prints. Raises TorwatchError when the extra [analysis] is missing.

    `limits`: the budgets of the configuration, printed for targets without their own.
    """
    try:
        import numpy  # noqa: F401, ICN001, PLC0415 - an extra: a daemon without it stays small
    except ImportError as error:
        raise TorwatchError("the answer needs numpy: install torwatch with its extra, pip install 'torwatch[analysis]'") from error
    from torwatch.answer.writing import write_document  # noqa: PLC0415 - its modules need the extra

    return write_document(store, question, limits)
