"""Covariates as the network sees them: standardized, gathered by window, never from beyond what is known.

Over the window a network sees past-only, known-future and calendar features; over the horizon the known-future and
calendar ones, each beside its value in the season that the reference forecast repeats; and static ones once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast_cli import calendar
from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError
from forecast_cli.panel import Floats, Panel, format_times, times_of
from forecast_cli.windows import Windows


@dataclass(frozen=True, eq=False)
class FeatureScale:
    """Mean and spread of each feature in the training part: (C,) of past, future and calendar ones, (K,) of static ones."""

    mean: Floats
    spread: Floats
    static_mean: Floats
    static_spread: Floats


@dataclass(frozen=True, eq=False)
class Covariates:
    """Features of a panel, standardized, each series followed by `horizon` rows for the steps after its last one.

    rows: (N + S * horizon, C), NaN where nothing is known; known: how many of the last features go beyond the last row;
    static: (S, K); shift: (S,) what a flat position in the panel of that series becomes here.
    """

    rows: Floats
    known: int
    static: Floats
    shift: Ints


@dataclass(frozen=True, eq=False)
class Gathered:
    """Covariates of B windows: past (B, lookback, C), ahead (B, horizon, 2 * known), static (B, K)."""

    past: Floats
    ahead: Floats
    static: Floats


def count(panel: Panel, use_calendar: bool) -> tuple[int, int, int]:
    """How many features: over the window, over the horizon, static."""
    extra = (
        calendar.features(panel.frequency, np.zeros(1, np.int64)).shape[1] if use_calendar else 0
    )
    known = len(panel.future_names) + extra
    return len(panel.past_names) + known, known, len(panel.static_names)


def fit(panel: Panel, use_calendar: bool, ends: Ints) -> FeatureScale:
    """The scale of each feature from the first `ends` (S,) rows of each series, and from nothing later."""
    rows = _rows(panel, use_calendar, 0)
    inside = np.arange(len(rows)) - np.repeat(panel.offsets[:-1], panel.lengths) < np.repeat(
        ends, panel.lengths
    )
    used = rows[inside] if inside.any() else rows
    static = panel.static if panel.static_names else np.empty((len(panel), 0))
    return FeatureScale(*_moments(used), *_moments(static))


def _moments(rows: Floats) -> tuple[Floats, Floats]:
    if not rows.shape[1] or not len(rows):
        return np.zeros(rows.shape[1]), np.ones(rows.shape[1])
    spread = rows.std(axis=0)
    return rows.mean(axis=0), np.where(spread > 1e-12 * np.abs(rows).max(axis=0), spread, 1.0)


def prepare(
    panel: Panel, use_calendar: bool, horizon: int, scale: FeatureScale
) -> Covariates | None:
    """The features of a panel on a given scale; None where there is none."""
    window, known, static = count(panel, use_calendar)
    if not window + static:
        return None
    rows = (_rows(panel, use_calendar, horizon) - scale.mean) / scale.spread
    lone = panel.static if static else np.empty((len(panel), 0))
    return Covariates(
        rows,
        known,
        (lone - scale.static_mean) / scale.static_spread,
        np.arange(len(panel), dtype=np.int64) * horizon,
    )


def _rows(panel: Panel, use_calendar: bool, horizon: int) -> Floats:
    """Features row by row, each series followed by `horizon` rows: past-only ones end with the series."""
    parts = []
    for i in range(len(panel)):
        span, length = slice(panel.offsets[i], panel.offsets[i + 1]), int(panel.lengths[i])
        columns = []
        if panel.past_names:
            columns.append(
                np.concatenate(
                    [panel.past[span], np.full((horizon, len(panel.past_names)), np.nan)]
                )
            )
        if panel.future_names:
            after = np.full((horizon, len(panel.future_names)), np.nan)
            given = panel.ahead[i, :horizon] if panel.ahead.size else after[:0]
            after[: len(given)] = given
            columns.append(np.concatenate([panel.future[span], after]))
        if use_calendar:
            columns.append(
                calendar.features(panel.frequency, times_of(panel, i, 0, length + horizon))
            )
        parts.append(
            np.concatenate(columns, axis=1) if columns else np.empty((length + horizon, 0))
        )
    return np.concatenate(parts)


def gather(covariates: Covariates, chosen: Windows, index: Ints | slice, lag: int) -> Gathered:
    """The covariates of the windows at `index`. Steps after the last known one are at the mean of the feature."""
    series, horizon = chosen.series[index], chosen.horizon
    at = chosen.origins[index] + covariates.shift[series]
    past = covariates.rows[at[:, None] + np.arange(-chosen.lookback, 0)]
    steps, season = np.arange(horizon), max(min(lag, chosen.lookback), 1)
    first = covariates.rows.shape[1] - covariates.known
    ahead = covariates.rows[at[:, None] + steps, first:]
    reference = covariates.rows[at[:, None] - season + steps % season, first:]
    return Gathered(
        past, np.nan_to_num(np.concatenate([ahead, reference], axis=2)), covariates.static[series]
    )


def check_known(panel: Panel, horizon: int) -> None:
    """Raise DataError naming the dates for which a known-future covariate is not known."""
    if not panel.future_names:
        return
    for i, name in enumerate(panel.ids):
        known = np.full((horizon, len(panel.future_names)), np.nan)
        given = panel.ahead[i, :horizon] if panel.ahead.size else known[:0]
        known[: len(given)] = given
        step, column = (int(a[0]) if len(a) else -1 for a in np.nonzero(np.isnan(known)))
        if step < 0:
            continue
        length = int(panel.lengths[i])
        missing = np.flatnonzero(np.isnan(known[:, column]))
        first, last = (
            format_times(panel, times_of(panel, i, length + int(s), length + int(s) + 1))[0]
            for s in missing[[0, -1]]
        )
        where = f"series {name!r}: " if name else ""
        span = (
            f"for {first}"
            if first == last
            else f"for {len(missing):,} steps from {first} to {last}"
        )
        raise DataError(
            f"{where}the covariate {panel.future_names[column].split('=')[0]!r} is not known {span}",
            "give it with --future-values FILE, or as rows of the data whose target is empty",
        )
