"""Normalization, between the units of the file and the numbers that a network sees.

It has two steps. `transform` maps all values at once: to their logarithms, or by min-max or
standard scores of each series. `window_scale` then looks at each window alone: its level (the
mean of its last season), its spread, and a reference forecast (one season earlier). What the
network predicts is the difference to that reference in units of the spread. `answers` undoes
the second step, and `restore` the first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecast_cli.baselines import seasonal_naive
from forecast_cli.calendar import Ints
from forecast_cli.choices import Normalization
from forecast_cli.panel import Floats

PER_SERIES: tuple[Normalization, ...] = ("minmax", "standard")

LARGEST_LOG = 690.0  # its exponential is still a float
NEGLIGIBLE = 1e-13  # spread, as a part of the largest value, that is rounding and not a spread


@dataclass(frozen=True, eq=False)
class SeriesScale:
    """For each series, from its training part: (S,) what becomes 0, and (S,) what becomes 1.

    These are the smallest and the largest value; for `standard`, the mean and what lies one
    standard deviation above it. The other normalizations do not use them.
    """

    zero: Floats
    one: Floats


@dataclass(frozen=True, eq=False)
class WindowScale:
    """The scale of each window, after `transform`.

    level: (B,); spread: (B,), 0 for a constant window; reference: (B, horizon), a forecast.
    """

    level: Floats
    spread: Floats
    reference: Floats


def fit(values: Floats, offsets: Ints, ends: Ints, kind: Normalization = "minmax") -> SeriesScale:
    """The scale of each series from its first `ends` (S,) steps alone.

    values: (N,) of all series; offsets: (S + 1,) where each begins and ends.
    """
    parts = []
    for start, end in zip(offsets[:-1], ends, strict=True):
        parts.append(values[start : start + max(int(end), 1)])

    if kind == "standard":
        mean = _of_each(parts, np.nanmean)
        return SeriesScale(mean, mean + _of_each(parts, np.nanstd))
    return SeriesScale(_of_each(parts, np.nanmin), _of_each(parts, np.nanmax))


def transform(values: Floats, kind: Normalization, scale: SeriesScale, series: Ints) -> Floats:
    """Values (N,) of the series (N,) in the domain where windows are normalized.

    For `log` all values must be positive.
    """
    if kind == "log":
        return np.log(values)
    if kind in PER_SERIES:
        return (values - scale.zero[series]) / _width(scale)[series]
    return values


def restore(values: Floats, kind: Normalization, scale: SeriesScale, series: Ints) -> Floats:
    """The inverse of `transform`, for values (B, horizon) of the series (B,)."""
    if kind == "log":
        return np.exp(np.clip(values, -LARGEST_LOG, LARGEST_LOG))
    if kind in PER_SERIES:
        return values * _width(scale)[series, None] + scale.zero[series, None]
    return values


def window_scale(past: Floats, horizon: int, kind: Normalization, lag: int) -> WindowScale:
    """Level, spread and reference forecast of windows (B, lookback), from their own values.

    lag: the season of the reference forecast, in steps. Values that are scaled by series stay
    as they are.
    """
    if kind in PER_SERIES:
        zeros = np.zeros(len(past))
        return WindowScale(zeros, zeros + 1, np.zeros((len(past), horizon)))

    season = min(max(lag, 1), past.shape[1])
    level = past[:, -season:].mean(axis=1)
    spread = past.std(axis=1)
    # Rounding in a constant window must not pass for a spread.
    spread = np.where(spread > NEGLIGIBLE * np.abs(past).max(axis=1), spread, 0.0)
    return WindowScale(level, spread, seasonal_naive(past, horizon, max(lag, 1)))


def inputs(past: Floats, scale: WindowScale) -> Floats:
    """What the network sees: (B, lookback), around 0 and of size 1.

    A constant window is all zeros.
    """
    return (past - scale.level[:, None]) / _unit(scale)


def targets(future: Floats, scale: WindowScale) -> Floats:
    """What the network should predict, (B, horizon): differences to the reference in spreads."""
    return (future - scale.reference) / _unit(scale)


def answers(outputs: Floats, scale: WindowScale) -> Floats:
    """The inverse of `targets`: outputs of the network, (B, horizon), in the transformed domain."""
    return scale.reference + outputs * scale.spread[:, None]


def _of_each(parts: list[Floats], statistic: Callable[[Floats], float]) -> Floats:
    return np.array([statistic(part) for part in parts])


def _width(scale: SeriesScale) -> Floats:
    width = scale.one - scale.zero
    return np.where(width > 0, width, 1.0)


def _unit(scale: WindowScale) -> Floats:
    """(B, 1): the spread, or 1 for a constant window."""
    return np.where(scale.spread > 0, scale.spread, 1.0)[:, None]
