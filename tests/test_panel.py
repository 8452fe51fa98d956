from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forecast_cli import calendar
from forecast_cli.errors import DataError
from forecast_cli.panel import (
    Panel,
    TimeFormat,
    format_times,
    from_series,
    head,
    offset_microseconds,
    select,
    tail,
    times_of,
    values_of,
)


def test_head_cuts_every_series_at_its_own_length() -> None:
    panel = from_series([np.arange(5.0), np.arange(10.0, 13.0)])
    cut = head(panel, np.array([2, 3]))
    assert values_of(cut, 0).tolist() == [0, 1]
    assert values_of(cut, 1).tolist() == [10, 11, 12]


def test_tail_keeps_the_last_rows_of_every_series_and_their_times() -> None:
    panel = from_series([np.arange(5.0), np.arange(10.0, 13.0)])
    cut = tail(panel, np.array([2, 3]))
    assert values_of(cut, 0).tolist() == [3, 4]
    assert values_of(cut, 1).tolist() == [10, 11, 12]
    for index in (0, 1):
        times = times_of(panel, index)[-len(values_of(cut, index)) :]
        assert np.array_equal(times_of(cut, index), times)


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


WITH_OFFSET = TimeFormat("%Y-%m-%dT%H:%M%z", "-01:00")
IN_TOKYO = TimeFormat("%Y-%m-%dT%H:%M", "", "Asia/Tokyo")


def hourly(time_format: TimeFormat) -> Panel:
    frequency = calendar.Frequency("fixed", calendar.HOUR)
    return from_series([np.zeros(1)], frequency, time_format=time_format)


@pytest.mark.parametrize(
    ("how", "edge"),
    [
        (WITH_OFFSET, "0001-01-01T00:00"),
        (IN_TOKYO, "0001-01-01T00:00"),
        (IN_TOKYO, "9999-12-31T23:00"),
    ],
)
def test_times_that_an_offset_moves_out_of_the_years_are_refused(
    how: TimeFormat, edge: str
) -> None:
    times = np.array([edge], "datetime64[us]").astype(np.int64)
    with pytest.raises(DataError, match="the times go beyond the years 1 to 9999"):
        format_times(hourly(how), times)


def test_times_that_an_offset_keeps_inside_the_years_are_written() -> None:
    times = np.array(["9999-12-31T23:00"], "datetime64[us]").astype(np.int64)
    assert format_times(hourly(WITH_OFFSET), times) == ["9999-12-31T22:00-01:00"]


def test_select_takes_series_in_the_order_asked_for_with_all_that_belongs_to_them() -> None:
    panel = replace(
        from_series([np.arange(2.0), np.arange(10.0, 13.0), np.full(1, 7.0)], ids=["a", "b", "c"]),
        past_names=("x",),
        past=np.arange(6.0)[:, None],
        static_names=("size",),
        static=np.array([[1.0], [2.0], [3.0]]),
        filled=np.array([0, 1, 0, 0, 1, 0], bool),
        weights=np.arange(6.0),
    )
    part = select(panel, np.array([2, 1]))
    assert part.ids == ("c", "b")
    assert part.values.tolist() == [7, 10, 11, 12]
    assert part.offsets.tolist() == [0, 1, 4]
    assert part.past[:, 0].tolist() == [5, 2, 3, 4]
    assert part.static[:, 0].tolist() == [3, 2]
    assert part.filled.tolist() == [False, False, False, True]
    assert part.weights.tolist() == [5, 2, 3, 4]


def test_the_offset_of_each_local_time_is_written_with_a_colon_if_the_file_has_one() -> None:
    times = np.array(["2024-01-01T12:00", "2024-07-01T12:00"], "datetime64[us]").astype(np.int64)
    for offset, expected in (
        ("+01:00", ["2024-01-01 13:00+01:00", "2024-07-01 14:00+02:00"]),
        ("+0100", ["2024-01-01 13:00+0100", "2024-07-01 14:00+0200"]),
    ):
        how = TimeFormat("%Y-%m-%d %H:%M%z", offset, "Europe/Berlin")
        assert format_times(hourly(how), times) == expected
