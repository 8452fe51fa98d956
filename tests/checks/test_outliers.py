"""Which values are outliers, wherever they are, and which are not."""

from __future__ import annotations

import numpy as np
import pytest

from forecast_cli.checks.outliers import LIMIT, find_outliers

T = np.arange(400)


@pytest.mark.parametrize("position", [0, 3, 10, 200, 392, 396, 399])
def test_one_odd_value_is_found_once_wherever_it_is(position: int) -> None:
    values = 10 * np.sin(T / 7 * 2 * np.pi) + np.random.default_rng(3).normal(size=400)
    assert find_outliers(values, 7)[0].tolist() == []
    values[position] += 60
    at, scores = find_outliers(values, 7)
    assert at.tolist() == [position]
    assert scores[0] > LIMIT


def test_a_change_of_level_is_no_outlier_and_equal_values_with_a_spike_have_one() -> None:
    values = np.random.default_rng(4).normal(size=400)
    values[200:] += 100
    assert len(find_outliers(values, 7)[0]) == 0
    spike = np.full(100, 5.0)
    spike[40] = 90
    assert find_outliers(spike, 1)[0].tolist() == [40]
    assert (
        len(find_outliers(np.full(100, 5.0), 1)[0])
        == len(find_outliers(np.full(100, np.nan), 1)[0])
        == 0
    )
    assert len(find_outliers(np.array([1.0, 2.0]), 7)[0]) == 0
