from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forecast_cli import calendar
from forecast_cli.errors import DataError
from forecast_cli.panel import (
    TimeFormat,
    format_times,
    from_series,
    head,
    offset_microseconds,
    times_of,
    values_of,
)


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
    expected = np.array([[12, 13, 100], [200, np.nan, np.nan]])
    assert np.array_equal(cut.ahead[:, :, 0], expected, equal_nan=True)


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


def test_years_before_1000_are_written_with_their_zeros() -> None:
    panel = from_series(
        [np.zeros(1)], calendar.Frequency("fixed", calendar.DAY), time_format=TimeFormat("%d.%m.%Y")
    )
    times = np.array(
        ["0001-02-03", "0999-12-31", "1000-01-01", "9999-12-31"], "datetime64[us]"
    ).astype(np.int64)
    assert format_times(panel, times) == ["03.02.0001", "31.12.0999", "01.01.1000", "31.12.9999"]


@pytest.mark.parametrize(
    "how",
    [TimeFormat("%Y-%m-%dT%H:%M%z", "-01:00"), TimeFormat("%Y-%m-%dT%H:%M", "", "Asia/Tokyo")],
)
def test_times_that_an_offset_moves_out_of_the_years_are_refused(how: TimeFormat) -> None:
    panel = from_series([np.zeros(1)], calendar.Frequency("fixed", calendar.HOUR), time_format=how)
    for edge in ("0001-01-01T00:00", "9999-12-31T23:00"):
        times = np.array([edge], "datetime64[us]").astype(np.int64)
        if edge[0] == "9" and how.offset:
            assert format_times(panel, times) == ["9999-12-31T22:00-01:00"]
            continue
        with pytest.raises(DataError, match="the times go beyond the years 1 to 9999"):
            format_times(panel, times)
