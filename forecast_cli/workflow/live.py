"""How good a run is on rows that came after its training: the live score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from forecast_cli import evaluation, forecasting, windows
from forecast_cli.calendar import Ints
from forecast_cli.errors import TooLittleDataError
from forecast_cli.evaluation import NETWORK, Backtest
from forecast_cli.panel import Floats, Panel
from forecast_cli.progress import silent
from forecast_cli.refreshing import HORIZONS_NEEDED
from forecast_cli.store import PastForecast, Run
from forecast_cli.windows import Windows
from forecast_cli.workflow.rolled import Origins, mase_scales
from forecast_cli.workflow.rolling_runs import Asked, roll

MOST_HORIZONS = 10  # the newest ones: a good past must not hide what is wrong now
MOST_ROLLED = 20_000  # forecasts of a run that is rolled: each takes as long as one of predict
NAIVE = ("naive", "seasonal_naive")


@dataclass(frozen=True)
class Live:
    """Errors of forecasts whose whole horizon has come true, of rows newer than the training.

    - by: forecasts that were published and `stored`, or the run `rolled` over the rows now
    - rows: the most actual values of a series that were scored; forecasts: over all series
    - mase, naive_mase: means over series, of the run and of the better naive forecast; None where
      not defined
    - coverage: by level, the share of the actual values inside of the interval
    """

    by: Literal["stored", "rolled"]
    rows: int
    forecasts: int
    mase: float | None
    naive_mase: float | None
    coverage: dict[float, float | None]

    @property
    def skill(self) -> float | None:
        """1 - MASE / MASE of the better naive forecast; None where that is not defined."""
        if self.mase is None or not self.naive_mase:
            return None
        return 1 - self.mase / self.naive_mase


def live_score(panel: Panel, run: Run, track: tuple[PastForecast, ...]) -> Live | None:
    """The score of a run on the newest rows that came after its training; None without a horizon
    of them.

    By the forecasts of the track that are of this run, where these cover as many rows as the alarm
    needs, or as there are. Otherwise the run is rolled over the rows, without being refitted.
    """
    horizon = run.model.plan.horizon
    earliest = rows_known(panel, run)
    newer = int((panel.lengths - earliest).max())
    if newer < horizon:
        return None

    stored = _stored(panel, run, track, earliest)
    wanted = min(HORIZONS_NEEDED, newer // horizon) * horizon
    if stored is not None and stored.rows >= wanted:
        return stored
    rolled = _rolled(panel, run, newer)
    return stored if rolled is None else rolled


def rows_known(panel: Panel, run: Run) -> Ints:
    """(S,) how many steps of each series there were when a run was trained; 0 of a new series."""
    tail = run.tail
    ends = dict(zip(tail.ids, (tail.first + tail.lengths).tolist(), strict=True))
    firsts = zip(panel.ids, panel.first.tolist(), strict=True)
    known = np.array([ends.get(name, first) - first for name, first in firsts], np.int64)
    return np.clip(known, 0, panel.lengths)


# -- by forecasts of the track -----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _CameTrue:
    """The forecasts (W,) of one record, as far as the horizon of the run, which lies in the data.

    - series, origins: in the panel, the latter flat
    - values: (W, H); bounds: by level, lower and upper, (W, H) each
    """

    series: Ints
    origins: Ints
    values: Floats
    bounds: dict[float, tuple[Floats, Floats]]


def _stored(panel: Panel, run: Run, track: tuple[PastForecast, ...], earliest: Ints) -> Live | None:
    """The score of the forecasts in the track that this run made; None where there are none."""
    parts = _all_that_came_true(panel, run, track, earliest)
    if not parts:
        return None

    series = np.concatenate([part.series for part in parts])
    origins = np.concatenate([part.origins for part in parts])
    number = np.repeat(np.arange(len(parts)), [len(part.series) for part in parts])
    order = np.lexsort((number, series))  # those of a series stand together, oldest first

    season = run.config.plan.season
    chosen = windows.of_origins(series[order], origins[order], 1, run.model.plan.horizon)
    values = np.concatenate([part.values for part in parts])[order]
    result = Backtest(
        series=chosen.series,
        origin=number[order],
        actual=forecasting.actual_values(panel, chosen),
        forecasts={NETWORK: values, **forecasting.baseline_forecasts(panel, chosen, season)},
        bounds=_bounds(parts, order),
        scales=mase_scales(panel, chosen, season),
    )
    return _live("stored", panel, chosen, result)


def _all_that_came_true(
    panel: Panel, run: Run, track: tuple[PastForecast, ...], earliest: Ints
) -> list[_CameTrue]:
    """By record, oldest first; records of which nothing came true are left out.

    earliest: (S,) the first step of each series that may be scored.
    """
    newest = panel.lengths - MOST_HORIZONS * run.model.plan.horizon
    earliest = np.maximum(np.maximum(earliest, newest), 1)
    position = {name: index for index, name in enumerate(panel.ids)}
    parts = []
    for past in track:
        if _is_of(past, panel, run):
            part = _came_true(panel, past, position, earliest, run.model.plan.horizon)
            if len(part.series):
                parts.append(part)
    return parts


def _is_of(past: PastForecast, panel: Panel, run: Run) -> bool:
    """Whether a record is of this run and of such data, and holds its horizon or a longer one."""
    record = past.record
    return (
        record.run == run.name
        and record.horizon >= run.model.plan.horizon
        and record.columns == panel.columns
        and record.frequency == panel.frequency
    )


def _came_true(
    panel: Panel, past: PastForecast, position: dict[str, int], earliest: Ints, horizon: int
) -> _CameTrue:
    """Of one record. position: of each series in the panel, by its name."""
    known = np.array([position.get(name, -1) for name in past.record.ids], np.int64)
    rows = np.flatnonzero((known >= 0) & np.isfinite(past.values[:, :horizon]).all(axis=1))
    local = past.ends[rows] - panel.first[known[rows]]
    is_new = local >= earliest[known[rows]]
    is_whole = local + horizon <= panel.lengths[known[rows]]

    rows, local = rows[is_new & is_whole], local[is_new & is_whole]
    series = known[rows]
    bounds = {
        level: (low[rows, :horizon], high[rows, :horizon])
        for level, (low, high) in past.bounds.items()
    }
    origins = panel.offsets[series] + local
    return _CameTrue(series, origins, past.values[rows, :horizon], bounds)


def _bounds(parts: list[_CameTrue], order: Ints) -> dict[float, tuple[Floats, Floats]]:
    """By level that all records have, the lower and upper bounds (W, H) in the order."""
    levels = set.intersection(*(set(part.bounds) for part in parts))
    bounds = {}
    for level in sorted(levels):
        lower = np.concatenate([part.bounds[level][0] for part in parts])
        upper = np.concatenate([part.bounds[level][1] for part in parts])
        bounds[level] = lower[order], upper[order]
    return bounds


# -- by rolling --------------------------------------------------------------------------------


def _rolled(panel: Panel, run: Run, newer: int) -> Live | None:
    horizon = run.model.plan.horizon
    possible = Origins(1, horizon, horizon).possible(newer)
    most = max(HORIZONS_NEEDED, min(MOST_HORIZONS, MOST_ROLLED // len(panel)))
    try:
        rolled = roll(panel, run, Asked(min(possible, most), None, silent, {}))
    except TooLittleDataError:
        return None
    return _live("rolled", panel, rolled.windows, rolled.result)


# -- scores ------------------------------------------------------------------------------------


def _live(by: Literal["stored", "rolled"], panel: Panel, chosen: Windows, result: Backtest) -> Live:
    scores = evaluation.summary(result)
    naive = [scores[name]["mase"] for name in NAIVE if np.isfinite(scores[name]["mase"])]
    intervals = evaluation.interval_summary(result)
    return Live(
        by=by,
        rows=_rows(panel, chosen, result.actual),
        forecasts=len(chosen),
        mase=known(scores[NETWORK]["mase"]),
        naive_mase=min(naive, default=None),
        coverage={level: known(each["coverage"]) for level, each in intervals.items()},
    )


def _rows(panel: Panel, chosen: Windows, actual: Floats) -> int:
    """The most different steps of a series that have an actual value in the windows (W, H)."""
    scored = np.zeros(len(panel.values), np.int64)
    steps = chosen.origins[:, None] + np.arange(chosen.horizon)
    scored[steps[~np.isnan(actual)]] = 1
    return int(np.add.reduceat(scored, panel.offsets[:-1]).max())


def known(value: float) -> float | None:
    """A number as a plain float; None where it is not finite."""
    return float(value) if np.isfinite(value) else None
