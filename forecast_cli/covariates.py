"""Covariates as the network sees them: standardized, and gathered for each window.

Over the lookback a network sees past covariates, known-future covariates and calendar features.
Over the horizon it sees the known-future covariates and the calendar features, which are called
future features here, each beside its value one season earlier, from where the reference
forecast repeats the target. Static covariates it sees once. Nothing comes from later than it
would be known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast_cli import calendar
from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError
from forecast_cli.panel import Floats, Panel, format_times, times_of
from forecast_cli.windows import Windows

NEGLIGIBLE = 1e-12  # spread, as a part of the largest value, that is rounding and not a spread


@dataclass(frozen=True, eq=False)
class FeatureScale:
    """Mean and spread of each feature in the training part.

    (C,) of past and future features, (K,) of static ones.
    """

    mean: Floats
    spread: Floats
    static_mean: Floats
    static_spread: Floats


@dataclass(frozen=True, eq=False)
class Covariates:
    """Standardized features of a panel, with `horizon` rows more after each series.

    rows: (N + S * horizon, C), NaN where a feature is not known. future_features: how many of
    the C features, the last ones, are known after the last row. static: (S, K). shift: (S,)
    what to add to a flat position in the panel for the same step in `rows`, by series.
    """

    rows: Floats
    future_features: int
    static: Floats
    shift: Ints


@dataclass(frozen=True, eq=False)
class Gathered:
    """Features of B windows.

    past: (B, lookback, C).
    future_features: (B, horizon, 2 * F), at each step and then one season earlier.
    static: (B, K).
    """

    past: Floats
    future_features: Floats
    static: Floats


def count(panel: Panel, use_calendar: bool) -> tuple[int, int, int]:
    """How many features there are over the lookback, over the horizon, and static."""
    future_features = len(panel.future_names)
    if use_calendar:
        one_time = np.zeros(1, np.int64)
        future_features += calendar.features(panel.frequency, one_time).shape[1]
    return len(panel.past_names) + future_features, future_features, len(panel.static_names)


def fit(panel: Panel, use_calendar: bool, ends: Ints) -> FeatureScale:
    """The scale of each feature from the first `ends` (S,) rows of each series alone."""
    rows = _rows(panel, use_calendar, 0)
    step = np.arange(len(rows)) - np.repeat(panel.offsets[:-1], panel.lengths)
    is_training = step < np.repeat(ends, panel.lengths)
    if is_training.any():
        rows = rows[is_training]

    return FeatureScale(*_mean_and_spread(rows), *_mean_and_spread(_static(panel)))


def prepare(
    panel: Panel, use_calendar: bool, horizon: int, scale: FeatureScale
) -> Covariates | None:
    """The features of a panel, standardized by `scale`; None where there are none."""
    window, future_features, static = count(panel, use_calendar)
    if window + static == 0:
        return None

    return Covariates(
        rows=(_rows(panel, use_calendar, horizon) - scale.mean) / scale.spread,
        future_features=future_features,
        static=(_static(panel) - scale.static_mean) / scale.static_spread,
        shift=np.arange(len(panel), dtype=np.int64) * horizon,
    )


def gather(covariates: Covariates, chosen: Windows, index: Ints | slice, lag: int) -> Gathered:
    """The features of the windows at `index`.

    chosen: windows of the panel that `covariates` was prepared from; lag: the season of the
    reference forecast, in steps. A future feature that is not known stands at its mean.
    """
    series, origins = chosen.at(index)
    origins = origins + covariates.shift[series]
    past = covariates.rows[origins[:, None] + np.arange(-chosen.lookback, 0)]

    steps = np.arange(chosen.horizon)
    season = max(min(lag, chosen.lookback), 1)
    future_features = covariates.rows[:, covariates.rows.shape[1] - covariates.future_features :]
    at_step = future_features[origins[:, None] + steps]
    a_season_earlier = future_features[origins[:, None] - season + steps % season]
    both = np.concatenate([at_step, a_season_earlier], axis=2)
    return Gathered(past, np.nan_to_num(both), covariates.static[series])


def check_known(panel: Panel, horizon: int) -> None:
    """Raise DataError if a known-future covariate is not known for the next `horizon` steps.

    The message names the first such series and covariate, and the times for which it is not
    known.
    """
    if not panel.future_names:
        return

    for index in range(len(panel)):
        is_missing = np.isnan(_after_last_row(panel, index, horizon))
        if is_missing.any():
            raise _not_known(panel, index, is_missing)


def _not_known(panel: Panel, index: int, is_missing: NDArray[np.bool_]) -> DataError:
    """The error for one series; is_missing: (horizon, F)."""
    column = int(np.nonzero(is_missing)[1][0])
    missing_steps = np.flatnonzero(is_missing[:, column])
    length = int(panel.lengths[index])
    times = times_of(panel, index, length, length + len(is_missing))
    first, last = format_times(panel, times[missing_steps[[0, -1]]])

    name = panel.ids[index]
    where = f"series {name!r}: " if name else ""
    covariate = panel.future_names[column].split("=")[0]
    span = first
    if len(missing_steps) > 1:
        span = f"{len(missing_steps):,} steps from {first} to {last}"
    return DataError(
        f"{where}the covariate {covariate!r} is not known for {span}",
        "give it with --future-values FILE, or as rows of the data whose target is empty",
    )


def _static(panel: Panel) -> Floats:
    return panel.static if panel.static_names else np.empty((len(panel), 0))


def _mean_and_spread(rows: Floats) -> tuple[Floats, Floats]:
    """Of features (N, C); a spread of 1 for those that are constant."""
    width = rows.shape[1]
    if not width or not len(rows):
        return np.zeros(width), np.ones(width)

    # What rounding leaves of a constant must not be divided by.
    spread = rows.std(axis=0)
    varies = spread > NEGLIGIBLE * np.abs(rows).max(axis=0)
    return rows.mean(axis=0), np.where(varies, spread, 1.0)


def _rows(panel: Panel, use_calendar: bool, horizon: int) -> Floats:
    """Features row by row, (N + S * horizon, C): each series is followed by `horizon` rows.

    Past covariates, which nobody knows there, are NaN in these rows.
    """
    by_series = []
    for index in range(len(panel)):
        columns = _columns(panel, index, use_calendar, horizon)
        if not columns:
            columns = [np.empty((int(panel.lengths[index]) + horizon, 0))]
        by_series.append(np.concatenate(columns, axis=1))

    return np.concatenate(by_series)


def _columns(panel: Panel, index: int, use_calendar: bool, horizon: int) -> list[Floats]:
    """The features of one series, (n + horizon, ...): past, known-future, calendar."""
    rows = slice(panel.offsets[index], panel.offsets[index + 1])
    columns = []

    if panel.past_names:
        unknown = np.full((horizon, len(panel.past_names)), np.nan)
        columns.append(np.concatenate([panel.past[rows], unknown]))
    if panel.future_names:
        after = _after_last_row(panel, index, horizon)
        columns.append(np.concatenate([panel.future[rows], after]))
    if use_calendar:
        times = times_of(panel, index, 0, int(panel.lengths[index]) + horizon)
        columns.append(calendar.features(panel.frequency, times))
    return columns


def _after_last_row(panel: Panel, index: int, horizon: int) -> Floats:
    """Known-future covariates after the last row, (horizon, F), NaN where not known."""
    values = np.full((horizon, len(panel.future_names)), np.nan)
    if panel.ahead.size:
        known = panel.ahead[index, :horizon]
        values[: len(known)] = known
    return values
