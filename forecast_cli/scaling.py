"""Normalization, between the units of the file and the numbers that a network sees.

It has two steps. `transform` maps all values at once: to their logarithms, or by min-max or
standard scores of each series. `window_scale` then looks at each window alone: its level (the
mean of its last season), its spread, and a reference forecast (one season earlier). What the
network predicts is the difference to that reference in units of the spread, and where that is
squashed, its inverse hyperbolic sine: squared errors of a few wild windows then count as little
as absolute ones. `answers` undoes the second step, and `restore` the first.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecast_cli.baselines import seasonal_naive
from forecast_cli.calendar import Ints
from forecast_cli.choices import Normalization, Spread, Squash
from forecast_cli.panel import Floats

PER_SERIES: tuple[Normalization, ...] = ("minmax", "standard")

LARGEST_LOG = 690.0  # its exponential is still a float
LARGEST_SINH = 30.0  # no output of a network is more spreads away from the reference than its sinh
ROWS_AT_ONCE = 1 << 16
SMALL = 0.02  # of the median of a series: logarithms of smaller values would rule all others
SHIFT = 0.1  # of the median, added before logarithms where values are that small
LEAST_RANGE = 0.02  # range, as a part of the largest value, from which they do
SAFETY = 0.01  # of the median, added everywhere, so that a zero among newer rows has a logarithm
LEAST_LOG, LEAST = 3e-3, 1e-3  # added to a spread: of logarithms, and as a part of the values
NEGLIGIBLE = 1e-13  # spread, as a part of the largest value, that is rounding and not a spread


@dataclass(frozen=True, eq=False)
class SeriesScale:
    """For each series, from its training part: (S,) what becomes 0, and (S,) what becomes 1.

    These are the smallest and the largest value; for `standard`, the mean and what lies one
    standard deviation above it; for `shifted-log`, the value at which the logarithm ends, which is
    zero or less, and what lies the range of the series above it. The other normalizations do not
    use them.
    """

    zero: Floats
    one: Floats


@dataclass(frozen=True)
class Frame:
    """How windows are normalized.

    - kind: what `transform` does
    - lag: the season of the reference forecast, in steps; 1: the last value
    - level_steps: the newest steps whose mean is the level; 0: those of the lag
    - spread: the standard deviation, the mean absolute deviation from the level, or its root
    - squash: what the network sees and predicts is squashed by asinh
    - has_gaps: windows may have NaN, where nothing is known; the reference is then their mean
    """

    kind: Normalization
    lag: int
    level_steps: int = 0
    spread: Spread = "deviation"
    squash: Squash = "none"
    has_gaps: bool = False


@dataclass(frozen=True, eq=False)
class WindowScale:
    """The scale of each window, after `transform`.

    level: (B,); spread: (B,), 0 for a constant window; reference: (B, horizon), a forecast;
    squash: as in the frame.
    """

    level: Floats
    spread: Floats
    reference: Floats
    squash: Squash = "none"


def fit(values: Floats, offsets: Ints, ends: Ints, kind: Normalization = "minmax") -> SeriesScale:
    """The scale of each series from its first `ends` (S,) steps alone.

    values: (N,) of all series; offsets: (S + 1,) where each begins and ends.
    """
    stops = offsets[:-1] + np.maximum(ends, 1)
    parts = [values[start:stop] for start, stop in zip(offsets[:-1], stops, strict=True)]

    if kind == "standard":
        mean = _of_each(parts, np.nanmean)
        return SeriesScale(mean, mean + _of_each(parts, np.nanstd))
    low = _extremes(np.fmin, values, offsets[:-1], stops)
    high = _extremes(np.fmax, values, offsets[:-1], stops)
    if kind == "shifted-log":
        zero = -_of_each(parts, _shift)
        return SeriesScale(zero, zero + (high - low))
    return SeriesScale(low, high)


def _extremes(extreme: np.ufunc, values: Floats, starts: Ints, stops: Ints) -> Floats:
    """The smallest or the largest value of each series, holes left out: of all at once."""
    edges = np.column_stack([starts, stops]).reshape(-1)
    if edges[-1] == len(values):
        edges = edges[:-1]
    # Every other part lies between the end of one series and the start of the next.
    of_parts: Floats = extreme.reduceat(values, edges)[::2]
    return of_parts


def _shift(values: Floats) -> float:
    """What is added to the values (n,) of a series before their logarithms are taken."""
    positive = values[values > 0]
    median = float(np.median(positive, overwrite_input=True)) if len(positive) else 1.0
    is_small = float(np.nanmin(values)) <= SMALL * median
    return (SHIFT if is_small else SAFETY) * median


def log_shifts(past: Floats) -> Floats:
    """(B,) what to add to windows (B, lookback) with gaps before their logarithms are taken.

    NaN where that makes no sense: a value is negative or next to nothing, or they hardly vary.
    """
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of windows of which nothing is known
        median = np.nanmedian(np.where(past > 0, past, np.nan), axis=1)
    low, high = np.fmin.reduce(past, axis=1), np.fmax.reduce(past, axis=1)
    with np.errstate(invalid="ignore"):
        makes_sense = (low > SMALL * median) & (high - low >= LEAST_RANGE * high)
    return np.where(makes_sense, SAFETY * median, np.nan)


def transform(values: Floats, kind: Normalization, scale: SeriesScale, series: Ints) -> Floats:
    """Values (N,) of the series (N,) in the domain where windows are normalized.

    For `log` all values must be positive, for `shifted-log` above the zero of their series.
    """
    if kind == "log":
        return np.log(values)
    if kind == "shifted-log":
        return np.log(values - scale.zero[series])
    if kind in PER_SERIES:
        return (values - scale.zero[series]) / _width(scale)[series]
    return values


def transform_all(values: Floats, offsets: Ints, kind: Normalization, scale: SeriesScale) -> Floats:
    """`transform` of all series, (N,), some rows at a time."""
    if kind == "spread":
        return values
    transformed = np.empty_like(values)
    for start in range(0, len(values), ROWS_AT_ONCE):
        rows = np.arange(start, min(start + ROWS_AT_ONCE, len(values)))
        series = np.searchsorted(offsets, rows, side="right") - 1
        transformed[rows] = transform(values[rows], kind, scale, series)
    return transformed


def restore(values: Floats, kind: Normalization, scale: SeriesScale, series: Ints) -> Floats:
    """The inverse of `transform`, for values (B, horizon) of the series (B,)."""
    if kind == "log":
        return np.exp(np.clip(values, -LARGEST_LOG, LARGEST_LOG))
    if kind == "shifted-log":
        return np.exp(np.clip(values, -LARGEST_LOG, LARGEST_LOG)) + scale.zero[series, None]
    if kind in PER_SERIES:
        return values * _width(scale)[series, None] + scale.zero[series, None]
    return values


def window_scale(past: Floats, horizon: int, frame: Frame) -> WindowScale:
    """Level, spread and reference forecast of windows (B, lookback), from their own values.

    Values that are scaled by series stay as they are.
    """
    if frame.kind in PER_SERIES:
        zeros = np.zeros(len(past))
        return WindowScale(zeros, zeros + 1, np.zeros((len(past), horizon)), frame.squash)
    if frame.has_gaps:
        return _scale_with_gaps(past, horizon)

    lag = max(frame.lag, 1)
    level = past[:, -min(frame.level_steps or lag, past.shape[1]) :].mean(axis=1)
    spread = _spread(past, level, frame)
    return WindowScale(level, spread, seasonal_naive(past, horizon, lag), frame.squash)


def _scale_with_gaps(past: Floats, horizon: int) -> WindowScale:
    """Windows (B, lookback) by the mean and the standard deviation of what is known of them."""
    known = ~np.isnan(past)
    count = np.maximum(known.sum(axis=1), 1)
    level = np.where(known, past, 0).sum(axis=1) / count
    squares = np.where(known, (past - level[:, None]) ** 2, 0).sum(axis=1)

    spread = np.sqrt(squares / count)
    size = np.where(known, np.abs(past), 0).max(axis=1)
    spread = np.where(spread > NEGLIGIBLE * size, spread, 0.0)
    return WindowScale(level, spread, np.repeat(level[:, None], horizon, axis=1))


def _spread(past: Floats, level: Floats, frame: Frame) -> Floats:
    """(B,) of windows (B, lookback) around their level (B,); 0 for a constant window."""
    size = np.abs(past).max(axis=1)
    if frame.spread == "deviation":
        spread = past.std(axis=1)
        # Rounding in a constant window must not pass for a spread.
        return np.where(spread > NEGLIGIBLE * size, spread, 0.0)

    deviation = np.abs(past - level[:, None]).mean(axis=1)
    if frame.spread == "root":
        # Between no scale and one of its own: what is left of the size of the spread is a feature.
        spread = np.sqrt(deviation)
    else:
        is_log = frame.kind in ("log", "shifted-log")
        spread = deviation + (LEAST_LOG if is_log else LEAST * np.abs(past).mean(axis=1))
    return np.where(deviation > NEGLIGIBLE * size, spread, 0.0)


def inputs(past: Floats, scale: WindowScale) -> Floats:
    """What the network sees: (B, lookback), around 0 and of size 1.

    A constant window is all zeros.
    """
    return _squashed((past - scale.level[:, None]) / _unit(scale), scale)


def targets(future: Floats, scale: WindowScale) -> Floats:
    """What the network should predict, (B, horizon): differences to the reference in spreads."""
    return _squashed((future - scale.reference) / _unit(scale), scale)


def answers(outputs: Floats, scale: WindowScale) -> Floats:
    """The inverse of `targets`: outputs of the network, (B, horizon), in the transformed domain."""
    if scale.squash == "asinh":
        outputs = np.sinh(np.clip(outputs, -LARGEST_SINH, LARGEST_SINH))
    return scale.reference + outputs * scale.spread[:, None]


def _squashed(values: Floats, scale: WindowScale) -> Floats:
    return np.arcsinh(values) if scale.squash == "asinh" else values


def _of_each(parts: list[Floats], statistic: Callable[[Floats], float]) -> Floats:
    return np.array([statistic(part) for part in parts])


def _width(scale: SeriesScale) -> Floats:
    width = scale.one - scale.zero
    return np.where(width > 0, width, 1.0)


def _unit(scale: WindowScale) -> Floats:
    """(B, 1): the spread, or 1 for a constant window."""
    return np.where(scale.spread > 0, scale.spread, 1.0)[:, None]
