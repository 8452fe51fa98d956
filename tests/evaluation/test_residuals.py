from __future__ import annotations

import numpy as np
import pytest

from forecast_cli.calendar import Ints
from forecast_cli.evaluation import (
    NETWORK,
    Backtest,
    Residuals,
    autocorrelation,
    bias,
    means_by,
    residuals_of,
)
from forecast_cli.panel import Floats


def a_backtest(errors: Floats, series: Ints, scales: Floats) -> Backtest:
    """Windows (W, H) whose forecasts of zero are off by these errors."""
    return Backtest(
        series=series,
        origin=np.arange(len(errors)) // len(scales),
        actual=errors,
        forecasts={NETWORK: np.zeros_like(errors)},
        bounds={},
        scales=scales,
    )


def of_one_series(values: Floats) -> Residuals:
    at = np.arange(len(values))
    return Residuals(np.zeros(len(values), np.int64), at, at % 2, values, scaled=False)


def test_residuals_are_in_the_order_of_the_rows_and_skip_those_without_a_value() -> None:
    errors = np.array([[5.0, 6.0], [1.0, np.nan], [3.0, 4.0]])
    backtest = a_backtest(errors, np.array([1, 0, 1]), np.array([1.0, 2.0]))
    residuals = residuals_of(backtest, np.array([12, 30, 10]))

    assert residuals.series.tolist() == [0, 1, 1, 1, 1]
    assert residuals.position.tolist() == [30, 10, 11, 12, 13]
    assert residuals.step.tolist() == [0, 0, 1, 0, 1]
    assert residuals.values.tolist() == [1.0, 1.5, 2.0, 2.5, 3.0]
    assert residuals.scaled


def test_residuals_of_a_single_series_keep_their_units() -> None:
    backtest = a_backtest(np.array([[4.0, 2.0]]), np.array([0]), np.array([2.0]))
    residuals = residuals_of(backtest, np.array([0]))
    assert residuals.values.tolist() == [4.0, 2.0]
    assert not residuals.scaled


def test_what_repeats_every_seven_rows_correlates_at_seven() -> None:
    season = np.tile([3.0, -1.0, 0.0, 1.0, -2.0, -1.0, 0.0], 20)
    found = autocorrelation(of_one_series(season), 10)
    assert found.lags.tolist() == list(range(1, 11))
    assert found.values[6] == pytest.approx(1.0)
    assert np.abs(found.values[:6]).max() < 0.9
    assert found.limits[0] == pytest.approx(1.96 / np.sqrt(139))


def test_noise_stays_within_the_limits_of_chance() -> None:
    noise = np.random.default_rng(1).normal(size=2_000)
    found = autocorrelation(of_one_series(noise), 40)
    assert np.mean(np.abs(found.values) > found.limits) <= 0.1


def test_correlations_of_many_short_series_never_exceed_one() -> None:
    random = np.random.default_rng(3)
    series = np.repeat(np.arange(12), 7)
    at = np.tile(np.arange(7), 12)
    values = np.repeat(random.normal(size=12), 7) + 0.01 * random.normal(size=84)
    found = autocorrelation(Residuals(series, at, at, values, scaled=True), 60)
    assert found.lags.tolist() == [1, 2, 3, 4, 5, 6]
    assert (np.abs(found.values) <= 1).all()
    assert (found.values > 0.9).all()


def test_rows_on_both_sides_of_a_hole_are_not_neighbors() -> None:
    at = np.array([0, 1, 2, 3, 10, 11, 12, 13])
    values = np.array([1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0])
    residuals = Residuals(np.zeros(8, np.int64), np.arange(8), at % 2, values, scaled=False)
    apart = Residuals(np.zeros(8, np.int64), at, at % 2, values, scaled=False)
    assert len(autocorrelation(apart, 3).lags) == 0  # six pairs are too few
    assert len(autocorrelation(residuals, 3).lags) == 0
    twice = Residuals(
        np.repeat([0, 1], 8), np.tile(at, 2), np.tile(at, 2) % 2, np.tile(values, 2), scaled=True
    )
    assert autocorrelation(twice, 1).values.tolist() == [1.0]


@pytest.mark.parametrize("count", [0, 1, 50])
def test_residuals_that_do_not_differ_have_no_correlation(count: int) -> None:
    assert len(autocorrelation(of_one_series(np.full(count, 2.0)), 5).lags) == 0


def test_bias_is_the_mean_over_series_with_its_interval() -> None:
    random = np.random.default_rng(5)
    errors = 0.5 + 0.1 * random.normal(size=(40, 6))
    found = bias(a_backtest(errors, np.arange(40), np.ones(40)))
    assert found is not None
    assert found.mean == pytest.approx(errors.mean())
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.mean < found.high
    assert found.is_certain
    assert found.size == pytest.approx(np.abs(errors).mean())


def test_bias_that_may_be_chance_is_not_certain() -> None:
    errors = np.random.default_rng(6).normal(size=(30, 4))
    errors -= errors.mean()
    found = bias(a_backtest(errors, np.arange(30), np.ones(30)))
    assert found is not None
    assert not found.is_certain


def test_one_window_has_a_bias_but_no_interval_of_it() -> None:
    found = bias(a_backtest(np.array([[1.0, 2.0]]), np.array([0]), np.array([1.0])))
    assert found is not None
    assert (found.mean, found.low, found.high) == (1.5, None, None)
    assert not found.is_certain


def test_without_a_value_there_is_no_bias() -> None:
    assert bias(a_backtest(np.full((1, 2), np.nan), np.array([0]), np.ones(1))) is None


def test_means_of_groups_and_empty_ones() -> None:
    means, sizes = means_by(np.array([0, 0, 2]), np.array([1.0, -3.0, 5.0]), 3)
    assert means.tolist()[::2] == [-1.0, 5.0]
    assert sizes.tolist()[::2] == [2.0, 5.0]
    assert np.isnan([means[1], sizes[1]]).all()
