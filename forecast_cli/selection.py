"""Greedy selection: which of several forecasts to average, by their error on rolling origins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast_cli.calendar import Ints
from forecast_cli.evaluation import mean_mase
from forecast_cli.panel import Floats

ROUNDS = 12  # so that the smallest weight is a twelfth, and few networks have to be kept


def unchanged(values: Floats) -> Floats:
    """Forecasts that are in the units of the file already."""
    return values


@dataclass(frozen=True, eq=False)
class Judge:
    """What forecasts of W windows are judged by.

    - actual: (W, horizon) what came, NaN where it is not known
    - series: (W,) the series of each window
    - scales: (S,) of MASE
    - restore: from the domain in which forecasts are averaged to the units of the file
    - base: (W, horizon) a forecast that needs no training, relative to which errors count; None:
      the MASE alone counts, as where values around zero make percentages meaningless
    """

    actual: Floats
    series: Ints
    scales: Floats
    restore: Callable[[Floats], Floats] = unchanged
    base: Floats | None = None

    def error(self, forecast: Floats) -> float:
        """The MASE of a forecast (W, horizon): per series first, then the mean over series.

        Infinite where it is not finite, or nothing can be scored.
        """
        values = self.restore(forecast)
        if not np.isfinite(values).all():
            return float("inf")
        error = mean_mase(self.series, self.actual, values, self.scales)
        return error if np.isfinite(error) else float("inf")

    def score(self, forecast: Floats) -> float:
        """What selection makes small: the mean of MASE and sMAPE, each relative to those of the base.

        As in the M4 competition (Makridakis et al. 2020). One alone is ruled by a few series.
        """
        error = self.error(forecast)
        if self.base is None or not np.isfinite(error):
            return error
        base_error, base_smape = self.error(self.base), self._smape(self.base)
        if not 0 < base_error < float("inf") or not base_smape:
            return error
        return (error / base_error + self._smape(forecast) / base_smape) / 2

    def _smape(self, forecast: Floats) -> float:
        """The sMAPE of a forecast (W, horizon): per series first, then the mean over series."""
        values = self.restore(forecast)
        size = np.abs(self.actual) + np.abs(values)
        errors = np.abs(self.actual - values) / np.where(size > 0, size, 1.0)
        known = ~np.isnan(errors)
        sums = np.bincount(self.series, np.where(known, errors, 0.0).sum(axis=1))
        counts = np.bincount(self.series, known.sum(axis=1))
        return float(200 * np.mean(sums[counts > 0] / counts[counts > 0]))


def capped(weights: Floats, is_capped: NDArray[np.bool_], most: float) -> Floats:
    """The weights (C,) with at most so much for some of the forecasts (C,), and more for the others.

    The others must have some weight.
    """
    share = float(weights[is_capped].sum())
    if share <= most:
        return weights
    return np.where(is_capped, weights * most / share, weights * (1 - most) / (1 - share))


def greedy(forecasts: Floats, judge: Judge, rounds: int = ROUNDS) -> Floats:
    """The weights (C,) of forecasts (C, W, horizon), which add up to 1 (Caruana et al. 2004).

    Begins with the best one, and adds that which makes the mean better most, again and again,
    with replacement. The weights of the best mean on the way are returned, so it is never worse
    than the best one alone.
    """
    counts = np.zeros(len(forecasts))
    total = np.zeros(forecasts.shape[1:])
    best_weights, best_error = counts, float("inf")
    for taken in range(1, rounds + 1):
        errors = [judge.score((total + forecast) / taken) for forecast in forecasts]
        best = int(np.argmin(errors))
        counts[best] += 1
        total = total + forecasts[best]
        if errors[best] < best_error or not best_weights.any():
            best_weights, best_error = counts / taken, errors[best]
    return best_weights
