"""Which of the newest values are far outside of the others, and which are not."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from forecast_cli.forecasting import values_far_outside
from forecast_cli.panel import from_series

WAVE = 100 + 20 * np.sin(np.arange(100) / 3)


def with_values(**changed: float) -> np.ndarray:
    """The wave with other values, by their position from the end: `_1` is the newest."""
    values = WAVE.copy()
    for position, value in changed.items():
        values[-int(position[1:])] = value
    return values


def found(values: np.ndarray, newest: int = 10) -> list[int]:
    """Positions from the end of the values that are far outside."""
    far = values_far_outside(from_series([values]), newest)
    return [int(position) - len(values) for position in far.positions]


@pytest.mark.parametrize("newest", [10, 90, 500])
@pytest.mark.parametrize("value", [132100000.0, -132100000.0, 1e308, -1e308])
def test_a_value_far_outside_is_found_however_many_rows_are_before(
    value: float, newest: int
) -> None:
    far = values_far_outside(from_series([with_values(_1=value)]), newest)
    assert far.positions.tolist() == [99]
    assert far.low[0] == WAVE[:-1].min()
    assert far.high[0] == WAVE[:-1].max()


def test_only_the_newest_steps_are_looked_at() -> None:
    assert found(with_values(_10=1e6)) == [-10]
    assert found(with_values(_11=1e6)) == []
    assert found(with_values(_60=1e6), newest=59) == []
    assert found(with_values(_85=1e6), newest=84) == []


def test_a_value_is_far_beyond_twenty_ranges_of_the_others() -> None:
    low, high = WAVE.min(), WAVE.max()
    for newest in (10, 90):
        assert found(with_values(_1=high + 19 * (high - low)), newest) == []
        assert found(with_values(_1=high + 21 * (high - low)), newest) == [-1]
        assert found(with_values(_1=low - 19 * (high - low)), newest) == []
        assert found(with_values(_1=low - 21 * (high - low)), newest) == [-1]


def test_two_of_them_do_not_hide_each_other() -> None:
    assert found(with_values(_1=1e8, _5=1e8)) == [-5, -1]
    assert found(with_values(_1=1e8, _5=-1e6)) == [-5, -1]


def test_growth_within_the_newest_steps_is_no_value_far_outside() -> None:
    values = np.concatenate([WAVE, 120 * 1.5 ** np.arange(1, 11)])
    assert values[-1] > 20 * np.ptp(WAVE) + WAVE.max()
    assert found(values) == []


def test_nothing_is_known_of_equal_or_of_few_values() -> None:
    values = np.full(100, 5.0)
    values[-1] = 1e9
    assert found(values) == found(values, newest=90) == []
    assert found(with_values(_1=1e9)[-30:]) == []
    assert found(with_values(_1=1e9)[-31:]) == [-1]


def test_values_that_were_filled_in_or_are_missing_do_not_count() -> None:
    values = with_values(_1=1e9, _2=5e8, _3=np.nan)
    filled = np.zeros(100, bool)
    filled[-2] = True
    for newest in (10, 90):
        far = values_far_outside(replace(from_series([values]), filled=filled), newest)
        assert far.positions.tolist() == [99]
    assert found(np.full(100, np.nan)) == []


@pytest.mark.parametrize("newest", [14, 85])
def test_counts_with_spikes_are_silent(newest: int) -> None:
    random = np.random.default_rng(1)
    series = []
    for _ in range(500):
        is_sold = random.random(100) < 0.1
        values = np.where(is_sold, random.poisson(3, 100) + 1, 0).astype(float)
        values[:3] = [0, 4, 0]
        values[-random.integers(1, 14)] = random.integers(1, 80)
        series.append(values)
    assert values_far_outside(from_series(series), newest).positions.tolist() == []


@pytest.mark.parametrize("newest", [10, 90])
def test_each_series_of_a_panel_is_judged_by_itself(newest: int) -> None:
    short = with_values(_1=1e9)[-20:]
    series = [WAVE, 1e9 * WAVE, short, with_values(_2=1e7), with_values(_1=1e9)[-40:]]
    far = values_far_outside(from_series(series), newest)
    assert far.positions.tolist() == [318, 359]
    assert far.high.tolist() == [WAVE.max(), WAVE[-40:-1].max()]


@pytest.mark.parametrize("newest", [14, 85])
def test_a_panel_of_20_000_series_takes_no_time(newest: int) -> None:
    panel = from_series([WAVE] * 20_000)
    begun = time.process_time()
    assert not len(values_far_outside(panel, newest).positions)
    assert time.process_time() - begun < 2
