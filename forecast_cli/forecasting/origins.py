"""Rolling origins: the windows from which a panel is forecast as if later rows were not there."""

from __future__ import annotations

import numpy as np

from forecast_cli import baselines, windows
from forecast_cli.calendar import Ints
from forecast_cli.forecasting.newest import can_read, fewest_steps, without_holes
from forecast_cli.forecasting.prediction import knows_later_rows
from forecast_cli.panel import Floats, Panel
from forecast_cli.planning import Plan
from forecast_cli.windows import Windows

MEAN_OF_SEASONS = 5  # the newest ones, in the seasonal mean
LARGEST_ARRAY = 1 << 22  # numbers of the histories that are looked at at once

BASELINES = {
    "naive": "naive",
    "seasonal_naive": "seasonal naive",
    "drift": "drift",
    "seasonal_mean": "seasonal mean",
}


def rolling_origins(
    panel: Panel, plan: Plan, *, horizon: int, count: int, step: int, earliest: Ints
) -> tuple[Windows, Ints]:
    """Windows from `count` origins of each series, `step` steps apart, the last one horizon before
    the end; and (W,) the number of the origin of each, from 0 for the earliest.

    earliest: (S,) the first origin that is allowed, in steps from the start of each series. Left
    out are origins before it, those without a whole window before them or with a hole in it, and
    those whose last step was filled in by the values on both sides of it: it was not known then.
    """
    back = (count - 1 - np.arange(count)) * step
    local = panel.lengths[:, None] - horizon - back
    allowed = local >= np.maximum(earliest, fewest_steps(plan))[:, None]
    series, number = np.nonzero(allowed)
    origins = panel.offsets[:-1][series] + local[series, number]
    chosen = windows.of_origins(
        series.astype(np.int64), origins.astype(np.int64), plan.lookback, horizon
    )

    usable = can_read(panel, plan, chosen.series, chosen.origins)
    usable &= ~np.isnan(panel.values[chosen.origins - 1])
    usable &= ~knows_later_rows(panel)[chosen.origins - 1]
    return windows.flagged(chosen, usable), number[usable].astype(np.int64)


def actual_values(panel: Panel, chosen: Windows) -> Floats:
    """(W, horizon) the values after each origin; NaN for holes and what the reader filled in."""
    values = windows.futures(panel.values, chosen)
    if not len(panel.filled):
        return values
    steps = chosen.origins[:, None] + np.arange(chosen.horizon)
    return np.where(panel.filled[steps], np.nan, values)


# -- forecasts that need no training -----------------------------------------------------------


def baseline_forecasts(panel: Panel, chosen: Windows, season: int) -> dict[str, Floats]:
    """(W, horizon) of each forecast that needs no training, by its name.

    They see all rows before the origin, also beyond the lookback of a network.
    """
    forecasts = {name: np.empty((len(chosen), chosen.horizon)) for name in BASELINES}
    before = chosen.origins - panel.offsets[chosen.series]
    lengths = np.minimum(before, MEAN_OF_SEASONS * season)
    for length in np.unique(lengths).tolist():
        alike = np.flatnonzero(lengths == length)
        at_once = max(LARGEST_ARRAY // length, 1)
        for start in range(0, len(alike), at_once):
            rows = alike[start : start + at_once]
            history = _histories(panel, chosen.origins[rows], length, season)
            _repeat(forecasts, rows, history, season)
    forecasts["drift"] = _drift(panel, chosen)
    return forecasts


def _histories(panel: Panel, origins: Ints, length: int, season: int) -> Floats:
    """(B, length) the steps before origins (B,), their holes filled by earlier ones."""
    view = np.lib.stride_tricks.sliding_window_view(panel.values, length)
    history: Floats = view[origins - length]
    for row in np.flatnonzero(np.isnan(history).any(axis=1)):
        history[row] = without_holes(history[row], season)
    return history


def _repeat(forecasts: dict[str, Floats], rows: Ints, history: Floats, season: int) -> None:
    """Set the forecasts of some windows (B,) that repeat their history (B, L), in place."""
    horizon = forecasts["naive"].shape[1]
    forecasts["naive"][rows] = baselines.naive(history, horizon)
    forecasts["seasonal_naive"][rows] = baselines.seasonal_naive(history, horizon, season)
    forecasts["seasonal_mean"][rows] = baselines.seasonal_mean(history, horizon, season)


def _drift(panel: Panel, chosen: Windows) -> Floats:
    """(W, horizon) the line from the first value of the series to the last one before the origin.

    The last step before an origin has a value.
    """
    first = _first_with_value(panel)[chosen.series]
    last = chosen.origins - 1
    slope = (panel.values[last] - panel.values[first]) / np.maximum(last - first, 1)
    lines: Floats = panel.values[last][:, None] + slope[:, None] * np.arange(1, chosen.horizon + 1)
    return lines


def _first_with_value(panel: Panel) -> Ints:
    """(S,) the flat position of the first value of each series; its start, if it has none."""
    known = np.append(np.flatnonzero(~np.isnan(panel.values)), len(panel.values))
    starts = panel.offsets[:-1]
    first = known[np.searchsorted(known, starts)]
    return np.where(first < panel.offsets[1:], first, starts).astype(np.int64)
