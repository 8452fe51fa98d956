"""Rolling origins: the windows from which a panel is forecast as if later rows were not there."""

from __future__ import annotations

import numpy as np

from forecast_cli import baselines, windows
from forecast_cli.calendar import Ints
from forecast_cli.forecasting.newest import without_holes
from forecast_cli.panel import Floats, Panel
from forecast_cli.windows import Windows

MEAN_OF_SEASONS = 5  # the newest ones, in the seasonal mean

BASELINES = {
    "naive": "naive",
    "seasonal_naive": "seasonal naive",
    "drift": "drift",
    "seasonal_mean": "seasonal mean",
}


def rolling_origins(
    panel: Panel, *, lookback: int, horizon: int, count: int, step: int, earliest: Ints
) -> tuple[Windows, Ints]:
    """Windows from `count` origins of each series, `step` steps apart, the last one horizon before
    the end; and (W,) the number of the origin of each, from 0 for the earliest.

    earliest: (S,) the first origin that is allowed, in steps from the start of each series. Origins
    before it, or without a whole window before them, or with a hole in it, are left out.
    """
    back = (count - 1 - np.arange(count)) * step
    local = panel.lengths[:, None] - horizon - back
    allowed = local >= np.maximum(earliest, lookback)[:, None]
    series, number = np.nonzero(allowed)
    origins = panel.offsets[:-1][series] + local[series, number]
    chosen = Windows(series.astype(np.int64), origins.astype(np.int64), lookback, horizon)
    complete = ~windows.holes_between(panel, chosen.origins - lookback, chosen.origins)
    return windows.selected(chosen, complete), number[complete].astype(np.int64)


def actual_values(panel: Panel, chosen: Windows) -> Floats:
    """(W, horizon) the values after each origin; NaN for holes and what the reader filled in."""
    values = windows.futures(panel.values, chosen)
    if not len(panel.filled):
        return values
    steps = chosen.origins[:, None] + np.arange(chosen.horizon)
    return np.where(panel.filled[steps], np.nan, values)


def baseline_forecasts(panel: Panel, chosen: Windows, season: int) -> dict[str, Floats]:
    """(W, horizon) of each forecast that needs no training, by its name.

    They see all rows before the origin, also beyond the lookback of a network.
    """
    horizon = chosen.horizon
    forecasts = {name: np.empty((len(chosen), horizon)) for name in BASELINES}
    for row, (series, origin) in enumerate(zip(chosen.series, chosen.origins, strict=True)):
        start = int(panel.offsets[series])
        newest = panel.values[max(start, origin - MEAN_OF_SEASONS * season) : origin]
        if np.isnan(newest).any():
            newest = without_holes(newest, season)
        history = newest[None]
        forecasts["naive"][row] = baselines.naive(history, horizon)[0]
        forecasts["seasonal_naive"][row] = baselines.seasonal_naive(history, horizon, season)[0]
        forecasts["seasonal_mean"][row] = baselines.seasonal_mean(history, horizon, season)[0]

        every = panel.values[start:origin]
        known = every[~np.isnan(every)]
        forecasts["drift"][row] = baselines.drift(known[None], horizon)[0]
    return forecasts
