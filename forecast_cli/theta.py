"""The theta method: a cheap forecast of single windows, beside those of the networks."""

from __future__ import annotations

import numpy as np

from forecast_cli.panel import Floats

ALPHAS = np.linspace(0.05, 1.0, 20)  # of exponential smoothing, between which each window chooses
FEWEST = 3  # steps of a window, below which there is no trend to be told from noise


def theta(past: Floats, horizon: int, season: int) -> Floats:
    """Forecasts of windows by the theta method: (B, L) -> (B, horizon).

    Simple exponential smoothing with a drift of half the slope of the linear trend, which is
    what the method of Assimakopoulos & Nikolopoulos (2000) comes to (Hyndman & Billah 2003).
    Windows of two seasons or more are adjusted by classical decomposition first, which is
    additive: logarithms make it multiplicative. Shorter windows than three steps repeat their
    last value.
    """
    length = past.shape[1]
    if length < FEWEST:
        return np.repeat(past[:, -1:], horizon, axis=1)

    is_seasonal = 1 < season <= length // 2
    indices = seasonal_indices(past, season) if is_seasonal else np.zeros((len(past), 1))
    phases = np.arange(length + horizon) % indices.shape[1]
    adjusted = past - indices[:, phases[:length]]

    level, alpha = _smoothed(adjusted)
    drift = _slope(adjusted) / 2
    ahead = np.arange(horizon) + ((1 - (1 - alpha) ** length) / alpha)[:, None]
    forecasts: Floats = level[:, None] + drift[:, None] * ahead + indices[:, phases[length:]]
    return forecasts


def seasonal_indices(past: Floats, season: int) -> Floats:
    """(B, season) what each step of the season adds, by classical decomposition.

    The means of the differences to a centered moving average, less the mean of all of them. The
    first index is that of the first step of the windows (B, L), L >= 2 * season.
    """
    weights = np.ones(season)
    if season % 2 == 0:
        weights = np.ones(season + 1)
        weights[[0, -1]] = 0.5
    trend = np.lib.stride_tricks.sliding_window_view(past, len(weights), axis=1) @ weights / season

    before = len(weights) // 2
    differences = past[:, before : before + trend.shape[1]] - trend
    phases = (before + np.arange(trend.shape[1])) % season
    indices = np.stack(
        [differences[:, phases == phase].mean(axis=1) for phase in range(season)], axis=1
    )
    centered: Floats = indices - indices.mean(axis=1, keepdims=True)
    return centered


def _slope(values: Floats) -> Floats:
    """(B,) the slope of the line of least squares through each window (B, L)."""
    steps = np.arange(values.shape[1]) - (values.shape[1] - 1) / 2
    slope: Floats = values @ steps / (steps @ steps)
    return slope


def _smoothed(values: Floats) -> tuple[Floats, Floats]:
    """The last level of simple exponential smoothing of each window (B, L), and its alpha.

    Of the alphas, each window takes the one with the smallest squared errors one step ahead.
    Smoothing begins with the first value.
    """
    alphas = ALPHAS[:, None]
    level = np.repeat(values[None, :, 0], len(ALPHAS), axis=0)
    errors = np.zeros_like(level)
    for step in range(1, values.shape[1]):
        difference = values[:, step] - level
        errors += difference**2
        level += alphas * difference

    best = errors.argmin(axis=0)
    return level[best, np.arange(len(values))], ALPHAS[best]
