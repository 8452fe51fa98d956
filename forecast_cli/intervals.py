"""Intervals from rows that were not trained on: how far forecasts were off there, in units of the window's spread.

Either from residuals alone, or, where the network answers quantiles, from those, made wider or narrower by residuals.
A window that is constant has no spread to measure in: its interval comes from the changes of its own series.

A bound never equals the forecast, which would say that the forecast is certain: where nearly all residuals lie on one
side, the interval is symmetric instead; where most residuals are next to nothing, it has a least width by the largest
of them; and where nothing is known of the errors, the bound is left empty (NaN).
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.panel import Floats

ENOUGH = 200  # residual windows from which each step gets quantiles of its own
KEPT = 2000  # residual windows kept in a run, at most
PIVOT = 80.0  # level of the interval that must hold the forecast, or the residuals of a step are one-sided
LEAST = 0.1  # of the size of the largest residuals: no bound is nearer to the forecast
LARGEST = 99.0  # percent of the absolute residuals are below what counts as their largest
ORIGINS = 250  # origins in a series from which its own changes are measured, at most
MOST_NOISE = 10.0  # of what is usual, above and below
LEAST_SIZE = 1e-3  # of the mean size of errors: smaller ones count as this
DOUBT = 10.0  # windows that do not overlap, by which half of a slope is believed
TINY = 1e-12
ROUNDING = 1e-9  # of a number of windows
STILL = 20  # constant windows in a series from which what follows them is told apart


def bounds(residuals: Floats, level: float, *, symmetric: bool = False) -> tuple[Floats, Floats]:
    """Offsets (horizon,) below and above the forecast that hold `level` percent of residuals (K, horizon).

    Quantiles of rank (n + 1) q, as in split conformal prediction (Lei et al. 2018). A step whose residuals are nearly
    all on one side gets quantiles of the absolute residuals, to both sides: the bias of the few rows that were not
    trained on need not be that of the rows to come. So does every step where residuals are `symmetric`, being of
    one short time. With few windows for the level the absolute residuals of all
    steps are pooled, each divided by the size that is usual at its step; and where even these are too few, the largest
    is extrapolated as in a normal distribution. The interval of a level holds those of all lower levels.
    """
    horizon = residuals.shape[1]
    if not residuals.size:
        return np.full(horizon, np.nan), np.full(horizon, np.nan)

    least = least_width(residuals, level)
    width = np.maximum(_pooled(residuals, level), least)
    if len(residuals) < ENOUGH:
        return -width, width

    highest = min(level, _highest(len(residuals)))
    low, high = _by_step(residuals, highest, symmetric=symmetric)
    low, high = np.minimum(low, -least), np.maximum(high, least)
    if len(residuals) >= enough(level):
        return low, high
    return np.minimum(low, -width), np.maximum(high, width)


def enough(level: float) -> int:
    """Residual windows from which each step gets quantiles of its own at a level."""
    return max(ENOUGH, int(np.ceil(200 / (100 - level) - ROUNDING)) - 1)


def _highest(windows: int) -> float:
    """The highest level whose tails have a residual each: rank (n + 1) q is 1 at least."""
    return 100 - 200 / (windows + 1)


def _pooled(residuals: Floats, level: float) -> Floats:
    """Half of the width (horizon,) of an interval from the residuals (K, horizon) of all steps."""
    sizes = step_sizes(residuals)
    pooled = np.sort(np.abs(residuals / sizes).ravel())
    return _at_rank(pooled, level) * sizes


def least_width(residuals: Floats, level: float) -> Floats:
    """How far (horizon,) a bound is from the forecast at least: a tenth of the size that 99 % of the residuals
    (K, horizon) don't exceed, and less for levels under 80 %.

    Where a series seldom moves, most residuals are next to nothing, and so would be an interval that holds 80 % of
    them: narrower than what a network changes by when it is fitted again.
    """
    share = min(level / PIVOT, 1.0)
    if len(residuals) >= ENOUGH:
        return LEAST * share * _at_rank(np.sort(np.abs(residuals), axis=0), LARGEST)
    if not residuals.size:
        return np.full(residuals.shape[1], np.nan)

    return LEAST * share * _pooled(residuals, LARGEST)


def _by_step(residuals: Floats, level: float, *, symmetric: bool) -> tuple[Floats, Floats]:
    """Offsets (horizon,) from the residuals (K, horizon) of each step alone."""
    ordered = np.sort(residuals, axis=0)
    low, high = _quantiles(ordered, level)
    pivot_low, pivot_high = _quantiles(ordered, PIVOT)

    one_sided = (pivot_low >= 0) | (pivot_high <= 0) | symmetric
    size = _at_rank(np.sort(np.abs(residuals), axis=0), level)
    return np.where(one_sided, -size, low), np.where(one_sided, size, high)


def _quantiles(ordered: Floats, level: float) -> tuple[Floats, Floats]:
    """The two quantiles (horizon,) between which `level` percent of ordered residuals (K, horizon) lie."""
    tail = (100 - level) / 200
    rank = (len(ordered) + 1) * np.array([tail, 1 - tail]) - 1
    low: Floats = ordered[max(int(np.floor(rank[0])), 0)]
    high: Floats = ordered[min(int(np.ceil(rank[1])), len(ordered) - 1)]
    return low, high


def normal_size(level: float) -> float:
    """How many standard deviations around the mean hold `level` percent of a normal distribution."""
    return NormalDist().inv_cdf((100 + level) / 200)


def _at_rank(ordered: Floats, level: float) -> Floats:
    """The value below which `level` percent of ordered sizes (K, ...) lie, of rank (K + 1) level; (...)."""
    count = len(ordered)
    rank = int(np.ceil((count + 1) * level / 100)) - 1
    size: Floats = ordered[min(rank, count - 1)]
    if rank < count:
        return size
    return size * normal_size(level) / normal_size(100 * count / (count + 1))


# -- how far errors follow the noise of a window -----------------------------------------------


def noise_power(residuals: Floats, noise: Floats, blocks: float) -> tuple[float, float]:
    """How far the errors of windows follow their noise: a power from 0 to 1; and the usual noise.

    The slope of a line through the logarithms of the mean absolute residuals (K, horizon) and of
    the noise (K,), both in spreads: series that are noisy for their spread are harder to forecast
    (normalized conformal intervals, Papadopoulos et al. 2011). The fewer of the windows do not
    overlap, `blocks`, the less it is trusted.
    """
    if not len(residuals):
        return 0.0, 1.0
    usual = float(np.exp(np.mean(np.log(np.maximum(noise, TINY)))))
    ratio = np.log(np.clip(noise / usual, 1 / MOST_NOISE, MOST_NOISE))
    sizes = np.abs(residuals).mean(axis=1)
    sizes = np.log(np.maximum(sizes, LEAST_SIZE * sizes.mean() + TINY))

    around = ratio - ratio.mean()
    square = float((around**2).sum())
    if square <= TINY * len(ratio):
        return 0.0, usual
    slope = float((around * (sizes - sizes.mean())).sum()) / square
    trusted = slope * blocks / (blocks + DOUBT)
    return round(float(np.clip(trusted, 0, 1)), 4), usual


def noise_factors(noise: Floats, power: float, usual: float) -> Floats:
    """(B,) how much larger errors are expected to be in windows with some noise (B,)."""
    factors: Floats = np.clip(noise / usual, 1 / MOST_NOISE, MOST_NOISE) ** power
    return factors


# -- windows without a spread ------------------------------------------------------------------


def around_constant(
    history: Floats, lookback: int, horizon: int, levels: tuple[float, ...]
) -> dict[float, Floats]:
    """Half of the width (horizon,) of the interval around a constant window of `lookback` steps, for each level.

    history: (n,) the series up to the end of the window, which changed before. The width is a quantile of how far the
    series moved after windows that were constant, too, or after all where these are few; and at least the root mean
    square of these changes: where most of them are zero, "no change" is likely and yet not certain.
    """
    still = _still_origins(history, lookback)
    everywhere = np.arange(len(history) - 1)
    for origins in (still, everywhere) if len(still) >= STILL else (everywhere,):
        changes = _changes(history, _thinned(origins), horizon)
        counts = np.sum(~np.isnan(changes), axis=0)
        usual = np.sqrt(np.nansum(changes**2, axis=0) / np.maximum(counts, 1))
        if usual.any():
            break
    else:  # it moved between the origins that were looked at
        moves = np.nan_to_num(np.diff(history))
        usual = np.sqrt(np.mean(moves**2) * np.arange(1, horizon + 1))

    ordered = np.sort(changes, axis=0)  # NaN last
    widths = {}
    for level in levels:
        ranks = np.ceil((counts + 1) * level / 100).astype(np.int64) - 1
        ranks = np.clip(ranks, 0, np.maximum(counts - 1, 0))
        quantile = np.where(counts > 0, ordered[ranks, np.arange(horizon)], 0.0)
        widths[level] = np.maximum.accumulate(np.maximum(quantile, usual))
    return widths


def _still_origins(history: Floats, lookback: int) -> Ints:
    """Positions in a series (n,), the last left out, at which the newest `lookback` steps are all the same; (K,)."""
    moved = np.concatenate([[0], np.cumsum(history[1:] != history[:-1])])  # a hole counts as a move
    ends = np.arange(lookback - 1, len(history) - 1, dtype=np.int64)
    still: Ints = ends[moved[ends] == moved[ends - lookback + 1]]
    return still


def _thinned(origins: Ints) -> Ints:
    """At most 250 of the origins, evenly spread."""
    return origins[np.unique(np.linspace(0, len(origins) - 1, ORIGINS).astype(np.int64))]


def _changes(history: Floats, origins: Ints, horizon: int) -> Floats:
    """How far a series (n,) moved from each origin within 1, 2, ..., horizon steps: (K, horizon) sizes.

    These are the errors of repeating the last value, as a constant window is forecast. NaN over a hole and beyond the
    end.
    """
    steps = origins[:, None] + np.arange(1, horizon + 1)
    later = np.where(steps < len(history), history[np.minimum(steps, len(history) - 1)], np.nan)
    return np.abs(later - history[origins, None])


def widening(excess: Floats, level: float) -> Floats:
    """How much wider (horizon,) quantiles must be to hold `level` percent: conformalized quantile regression
    (Romano et al. 2019), by the quantile of max(low - y, y - high), (K, horizon), of rank (n + 1) level.

    With few windows for the level all steps are pooled.
    """
    if len(excess) < enough(level):
        pooled = np.sort(excess.ravel())
        if not len(pooled):
            return np.full(excess.shape[1], np.nan)
        last = min(int(np.ceil((len(pooled) + 1) * level / 100)) - 1, len(pooled) - 1)
        return np.full(excess.shape[1], pooled[last])
    ordered = np.sort(excess, axis=0)
    widths: Floats = ordered[
        min(int(np.ceil((len(ordered) + 1) * level / 100)) - 1, len(ordered) - 1)
    ]
    return widths


def step_sizes(residuals: Floats) -> Floats:
    """The usual size of a residual at each step, (horizon,): a line through the root mean squares, never falling."""
    size = np.sqrt(np.mean(residuals**2, axis=0)) if len(residuals) else np.ones(residuals.shape[1])
    if len(size) > 2:
        slope, start = np.polyfit(np.arange(len(size)), size, 1)
        size = np.maximum(start, size.mean() / 4) + max(slope, 0.0) * np.arange(len(size))
    size = np.maximum.accumulate(size)
    return np.where(size > 0, size, 1.0)
