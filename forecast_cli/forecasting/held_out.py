"""Forecasts of the test part, from the rows before it, without retraining."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from forecast_cli import windows
from forecast_cli.baselines import seasonal_naive
from forecast_cli.calendar import Ints
from forecast_cli.forecasting.model import Model
from forecast_cli.forecasting.newest import Flags, can_read, fewest_steps, without_holes
from forecast_cli.forecasting.rolling import Bounds, forecast_windows
from forecast_cli.forecasting.times import times_of_steps, written
from forecast_cli.panel import Floats, Panel
from forecast_cli.planning import Plan
from forecast_cli.windows import Windows


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Forecasts of the test part, one row a step, (R,) each.

    - series: the number of the series
    - texts, cutoffs: the time of the step, and that of the last row before the forecast
    - seasonal_naive, naive: what these forecast
    - members: (M, R), the forecast of each member; M is 0 where there is one, or where they add up
    - unread: rows of the test part that have no forecast, because of a hole in the steps to look
      back on
    - steps: the flat position of the step in the panel
    """

    series: Ints
    texts: list[str]
    cutoffs: list[str]
    actual: Floats
    forecast: Floats
    seasonal_naive: Floats
    naive: Floats
    bounds: Bounds
    members: Floats
    unread: int = 0
    steps: Ints = field(default_factory=lambda: np.empty(0, np.int64))


def forecast_held_out(panel: Panel, model: Model, levels: tuple[float, ...]) -> HeldOut:
    """Forecast the test part of every series from the rows before it, a horizon at a time.

    A window that the network cannot read is left out, as one with a hole in its past.
    """
    plan = model.plan
    every = _test_windows(panel, plan)
    readable = can_read(panel, plan, every.series, every.origins)
    unread = int(_inside(panel, windows.flagged(every, ~readable)).sum())
    chosen = windows.flagged(every, readable)
    inside = _inside(panel, chosen)

    forecasts = forecast_windows(panel, model, chosen, levels)
    texts, cutoffs = _times(panel, chosen, inside)
    steps = (chosen.origins[:, None] + np.arange(plan.horizon))[inside]
    bounds = {level: (low[inside], high[inside]) for level, (low, high) in forecasts.bounds.items()}
    last_values = np.repeat(panel.values[chosen.origins - 1][:, None], plan.horizon, axis=1)
    return HeldOut(
        series=np.repeat(chosen.series[:, None], plan.horizon, axis=1)[inside],
        texts=texts,
        cutoffs=cutoffs,
        actual=_observed(panel, steps),
        forecast=forecasts.values[inside],
        seasonal_naive=_seasonal_naive(panel, chosen, plan)[inside],
        naive=last_values[inside],
        bounds=bounds,
        members=forecasts.members[:, inside],
        steps=steps,
        unread=unread,
    )


def _test_windows(panel: Panel, plan: Plan) -> Windows:
    """Windows whose horizons cover the test part of every series, holes or not."""
    starts = windows.split(panel, plan.validation, plan.test).validation
    counts = -(-(panel.lengths - starts) // plan.horizon)
    series = np.repeat(np.arange(len(panel)), counts)
    within = np.arange(len(series)) - np.repeat(np.cumsum(counts) - counts, counts)
    steps = starts[series] + within * plan.horizon
    every = windows.of_origins(series, panel.offsets[series] + steps, plan.lookback, plan.horizon)
    return windows.flagged(every, steps >= fewest_steps(plan))


def _inside(panel: Panel, chosen: Windows) -> Flags:
    """(W, horizon) which steps of the windows lie before the end of their series."""
    steps = chosen.origins[:, None] + np.arange(chosen.horizon)
    inside: Flags = steps < panel.offsets[1:][chosen.series][:, None]
    return inside


def _times(panel: Panel, chosen: Windows, inside: Flags) -> tuple[list[str], list[str]]:
    """The times of all steps inside, and for each that of the last row before its forecast."""
    first = chosen.origins - panel.offsets[chosen.series]
    row, ahead = np.nonzero(inside)
    times = times_of_steps(panel, chosen.series[row], first[row] + ahead)
    cutoffs = times_of_steps(panel, chosen.series[row], first[row] - 1)
    return written(panel, times), written(panel, cutoffs)


def _observed(panel: Panel, steps: Ints) -> Floats:
    """The values at flat positions; NaN for those that the reader filled in."""
    values = panel.values[steps]
    if not len(panel.filled):
        return values
    return np.where(panel.filled[steps], np.nan, values)


def _seasonal_naive(panel: Panel, chosen: Windows, plan: Plan) -> Floats:
    """(W, horizon) the last season before each window again.

    It may look back further than the network, where the season is longer than the lookback.
    """
    # A shorter history repeats what it has.
    season = np.minimum(plan.season, chosen.origins - panel.offsets[chosen.series])[:, None]
    ahead = np.arange(plan.horizon) % season
    forecasts: Floats = panel.values[chosen.origins[:, None] - season + ahead]

    # A baseline must have a forecast wherever the network has one.
    rows = np.flatnonzero(np.isnan(forecasts).any(axis=1))
    for row, series, origin in zip(rows, *chosen.at(rows), strict=True):
        history = without_holes(panel.values[panel.offsets[series] : origin], plan.season)
        forecasts[row] = seasonal_naive(history[None], plan.horizon, plan.season)[0]
    return forecasts
