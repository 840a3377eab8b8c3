from __future__ import annotations

import numpy as np
import pytest

from torwatch.measure import resample


def test_draws_have_the_mean_of_the_table_and_the_spread_of_its_rows(monkeypatch):
    rows = np.random.default_rng(1).exponential(3, (200, 2))
    sums = resample.draw_sums(rows, np.random.default_rng(2), draws=4_000)
    assert sums.shape == (4_000, 2)
    assert sums.mean(axis=0) == pytest.approx(rows.sum(axis=0), rel=0.01)
    assert sums.std(axis=0) == pytest.approx(np.sqrt(200) * rows.std(axis=0), rel=0.05)


def test_a_market_too_large_for_one_part_is_drawn_in_parts(monkeypatch):
    monkeypatch.setattr(resample, "CELLS_AT_ONCE", 7)
    sums = resample.draw_sums(np.ones((5, 1)), np.random.default_rng(2), draws=11)
    assert sums.tolist() == [[5.0]] * 11


def test_nothing_to_draw_gives_nothing():
    assert not resample.draw_sums(np.zeros((0, 3)), np.random.default_rng(2), draws=4).any()
