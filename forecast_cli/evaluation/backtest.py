"""Scores of forecasts from rolling origins: of the network and of forecasts that need no training.

The scores of a method are arrays: one number a series, an origin or a step ahead. Where they are
averaged over series, the score of each series comes first, and then the mean over those in which
it is defined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.evaluation.metrics import (
    absolute_errors,
    interval_losses,
    pinball_losses,
    squared_errors,
    symmetric_errors,
)
from forecast_cli.panel import Floats

NETWORK = "network"

Bounds = Mapping[float, tuple[Floats, Floats]]  # lower and upper, by level
By = Literal["series", "origin", "step"]
ScoresBy = dict[str, Floats]  # (K,) of each metric


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts from W windows, each from one origin of one series, over H steps.

    - series: (W,) its number; origin: (W,) its number, from 0 for the earliest
    - actual: (W, H); NaN where there is no value
    - forecasts: by method, (W, H) each; the first is the network
    - bounds: of the network, by level, lower and upper, (W, H) each; NaN where not known
    - scales: (S,) of MASE, from the rows before the first origin
    - overlap: how many origins in a row have horizons with steps in common; 1 if none have
    """

    series: Ints
    origin: Ints
    actual: Floats
    forecasts: dict[str, Floats]
    bounds: Bounds
    scales: Floats
    overlap: int = 1

    @property
    def origins(self) -> int:
        """How many origins there are, up to the last one that was forecast from."""
        return int(self.origin.max()) + 1 if len(self.origin) else 0


# -- forecasts ---------------------------------------------------------------------------------


def summary(backtest: Backtest) -> dict[str, dict[str, float]]:
    """MAE, RMSE, sMAPE and MASE of each method: the means over series; NaN where not defined."""
    return {
        method: _over_series(scores_by(backtest, method, "series")) for method in backtest.forecasts
    }


def scores_by(backtest: Backtest, method: str, by: By) -> ScoresBy:
    """MAE, RMSE, sMAPE and MASE of a method for each series, origin or step ahead.

    (S,), (origins,) or (H,). Those of an origin or a step are means over the series. NaN where
    nothing could be scored, or, for MASE, where the scale is zero or not known.
    """
    actual, forecast = backtest.actual, backtest.forecasts[method]
    grouped = _Groups(backtest, by)
    absolute = grouped.means(absolute_errors(actual, forecast))
    squared = grouped.means(squared_errors(actual, forecast))
    symmetric = grouped.means(symmetric_errors(actual, forecast))
    return {
        "mae": grouped.over_series(absolute),
        "rmse": grouped.over_series(np.sqrt(squared)),
        "smape": grouped.over_series(symmetric),
        "mase": grouped.over_series(absolute / grouped.scales),
    }


# -- intervals ---------------------------------------------------------------------------------


def interval_summary(backtest: Backtest) -> dict[float, dict[str, float]]:
    """Coverage, MSIS and pinball loss of each level: the means over series."""
    return {
        level: _over_series(interval_scores_by(backtest, level, "series"))
        for level in backtest.bounds
    }


def interval_scores_by(backtest: Backtest, level: float, by: By) -> ScoresBy:
    """Coverage, MSIS and pinball loss of a level for each series, origin or step ahead.

    Shapes are those of `scores_by`. Coverage is a share, 0 to 1; the pinball loss is the mean of
    those of both bounds. Steps whose bounds are not known are left out.
    """
    actual, (low, high) = backtest.actual, backtest.bounds[level]
    tail = (100 - level) / 200
    is_known = ~np.isnan(actual) & ~np.isnan(low) & ~np.isnan(high)
    is_inside = (low <= actual) & (actual <= high)
    pinball = (pinball_losses(actual, low, tail) + pinball_losses(actual, high, 1 - tail)) / 2

    grouped = _Groups(backtest, by)
    width = grouped.means(interval_losses(actual, low, high, level))
    return {
        "coverage": grouped.over_series(grouped.means(np.where(is_known, is_inside, np.nan))),
        "msis": grouped.over_series(width / grouped.scales),
        "pinball": grouped.over_series(grouped.means(pinball)),
    }


# -- means of groups ---------------------------------------------------------------------------


class _Groups:
    """Losses (W, H) averaged by series, by origin and series, or by step ahead and series."""

    def __init__(self, backtest: Backtest, by: By) -> None:
        self.by = by
        self.backtest = backtest
        self.order = np.argsort(backtest.series, kind="stable")
        self.present, self.starts = np.unique(backtest.series[self.order], return_index=True)

        scales = np.where(backtest.scales > 0, backtest.scales, np.nan)
        self.scales = scales
        if by == "origin":  # there is one window of each series at each origin
            self.scales = scales[backtest.series]
        if by == "step":
            self.scales = scales[self.present][:, None]

    def means(self, losses: Floats) -> Floats:
        """(S,), (W,) or (series that are present, H); NaN where nothing is known."""
        is_known = ~np.isnan(losses)
        known = np.where(is_known, losses, 0.0)
        if self.by == "origin":
            return _divided(known.sum(axis=1), is_known.sum(axis=1))
        if self.by == "step":
            return _divided(self._by_series(known), self._by_series(is_known))

        count, series = len(self.backtest.scales), self.backtest.series
        sums = np.bincount(series, known.sum(axis=1), minlength=count)
        return _divided(sums, np.bincount(series, is_known.sum(axis=1), minlength=count))

    def over_series(self, scores: Floats) -> Floats:
        """The mean over series for each origin or step; scores by series stay as they are."""
        if self.by == "series":
            return scores

        is_known = np.isfinite(scores)
        known = np.where(is_known, scores, 0.0)
        if self.by == "step":
            return _divided(known.sum(axis=0), is_known.sum(axis=0))
        origin, count = self.backtest.origin, self.backtest.origins
        sums = np.bincount(origin, known, minlength=count)
        return _divided(sums, np.bincount(origin, is_known, minlength=count))

    def _by_series(self, values: Any) -> Floats:
        """Sums of the windows (W, H) of each series that is present: (P, H)."""
        if not len(values):
            return np.empty((0, values.shape[1]))
        sums: Floats = np.add.reduceat(values[self.order].astype(np.float64), self.starts, axis=0)
        return sums


def _divided(sums: Any, counts: Any) -> Floats:
    """Means, NaN where the count is 0."""
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _over_series(scores: ScoresBy) -> dict[str, float]:
    return {metric: _mean(values) for metric, values in scores.items()}


def _mean(values: Floats) -> float:
    """The mean of those that are finite; NaN where none is."""
    usable = values[np.isfinite(values)]
    return float(usable.mean()) if len(usable) else float("nan")
