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
    """

    actual: Floats
    series: Ints
    scales: Floats
    restore: Callable[[Floats], Floats] = unchanged

    def error(self, forecast: Floats) -> float:
        """The MASE of a forecast (W, horizon): per series first, then the mean over series.

        Infinite where it is not finite, or nothing can be scored.
        """
        values = self.restore(forecast)
        if not np.isfinite(values).all():
            return float("inf")
        error = mean_mase(self.series, self.actual, values, self.scales)
        return error if np.isfinite(error) else float("inf")


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
        errors = [judge.error((total + forecast) / taken) for forecast in forecasts]
        best = int(np.argmin(errors))
        counts[best] += 1
        total = total + forecasts[best]
        if errors[best] < best_error or not best_weights.any():
            best_weights, best_error = counts / taken, errors[best]
    return best_weights
