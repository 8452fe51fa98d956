"""backtest(): forecasts from rolling origins, as if later rows were not there, and their scores."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from forecast_cli import forecasting, planning, tables, windows
from forecast_cli.calendar import Ints
from forecast_cli.errors import (
    RunMismatchError,
    SettingsError,
    StoppedError,
    TooLittleDataError,
)
from forecast_cli.forecasting import Model
from forecast_cli.messages import plural
from forecast_cli.panel import Panel, head, select
from forecast_cli.progress import Event, Phase, Report, reading, silent
from forecast_cli.reading import read
from forecast_cli.settings import DEFAULT_STORE, DataSettings, Settings
from forecast_cli.sources import settings_from
from forecast_cli.store import Run
from forecast_cli.workflow import rolling_runs
from forecast_cli.workflow.naming import naming_file
from forecast_cli.workflow.rolled import (
    DEFAULT_ORIGINS,
    Backtested,
    Origins,
    Part,
    at_most,
    forecast_part,
    scored,
)

Data = str | os.PathLike[str] | Panel
Refit = Literal["never", "every"] | int

FEWEST = 2  # rows before the first origin, without which there is nothing to look at


def backtest(  # noqa: PLR0913 -- keywords of the public API
    data: Data,
    settings: Settings | None = None,
    *,
    origins: int | None = None,
    step: int | None = None,
    refit: Refit | None = None,
    run: Run | str | None = None,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    report: Report | None = None,
    by_cores: bool = False,
    **named: Any,
) -> Backtested:
    """Forecast from rolling origins, and score the forecasts beside those of simple methods.

    - origins: how many, the last one horizon before the end, by default 5, or as many as the newer
      rows of a run allow if these are fewer; step: rows between two of them, by default one horizon
    - refit: train once before the first origin (`never`, the default), before `every` origin, or
      before every n-th
    - run: a saved run to roll instead, which is not trained again and needs no torch; only origins
      after the last row that it was trained on are used, as many as are asked for, in one pass.
      With it, settings by name are those that `predict` has: horizon, levels, digits, and those of
      the reader that new rows may need
    - report, by_cores, and settings by name: as for `train`. A time limit holds for each training

    Every model is trained on a panel that is cut at its first origin, so nothing can leak.
    Publishes and writes nothing. Raises ForecastError and its children: TooLittleDataError where
    the data do not allow so many origins, RunMismatchError where the run is of other data.
    """
    report = report or silent
    _check_counts(origins, step)
    with _nothing_written():
        if run is not None:
            if settings is not None or refit is not None:
                raise SettingsError(
                    "a saved run is not trained again, so settings of a training and --refit "
                    "have no effect with --run",
                    "leave them out, or leave out --run",
                    option="run",
                )
            asked = rolling_runs.Asked(origins, step, report, named)
            return rolling_runs.roll(data, rolling_runs.load(run, Path(store_folder)), asked)

        settings = settings or settings_from(**named)
        count = DEFAULT_ORIGINS if origins is None else origins
        every = _origins_per_training(refit or "never", count)
        return _roll(data, _Job(settings, count, step, every, report, by_cores))


def _check_counts(origins: int | None, step: int | None) -> None:
    if origins is not None and origins < 1:
        raise SettingsError(
            f"--origins must be at least 1, got {origins}",
            "use --origins 1 or more",
            option="origins",
        )
    if step is not None and step < 1:
        raise SettingsError(
            f"--step must be at least 1, got {step}", "use --step 1 or more", option="step"
        )


def _origins_per_training(refit: Refit | str, origins: int) -> int:
    """How many origins are forecast by one training."""
    if refit == "never":
        return origins
    if refit == "every":
        return 1
    with contextlib.suppress(ValueError):
        if int(refit) >= 1:
            return int(refit)
    raise SettingsError(
        f"--refit must be never, every or a number of origins, got {refit!r}",
        "use --refit never, --refit every or, for example, --refit 2",
        option="refit",
    )


@contextlib.contextmanager
def _nothing_written() -> Iterator[None]:
    """Say what a stopped backtest leaves behind: nothing."""
    try:
        yield
    except StoppedError as error:
        raise StoppedError(error.signal_number, "nothing was written") from None


# -- training as it goes -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Job:
    """What was asked for. step: None for one horizon; every: origins forecast by one training."""

    settings: Settings
    origins: int
    step: int | None
    every: int
    report: Report
    by_cores: bool


def _roll(data: Data, job: _Job) -> Backtested:
    """Train before the first origin, and again as often as was asked for."""
    panel = _read(data, job.settings, job.report)
    job.report(Phase("planning", "looking at the data"))
    with naming_file(data):
        # Where no horizon was asked for it follows from the frequency, the seasons and the length.
        horizon = job.settings.window.horizon or planning.make(panel, job.settings).horizon
        origins = Origins(job.origins, job.step or horizon, horizon)
        _require_rows(panel, origins)

        starts = range(0, origins.count, job.every)
        job.report(Phase("cost", origins.cost(len(panel), len(starts))))
        parts = []
        for number, start in enumerate(starts, 1):
            report = _numbered(job.report, number, len(starts))
            wanted = range(start, min(start + job.every, origins.count))
            parts.append(_train_and_forecast(panel, replace(job, report=report), origins, wanted))

        wanted_digits = job.settings.output.digits
        digits = tables.decimals(panel) if wanted_digits is None else wanted_digits
        return scored(panel, parts, origins, digits)


def _read(data: Data, settings: Settings, report: Report) -> Panel:
    if not isinstance(data, Panel):
        report(reading(os.fspath(data)))
        return read(data, settings.data)

    if replace(settings.data, season=None) != DataSettings():
        raise SettingsError(
            "settings of the reader do not go with a Panel", "give them to read_csv"
        )
    return data


def _require_rows(panel: Panel, origins: Origins) -> None:
    """Raise TooLittleDataError where no series is long enough for the first origin."""
    longest = int(panel.lengths.max())
    needed = origins.rows + FEWEST
    if longest >= needed:
        return

    possible = origins.possible(longest - FEWEST)
    hint = at_most(possible) if possible else "use a smaller --horizon"
    if origins.count > 1:
        hint += ", or a smaller --step"
    raise TooLittleDataError(
        f"{plural(origins.count, 'origin')}, {plural(origins.step, 'row')} apart, and a horizon "
        f"of {origins.horizon:,} need {needed:,} rows at least, and the longest series has "
        f"{longest:,}",
        f"{hint}, or give more rows",
        option="origins",
    )


def _numbered(report: Report, number: int, trainings: int) -> Report:
    """The same, with the number of the training in front, where there are several."""
    if trainings == 1:
        return report

    def numbered(event: Event) -> None:
        if isinstance(event, Phase):
            event = replace(event, text=f"training {number:,} of {trainings:,}: {event.text}")
        report(event)

    return numbered


def _train_and_forecast(panel: Panel, job: _Job, origins: Origins, wanted: range) -> Part:
    """Forecast from the wanted origins with a network trained on the rows before the first."""
    cuts = origins.cuts(panel)[:, wanted[0]]
    training = _rows_before(panel, cuts)
    with _naming_origin(wanted[0] + 1):
        model = _fit(training, job, origins.horizon)

        job.report(Phase("forecasting", f"forecasting from {plural(len(wanted), 'origin')}"))
        is_known = np.isin(panel.ids, training.ids)
        earliest = np.where(is_known, cuts, panel.lengths)
        return forecast_part(panel, model, origins, earliest, wanted)


@contextlib.contextmanager
def _naming_origin(number: int) -> Iterator[None]:
    """Say which rows are too few, or which values the network cannot read."""
    try:
        yield
    except TooLittleDataError as error:
        error.message = f"the rows before origin {number:,} do not suffice: {error.message}"
        error.hint = f"{error.hint}; or use fewer --origins" if error.hint else ""
        raise
    except RunMismatchError as error:
        error.hint = "use --refit every, which trains on the rows before each origin"
        raise


def _rows_before(panel: Panel, cuts: Ints) -> Panel:
    """The rows before a cut (S,), without those at the end that were interpolated: the values after
    the cut are in them. Series with fewer than two rows are left out.

    Raises TooLittleDataError where none is left.
    """
    interpolated = forecasting.knows_later_rows(panel)
    ends = np.maximum(cuts, 0)
    for index in range(len(panel)):
        start = int(panel.offsets[index])
        while ends[index] and interpolated[start + ends[index] - 1]:
            ends[index] -= 1

    keep = np.flatnonzero(ends >= FEWEST)
    if not len(keep):
        raise TooLittleDataError(
            "no series has rows before the first origin",
            "give more rows, or use fewer --origins",
            option="origins",
        )
    return head(select(panel, keep), ends[keep])


def _fit(panel: Panel, job: _Job, horizon: int) -> Model:
    """A model that was trained on a panel as `train` does it."""
    settings = _with_horizon(job.settings, horizon)
    plan = planning.make(panel, settings)
    ends = windows.split(panel, plan.validation, plan.test).training
    windows.require_complete(panel, plan.lookback, plan.architecture.outputs, ends)

    job.report(Phase("loading", "loading PyTorch"))
    from forecast_cli import candidates, members  # here, so that what went before need not wait
    from forecast_cli.workflow.training import learn, number_of_workers, refit

    limit = job.settings.training.time_limit
    execution = members.Execution(
        report=job.report,
        workers=number_of_workers(plan, job.settings, by_cores=job.by_cores),
        deadline=None if limit is None else time.monotonic() + limit,
    )
    plan = candidates.choose(panel, settings, plan, execution)
    learned = learn(panel, settings, plan, execution)
    return refit(panel, settings, learned, execution)


def _with_horizon(settings: Settings, horizon: int) -> Settings:
    return replace(settings, window=replace(settings.window, horizon=horizon))
