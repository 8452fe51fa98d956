"""The held-out rows of a saved run, as windows: for scores that `metrics.json` does not have.

A run stores its forecasts of the held-out rows in `predictions.csv`. Here they become a `Backtest`
again, with their scores by series and by step ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from forecast_cli import evaluation, tables, windows
from forecast_cli.calendar import Ints
from forecast_cli.evaluation import NETWORK, Backtest
from forecast_cli.panel import Floats, Panel, format_times, times_of, values_of
from forecast_cli.planning import Plan
from forecast_cli.store import Run
from forecast_cli.tables import Rows

ScaledBy = Literal["data", "scores", "stored"]


@dataclass(frozen=True, eq=False)
class HeldOutWindows:
    """Forecasts of the held-out rows in W windows of H steps, those of a series one after another.

    - backtest: the forecasts and what came; the last window of a series may end in NaN
    - positions: (W,) the position of the first step of each window among the stored rows of its
      series
    - scaled_by: where the scales of MASE come from: all rows of the data; the scores of the run; or
      only the rows that are stored with it, so that they differ a little from those of the training
    """

    backtest: Backtest
    positions: Ints
    scaled_by: ScaledBy


def windows_of(run: Run, panel: Panel | None = None) -> HeldOutWindows | None:
    """The held-out windows of a run; None where nothing was held out, or nothing could be forecast.

    panel: the data of the training, if they are at hand. The tables of the run must have been
    checked. Raises ValueError where the rows are not those of the run.
    """
    config = run.config
    data = run.texts.get("predictions.csv", b"")
    rows = tables.read_predictions(data, config.columns, config.plan.levels)
    if not len(rows.numbers["actual"]):
        return None

    series, places = _places(run.tail, rows)
    owner, step = _windows(series, config.plan.horizon)
    first = np.flatnonzero(step == 0)
    window_series, positions = series[first], places[first]

    count, horizon = len(first), config.plan.horizon
    forecasts = {NETWORK: rows.numbers["forecast"]}
    if config.plan.season > 1:
        forecasts["seasonal_naive"] = rows.numbers["seasonal_naive"]
    forecasts["naive"] = _last_values(run.tail, window_series, positions)[owner]

    def spread_out(values: Floats) -> Floats:
        """(R,) values of rows as (W, H)."""
        table = np.full((count, horizon), np.nan)
        table[owner, step] = values
        return table

    scales, scaled_by = _scales(run, panel, window_series, positions)
    backtest = Backtest(
        series=window_series,
        origin=_origins(run.tail, window_series, positions, horizon),
        actual=spread_out(rows.numbers["actual"]),
        forecasts={name: spread_out(values) for name, values in forecasts.items()},
        bounds={},
        scales=scales,
    )
    return HeldOutWindows(backtest, positions, scaled_by)


# -- from rows to windows ----------------------------------------------------------------------


def _places(tail: Panel, rows: Rows) -> tuple[Ints, Ints]:
    """The series of each row (R,), and its position among the stored rows of that series (R,)."""
    numbers = {name: number for number, name in enumerate(tail.ids)}
    count = len(rows.texts[tables.TIME])
    series, places = np.empty(count, np.int64), np.empty(count, np.int64)
    for name, mine in rows.by_series().items():
        if name not in numbers:
            raise ValueError(f"the held-out rows are of a series {name!r}, which the run has not")
        texts = [rows.texts[tables.TIME][row] for row in mine.tolist()]
        series[mine] = numbers[name]
        places[mine] = _positions(tail, numbers[name], texts)
    return series, places


def _positions(tail: Panel, index: int, texts: list[str]) -> Ints:
    """The positions (n,) of times among the stored rows of a series. Raises ValueError."""
    length = int(tail.lengths[index])
    start = length - len(texts)

    # Nearly always they are the last rows, and writing one time is enough to see it.
    if start >= 0:
        first = times_of(tail, index, start, start + 1)
        if format_times(tail, first) == texts[:1]:
            return np.arange(start, length)

    written = format_times(tail, times_of(tail, index))
    position_of = {time: position for position, time in enumerate(written)}
    if any(text not in position_of for text in texts):
        raise ValueError("a held-out row is not among the rows that are stored with the run")
    return np.array([position_of[text] for text in texts], np.int64)


def _windows(series: Ints, horizon: int) -> tuple[Ints, Ints]:
    """The window of each row (R,), and the step of each row in it (R,), from 0.

    The rows of a series are forecast a horizon at a time, and only its last window may be shorter.
    """
    is_first_of_series = np.append(True, series[1:] != series[:-1])
    begins = np.maximum.accumulate(np.where(is_first_of_series, np.arange(len(series)), 0))
    step = (np.arange(len(series)) - begins) % horizon
    return np.cumsum(step == 0) - 1, step


def _origins(tail: Panel, series: Ints, positions: Ints, horizon: int) -> Ints:
    """The number of the origin of each window (W,), from 0; the last one is the same in all series."""
    before_end = -(-(tail.lengths[series] - positions) // horizon)
    origins: Ints = before_end.max() - before_end
    return origins


def _last_values(tail: Panel, series: Ints, positions: Ints) -> Floats:
    """The last value before each window (W,); NaN where there is none."""
    before = tail.offsets[series] + positions - 1
    return np.where(positions > 0, tail.values[np.maximum(before, 0)], np.nan)


# -- the scales of MASE ------------------------------------------------------------------------


def _scales(
    run: Run, panel: Panel | None, series: Ints, positions: Ints
) -> tuple[Floats, ScaledBy]:
    """The scale of each series (S,), NaN where there is none, and where it comes from."""
    if panel is not None and panel.ids == run.tail.ids:
        return _from_data(panel, run.config.plan), "data"

    scale = _from_scores(run)
    if scale is not None:
        return np.array([scale]), "scores"
    return _from_stored_rows(run, series, positions), "stored"


def _from_data(panel: Panel, plan: Plan) -> Floats:
    ends = windows.split(panel, plan.validation, plan.test).validation
    season = plan.season
    scales = []
    for index, end in enumerate(ends.tolist()):
        scales.append(evaluation.mase_scale(values_of(panel, index)[:end], season))
    return np.array(scales)


def _from_scores(run: Run) -> float | None:
    """Of a single series: its MAE over its MASE; None where there are several, or no MASE."""
    test = run.metrics.test
    if test is None or len(run.tail) > 1:
        return None
    for scores in (test.naive, test.seasonal_naive, test.network):
        if scores.mae and scores.mase:
            return scores.mae / scores.mase
    return None


def _from_stored_rows(run: Run, series: Ints, positions: Ints) -> Floats:
    scales = np.full(len(run.tail), np.nan)
    for index in np.unique(series).tolist():
        begin = int(positions[series == index].min())
        before = values_of(run.tail, index)[:begin]
        scales[index] = evaluation.mase_scale(before, run.config.plan.season)
    return scales
