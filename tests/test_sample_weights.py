from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast_cli import sample_weights
from forecast_cli.panel import from_series


def test_without_weights_and_balance_all_rows_count_the_same() -> None:
    panel = from_series([np.arange(10.0)])
    assert (
        len(sample_weights.sample_weights(panel, panel.values, panel.lengths, balance=False)) == 0
    )


def test_a_column_of_weights_keeps_its_ratios_around_a_mean_of_one() -> None:
    panel = replace(from_series([np.arange(4.0)]), weights=np.array([1.0, 1.0, 2.0, 8.0]))
    found = sample_weights.sample_weights(panel, panel.values, np.array([3]), balance=False)
    assert found == pytest.approx(np.array([0.75, 0.75, 1.5, 6.0]))


def test_rare_levels_count_more_by_the_square_root_of_how_rare_they_are() -> None:
    values = np.array([0.0] * 96 + [1.0] * 4)
    found = sample_weights.rarity(values, 100)
    assert found[-1] / found[0] == pytest.approx(np.sqrt(96 / 4))
    assert found.mean() == pytest.approx(1)


def test_what_is_rare_is_told_by_the_training_part_alone() -> None:
    values = np.concatenate([np.tile([0.0, 1.0], 20), np.full(60, 1.0)])
    assert sample_weights.rarity(values, 40) == pytest.approx(np.ones(100))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60), st.integers(2, 60))
def test_weights_are_finite_positive_and_bounded(values: list[float], end: int) -> None:
    found = sample_weights.rarity(np.array(values), end)
    assert found.shape == (len(values),)
    assert ((found > 0) & (found <= sample_weights.MOST)).all()
