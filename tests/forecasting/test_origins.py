"""Rolling origins: which windows they are, and what naive forecasts see from each."""

from __future__ import annotations

import numpy as np

from forecast_cli import forecasting
from forecast_cli.panel import from_series
from forecast_cli.windows import Windows


def test_origins_are_a_step_apart_and_the_last_one_is_a_horizon_before_the_end() -> None:
    panel = from_series([np.arange(20.0), np.arange(12.0)])
    chosen, number = forecasting.rolling_origins(
        panel, lookback=4, horizon=3, count=3, step=5, earliest=np.array([0, 0])
    )
    assert chosen.series.tolist() == [0, 0, 0, 1, 1]
    assert chosen.origins.tolist() == [7, 12, 17, 24, 29]
    assert number.tolist() == [0, 1, 2, 1, 2]


def test_origins_before_the_earliest_or_behind_a_hole_are_left_out() -> None:
    values = np.arange(20.0)
    values[9] = np.nan
    panel = from_series([values])
    chosen, _ = forecasting.rolling_origins(
        panel, lookback=4, horizon=3, count=3, step=5, earliest=np.array([8])
    )
    assert chosen.origins.tolist() == [17]


def test_naive_forecasts_by_hand() -> None:
    panel = from_series([np.array([1.0, 4.0, 3.0, 8.0, 5.0, 100.0, 200.0])])
    chosen = Windows(np.zeros(1, np.int64), np.array([5]), 2, 2)
    forecasts = forecasting.baseline_forecasts(panel, chosen, season=2)
    assert forecasts["naive"].tolist() == [[5, 5]]
    assert forecasts["seasonal_naive"].tolist() == [[8, 5]]
    assert forecasts["drift"].tolist() == [[6, 7]]
    assert forecasting.actual_values(panel, chosen).tolist() == [[100, 200]]


def test_naive_forecasts_see_nothing_after_their_origin() -> None:
    before = np.random.default_rng(1).normal(size=30)
    after = before.copy()
    after[20:] = 1e6
    chosen = Windows(np.zeros(1, np.int64), np.array([20]), 8, 3)
    one = forecasting.baseline_forecasts(from_series([before]), chosen, season=4)
    other = forecasting.baseline_forecasts(from_series([after]), chosen, season=4)
    for name in forecasting.BASELINES:
        assert one[name].tolist() == other[name].tolist()
