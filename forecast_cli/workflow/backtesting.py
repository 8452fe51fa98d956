"""backtest(): forecasts from rolling origins, as if later rows were not there, and their scores."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from forecast_cli import evaluation, planning, tables
from forecast_cli.errors import SettingsError, StoppedError, TooLittleDataError
from forecast_cli.messages import Note, plural
from forecast_cli.panel import Panel
from forecast_cli.progress import Phase, Report, silent
from forecast_cli.settings import DEFAULT_STORE, Settings
from forecast_cli.sources import settings_from
from forecast_cli.store import Run
from forecast_cli.workflow import backtest_progress, rolling_runs, running
from forecast_cli.workflow.backtest_progress import NOTHING_WRITTEN, Progress
from forecast_cli.workflow.backtest_trainings import (
    BacktestJob,
    Training,
    about_time_limit,
    train_all,
)
from forecast_cli.workflow.base_run import is_base, roll_base
from forecast_cli.workflow.data import Data, read_data
from forecast_cli.workflow.naming import naming_file
from forecast_cli.workflow.past_rows import FEWEST
from forecast_cli.workflow.rolled import DEFAULT_ORIGINS, Backtested, Origins, at_most, scored
from forecast_cli.workflow.training_plans import check_machine, deadline_of

Refit = Literal["never", "every"] | int
Write = Callable[[Backtested], None]


def backtest(  # noqa: PLR0913 -- keywords of the public API
    data: Data,
    settings: Settings | None = None,
    *,
    origins: int | None = None,
    step: int | None = None,
    refit: Refit | None = None,
    run: Run | str | None = None,
    resume: bool = False,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    report: Report | None = None,
    by_cores: bool = False,
    write: Write | None = None,
    **named: Any,
) -> Backtested:
    """Forecast from rolling origins, and score the forecasts beside those of simple methods.

    - origins: how many, the last one horizon before the end, by default 5, or as many as the newer
      rows of a run allow if these are fewer; step: rows between two of them, by default one horizon
    - refit: train once before the first origin (`never`, the default), before `every` origin, or
      before every n-th
    - run: a saved run to roll instead, which is not trained again and needs no torch; only origins
      after the last row that it was trained on are used, as many as are asked for, in one pass.
      With it, settings by name are min_skill and those that `predict` has: horizon, levels,
      digits, and those of the reader that new rows may need
    - resume: go on with a backtest that was stopped, if it is this one
    - store_folder: of the run, and where what was done is kept when the backtest is stopped
    - report, by_cores, and settings by name: as for `train`. A time limit is shared by all
      trainings: each gets an equal part of the time that is left
    - write: is called with the result, and what was done is not forgotten before it has returned,
      so that a full disk costs no training

    Every model is trained on a panel that is cut at its first origin, so nothing can leak.
    Publishes nothing. Raises ForecastError and its children: TooLittleDataError where the data do
    not allow so many origins, RunMismatchError where the run is of other data, LockedError where
    another backtest is to be gone on with in the same store.
    """
    report = report or silent
    _check_counts(origins, step)
    if run is not None:
        if settings is not None or refit is not None or resume:
            raise SettingsError(
                "a saved run is not trained again, so settings of a training, --refit and "
                "--resume have no effect with --run",
                "leave them out, or leave out --run",
                option="run",
            )
        asked = rolling_runs.Asked(origins, step, report, named)
        return _roll_run(data, run, Path(store_folder), asked, write)

    settings = settings or settings_from(**named)
    count = DEFAULT_ORIGINS if origins is None else origins
    every = _origins_per_training(refit or "never", count)
    root = Path(store_folder)
    job = BacktestJob(
        settings, count, step, every, root, resume, report, by_cores, deadline_of(settings)
    )
    return _roll(data, job, write)


def _roll_run(
    data: Data, run: Run | str, root: Path, asked: rolling_runs.Asked, write: Write | None
) -> Backtested:
    """Roll a saved run, or the base network, and judge it."""
    named = dict(asked.named)
    min_skill = settings_from(min_skill=named.pop("min_skill", None)).accuracy.min_skill
    asked = replace(asked, named=named)
    with _nothing_written():
        if is_base(run):
            rolled = roll_base(data, asked.origins, asked.step, asked.report, named)
        else:
            rolled = rolling_runs.roll(data, rolling_runs.load(run, root), asked)
        rolled = judged(rolled, min_skill)
        _write(rolled, write)
    return rolled


def judged(backtested: Backtested, min_skill: float | None) -> Backtested:
    """The backtest, refused where the network is not as good as was asked for."""
    where = f"from {plural(backtested.origins.count, 'origin')}"
    scores = evaluation.summary(backtested.result)
    return replace(backtested, refusal=evaluation.low_skill(min_skill, scores, where))


def _write(backtested: Backtested, write: Write | None) -> None:
    if write is not None:
        write(backtested)


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
        raise StoppedError(error.signal_number, NOTHING_WRITTEN) from None


# -- training as it goes ---------------------------------------------------------------------------


def _roll(data: Data, job: BacktestJob, write: Write | None) -> Backtested:
    """Train before the first origin, and again as often as was asked for."""
    with _nothing_written():
        check_machine(job.settings)
        panel = read_data(data, job.settings, job.report)
        with naming_file(data):
            origins = _origins(panel, job)
        wanted = _origins_by_training(job)
        job.report(Phase("cost", origins.cost(len(panel), len(wanted))))
        place = backtest_progress.Place(
            job.root,
            backtest_progress.backtest_identity(
                panel, job.settings, dataclasses.asdict(origins), job.every
            ),
            trainings=len(wanted),
            most_values=_most_values(panel, job, origins),
        )

    with backtest_progress.keeping(place, resume=job.resume) as progress:
        with naming_file(data), running.opened(job.settings, job.report) as engine:
            job = replace(job, engine=engine)
            trainings = [Training(panel, job, origins, numbers) for numbers in wanted]
            trained = train_all(trainings, job, progress)
            about_engine = running.about_engine(engine)
            digits = job.settings.output.digits
            digits = tables.decimals(panel) if digits is None else digits
            result = scored(panel, [each.part for each in trained], origins, digits)
        notes = (
            *result.notes,
            *about_engine,
            *_about_resuming(job, progress),
            *about_time_limit(trained, progress),
        )
        result = judged(replace(result, notes=notes), job.settings.accuracy.min_skill)
        _write(result, write)
    return result


def _about_resuming(job: BacktestJob, progress: Progress) -> tuple[Note, ...]:
    return backtest_progress.about_resuming(progress) if job.resume else ()


def _origins_by_training(job: BacktestJob) -> list[range]:
    """The numbers of the origins that each training forecasts from."""
    return [
        range(start, min(start + job.every, job.origins))
        for start in range(0, job.origins, job.every)
    ]


def _origins(panel: Panel, job: BacktestJob) -> Origins:
    """Where the origins lie. Raises TooLittleDataError where the rows do not allow the first."""
    job.report(Phase("planning", "looking at the data"))
    # Where no horizon was asked for it follows from the frequency, the seasons and the length.
    horizon = job.settings.window.horizon or planning.make(panel, job.settings).horizon
    origins = Origins(job.origins, job.step or horizon, horizon)
    _require_rows(panel, origins)
    return origins


def _most_values(panel: Panel, job: BacktestJob, origins: Origins) -> int:
    """How many numbers the forecasts of one training can have, with their bounds."""
    arrays = 1 + 2 * len(job.settings.interval.levels)
    return len(panel) * job.every * origins.horizon * arrays


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
    apart = f", {plural(origins.step, 'row')} apart," if origins.count > 1 else ""
    raise TooLittleDataError(
        f"{plural(origins.count, 'origin')}{apart} and a horizon of {origins.horizon:,} need "
        f"{needed:,} rows at least, and the longest series has {longest:,}",
        f"{hint}, or give more rows",
        option="origins",
    )
