"""How strong the seasons of a series are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forecast_cli.panel import Floats

CYCLES = 3  # full seasons without which the strength of a season cannot be told from chance
WEAK = 0.1  # strength below which a season is of no use
# The variance, as a part of the square of the largest value, that rounding leaves in a constant.
CONSTANT = 1e-20


def strengths(values: Floats, seasons: Sequence[int]) -> list[float | None]:
    """The strength of each season in what the seasons before it in the list leave.

    List them from short to long: a week counts only for what it is more than its days.
    """
    measured = []
    for season in seasons:
        measured.append(strength(values, season))
        values = _without_season(values, season)
    return measured


def strength(values: Floats, season: int) -> float | None:
    """How much of a series (N,) without its trend repeats every season, from 0 to 1.

    That is 1 - var(remainder) / var(detrended).

    The trend is a moving average over one season. The variances are unbiased, so that noise has
    a strength near 0 even over few seasons. None for fewer than three seasons, and for a
    constant. After Wang, Smith & Hyndman (2006), "Characteristic-based clustering for time
    series data".
    """
    half = season // 2
    if season < 2 or len(values) < CYCLES * season + 2 * half:
        return None

    is_missing = np.isnan(values)
    if is_missing.all():
        return None
    if is_missing.any():
        values = _interpolated(values, is_missing)

    detrended = values[half : len(values) - half] - _trend(values, season)
    remainder = _without_season(detrended, season)
    freedom = len(detrended) - season
    variance = float(((detrended - detrended.mean()) ** 2).sum()) / (len(detrended) - 1)

    largest = max(float(np.abs(values).max()), 1e-150)
    if freedom < 1 or variance <= CONSTANT * largest**2:
        return None
    return float(np.clip(1 - float((remainder**2).sum()) / freedom / variance, 0, 1))


def _interpolated(values: Floats, is_missing: NDArray[np.bool_]) -> Floats:
    known = np.flatnonzero(~is_missing)
    filled: Floats = np.interp(np.arange(len(values)), known, values[known])
    return filled


def _trend(values: Floats, season: int) -> Floats:
    """The moving average of values (N,) over one season, (N - 2 * (season // 2),), centered."""
    # Sums of what is left without the mean lose fewer digits.
    mean = values.mean()
    centered = values - mean
    width = 2 * (season // 2) + 1
    sums = np.concatenate([[0.0], np.cumsum(centered)])
    window = sums[width:] - sums[:-width]

    if season % 2 == 0:
        # An even season is centered by a window of one step more, whose two ends count half.
        window = window - 0.5 * (centered[: len(window)] + centered[width - 1 :])
    trend: Floats = window / season + mean
    return trend


def _without_season(values: Floats, season: int) -> Floats:
    """Values (N,) minus the mean of all values at the same place in the season."""
    phase = np.arange(len(values)) % season
    is_known = ~np.isnan(values)
    counts = np.bincount(phase[is_known], minlength=season)
    sums = np.bincount(phase[is_known], values[is_known], minlength=season)
    means = sums / np.maximum(counts, 1)
    return values - means[phase]
