"""Checks of residuals: what is left of a series when its forecast is taken off.

Errors of a good forecast have a mean near zero, do not depend on the season, and do not repeat
themselves from one row to the next. A residual is the actual value minus the forecast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.evaluation.backtest import NETWORK, Backtest
from forecast_cli.evaluation.comparison import mean_interval
from forecast_cli.panel import Floats

MOST_LAGS = 60
FEWEST_PAIRS = 8  # rows that far apart, below which a lag is left out
USUAL = 1.96  # standard errors between which 95 % of correlations of pure chance lie


@dataclass(frozen=True, eq=False)
class Residuals:
    """The residuals of R held-out rows.

    series, position: (R,) where each row is, sorted; step: (R,) steps ahead, from 0; values: (R,)
    in units of the data, or of the scale of MASE (`scaled`) where there are several series.
    """

    series: Ints
    position: Ints
    step: Ints
    values: Floats
    scaled: bool


@dataclass(frozen=True, eq=False)
class Autocorrelation:
    """The correlation (K,) of residuals that are `lags` (K,) rows apart.

    limits: (K,) what 95 % of the correlations of pure chance stay below.
    """

    lags: Ints
    values: Floats
    limits: Floats


@dataclass(frozen=True)
class Bias:
    """The mean residual, with its bootstrap interval; None where there is too little for one.

    size: the mean absolute residual, to compare it with.
    """

    mean: float
    low: float | None
    high: float | None
    size: float

    @property
    def is_certain(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def residuals_of(backtest: Backtest, positions: Ints) -> Residuals:
    """The residuals of all rows with a value. positions: (W,) of the windows in their series."""
    values, scaled = _window_residuals(backtest)
    horizon = values.shape[1]
    position = positions[:, None] + np.arange(horizon)
    series = np.repeat(backtest.series[:, None], horizon, axis=1)
    step = np.repeat(np.arange(horizon)[None], len(values), axis=0)

    is_known = np.isfinite(values)
    order = np.lexsort((position[is_known], series[is_known]))
    return Residuals(
        series=series[is_known][order],
        position=position[is_known][order],
        step=step[is_known][order],
        values=values[is_known][order],
        scaled=scaled,
    )


def _window_residuals(backtest: Backtest) -> tuple[Floats, bool]:
    """Residuals (W, H), and whether they are in units of the scale of their series."""
    values = backtest.actual - backtest.forecasts[NETWORK]
    scales = backtest.scales
    if len(scales) == 1 or not (scales > 0).any():
        return values, False
    usable = np.where(scales > 0, scales, np.nan)
    return values / usable[backtest.series][:, None], True


def bias(backtest: Backtest, seed: int = 1) -> Bias | None:
    """The mean residual over series; None where no row has one."""
    values, _ = _window_residuals(backtest)
    if not np.isfinite(values).any():
        return None

    low, high = mean_interval(backtest, values, seed)
    return Bias(
        mean=_mean_over_series(backtest.series, values),
        low=low,
        high=high,
        size=_mean_over_series(backtest.series, np.abs(values)),
    )


def _mean_over_series(series: Ints, values: Floats) -> float:
    """The mean of the means of the series of windows (W, H)."""
    is_known = np.isfinite(values)
    sums = np.bincount(series, np.where(is_known, values, 0.0).sum(axis=1))
    counts = np.bincount(series, is_known.sum(axis=1))
    return float(np.mean(sums[counts > 0] / counts[counts > 0]))


def autocorrelation(residuals: Residuals, most: int) -> Autocorrelation:
    """The autocorrelation at the lags 1 to `most`, over the pairs of rows of all series together.

    After Box & Jenkins (1976); the sum of products at a lag is divided by the sizes of the same
    pairs, so that it stays within -1 and 1 also where pairs at the ends of many short series are
    left out. The mean is that of all residuals. Lags with few pairs are left out, and all where the
    residuals do not differ.
    """
    if not len(residuals.values) or np.ptp(residuals.values) == 0:
        return Autocorrelation(np.empty(0, np.int64), np.empty(0), np.empty(0))
    centered = residuals.values - residuals.values.mean()

    # Rows are numbered so that the next series begins farther away than any lag.
    span = int(residuals.position.max()) + MOST_LAGS + 1
    number = residuals.series * span + residuals.position
    lags, values, limits = [], [], []
    for lag in range(1, min(most, MOST_LAGS) + 1):
        later = np.minimum(np.searchsorted(number, number + lag), len(number) - 1)
        earlier = np.flatnonzero(number[later] == number + lag)
        if len(earlier) < FEWEST_PAIRS:
            continue
        before, after = centered[earlier], centered[later[earlier]]
        size = float(np.sqrt((before**2).sum() * (after**2).sum()))
        lags.append(lag)
        values.append(float((before * after).sum()) / size if size > 0 else 0.0)
        limits.append(USUAL / float(np.sqrt(len(earlier))))
    return Autocorrelation(np.array(lags, np.int64), np.array(values), np.array(limits))


def means_by(group: Ints, values: Floats, count: int) -> tuple[Floats, Floats]:
    """The mean and the mean size of the values (R,) in each of `count` groups; NaN in empty ones."""
    sizes = np.bincount(group, minlength=count)
    sums = np.bincount(group, values, minlength=count)
    absolute = np.bincount(group, np.abs(values), minlength=count)
    divisor = np.where(sizes > 0, sizes, 1)
    is_empty = sizes == 0
    return (
        np.where(is_empty, np.nan, sums / divisor),
        np.where(is_empty, np.nan, absolute / divisor),
    )
