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


def _stored(panel: Panel, run: Run, track: tuple[PastForecast, ...], earliest: Ints) -> Live | None:
    """The score of the forecasts in the track that this run made; None where there are none."""
    horizon = run.model.plan.horizon
    earliest = np.maximum(earliest, panel.lengths - MOST_HORIZONS * horizon)
    ours = [past for past in track if _is_of(past, panel, run)]
    parts = [_came_true(panel, past, np.maximum(earliest, 1)) for past in ours]
    whole = [(past, *part) for past, part in zip(ours, parts, strict=True) if len(part[0])]
    if not whole:
        return None

    series = np.concatenate([series for _, series, _, _ in whole])
    origins = np.concatenate([origins for _, _, origins, _ in whole])
    number = np.repeat(np.arange(len(whole)), [len(series) for _, series, _, _ in whole])
    order = np.lexsort((number, series))
    chosen = windows.of_origins(series[order], origins[order], 1, horizon)
    values = np.concatenate([past.values[rows] for past, _, _, rows in whole])[order]
    levels = set.intersection(*(set(past.bounds) for past, *_ in whole))
    bounds = {
        level: tuple(
            np.concatenate([past.bounds[level][side][rows] for past, _, _, rows in whole])[order]
            for side in (0, 1)
        )
        for level in sorted(levels)
    }
    season = run.config.plan.season
    result = Backtest(
        series=chosen.series,
        origin=number[order],
        actual=forecasting.actual_values(panel, chosen),
        forecasts={NETWORK: values, **forecasting.baseline_forecasts(panel, chosen, season)},
        bounds={level: (low, high) for level, (low, high) in bounds.items()},
        scales=mase_scales(panel, chosen, season),
    )
    return _live("stored", panel, chosen, result)


def _is_of(past: PastForecast, panel: Panel, run: Run) -> bool:
    record = past.record
    return (
        record.run == run.name
        and record.horizon == run.model.plan.horizon
        and record.columns == panel.columns
        and record.frequency == panel.frequency
    )


def _came_true(panel: Panel, past: PastForecast, earliest: Ints) -> tuple[Ints, Ints, Ints]:
    """The forecasts (W,) whose whole horizon lies in the data: their series, their flat origins,
    and their rows in the past forecast."""
    position = {name: index for index, name in enumerate(panel.ids)}
    known = np.array([position.get(name, -1) for name in past.record.ids], np.int64)
    rows = np.flatnonzero((known >= 0) & np.isfinite(past.values).all(axis=1))
    series = known[rows]
    local = past.ends[rows] - panel.first[series]
    is_whole = (local >= earliest[series]) & (local + past.record.horizon <= panel.lengths[series])
    origins = panel.offsets[series] + local
    return series[is_whole], origins[is_whole], rows[is_whole]


# -- by rolling --------------------------------------------------------------------------------


def _rolled(panel: Panel, run: Run, newer: int) -> Live | None:
    horizon = run.model.plan.horizon
    count = min(Origins(1, horizon, horizon).possible(newer), MOST_HORIZONS)
    try:
        rolled = roll(panel, run, Asked(count, None, silent, {}))
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
