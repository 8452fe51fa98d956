"""backtest(): forecasts from rolling origins, as if later rows were not there, and their scores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from forecast_cli import evaluation, forecasting, planning, store, windows
from forecast_cli.calendar import Ints
from forecast_cli.errors import SettingsError, TooLittleDataError
from forecast_cli.evaluation import Backtest, Comparison
from forecast_cli.forecasting import Model
from forecast_cli.messages import Note, listed, plural
from forecast_cli.panel import Floats, Panel, head, select, values_of
from forecast_cli.planning import Plan
from forecast_cli.progress import Phase, Report, reading, silent
from forecast_cli.reading import read
from forecast_cli.settings import DEFAULT_STORE, Settings
from forecast_cli.sources import settings_from
from forecast_cli.store import Run
from forecast_cli.windows import Windows
from forecast_cli.workflow.naming import naming_file

Data = str | os.PathLike[str] | Panel
Refit = Literal["never", "every"] | int


@dataclass(frozen=True, eq=False)
class Backtested:
    """Forecasts from every origin, their scores, and what to tell the user.

    - windows, result: the windows that were forecast from, and the forecasts beside actual values
    - season: of the seasonal baselines; step: between two origins; trainings: how many there were
    """

    panel: Panel
    plan: Plan
    windows: Windows
    result: Backtest
    comparison: Comparison | None
    season: int
    step: int
    trainings: int
    notes: tuple[Note, ...]
    run: Run | None = None

    @property
    def sentence(self) -> str:
        """The comparison with the best of the others, in words."""
        return evaluation.sentence(self.comparison, forecasting.BASELINES)


def backtest(  # noqa: PLR0913 -- keywords of the public API
    data: Data,
    settings: Settings | None = None,
    *,
    origins: int = 5,
    step: int | None = None,
    refit: Refit = "never",
    run: Run | str | None = None,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    report: Report | None = None,
    by_cores: bool = False,
    **named: Any,
) -> Backtested:
    """Forecast from rolling origins, and score the forecasts beside those of simple methods.

    - origins: how many, the last one horizon before the end; step: rows between two of them, by
      default one horizon
    - refit: train once before the first origin (`never`), before `every` origin, or before every
      n-th
    - run: a saved run to roll instead, which is never trained again; only origins after the last
      row that it was trained on are used
    - report, by_cores, and settings by name: as for `train`

    Every model is trained on a panel that is cut at its first origin, so nothing can leak.
    Publishes nothing. Raises ForecastError and its children: TooLittleDataError where the data do
    not allow so many origins.
    """
    settings, report = settings or settings_from(**named), report or silent
    if origins < 1:
        raise SettingsError(
            f"--origins must be at least 1, got {origins}",
            "use --origins 1 or more",
            option="origins",
        )
    if step is not None and step < 1:
        raise SettingsError(
            f"--step must be at least 1, got {step}", "use --step 1 or more", option="step"
        )
    if run is not None:
        loaded = run if isinstance(run, Run) else _load(run, Path(store_folder))
        return _roll_run(data, loaded, origins, step, report)
    rolling = _Rolling(settings, origins, step, _every(refit, origins), report, by_cores)
    return _roll_training(data, rolling)


def _load(run: str, root: Path) -> Run:
    return store.load(root, store.resolve(root, run))


def _every(refit: Refit, origins: int) -> int:
    """How many origins are forecast by one training."""
    if refit == "never":
        return origins
    if refit == "every":
        return 1
    count = int(refit)
    if count < 1:
        raise SettingsError(
            f"--refit must be never, every or a number of origins, got {refit!r}",
            "use --refit never",
            option="refit",
        )
    return count


# -- training as it goes -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Rolling:
    """What was asked for. step: None for one horizon; every: origins forecast by one training."""

    settings: Settings
    origins: int
    step: int | None
    every: int
    report: Report
    by_cores: bool


def _roll_training(data: Data, job: _Rolling) -> Backtested:
    """Train before the first origin, and again as often as was asked for."""
    panel = _read(data, job.settings, job.report)
    job.report(Phase("planning", "looking at the data"))
    with naming_file(data):
        horizon = planning.make(panel, job.settings).horizon
        step = job.step or horizon
        cuts = _cuts(panel, job.origins, step, horizon)
        starts = range(0, job.origins, job.every)
        job.report(Phase("cost", _cost(job.origins, step, horizon, len(starts))))

        parts = []
        for number, start in enumerate(starts):
            group = range(start, min(start + job.every, job.origins))
            job.report(Phase("origin", f"training {number + 1:,} of {len(starts):,}"))
            training = _before(panel, cuts[:, start])
            model = _fit(training, job, horizon)

            job.report(Phase("forecasting", f"forecasting from {plural(len(group), 'origin')}"))
            is_known = np.isin(panel.ids, training.ids)
            earliest = np.where(is_known, cuts[:, start], panel.lengths)
            parts.append(_forecast(panel, model, job.origins, step, earliest, group))
    return _scored(panel, parts, job.origins, step, cuts[:, 0], len(starts))


def _read(data: Data, settings: Settings, report: Report) -> Panel:
    if isinstance(data, Panel):
        return data
    report(reading(os.fspath(data)))
    return read(data, settings.data)


def _cuts(panel: Panel, origins: int, step: int, horizon: int) -> Ints:
    """(S, origins) where each origin lies, in steps from the start of each series.

    Raises TooLittleDataError where no series is long enough for the first one.
    """
    back = (origins - 1 - np.arange(origins)) * step
    cuts: Ints = panel.lengths[:, None] - horizon - back
    if (cuts[:, 0] >= 2).any():
        return cuts

    longest = int(panel.lengths.max())
    possible = max((longest - horizon - 2) // step + 1, 0)
    needed = horizon + (origins - 1) * step + 2
    hint = f"use --origins {possible} or less" if possible else "use a smaller --horizon"
    raise TooLittleDataError(
        f"{plural(origins, 'origin')}, {step:,} rows apart, and a horizon of {horizon:,} need "
        f"{needed:,} rows at least, and the longest series has {longest:,}",
        f"{hint}, or a smaller --step, or give more rows",
        option="origins",
    )


def _before(panel: Panel, ends: Ints) -> Panel:
    """The rows before a cut (S,); series that have fewer than two of them are left out."""
    keep = np.flatnonzero(ends >= 2)
    return head(select(panel, keep), ends[keep])


def _cost(origins: int, step: int, horizon: int, trainings: int) -> str:
    rows = "a row" if step == 1 else f"{step:,} rows"
    return (
        f"{plural(origins, 'origin')}, {rows} apart, {horizon:,} steps ahead: "
        f"{plural(trainings, 'training')}"
    )


def _fit(panel: Panel, job: _Rolling, horizon: int) -> Model:
    """A model trained on all rows of the panel."""
    from forecast_cli import candidates, learning, members
    from forecast_cli.workflow.training import number_of_workers

    window = replace(job.settings.window, horizon=horizon)
    settings = replace(job.settings, window=window)
    plan = planning.make(panel, settings)
    ends = windows.split(panel, plan.validation, plan.test).training
    windows.require_complete(panel, plan.lookback, plan.architecture.outputs, ends)
    workers = number_of_workers(plan, job.settings, by_cores=job.by_cores)
    execution = members.Execution(report=job.report, workers=workers)
    plan = candidates.choose(panel, settings, plan, execution)
    learned = learning.learn(panel, plan, execution)
    return learning.refit(panel, learned, execution)


# -- a saved run -------------------------------------------------------------------------------


def _roll_run(data: Data, run: Run, origins: int, step: int | None, report: Report) -> Backtested:
    """Roll a saved run from its last training row on, without torch."""
    plan = run.config.plan
    if isinstance(data, Panel):
        panel = data
    else:
        from forecast_cli.workflow.predicting import read_for

        report(reading(os.fspath(data)))
        panel = read_for(run, os.fspath(data))
    step = step or plan.horizon

    with naming_file(data):
        earliest = _rows_trained_on(panel, run)
        _require_newer_rows(panel, run, earliest, origins, step)
        report(Phase("cost", _cost(origins, step, plan.horizon, 0)))
        report(Phase("forecasting", f"forecasting from {plural(origins, 'origin')}"))
        part = _forecast(panel, run.model, origins, step, earliest, range(origins))
    backtested = _scored(panel, [part], origins, step, earliest, 0)
    return replace(backtested, run=run)


def _rows_trained_on(panel: Panel, run: Run) -> Ints:
    """(S,) the first step of each series that the run did not see.

    All steps of a series that the run does not know.
    """
    plan, tail = run.config.plan, run.tail
    unseen = 0 if plan.refit else plan.test
    ends = {name: int(tail.first[i] + tail.lengths[i]) - unseen for i, name in enumerate(tail.ids)}
    first_unseen = [
        ends.get(name, int(start)) for name, start in zip(panel.ids, panel.first, strict=True)
    ]
    rows: Ints = np.maximum(np.array(first_unseen, np.int64) - panel.first, 0)
    return rows


def _require_newer_rows(panel: Panel, run: Run, earliest: Ints, origins: int, step: int) -> None:
    """Raise TooLittleDataError where the rows after the training do not allow the first origin."""
    horizon = run.config.plan.horizon
    newer = int((panel.lengths - earliest).max())
    needed = horizon + (origins - 1) * step
    if newer >= needed:
        return

    possible = max((newer - horizon) // step + 1, 0) if newer >= horizon else 0
    hint = "give more rows, or train with --no-refit, which leaves the test part unseen"
    if possible:
        hint = f"use --origins {possible} or less, or {hint}"
    raise TooLittleDataError(
        f"the run {run.name} was trained on all but the newest {plural(newer, 'row')}: "
        f"{plural(origins, 'origin')} need {needed - newer:,} newer rows",
        hint,
        option="origins",
    )


# -- forecasts and scores ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Part:
    """Forecasts of some of the origins, by one model."""

    model: Model
    windows: Windows
    number: Ints
    forecasts: forecasting.WindowForecasts


def _forecast(
    panel: Panel, model: Model, origins: int, step: int, earliest: Ints, group: range
) -> _Part:
    plan = model.plan
    every, number = forecasting.rolling_origins(
        panel,
        lookback=plan.lookback,
        horizon=plan.horizon,
        count=origins,
        step=step,
        earliest=earliest,
    )
    wanted = np.isin(number, group)
    chosen = windows.selected(every, wanted)
    forecasts = forecasting.forecast_windows(panel, model, chosen, plan.levels)
    return _Part(model, chosen, number[wanted], forecasts)


def _scored(
    panel: Panel,
    parts: list[_Part],
    origins: int,
    step: int,
    first_cut: Ints,
    trainings: int,
) -> Backtested:
    """All parts together, beside the baselines. Raises TooLittleDataError where there is none."""
    plan = parts[0].model.plan
    chosen = Windows(
        np.concatenate([part.windows.series for part in parts]),
        np.concatenate([part.windows.origins for part in parts]),
        plan.lookback,
        plan.horizon,
    )
    if not len(chosen):
        raise TooLittleDataError(
            "no origin has a whole window before it",
            "give more rows, fewer --origins or a smaller --lookback",
            option="origins",
        )
    # Windows of different lookbacks have the same origins and horizon.
    season = plan.season
    forecasts = {
        evaluation.NETWORK: np.concatenate([part.forecasts.values for part in parts]),
        **forecasting.baseline_forecasts(panel, chosen, season),
    }
    result = Backtest(
        series=chosen.series,
        origin=np.concatenate([part.number for part in parts]),
        actual=forecasting.actual_values(panel, chosen),
        forecasts=forecasts,
        bounds=_joined_bounds(parts),
        scales=_scales(panel, first_cut, season),
    )
    return Backtested(
        panel=panel,
        plan=plan,
        windows=chosen,
        result=result,
        comparison=evaluation.compare_with_best(result),
        season=season,
        step=step,
        trainings=trainings,
        notes=(*panel.notes, *_left_out(panel, result, origins)),
    )


def _joined_bounds(parts: list[_Part]) -> dict[float, tuple[Floats, Floats]]:
    bounds = {}
    for level in parts[0].forecasts.bounds:
        low = np.concatenate([part.forecasts.bounds[level][0] for part in parts])
        high = np.concatenate([part.forecasts.bounds[level][1] for part in parts])
        bounds[level] = (low, high)
    return bounds


def _scales(panel: Panel, first_cut: Ints, season: int) -> Floats:
    """(S,) the scale of MASE from the rows before the first origin."""
    return np.array(
        [
            evaluation.mase_scale(values_of(panel, i)[: max(int(cut), 0)], season)
            for i, cut in enumerate(first_cut)
        ]
    )


def _left_out(panel: Panel, result: Backtest, origins: int) -> Iterator[Note]:
    """Series that could not be forecast from every origin."""
    counts = np.bincount(result.series, minlength=len(panel))
    names = [panel.ids[i] for i in np.flatnonzero(counts == 0)]
    fewer = int(((counts > 0) & (counts < origins)).sum())
    if names:
        text = f"{plural(len(names), 'series', 'series')} could not be forecast from any origin"
        yield Note("origins_left_out", "warning", f"{text}: {listed(names)}", {"series": names})
    if fewer:
        text = f"{plural(fewer, 'series', 'series')} could be forecast from some origins only"
        yield Note("origins_left_out", "info", text)
