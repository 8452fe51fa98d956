"""Greedy selection of forecasts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast_cli.panel import Floats
from forecast_cli.selection import Judge, capped, greedy

SERIES = np.array([0, 0, 1, 1])


def judge(actual: Floats) -> Judge:
    return Judge(actual=actual, series=SERIES, scales=np.array([1.0, 2.0]))


@given(seed=st.integers(0, 1000), count=st.integers(1, 6))
def test_mean_is_never_worse_than_the_best_alone(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    actual = random.normal(size=(4, 3))
    forecasts = actual + random.normal(size=(count, 4, 3)) * random.uniform(0, 3, (count, 1, 1))
    judged = judge(actual)

    weights = greedy(forecasts, judged)

    alone = [judged.error(forecast) for forecast in forecasts]
    together = judged.error(np.tensordot(weights, forecasts, axes=1))
    assert together <= min(alone) + 1e-12
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()


def test_single_forecast_has_all_the_weight() -> None:
    actual = np.zeros((4, 3))

    assert greedy(np.ones((1, 4, 3)), judge(actual)).tolist() == [1.0]


def test_opposite_errors_are_averaged_away() -> None:
    actual = np.zeros((4, 3))
    forecasts = np.stack([np.full((4, 3), 1.0), np.full((4, 3), -1.0), np.full((4, 3), 5.0)])

    assert greedy(forecasts, judge(actual)).tolist() == [0.5, 0.5, 0.0]


def test_forecast_that_is_not_finite_is_never_taken() -> None:
    actual = np.zeros((4, 3))
    broken = np.full((4, 3), np.nan)
    broken[0, 0] = np.inf

    assert greedy(np.stack([broken, np.ones((4, 3))]), judge(actual)).tolist() == [0.0, 1.0]


def test_values_that_are_not_known_do_not_count() -> None:
    actual = np.array([[0.0, np.nan, np.nan]] * 4)
    right_where_known = np.array([[0.0, 9.0, 9.0]] * 4)

    weights = greedy(np.stack([np.full((4, 3), 1.0), right_where_known]), judge(actual))

    assert weights.tolist() == [0.0, 1.0]


def test_errors_are_measured_in_the_units_of_the_file() -> None:
    actual = np.full((4, 3), 10.0)
    forecasts = np.log(np.stack([np.full((4, 3), 5.0), np.full((4, 3), 20.0)]))
    in_logs = Judge(actual, SERIES, np.ones(2), restore=np.exp)

    weights = greedy(forecasts, in_logs)

    assert weights.tolist() == [0.5, 0.5]  # the geometric mean
    assert in_logs.error(np.tensordot(weights, forecasts, axes=1)) == pytest.approx(0, abs=1e-12)


def test_too_large_a_share_is_cut_and_given_to_the_others() -> None:
    weights = np.array([0.1, 0.3, 0.4, 0.2])
    is_capped = np.array([False, False, True, True])

    cut = capped(weights, is_capped, 0.3)

    assert cut == pytest.approx([0.175, 0.525, 0.2, 0.1])
    assert capped(weights, is_capped, 0.7).tolist() == weights.tolist()


def test_both_mase_and_smape_count_relative_to_the_base() -> None:
    actual = np.full((4, 3), 10.0)
    base = np.full((4, 3), 20.0)
    judged = Judge(actual, SERIES, np.ones(2), base=base)

    # |10 - 14| / (10 + 14) over |10 - 20| / (10 + 20), and 4 over 10.
    assert judged.score(np.full((4, 3), 14.0)) == pytest.approx((0.5 + 0.4) / 2)
    assert judged.score(base) == pytest.approx(1)
    assert Judge(actual, SERIES, np.ones(2)).score(np.full((4, 3), 14.0)) == pytest.approx(4)


def test_base_without_an_error_leaves_the_mase() -> None:
    actual = np.full((4, 3), 10.0)
    judged = Judge(actual, SERIES, np.ones(2), base=actual)

    assert judged.score(np.full((4, 3), 14.0)) == pytest.approx(4)
