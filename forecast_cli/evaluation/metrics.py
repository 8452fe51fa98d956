"""Scores: plain functions of arrays, and the table of those that a training is judged by.

Actual and forecast have one shape; NaN in actual is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.panel import Floats

# -- losses of each value, in the shape of the arrays ------------------------------------------


def absolute_errors(actual: Floats, forecast: Floats) -> Floats:
    """|y - f|, in the units of the data."""
    return np.abs(actual - forecast)


def squared_errors(actual: Floats, forecast: Floats) -> Floats:
    """(y - f)^2, in squared units of the data."""
    return np.square(actual - forecast)


def symmetric_errors(actual: Floats, forecast: Floats) -> Floats:
    """200 |y - f| / (|y| + |f|), in percent; 0 where both are zero."""
    size = np.abs(actual) + np.abs(forecast)
    safe = np.where(size == 0, 1.0, size)
    return 200 * np.abs(actual - forecast) / safe


def pinball_losses(actual: Floats, quantile: Floats, level: float) -> Floats:
    """max(q (y - f), (q - 1) (y - f)) for the quantile q = level, in the units of the data."""
    errors = actual - quantile
    return np.maximum(level * errors, (level - 1) * errors)


def interval_losses(actual: Floats, low: Floats, high: Floats, level: float) -> Floats:
    """The width of the interval, and 2 / alpha times how far the value lies outside.

    The interval should hold `level` percent, and alpha is the rest, as a share. Winkler (1972).
    """
    alpha = 1 - level / 100
    below = np.maximum(low - actual, 0)
    above = np.maximum(actual - high, 0)
    return high - low + 2 / alpha * (below + above)


# -- means -------------------------------------------------------------------------------------


def mae(actual: Floats, forecast: Floats) -> float:
    """Mean absolute error, in the units of the data."""
    return float(np.nanmean(absolute_errors(actual, forecast)))


def rmse(actual: Floats, forecast: Floats) -> float:
    """Root of the mean squared error, in the units of the data."""
    return float(np.sqrt(np.nanmean(squared_errors(actual, forecast))))


def smape(actual: Floats, forecast: Floats) -> float:
    """Mean of 200 |y - f| / (|y| + |f|), in percent (Makridakis 1993, as in M4).

    0 where both are zero.
    """
    return float(np.nanmean(symmetric_errors(actual, forecast)))


def mase_scale(training: Floats, season: int) -> float:
    """Mean |x_t - x_{t-m}| over the training part of one series (Hyndman & Koehler 2006).

    NaN if it has no m + 1 rows.
    """
    if len(training) <= season:
        return float("nan")
    changes = np.abs(training[season:] - training[:-season])
    known = changes[~np.isnan(changes)]
    return float(known.mean()) if len(known) else float("nan")


def mase(actual: Floats, forecast: Floats, scale: float) -> float:
    """Mean absolute error in units of the seasonal naive error in the training part.

    NaN where that is zero.
    """
    return mae(actual, forecast) / scale if scale > 0 else float("nan")


def mean_mase(series: Ints, actual: Floats, forecast: Floats, scales: Floats) -> float:
    """The MASE of windows (W, H) of the series (W,): per series first, then the mean over series.

    scales: (S,) of MASE. NaN where no series can be scored.
    """
    errors = absolute_errors(actual, forecast)
    known = ~np.isnan(errors)
    sums = np.bincount(series, np.where(known, errors, 0).sum(axis=1), minlength=len(scales))
    counts = np.bincount(series, known.sum(axis=1), minlength=len(scales))
    usable = (counts > 0) & (scales > 0)
    if not usable.any():
        return float("nan")
    return float(np.mean(sums[usable] / counts[usable] / scales[usable]))


def pinball(actual: Floats, quantile: Floats, level: float) -> float:
    """Mean of max(q (y - f), (q - 1) (y - f)) for the quantile q = level, in units of the data.

    Koenker & Bassett (1978).
    """
    return float(np.nanmean(pinball_losses(actual, quantile, level)))


def coverage(actual: Floats, low: Floats, high: Floats) -> float:
    """The share of actual values inside their interval, 0 to 1; rows without one are left out.

    NaN where there is none.
    """
    known = ~np.isnan(actual) & ~np.isnan(low) & ~np.isnan(high)
    if not known.any():
        return float("nan")
    inside = (actual[known] >= low[known]) & (actual[known] <= high[known])
    return float(np.mean(inside))


def msis(actual: Floats, low: Floats, high: Floats, level: float, scale: float) -> float:
    """Mean scaled interval score of the interval that should hold `level` percent (as in M4).

    The width, and 2 / alpha times how far actual values lie outside, over the scale of MASE.
    Gneiting & Raftery (2007). NaN where the scale is zero or no row has an interval.
    """
    known = ~np.isnan(actual) & ~np.isnan(low) & ~np.isnan(high)
    if not known.any() or not scale > 0:
        return float("nan")
    losses = interval_losses(actual[known], low[known], high[known], level)
    return float(np.mean(losses) / scale)


def skill(error: float, baseline_error: float) -> float:
    """1 - error / error of the baseline: 0 is no better, 1 is perfect.

    NaN where the baseline is perfect.
    """
    return 1 - error / baseline_error if baseline_error > 0 else float("nan")


@dataclass(frozen=True)
class Metric:
    """A score of one series: from actual values, forecasts and the scale of MASE."""

    title: str
    function: Callable[[Floats, Floats, float], float]


METRICS: dict[str, Metric] = {
    "mae": Metric("MAE", lambda actual, forecast, _: mae(actual, forecast)),
    "rmse": Metric("RMSE", lambda actual, forecast, _: rmse(actual, forecast)),
    "smape": Metric("sMAPE", lambda actual, forecast, _: smape(actual, forecast)),
    "mase": Metric("MASE", mase),
}
