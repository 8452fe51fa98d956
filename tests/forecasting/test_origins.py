"""Rolling origins, and the forecasts from them that need no training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forecast_cli import baselines, planning, windows
from forecast_cli.forecasting import actual_values, baseline_forecasts, rolling_origins
from forecast_cli.forecasting.newest import without_holes
from forecast_cli.panel import Floats, Panel, from_series
from forecast_cli.settings import DataSettings
from forecast_cli.sources import settings_from

NAN = float("nan")
PLAN = planning.make(from_series([np.arange(100.0)]), settings_from(lookback=3, segment=1))


def origins_of(panel: Panel, earliest: int = 0, **more: int) -> list[tuple[int, int, int]]:
    """The series, the number and the local position of each origin."""
    asked = {"horizon": 2, "count": 3, "step": 2, **more}
    chosen, number = rolling_origins(panel, PLAN, earliest=np.full(len(panel), earliest), **asked)
    local = chosen.origins - panel.offsets[chosen.series]
    return list(zip(chosen.series.tolist(), number.tolist(), local.tolist(), strict=True))


def test_the_last_origin_is_one_horizon_before_the_end_and_the_others_a_step_apart() -> None:
    panel = from_series([np.arange(12.0), np.arange(9.0)])
    assert origins_of(panel) == [(0, 0, 6), (0, 1, 8), (0, 2, 10), (1, 0, 3), (1, 1, 5), (1, 2, 7)]


def test_origins_that_are_not_allowed_or_have_no_whole_window_are_left_out() -> None:
    panel = from_series([np.arange(12.0), np.arange(6.0), np.arange(2.0)])
    assert origins_of(panel) == [(0, 0, 6), (0, 1, 8), (0, 2, 10), (1, 2, 4)]
    assert origins_of(panel, earliest=9) == [(0, 2, 10)]


def test_origins_with_a_hole_in_their_window_are_left_out() -> None:
    values = np.arange(12.0)
    values[4] = NAN
    assert origins_of(from_series([values])) == [(0, 1, 8), (0, 2, 10)]


@pytest.mark.parametrize(
    ("gaps", "numbers"), [("auto", [0, 2]), ("interpolate", [0, 2]), ("ffill", [0, 1, 2])]
)
def test_an_origin_behind_an_interpolated_step_is_left_out_as_later_rows_are_in_it(
    gaps: str, numbers: list[int]
) -> None:
    filled = np.zeros(12, bool)
    filled[7] = True
    reading = DataSettings(gaps=gaps)  # type: ignore[arg-type]
    panel = replace(from_series([np.arange(12.0)]), filled=filled, reading=reading)
    assert [number for _, number, _ in origins_of(panel)] == numbers


def test_what_was_filled_in_is_no_actual_value() -> None:
    filled = np.array([False] * 10 + [True, False])
    panel = replace(from_series([np.arange(12.0)]), filled=filled)
    chosen = windows.of_origins(np.zeros(1, np.int64), np.array([9]), 3, 3)
    assert np.isnan(actual_values(panel, chosen)).tolist() == [[False, True, False]]


# -- forecasts that need no training -----------------------------------------------------------


def one_at_a_time(values: Floats, origin: int, horizon: int, season: int) -> dict[str, Floats]:
    """The same forecasts of one window, without any sharing of work."""
    newest = without_holes(values[max(origin - 5 * season, 0) : origin], season)[None]
    known = np.flatnonzero(~np.isnan(values[:origin]))
    full = np.interp(np.arange(known[0], origin), known, values[known])[None]
    line = np.array([[full[0, 0], *np.zeros(full.shape[1] - 2), full[0, -1]]])
    return {
        "naive": baselines.naive(newest, horizon)[0],
        "seasonal_naive": baselines.seasonal_naive(newest, horizon, season)[0],
        "drift": baselines.drift(line, horizon)[0],
        "seasonal_mean": baselines.seasonal_mean(newest, horizon, season)[0],
    }


@pytest.mark.parametrize("holes", [False, True])
def test_all_windows_at_once_are_forecast_as_each_one_alone(holes: bool) -> None:
    random = np.random.default_rng(3)
    series = [random.normal(10, 3, length) for length in (60, 23, 9)]
    if holes:
        series[0][[0, 11, 12, 30]] = NAN
        series[1][2] = NAN
    panel = from_series(series)
    chosen, _ = rolling_origins(
        panel, PLAN, horizon=5, count=12, step=1, earliest=np.zeros(3, np.int64)
    )
    assert len(chosen) >= 20
    forecasts = baseline_forecasts(panel, chosen, season=4)
    for row, (index, origin) in enumerate(zip(chosen.series, chosen.origins, strict=True)):
        local = int(origin - panel.offsets[index])
        alone = one_at_a_time(series[index], local, 5, 4)
        for name, expected in alone.items():
            assert forecasts[name][row] == pytest.approx(expected), name


def test_drift_goes_by_steps_and_not_by_known_values() -> None:
    panel = from_series([np.array([1.0, NAN, NAN, 7.0, 9.0, 0.0, 0.0])])
    chosen = windows.of_origins(np.zeros(1, np.int64), np.array([5]), 2, 2)
    assert baseline_forecasts(panel, chosen, 2)["drift"].tolist() == [[11.0, 13.0]]
