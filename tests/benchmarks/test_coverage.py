"""The intervals of the seasonal naive forecast, by the method of the tool."""

from __future__ import annotations

import numpy as np

from benchmarks import coverage, scores, suites
from forecast_cli import forecasting


def test_a_network_of_zeros_is_the_seasonal_naive_forecast() -> None:
    suite = suites.airline()
    panel, settings = coverage.read_training(suite)
    model = coverage.seasonal_naive_model(panel, settings)
    found = forecasting.forecast(panel, model, ())
    np.testing.assert_allclose(found.values[0], scores.seasonal_naive(suite)[""])


def test_its_intervals_are_scored() -> None:
    figure = coverage.of_seasonal_naive(suites.airline())
    assert (figure["suite"], figure["method"]) == ("airline", "seasonal naive")
    assert set(figure["coverage_percent"]) == set(figure["msis"]) == {"80", "95"}
    assert 50 <= figure["coverage_percent"]["80"] <= figure["coverage_percent"]["95"] <= 100
