"""Normalization: what stands between the units of the file and the numbers that a network sees.

Two steps. `transform` maps all values at once (logs; or min-max or standard scores per series). `window_scale` then looks at each window
alone: its level (the mean of its last season), its spread, and a reference forecast (one season earlier), so that the
network answers with a difference to that reference in units of the spread. Both are undone by `restore`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast_cli.baselines import seasonal_naive
from forecast_cli.calendar import Ints
from forecast_cli.choices import Normalization
from forecast_cli.panel import Floats

PER_SERIES: tuple[Normalization, ...] = ("minmax", "standard")


@dataclass(frozen=True, eq=False)
class SeriesScale:
    """Per series, from its training part: (S,) what becomes 0 and (S,) what becomes 1.

    The smallest and the largest value; for `standard`, the mean and what lies one standard deviation above it.
    Windows that are normalized one by one don't use them.
    """

    zero: Floats
    one: Floats


@dataclass(frozen=True, eq=False)
class WindowScale:
    """Per window, after the transform: (B,) level, (B,) spread, (B, horizon) reference forecast."""

    level: Floats
    spread: Floats
    reference: Floats


def fit(values: Floats, offsets: Ints, ends: Ints, kind: Normalization = "minmax") -> SeriesScale:
    """The scale of each series from its first `ends` (S,) steps, and from nothing later."""
    parts = [
        values[start : start + max(int(end), 1)]
        for start, end in zip(offsets[:-1], ends, strict=True)
    ]
    if kind == "standard":
        mean = np.array([np.nanmean(p) for p in parts])
        return SeriesScale(mean, mean + np.array([np.nanstd(p) for p in parts]))
    return SeriesScale(
        np.array([np.nanmin(p) for p in parts]), np.array([np.nanmax(p) for p in parts])
    )


def transform(values: Floats, kind: Normalization, scale: SeriesScale, series: Ints) -> Floats:
    """Values (N,) of series (N,) in the domain where windows are normalized. Logs want positive values."""
    if kind == "log":
        return np.log(values)
    if kind in PER_SERIES:
        return (values - scale.zero[series]) / _width(scale)[series]
    return values


def restore(values: Floats, kind: Normalization, scale: SeriesScale, series: Ints) -> Floats:
    """The inverse of `transform`, for (B, horizon) values of series (B,)."""
    if kind == "log":
        return np.exp(np.clip(values, -690.0, 690.0))  # within what a float can hold
    if kind in PER_SERIES:
        return values * _width(scale)[series, None] + scale.zero[series, None]
    return values


def _width(scale: SeriesScale) -> Floats:
    width = scale.one - scale.zero
    return np.where(width > 0, width, 1.0)


def window_scale(past: Floats, horizon: int, kind: Normalization, lag: int) -> WindowScale:
    """Level, spread and reference of windows (B, lookback) by their own values. What is scaled per series stays as it is."""
    if kind in PER_SERIES:
        still = np.zeros(len(past))
        return WindowScale(still, still + 1, np.zeros((len(past), horizon)))
    level = past[:, -min(max(lag, 1), past.shape[1]) :].mean(axis=1)
    spread = past.std(axis=1)
    # Rounding in a constant window must not pass for a spread.
    spread = np.where(spread > 1e-13 * np.abs(past).max(axis=1), spread, 0.0)
    return WindowScale(level, spread, seasonal_naive(past, horizon, max(lag, 1)))


def inputs(past: Floats, scale: WindowScale) -> Floats:
    """What the network sees: (B, lookback), around zero, of size one; zeros for a constant window."""
    return (past - scale.level[:, None]) / np.where(scale.spread > 0, scale.spread, 1.0)[:, None]


def targets(future: Floats, scale: WindowScale) -> Floats:
    """What the network should answer: (B, horizon), the difference to the reference in units of the spread."""
    return (future - scale.reference) / np.where(scale.spread > 0, scale.spread, 1.0)[:, None]


def answers(outputs: Floats, scale: WindowScale) -> Floats:
    """The inverse of `targets`: outputs of the network (B, horizon) back in the transformed domain."""
    return scale.reference + outputs * scale.spread[:, None]
