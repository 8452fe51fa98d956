"""Scores of forecasts from rolling origins: of the network and of forecasts that need no training."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.evaluation.metrics import METRICS, coverage, msis, pinball
from forecast_cli.panel import Floats

NETWORK = "network"

Bounds = Mapping[float, tuple[Floats, Floats]]  # lower and upper, by level


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts from W windows, each from one origin of one series, over H steps.

    - series: (W,) its number; origin: (W,) its number, from 0 for the earliest
    - actual: (W, H); NaN where there is no value
    - forecasts: by method, (W, H) each; the first is the network
    - bounds: of the network, by level, lower and upper, (W, H) each
    - scales: (S,) of MASE, from the rows before the first origin
    """

    series: Ints
    origin: Ints
    actual: Floats
    forecasts: dict[str, Floats]
    bounds: Bounds
    scales: Floats


@dataclass(frozen=True)
class IntervalScore:
    """How good the intervals of one level are: means over series."""

    level: float
    coverage: float
    msis: float
    pinball: float


def summary(backtest: Backtest) -> dict[str, dict[str, float]]:
    """Each metric of each method: per series first, then the mean over series."""
    return {name: _over_series(backtest, name) for name in backtest.forecasts}


def _over_series(backtest: Backtest, method: str) -> dict[str, float]:
    scores = {metric: per_series(backtest, method, metric) for metric in METRICS}
    return {metric: _mean(values) for metric, values in scores.items()}


def per_series(backtest: Backtest, method: str, metric: str) -> Floats:
    """(S,) one metric of a method for each series; NaN where nothing could be scored."""
    function = METRICS[metric].function
    forecast = backtest.forecasts[method]
    scores = np.full(len(backtest.scales), np.nan)
    order = np.argsort(backtest.series, kind="stable")
    bounds = np.searchsorted(backtest.series[order], np.arange(len(scores) + 1))
    for i in range(len(scores)):
        rows = order[bounds[i] : bounds[i + 1]]
        actual = backtest.actual[rows]
        if not np.isnan(actual).all():
            scores[i] = function(actual, forecast[rows], float(backtest.scales[i]))
    return scores


def per_origin(backtest: Backtest, method: str) -> list[dict[str, float]]:
    """The metrics of each origin: per series first, then the mean over series."""
    origins = range(int(backtest.origin.max()) + 1 if len(backtest.origin) else 0)
    parts = [_part(backtest, backtest.origin == number) for number in origins]
    return [_over_series(part, method) for part in parts]


def per_step(backtest: Backtest, method: str) -> dict[str, Floats]:
    """MAE and MASE (H,) of each step ahead: the mean over windows.

    MASE leaves out series whose scale is zero.
    """
    errors = np.abs(backtest.actual - backtest.forecasts[method])
    scales = backtest.scales[backtest.series]
    usable = np.where(scales > 0, scales, np.nan)[:, None]
    return {"mae": _column_means(errors), "mase": _column_means(errors / usable)}


def interval_scores(backtest: Backtest) -> list[IntervalScore]:
    """How good the intervals of each level are."""
    return [_interval_score(backtest, level) for level in backtest.bounds]


def _interval_score(backtest: Backtest, level: float) -> IntervalScore:
    low, high = backtest.bounds[level]
    tail = (100 - level) / 200

    def each(score: Callable[[Floats, Floats, Floats, float], float]) -> float:
        scores = []
        for i in np.unique(backtest.series):
            rows = backtest.series == i
            actual = backtest.actual[rows]
            if not np.isnan(actual).all():
                scores.append(score(actual, low[rows], high[rows], float(backtest.scales[i])))
        return _mean(np.array(scores))

    return IntervalScore(
        level=level,
        coverage=each(lambda actual, low, high, _: coverage(actual, low, high)),
        msis=each(lambda actual, low, high, scale: msis(actual, low, high, level, scale)),
        pinball=each(lambda actual, low, high, _: _both_sides(actual, low, high, tail)),
    )


def _both_sides(actual: Floats, low: Floats, high: Floats, tail: float) -> float:
    """The pinball loss of both bounds, averaged."""
    if np.isnan(low).all():
        return float("nan")
    return (pinball(actual, low, tail) + pinball(actual, high, 1 - tail)) / 2


def _part(backtest: Backtest, keep: Ints) -> Backtest:
    return Backtest(
        series=backtest.series[keep],
        origin=backtest.origin[keep],
        actual=backtest.actual[keep],
        forecasts={name: values[keep] for name, values in backtest.forecasts.items()},
        bounds={level: (low[keep], high[keep]) for level, (low, high) in backtest.bounds.items()},
        scales=backtest.scales,
    )


def _mean(values: Floats) -> float:
    """The mean of those that are finite; NaN where none is."""
    usable = values[np.isfinite(values)]
    return float(usable.mean()) if len(usable) else float("nan")


def _column_means(values: Floats) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a step of which nothing is known is NaN
        means: Floats = np.nanmean(values, axis=0)
    return means
