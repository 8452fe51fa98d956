from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecast_cli import calendar
from forecast_cli.panel import TimeFormat, format_times, from_series, head, offset_microseconds, times_of, values_of


def test_head_cuts_every_series_at_its_own_length() -> None:
    panel = from_series([np.arange(5.0), np.arange(10.0, 13.0)])
    cut = head(panel, np.array([2, 3]))
    assert values_of(cut, 0).tolist() == [0, 1]
    assert values_of(cut, 1).tolist() == [10, 11, 12]


def test_covariates_follow_their_series_and_known_ones_go_on_after_the_cut() -> None:
    panel = from_series([np.arange(4.0), np.arange(3.0)])
    panel = replace(
        panel,
        past_names=("temperature",),
        future_names=("promo",),
        past=np.arange(7.0)[:, None],
        future=10 + np.arange(7.0)[:, None],
        ahead=np.array([[[100.0]], [[200.0]]]),
    )
    cut = head(panel, np.array([2, 3]))
    assert cut.past[:, 0].tolist() == [0, 1, 4, 5, 6]
    assert cut.future[:, 0].tolist() == [10, 11, 14, 15, 16]
    assert np.array_equal(cut.ahead[:, :, 0], [[12, 13, 100], [200, np.nan, np.nan]], equal_nan=True)


def test_times_come_back_as_the_file_writes_them() -> None:
    panel = from_series(
        [np.zeros(3)],
        calendar.Frequency("fixed", calendar.HOUR),
        first=[24 * 365],
        time_format=TimeFormat("%d/%m/%Y %H:%M%z", "+05:30"),
    )
    assert format_times(panel, times_of(panel, 0, 0, 1)) == ["01/01/1971 05:30+05:30"]


def test_offsets_are_read() -> None:
    assert offset_microseconds("Z") == 0
    assert offset_microseconds("-0330") == -(3 * 60 + 30) * calendar.MINUTE
    assert offset_microseconds("+02:00") == 2 * calendar.HOUR
