"""The forecast past the last row of every series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast_cli import covariates, intervals, windows
from forecast_cli.baselines import seasonal_naive
from forecast_cli.calendar import Ints
from forecast_cli.fields import Digits
from forecast_cli.forecasting.model import Model
from forecast_cli.forecasting.newest import (
    Flags,
    has_full_window,
    unreadable,
    without_holes,
)
from forecast_cli.forecasting.rolling import (
    Bounds,
    empty_unordered_bounds,
    forecast_windows,
    stretched,
)
from forecast_cli.forecasting.times import times_of_steps, written
from forecast_cli.panel import (
    Columns,
    Floats,
    Panel,
    TimeFormat,
    select,
    values_of,
)


@dataclass(frozen=True, eq=False)
class Forecast:
    """S series of `horizon` steps.

    - times: (S, H) microseconds; texts: the same as the file writes them
    - values: (S, H)
    - bounds: by level, lower and upper, (S, H) each
    - fallback: series that were too short for the network and repeat their last season instead
    - dropped: series that were left out for it
    - digits: the decimals that it is written with; the values have all theirs
    """

    ids: tuple[str, ...]
    times: Ints
    texts: tuple[tuple[str, ...], ...]
    values: Floats
    bounds: Bounds
    columns: Columns
    time_format: TimeFormat
    fallback: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    digits: Digits = "full"


def forecast(panel: Panel, model: Model, levels: tuple[float, ...]) -> Forecast:
    """Forecast past the last row of every series.

    Raises RunMismatchError where a network that works in logs meets a value that is not positive,
    or where the data lack a covariate; DataError naming the dates for which a known-future
    covariate is not known; TooLittleDataError where series are too short and plan.short says so.
    """
    plan = model.plan
    covariates.check_known(panel, plan.horizon)

    dropped: tuple[str, ...] = ()
    readable = has_full_window(panel, plan)
    if plan.short != "fallback" and not readable.all():
        if plan.short == "refuse" or not readable.any():
            raise unreadable(panel, plan, readable)
        dropped = tuple(panel.ids[i] for i in np.flatnonzero(~readable))
        panel = select(panel, np.flatnonzero(readable))
        readable = readable[readable]

    values = np.empty((len(panel), plan.horizon))
    bounds = {level: (np.empty_like(values), np.empty_like(values)) for level in levels}
    _forecast_by_network(panel, model, readable, values, bounds)
    _repeat_last_season(panel, model, ~readable, values, bounds)

    times = _future_times(panel, plan.horizon)
    texts = written(panel, times.reshape(-1))
    rows = range(0, len(texts), plan.horizon)
    fallback = tuple(panel.ids[i] for i in np.flatnonzero(~readable))
    return Forecast(
        ids=panel.ids,
        times=times,
        texts=tuple(tuple(texts[row : row + plan.horizon]) for row in rows),
        values=values,
        bounds=bounds,
        columns=panel.columns,
        time_format=panel.time_format,
        fallback=fallback,
        dropped=dropped,
    )


def no_forecast(panel: Panel, levels: tuple[float, ...]) -> Forecast:
    """A forecast of no series: what there is while covariates of the future are not given."""
    none = np.empty((0, 0))
    return Forecast(
        ids=(),
        times=np.empty((0, 0), np.int64),
        texts=(),
        values=none,
        bounds=dict.fromkeys(levels, (none, none)),
        columns=panel.columns,
        time_format=panel.time_format,
    )


def _future_times(panel: Panel, horizon: int) -> Ints:
    """(S, horizon) the times after the last row of every series."""
    series = np.repeat(np.arange(len(panel)), horizon)
    ahead = np.tile(np.arange(horizon), len(panel))
    times = times_of_steps(panel, series, panel.lengths[series] + ahead)
    return times.reshape(len(panel), horizon)


def _forecast_by_network(
    panel: Panel, model: Model, readable: Flags, values: Floats, bounds: Bounds
) -> None:
    """Fill in, in place, the series whose newest window the network can read."""
    series = np.flatnonzero(readable)
    if not len(series):
        return

    plan = model.plan
    ends = panel.offsets[1:][series]
    newest = windows.of_origins(series, ends, plan.lookback, plan.horizon)
    forecasts = forecast_windows(panel, model, newest, tuple(bounds))
    values[series] = forecasts.values
    for level, (low, high) in forecasts.bounds.items():
        bounds[level][0][series], bounds[level][1][series] = low, high


def _repeat_last_season(
    panel: Panel, model: Model, too_short: Flags, values: Floats, bounds: Bounds
) -> None:
    """Fill in, in place, the other series: their last season again."""
    plan = model.plan
    offsets = {
        level: intervals.bounds(model.point_residuals, level, symmetric=plan.symmetric)
        for level in bounds
    }

    for i in np.flatnonzero(too_short):
        history = without_holes(values_of(panel, int(i)), plan.season)
        values[i] = seasonal_naive(history[None], plan.horizon, plan.season)[0]
        # A few values have no spread of their own: what is not known stays empty.
        has_spread = len(history) > 2 and history.std() > 0
        spread = history.std() if has_spread else np.nan
        for level, (below, above) in offsets.items():
            bounds[level][0][i] = values[i] + stretched(below, plan.horizon) * spread
            bounds[level][1][i] = values[i] + stretched(above, plan.horizon) * spread

    own = {level: (low[too_short], high[too_short]) for level, (low, high) in bounds.items()}
    empty_unordered_bounds(values[too_short], own)
    for level, (low, high) in own.items():
        bounds[level][0][too_short], bounds[level][1][too_short] = low, high
