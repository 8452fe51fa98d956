from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast_cli.panel import Floats
from forecast_cli.planning import Decided
from forecast_cli.planning import seasonal_rules as seasonal

ROOM = 10_000


@pytest.mark.parametrize(
    ("season", "horizon", "rows", "lookback"),
    [
        (168, 48, 900, 168),
        (12, 24, 300, 60),
        (7, 56, 700, 140),
        (12, 12, 120, 24),
        (52, 8, 105, 26),
        (12, 6, 24, 6),
    ],
)
def test_a_lookback_is_some_whole_seasons_or_a_quarter_of_the_rows(
    season: int, horizon: int, rows: int, lookback: int
) -> None:
    decided = seasonal.choose_lookback(None, season, horizon, rows, ROOM)
    assert decided.value == lookback


def test_a_lookback_that_was_asked_for_stands() -> None:
    assert seasonal.choose_lookback(31, 12, 12, 100, ROOM) == Decided(31, "as given")


@pytest.mark.parametrize(
    ("lookback", "season", "segment"),
    [(168, 168, 56), (168, 24, 56), (60, 12, 12), (140, 7, 28), (24, 12, 8), (26, 52, 2)],
)
def test_a_window_is_read_in_three_segments_or_more(
    lookback: int, season: int, segment: int
) -> None:
    assert seasonal.choose_segment(None, lookback, season).value == segment


@given(
    st.integers(1, 400),
    st.integers(1, 100),
    st.integers(20, 5000),
)
def test_segments_divide_the_lookback_and_are_at_least_three(
    season: int, horizon: int, rows: int
) -> None:
    lookback = seasonal.choose_lookback(None, season, horizon, rows, ROOM).value
    segment = seasonal.choose_segment(None, lookback, season).value
    assert lookback % segment == 0
    assert lookback // segment >= 3 or lookback < 3
    assert lookback >= 4


@pytest.mark.parametrize(
    ("values", "normalization"),
    [
        ([0.0, 3.0, 5.0, 4.0, np.nan], "shifted-log"),
        ([-1.0, 2.0, 4.0, 3.0], "spread"),
        ([0.0, 0.0, 5.0, 4.0], "spread"),
        ([1e15, 1e15 + 1000, 1e15 - 1000], "spread"),
        ([101_300.0, 101_400.0, 101_325.0], "spread"),
    ],
    ids=["a zero", "a negative value", "half of them zero", "a high level", "pressure"],
)
def test_logarithms_are_for_positive_values_that_vary_by_some_percent(
    values: list[float], normalization: str
) -> None:
    series = np.array(values)
    assert seasonal.choose_normalization(series, [series]).value == normalization


def test_what_varies_between_series_alone_is_no_reason_for_logarithms() -> None:
    parts = [1000 + np.arange(10.0), 10 * (1000 + np.arange(10.0))]
    assert seasonal.choose_normalization(np.concatenate(parts), parts).value == "spread"


def test_differences_are_to_the_season_where_its_naive_forecast_is_no_worse() -> None:
    steps = np.arange(200)
    wave: Floats = np.sin(2 * np.pi * steps / 12)
    walk = steps.astype(np.float64)
    assert seasonal.choose_lag([wave], 12, 24, 6).value == 12
    assert seasonal.choose_lag([walk], 12, 24, 6).value == 1
    assert seasonal.choose_lag([wave], 12, 8, 6).value == 1


def test_steps_grow_with_the_root_of_the_windows_within_bounds() -> None:
    steps = [
        seasonal.choose_epochs(None, windows, 10).value * 10 for windows in (50, 40_000, 10**6)
    ]
    assert steps == [300, 600, 1500]
    assert seasonal.choose_epochs(3, 50, 10) == Decided(3, "as given")


def test_few_windows_are_learned_by_five_networks_and_many_by_two() -> None:
    assert seasonal.choose_members(None, 999).value == 5
    assert seasonal.choose_members(None, 1000).value == 2
    assert seasonal.choose_members(1, 50).value == 1


def test_few_series_are_validated_from_several_origins() -> None:
    one, many = np.array([132]), np.full(50, 132)
    assert seasonal.choose_validation(None, 12, many).value == 12
    assert seasonal.choose_validation(None, 12, one).value == 26
    assert seasonal.choose_validation(None, 12, np.array([40])).value == 12
    assert seasonal.choose_validation(None, 12, np.array([10**6])).value == 240
