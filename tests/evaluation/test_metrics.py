from __future__ import annotations

import numpy as np
import pytest

from forecast_cli.evaluation import metrics

ACTUAL, FORECAST = np.array([1.0, 2.0, 4.0, np.nan]), np.array([2.0, 2.0, 1.0, 5.0])


def test_errors_by_hand() -> None:
    assert metrics.mae(ACTUAL, FORECAST) == pytest.approx(4 / 3)
    assert metrics.rmse(ACTUAL, FORECAST) == pytest.approx(np.sqrt(10 / 3))
    assert metrics.smape(ACTUAL, FORECAST) == pytest.approx((200 / 3 + 0 + 600 / 5) / 3)


def test_smape_of_zeros_is_zero() -> None:
    assert metrics.smape(np.zeros(3), np.zeros(3)) == 0


def test_mase_is_one_for_a_forecast_as_bad_as_seasonal_naive_was() -> None:
    training = np.array([1.0, 5.0, 2.0, 7.0, 3.0, 9.0])
    scale = metrics.mase_scale(training, 2)
    assert scale == pytest.approx((1 + 2 + 1 + 2) / 4)
    assert metrics.mase(np.array([10.0]), np.array([10 + scale]), scale) == pytest.approx(1)
    assert np.isnan(metrics.mase(np.zeros(1), np.ones(1), metrics.mase_scale(np.ones(9), 2)))
    assert np.isnan(metrics.mase_scale(training, 6))


def test_skill_is_the_share_of_the_error_that_is_gone() -> None:
    assert metrics.skill(25, 100) == 0.75
    assert np.isnan(metrics.skill(1, 0))
