"""Bounds of forecasts from any windows: on both sides of the forecast, or left empty."""

from __future__ import annotations

import numpy as np

from forecast_cli.forecasting import rolling
from forecast_cli.forecasting.prediction import Prediction


def test_quantiles_that_residuals_would_narrow_past_the_forecast_stop_before_it() -> None:
    """(B, H, Q) answers of a network whose quantiles are too wide on the whole, and here and there narrow."""
    values = np.array([[[-0.1, 0.0, 0.2], [-3.0, 0.0, 4.0], [0.0, 0.0, 0.0]]])
    unit = np.array([2.0])
    prediction = Prediction(values, unit, np.ones(1), np.empty((0, 1, 3)))
    narrower, least = np.full(3, 0.5), np.full(3, 0.05)
    lower, upper = rolling.Offset(np.eye(3)[0], narrower), rolling.Offset(np.eye(3)[2], -narrower)
    low = rolling.bound_distance(prediction, unit, 1, lower, least, -1)
    high = rolling.bound_distance(prediction, unit, 1, upper, least, 1)
    assert low.tolist() == [[-0.1, -2.0, -0.1]]
    assert high.tolist() == [[0.1, 3.0, 0.1]]


def test_bounds_that_are_not_on_both_sides_are_left_empty_but_for_constants() -> None:
    values = np.array([[1.0, 2.0], [3.0, 3.0]])
    low, high = np.array([[0.5, 2.0], [3.0, 3.0]]), np.array([[1.5, 2.5], [3.0, 3.0]])
    rolling.empty_unordered_bounds(values, {80.0: (low, high)}, np.array([False, True]))
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [[False, True], [False, False]]


def test_steps_beyond_those_that_were_measured_have_no_known_bound() -> None:
    offsets = np.array([1.0, 2.0, 3.0])
    assert rolling.stretched(offsets, 2).tolist() == [1, 2]
    longer = rolling.stretched(offsets, 5)
    assert longer[:3].tolist() == [1, 2, 3]
    assert np.isnan(longer[3:]).all()
