from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast_cli import calendar
from forecast_cli.calendar import Frequency
from forecast_cli.errors import DataError, SettingsError

ALIASES = [
    "s",
    "min",
    "15min",
    "30min",
    "h",
    "4h",
    "D",
    "3D",
    "W-SUN",
    "W-WED",
    "B",
    "MS",
    "ME",
    "QS-FEB",
    "QE",
    "YS",
    "YE",
]
START = np.zeros(1, np.int64)


def grid(alias: str, start: str, count: int) -> np.ndarray:
    return np.asarray(pd.date_range(start, periods=count, freq=alias).as_unit("us").asi8)


@given(
    st.sampled_from(ALIASES),
    st.dates(pd.Timestamp("1950-01-01").date(), pd.Timestamp("2100-01-01").date()),
    st.integers(12, 60),
)
def test_a_future_index_continues_the_past_one(alias: str, start: object, count: int) -> None:
    whole = grid(alias, str(start), count + 20)
    frequency = calendar.infer(whole[:count], START)
    positions = calendar.ordinals(frequency, whole[:count])
    assert (np.diff(positions) == 1).all()
    assert (calendar.times_at(frequency, positions[-1] + 1 + np.arange(20)) == whole[count:]).all()


@given(st.sampled_from(ALIASES), st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_gaps_do_not_change_the_grid(alias: str, holes: list[int]) -> None:
    whole = grid(alias, "2021-03-01", 60)
    kept = np.delete(whole, holes)
    frequency = calendar.infer(kept, START)
    assert frequency == calendar.infer(whole, START)
    assert (calendar.times_at(frequency, calendar.ordinals(frequency, kept)) == kept).all()


def test_a_time_off_the_grid_is_named() -> None:
    times = grid("h", "2024-01-01", 30)
    times[17] += 60_000_000
    with pytest.raises(DataError, match=r"most are 1 hour apart, 2024-01-01T17:01:00 is not on it"):
        calendar.infer(times, START)


def test_every_series_lies_on_the_same_grid() -> None:
    times = np.concatenate([grid("W-SUN", "2024-01-01", 9), grid("W-WED", "2024-01-01", 9)])
    with pytest.raises(DataError, match="not on one grid"):
        calendar.infer(times, np.array([0, 9]))


@pytest.mark.parametrize(
    ("alias", "words", "seasons", "horizon"),
    [
        ("h", "hourly", (24, 168), 24),
        ("30min", "every 30 minutes", (48, 336), 48),
        ("D", "daily", (7,), 7),
        ("B", "business days", (5,), 5),
        ("W-MON", "weekly", (52,), 13),
        ("MS", "monthly", (12,), 12),
        ("QE", "quarterly", (4,), 4),
        ("YS", "yearly", (), 10),
        ("min", "every minute", (1440, 10080), 10),
    ],
)
def test_frequencies_have_words_seasons_and_a_horizon(
    alias: str, words: str, seasons: tuple[int, ...], horizon: int
) -> None:
    frequency = calendar.infer(grid(alias, "2023-05-01", 30), START)
    assert calendar.describe(frequency) == words
    assert calendar.season_lengths(frequency) == seasons
    assert calendar.default_horizon(frequency) == horizon


def test_month_ends_stay_month_ends_over_leap_years() -> None:
    times = grid("ME", "2023-10-31", 4)
    frequency = calendar.infer(times, START)
    ahead = calendar.times_at(frequency, calendar.ordinals(frequency, times)[-1] + 1 + np.arange(3))
    assert [str(t.astype("datetime64[D]")) for t in ahead.view("datetime64[us]")] == [
        "2024-02-29",
        "2024-03-31",
        "2024-04-30",
    ]


def test_rows_without_a_time_are_steps() -> None:
    assert (calendar.times_at(calendar.STEPS, np.arange(5)) == np.arange(5)).all()
    assert calendar.season_lengths(Frequency("step")) == ()


@given(
    st.sampled_from([*ALIASES, "2MS", "W-THU", "QS-MAY", "YE-JUN"]),
    st.integers(0, 400),
    st.integers(2, 40),
)
def test_a_named_step_places_the_grid_where_the_times_are(
    alias: str, shift: int, count: int
) -> None:
    whole = grid(alias, str(np.datetime64("2023-01-01") + shift), count + 10)
    named = "YE" if alias == "YE-JUN" else alias
    frequency = calendar.named(named, whole[:count], START)
    positions = calendar.ordinals(frequency, whole[:count])
    assert (np.diff(positions) == 1).all()
    assert (calendar.times_at(frequency, positions[-1] + 1 + np.arange(10)) == whole[count:]).all()


@pytest.mark.parametrize("alias", ["M", "foo", "W-XXX", "0h", "2B", "-1D", ""])
def test_a_word_that_names_no_step_is_refused(alias: str) -> None:
    with pytest.raises(SettingsError) as caught:
        calendar.named(alias, grid("D", "2024-01-01", 3), START)
    assert caught.value.message == f"--freq: {alias!r} is not a step"
    assert caught.value.hint == "use e.g. --freq h, 30min, D, B, W-WED, MS, ME, QS or YE"


@pytest.mark.parametrize(
    ("alias", "start", "ahead"),
    [
        ("D", "2024-02-26", ["2024-02-29", "2024-03-01"]),
        ("D", "2023-02-26", ["2023-03-01", "2023-03-02"]),
        ("B", "2024-02-27", ["2024-03-01", "2024-03-04"]),
        ("W-WED", "2024-02-07", ["2024-02-28", "2024-03-06"]),
        ("QE", "2023-06-30", ["2024-03-31", "2024-06-30"]),
        ("QS-FEB", "2023-05-01", ["2024-02-01", "2024-05-01"]),
        ("YE", "2021-12-31", ["2024-12-31", "2025-12-31"]),
    ],
)
def test_three_steps_are_enough_to_go_on_over_leap_days_and_quarters(
    alias: str, start: str, ahead: list[str]
) -> None:
    times = grid(alias, start, 3)
    frequency = calendar.named(alias, times, START)
    last = calendar.ordinals(frequency, times)[-1]
    found = (
        calendar.times_at(frequency, last + 1 + np.arange(2))
        .view("datetime64[us]")
        .astype("datetime64[D]")
    )
    assert [str(day) for day in found] == ahead


@pytest.mark.parametrize(
    ("frequency", "last"),
    [
        (Frequency("fixed", calendar.DAY), "9999-12-31"),
        (Frequency("fixed", calendar.HOUR, 1800 * calendar.SECOND), "9999-12-31T23:30"),
        (Frequency("fixed", calendar.WEEK), "9999-12-30"),
        (Frequency("business"), "9999-12-31"),
        (Frequency("months"), "9999-12-01"),
        (Frequency("months", 12, 0, 31), "9999-01-31"),
    ],
)
def test_times_end_with_the_year_9999(frequency: Frequency, last: str) -> None:
    """Larger ones would wrap around without a word, or could not be written."""
    end = np.array([np.datetime64(last, "us").astype(np.int64)])
    position = calendar.ordinals(frequency, end)
    assert calendar.times_at(frequency, position) == end
    for beyond in (1, 1_000, 10**8, 10**12 // frequency.size + 10**6):
        with pytest.raises(DataError) as caught:
            calendar.times_at(frequency, position + beyond)
        assert f"{caught.value.message} | {caught.value.hint}" == (
            "the times go beyond the years 1 to 9999 | correct the times, or forecast fewer steps with --horizon"
        )
    assert len(calendar.times_at(frequency, np.empty(0, np.int64))) == 0
