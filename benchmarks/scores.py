"""How forecasts of the public sets are scored, and those that need no training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.suites import Floats, Series, Suite
from forecast_cli.evaluation import metrics

NAIVE2_SMAPE, NAIVE2_MASE = 18.383, 2.395  # of M4 hourly (Makridakis et al. 2020)

Bounds = dict[str, tuple[Series, Series]]  # lower and upper, by level


def scores(suite: Suite, forecasts: Series) -> dict[str, float]:
    """sMAPE and MASE per series first, then the mean over series; RMSE of a single one.

    M4 hourly has OWA, too: the mean of both, each relative to that of Naive2.
    """
    names = list(suite.test)
    scales = {name: metrics.mase_scale(suite.training[name], suite.season) for name in names}
    smapes = [metrics.smape(suite.test[name], forecasts[name]) for name in names]
    mases = [metrics.mase(suite.test[name], forecasts[name], scales[name]) for name in names]
    # A constant series has no scale.
    smape, mase = float(np.mean(smapes)), float(np.nanmean(mases))

    found = {"smape": round(smape, 3), "mase": round(mase, 4)}
    if suite.name == "m4-hourly":
        found["owa"] = round((smape / NAIVE2_SMAPE + mase / NAIVE2_MASE) / 2, 4)
    if len(names) == 1:
        found["rmse"] = round(metrics.rmse(suite.test[names[0]], forecasts[names[0]]), 3)
    return found


def coverage_percent(suite: Suite, bounds: Bounds) -> dict[str, float]:
    """The share of test values inside each interval: all series together, in percent."""
    test = np.concatenate([suite.test[name] for name in suite.test])
    found = {}
    for level, (low, high) in bounds.items():
        lower = np.concatenate([low[name] for name in suite.test])
        upper = np.concatenate([high[name] for name in suite.test])
        found[level] = round(100 * metrics.coverage(test, lower, upper), 1)
    return found


def msis(suite: Suite, bounds: Bounds) -> dict[str, float]:
    """Mean scaled interval score of each level: per series first, then the mean over series."""
    scales = {
        name: metrics.mase_scale(suite.training[name], suite.season) for name in suite.training
    }
    found = {}
    for level, (low, high) in bounds.items():
        each = [
            metrics.msis(suite.test[name], low[name], high[name], float(level), scales[name])
            for name in suite.test
        ]
        found[level] = round(float(np.nanmean(each)), 3)
    return found


# -- forecasts that need no training -----------------------------------------------------------


def naive(suite: Suite) -> Series:
    """The last value again, from each origin."""
    return _from_each_origin(suite, 1)


def seasonal_naive(suite: Suite) -> Series:
    """The last season again, from each origin.

    Where its value is a gap, the one of the season before it is taken.
    """
    season = int(suite.seasons.split(",")[0]) if suite.seasons else suite.season
    return _from_each_origin(suite, season)


def _from_each_origin(suite: Suite, season: int) -> Series:
    found = {}
    for name, test in suite.test.items():
        training = suite.training[name]
        every = np.concatenate([training, test])
        ends = len(training) + suite.horizon * np.arange(suite.origins)
        parts = [repeated(every[:end], season, suite.horizon) for end in ends]
        found[name] = np.concatenate(parts)
    return found


def repeated(history: Floats, season: int, horizon: int) -> Floats:
    """(horizon,) the last known value of each step of the season.

    A history that is shorter than the season repeats its last value.
    """
    if len(history) < season:
        season = 1
    last = np.array([_last_known(history[step::season]) for step in range(season)])
    ahead: Floats = last[(len(history) + np.arange(horizon)) % season]
    return ahead


def _last_known(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known[-1]) if len(known) else float("nan")


# -- ETTh1 -------------------------------------------------------------------------------------


def z_scores(values: Floats, rows: int) -> Floats:
    """(N, C) -> (N, C) in units of the mean and the standard deviation of the first `rows`."""
    first = values[:rows]
    scaled: Floats = (values - first.mean(axis=0)) / first.std(axis=0)
    return scaled


def window_errors(values: Floats, start: int, horizon: int, season: int) -> tuple[float, float]:
    """MSE and MAE of repeating the last `season` rows of (N, C).

    Every window counts whose targets lie in the rows from `start` on.
    """
    windows = np.lib.stride_tricks.sliding_window_view(values[start:], horizon, axis=0)
    origins = start + np.arange(len(windows))
    steps = np.arange(horizon) % season - season
    forecasts = values[origins[:, None] + steps].transpose(0, 2, 1)
    return mse_and_mae(windows, forecasts)


def mse_and_mae(actual: NDArray[np.float64], forecasts: NDArray[np.float64]) -> tuple[float, float]:
    """The means over all windows, columns and steps."""
    errors = actual - forecasts
    return round(float(np.mean(errors**2)), 4), round(float(np.mean(np.abs(errors))), 4)
