"""Intervals from rows that were not trained on: how far forecasts were off there, in units of the window's spread.

Either from residuals alone, or, where the network answers quantiles, from those, made wider or narrower by residuals.
"""

from __future__ import annotations

import numpy as np

from forecast_cli.panel import Floats

ENOUGH = 200  # residual windows from which each step gets quantiles of its own
KEPT = 2000  # residual windows kept in a run, at most


def bounds(residuals: Floats, level: float) -> tuple[Floats, Floats]:
    """Offsets (horizon,) below and above the forecast that hold `level` percent of residuals (K, horizon).

    Quantiles of rank (n + 1) q, as in split conformal prediction (Lei et al. 2018). With few windows the absolute
    residuals of all steps are pooled, each divided by the size that is usual at its step.
    """
    horizon = residuals.shape[1]
    if len(residuals) >= ENOUGH:
        tail = (100 - level) / 200
        ordered = np.sort(residuals, axis=0)
        rank = (len(ordered) + 1) * np.array([tail, 1 - tail]) - 1
        low = ordered[max(int(np.floor(rank[0])), 0)]
        high = ordered[min(int(np.ceil(rank[1])), len(ordered) - 1)]
        return np.minimum(low, 0.0), np.maximum(high, 0.0)
    sizes = step_sizes(residuals)
    pooled = np.sort(np.abs(residuals / sizes).ravel())
    if not len(pooled):
        return np.full(horizon, np.nan), np.full(horizon, np.nan)
    last = min(int(np.ceil((len(pooled) + 1) * level / 100)) - 1, len(pooled) - 1)
    return -pooled[last] * sizes, pooled[last] * sizes


def widening(excess: Floats, level: float) -> Floats:
    """How much wider (horizon,) quantiles must be to hold `level` percent: conformalized quantile regression
    (Romano et al. 2019), by the quantile of max(low - y, y - high), (K, horizon), of rank (n + 1) level.

    With few windows all steps are pooled.
    """
    if len(excess) < ENOUGH:
        pooled = np.sort(excess.ravel())
        if not len(pooled):
            return np.full(excess.shape[1], np.nan)
        last = min(int(np.ceil((len(pooled) + 1) * level / 100)) - 1, len(pooled) - 1)
        return np.full(excess.shape[1], pooled[last])
    ordered = np.sort(excess, axis=0)
    widths: Floats = ordered[min(int(np.ceil((len(ordered) + 1) * level / 100)) - 1, len(ordered) - 1)]
    return widths


def step_sizes(residuals: Floats) -> Floats:
    """The usual size of a residual at each step, (horizon,): a line through the root mean squares, never falling."""
    size = np.sqrt(np.mean(residuals**2, axis=0)) if len(residuals) else np.ones(residuals.shape[1])
    if len(size) > 2:
        slope, start = np.polyfit(np.arange(len(size)), size, 1)
        size = np.maximum(start, size.mean() / 4) + max(slope, 0.0) * np.arange(len(size))
    size = np.maximum.accumulate(size)
    return np.where(size > 0, size, 1.0)
