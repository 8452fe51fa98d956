from __future__ import annotations

import numpy as np

from forecast_cli.calendar import DAY, Frequency
from forecast_cli.forecasting.times import times_of_steps, written
from forecast_cli.panel import Panel, TimeFormat, format_times, from_series, times_of


def daily_panel() -> Panel:
    return from_series(
        [np.arange(5.0), np.arange(3.0)],
        Frequency("fixed", DAY),
        first=[10, 12],
        time_format=TimeFormat("%Y-%m-%d"),
    )


def test_steps_of_many_series_have_the_times_that_each_series_has_alone() -> None:
    panel = daily_panel()
    series, steps = np.array([0, 1, 1]), np.array([4, 0, 5])
    expected = [int(times_of(panel, 0)[4]), int(times_of(panel, 1)[0]), 17 * DAY]
    assert times_of_steps(panel, series, steps).tolist() == expected


def test_times_that_repeat_are_written_in_their_order() -> None:
    panel = daily_panel()
    times = np.array([2, 0, 2, 1]) * DAY
    assert written(panel, times) == ["1970-01-03", "1970-01-01", "1970-01-03", "1970-01-02"]
    assert written(panel, times) == format_times(panel, times)
    assert written(panel, times[:0]) == []
