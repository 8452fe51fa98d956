"""Forecasts that need no training: what every network has to beat, and what it starts from."""

from __future__ import annotations

import numpy as np

from forecast_cli.panel import Floats


def naive(history: Floats, horizon: int) -> Floats:
    """The last value again: (B, L) -> (B, horizon)."""
    return np.repeat(history[:, -1:], horizon, axis=1)


def seasonal_naive(history: Floats, horizon: int, season: int) -> Floats:
    """The last season again and again: (B, L) -> (B, horizon). Shorter histories repeat what they have."""
    season = min(season, history.shape[1])
    repeated: Floats = history[:, history.shape[1] - season + np.arange(horizon) % season]
    return repeated


def drift(history: Floats, horizon: int) -> Floats:
    """The line from the first to the last value, continued: (B, L) -> (B, horizon)."""
    slope: Floats = (history[:, -1:] - history[:, :1]) / max(history.shape[1] - 1, 1)
    line: Floats = history[:, -1:] + slope * np.arange(1, horizon + 1)
    return line


def mean(history: Floats, horizon: int) -> Floats:
    """The mean of the history: (B, L) -> (B, horizon)."""
    return np.repeat(history.mean(axis=1, keepdims=True), horizon, axis=1)


def seasonal_mean(history: Floats, horizon: int, season: int) -> Floats:
    """The mean of each step of the season over all whole seasons: (B, L) -> (B, horizon).

    Shorter histories repeat what they have.
    """
    length = history.shape[1]
    season = min(season, length)
    seasons = history[:, length % season :].reshape(len(history), -1, season)
    means: Floats = seasons.mean(axis=1)[:, np.arange(horizon) % season]
    return means
