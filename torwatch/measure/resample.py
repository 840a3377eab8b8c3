"""Bootstrap by clusters: the sums of a table whose rows are drawn again, with replacement, many times."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

DRAWS = 1_000
ALIKE = 4  # so many clusters a distinct row, or more: the distinct ones are drawn, each as often as it comes
CELLS_AT_ONCE = 2_000_000  # counts of a part of the draws: all at once would take gigabytes for a large market


def draw_sums(rows: np.ndarray, rng: np.random.Generator, *, draws: int = DRAWS) -> np.ndarray:
    """Array of draws x columns: each row the sum of as many rows of `rows` (clusters x columns) as there are, drawn with replacement."""
    import numpy  # noqa: PLC0415, ICN001 - an extra: the daemon runs without it

    size = len(rows)
    sums = numpy.zeros((draws, rows.shape[1]))
    if not size:
        return sums
    distinct, times = numpy.unique(rows, axis=0, return_counts=True)
    if len(distinct) * ALIKE <= size:
        drawn: np.ndarray = rng.multinomial(size, times / size, draws) @ distinct
        return drawn
    at_once = max(1, CELLS_AT_ONCE // size)
    for start in range(0, draws, at_once):
        part = min(at_once, draws - start)
        picked = rng.integers(0, size, (part, size)) + numpy.arange(part)[:, None] * size
        times = numpy.bincount(picked.ravel(), minlength=part * size).reshape(part, size)
        sums[start : start + part] = times @ rows
    return sums
