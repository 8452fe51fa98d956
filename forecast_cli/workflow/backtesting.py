"""backtest(): forecasts from rolling origins, as if later rows were not there, and their scores."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from forecast_cli import evaluation, forecasting, planning, tables, windows
from forecast_cli.calendar import Ints
from forecast_cli.engine import HERE, Batch, Engine, cores, deadlines
from forecast_cli.errors import (
    RunMismatchError,
    RunRejectedError,
    SettingsError,
    StoppedError,
    TooLittleDataError,
)
from forecast_cli.forecasting import Model
from forecast_cli.messages import Note, plural
from forecast_cli.panel import Panel, head, select
from forecast_cli.progress import Event, Phase, Report, reading, silent
from forecast_cli.reading import read
from forecast_cli.settings import DEFAULT_STORE, DataSettings, Settings
from forecast_cli.sources import settings_from
from forecast_cli.store import PartForecasts, Run
from forecast_cli.workflow import backtest_progress, rolling_runs, running
from forecast_cli.workflow.backtest_progress import NOTHING_WRITTEN, Progress
from forecast_cli.workflow.base_run import is_base, roll_base
from forecast_cli.workflow.naming import naming_file
from forecast_cli.workflow.rolled import (
    DEFAULT_ORIGINS,
    Backtested,
    Origins,
    Part,
    at_most,
    forecast_part,
    part_windows,
    scored,
)
from forecast_cli.workflow.training import check_machine

if TYPE_CHECKING:  # torch is imported when there is something to train on
    from forecast_cli.learning import Learned

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
    resume: bool = False,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    report: Report | None = None,
    by_cores: bool = False,
    write: Callable[[Backtested], None] | None = None,
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
        min_skill = settings_from(min_skill=named.pop("min_skill", None)).accuracy.min_skill
        with _nothing_written():
            if is_base(run):
                rolled = roll_base(data, origins, step, report, named)
            else:
                asked = rolling_runs.Asked(origins, step, report, named)
                rolled = rolling_runs.roll(data, rolling_runs.load(run, Path(store_folder)), asked)
            rolled = judged(rolled, min_skill)
            _write(rolled, write)
        return rolled

    settings = settings or settings_from(**named)
    count = DEFAULT_ORIGINS if origins is None else origins
    every = _origins_per_training(refit or "never", count)
    limit = settings.training.time_limit
    deadline = None if limit is None else time.monotonic() + limit
    root = Path(store_folder)
    job = _Job(settings, count, step, every, root, resume, report, by_cores, deadline)
    return _roll(data, job, write)


def judged(backtested: Backtested, min_skill: float | None) -> Backtested:
    """The backtest, refused where the network is not as good as was asked for."""
    where = f"from {plural(backtested.origins.count, 'origin')}"
    scores = evaluation.summary(backtested.result)
    return replace(backtested, refusal=evaluation.low_skill(min_skill, scores, where))


def _write(backtested: Backtested, write: Callable[[Backtested], None] | None) -> None:
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


# -- training as it goes -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Job:
    """What was asked for.

    step: None for one horizon; every: origins forecast by one training; root: the store; deadline:
    of all trainings, or of one, in time.monotonic().
    """

    settings: Settings
    origins: int
    step: int | None
    every: int
    root: Path
    resume: bool
    report: Report
    by_cores: bool
    deadline: float | None
    engine: Engine = HERE


def _roll(data: Data, job: _Job, write: Callable[[Backtested], None] | None) -> Backtested:
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
            trained = _train_all(panel, replace(job, engine=engine), origins, wanted, progress)
            about_engine = running.about_engine(engine)
            digits = job.settings.output.digits
            digits = tables.decimals(panel) if digits is None else digits
            result = scored(panel, [each.part for each in trained], origins, digits)
        notes = (
            *result.notes,
            *about_engine,
            *_about_resuming(job, progress),
            *_time_limit(trained, progress),
        )
        result = judged(replace(result, notes=notes), job.settings.accuracy.min_skill)
        _write(result, write)
    return result


def _about_resuming(job: _Job, progress: Progress) -> tuple[Note, ...]:
    return backtest_progress.about_resuming(progress) if job.resume else ()


def _origins_by_training(job: _Job) -> list[range]:
    """The numbers of the origins that each training forecasts from."""
    return [
        range(start, min(start + job.every, job.origins))
        for start in range(0, job.origins, job.every)
    ]


def _origins(panel: Panel, job: _Job) -> Origins:
    """Where the origins lie. Raises TooLittleDataError where the rows do not allow the first."""
    job.report(Phase("planning", "looking at the data"))
    # Where no horizon was asked for it follows from the frequency, the seasons and the length.
    horizon = job.settings.window.horizon or planning.make(panel, job.settings).horizon
    origins = Origins(job.origins, job.step or horizon, horizon)
    _require_rows(panel, origins)
    return origins


def _most_values(panel: Panel, job: _Job, origins: Origins) -> int:
    """How many numbers the forecasts of one training can have, with their bounds."""
    arrays = 1 + 2 * len(job.settings.interval.levels)
    return len(panel) * job.every * origins.horizon * arrays


def read_data(data: Data, settings: Settings, report: Report) -> Panel:
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
    apart = f", {plural(origins.step, 'row')} apart," if origins.count > 1 else ""
    raise TooLittleDataError(
        f"{plural(origins.count, 'origin')}{apart} and a horizon of {origins.horizon:,} need "
        f"{needed:,} rows at least, and the longest series has {longest:,}",
        f"{hint}, or give more rows",
        option="origins",
    )


# -- one training after the other --------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Trained:
    """The forecasts of one training. epochs: of each member, where its time was up."""

    part: Part
    epochs: tuple[int, ...] = ()


def _train_all(
    panel: Panel, job: _Job, origins: Origins, wanted: list[range], progress: Progress
) -> list[_Trained]:
    """The forecasts of every training: those that were done before are taken as they are."""
    resumed = _resumed_parts(panel, job, origins, wanted, progress)
    if resumed:
        done = f"{len(resumed):,} of {plural(len(wanted), 'training')}"
        job.report(Phase("resuming", f"done before: {done}"))

    left = len(wanted) - len(resumed)
    if left > 1 and job.engine.is_remote:
        return _train_side_by_side(panel, job, origins, wanted, (progress, resumed))
    trained = []
    for number, numbers in enumerate(wanted, 1):
        if number in resumed:
            trained.append(_Trained(resumed[number]))
            continue

        report = _numbered(job.report, number, len(wanted))
        numbered = replace(job, report=report, deadline=_share_of_time(job.deadline, left))
        each = _train_and_forecast(panel, numbered, origins, numbers, (progress, number))
        backtest_progress.training_done(progress, number, None if each.epochs else _kept(each.part))
        trained.append(each)
        left -= 1
    return trained


@dataclass(frozen=True, eq=False)
class _Task:
    """A whole training with its forecasts, for a worker of a cluster."""

    panel: Panel
    job: _Job
    origins: Origins
    numbers: range

    def moved(self, seconds: float) -> _Task:
        """The same, for a clock that is so many seconds ahead."""
        if self.job.deadline is None:
            return self
        return replace(self, job=replace(self.job, deadline=self.job.deadline + seconds))


def _train_side_by_side(
    panel: Panel,
    job: _Job,
    origins: Origins,
    wanted: list[range],
    before: tuple[Progress, dict[int, Part]],
) -> list[_Trained]:
    """The forecasts of every training, each by a worker of the cluster.

    before: what was done before; each training is kept when it is over.
    """
    progress, resumed = before
    left = [number for number in range(1, len(wanted) + 1) if number not in resumed]
    at_once = min(job.engine.capacity or 1, len(left))
    alone = replace(job, report=silent, engine=HERE, by_cores=False)
    ends = deadlines(job.deadline, len(left), at_once)
    tasks = [
        _Task(panel, replace(alone, deadline=end), origins, wanted[number - 1])
        for number, end in zip(left, ends, strict=True)
    ]
    trained = {number: _Trained(part) for number, part in resumed.items()}

    def say() -> None:
        done = f"{len(trained):,} of {plural(len(wanted), 'training')} done"
        job.report(Phase("training", f"{done}, {at_once:,} at a time"))

    def finished(index: int, each: _Trained) -> None:
        number = left[index]
        backtest_progress.training_done(progress, number, None if each.epochs else _kept(each.part))
        trained[number] = each
        say()

    say()
    job.engine.run(Batch(_work, tasks, at_once, finished, job.report))
    return [trained[number] for number in range(1, len(wanted) + 1)]


def _work(task: _Task, tell: Callable[[Event], None]) -> _Trained:  # noqa: ARG001 -- nothing to tell
    """In a worker: one training."""
    return _train_and_forecast(task.panel, task.job, task.origins, task.numbers, None)


def _share_of_time(deadline: float | None, trainings: int) -> float | None:
    """When the next training must be over: each gets an equal part of the time that is left."""
    if deadline is None:
        return None
    now = time.monotonic()
    return now + (deadline - now) / trainings


def _kept(part: Part) -> PartForecasts:
    return PartForecasts(part.plan, part.values, part.bounds)


def _resumed_parts(
    panel: Panel, job: _Job, origins: Origins, wanted: list[range], progress: Progress
) -> dict[int, Part]:
    """Forecasts that were made before, by the number of their training, if they are of these
    windows."""
    levels, parts = job.settings.interval.levels, {}
    for number, kept in progress.resumed.items():
        numbers = wanted[number - 1]
        _, earliest = training_rows(panel, origins, numbers)
        chosen, origin = part_windows(panel, kept.plan, origins, earliest, numbers)
        fits = kept.plan.horizon == origins.horizon and len(chosen) == len(kept.values)
        if not fits or kept.plan.levels != levels:
            progress.reasons.append(f"the forecasts of training {number:,} do not fit the data")
        else:
            parts[number] = Part(kept.plan, chosen, origin, kept.values, kept.bounds)
    return parts


def _numbered(report: Report, number: int, trainings: int) -> Report:
    """The same, with the number of the training in front, where there are several."""
    if trainings == 1:
        return report

    def numbered(event: Event) -> None:
        if isinstance(event, Phase):
            event = replace(event, text=f"training {number:,} of {trainings:,}: {event.text}")
        report(event)

    return numbered


def _train_and_forecast(
    panel: Panel, job: _Job, origins: Origins, wanted: range, place: tuple[Progress, int] | None
) -> _Trained:
    """Forecast from the wanted origins with a network trained on the rows before the first.

    place: where the training is kept, and its number; None where it is kept when it is over.
    """
    with _naming_origin(wanted[0] + 1):
        training, earliest = training_rows(panel, origins, wanted)
        model, epochs = _fit(training, job, origins.horizon, place)

        job.report(Phase("forecasting", f"forecasting from {plural(len(wanted), 'origin')}"))
        return _Trained(forecast_part(panel, model, origins, earliest, wanted), epochs)


def training_rows(panel: Panel, origins: Origins, wanted: range) -> tuple[Panel, Ints]:
    """The rows before the first of the wanted origins; and (S,) the first origin that is allowed,
    which no origin is for a series that is not among these rows."""
    cuts = origins.cuts(panel)[:, wanted[0]]
    training = rows_before(panel, cuts)
    is_known = np.isin(panel.ids, training.ids)
    return training, np.where(is_known, cuts, panel.lengths)


@contextlib.contextmanager
def _naming_origin(number: int) -> Iterator[None]:
    """Say which rows are too few, or which values the network cannot read."""
    try:
        yield
    except TooLittleDataError as error:
        error.message = f"the rows before origin {number:,} do not suffice: {error.message}"
        error.hint = f"{error.hint}; or use fewer --origins" if error.hint else ""
        raise
    except RunRejectedError as error:
        error.hint = "run it without --resume"
        raise
    except RunMismatchError as error:
        error.hint = "use --refit every, which trains on the rows before each origin"
        raise


def rows_before(panel: Panel, cuts: Ints) -> Panel:
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


def _fit(
    panel: Panel, job: _Job, horizon: int, place: tuple[Progress, int] | None
) -> tuple[Model, tuple[int, ...]]:
    """A model that was trained on a panel as `train` does it; and the epochs of its members, where
    their time was up."""
    settings = _with_horizon(job.settings, horizon)
    plan = planning.make(panel, settings)
    ends = windows.split(panel, plan.validation, plan.test).training
    windows.require_complete(panel, plan.lookback, plan.architecture.outputs, ends)

    job.report(Phase("loading", "loading PyTorch"))
    from forecast_cli import candidates, members  # here, so that what went before need not wait
    from forecast_cli.training import choose_device
    from forecast_cli.workflow.training import learn, number_of_workers, refit

    device = choose_device(job.settings.training.device, plan, cores())
    by_cores = number_of_workers(plan, job.settings, device, by_cores=job.by_cores)
    execution = members.Execution(
        report=job.report,
        engine=job.engine,
        workers=job.engine.capacity or by_cores,
        deadline=job.deadline,
        device=device,
    )
    plan = candidates.choose(panel, settings, plan, execution)
    execution = candidates.with_start(execution, plan)

    if place is not None:
        checkpoint = backtest_progress.training_checkpoint(*place, plan, device)
        execution = replace(execution, checkpoint=checkpoint)
    learned = learn(panel, settings, plan, execution)
    model = refit(panel, settings, learned, execution)
    return model, _epochs_cut_short(learned, job.deadline)


def _epochs_cut_short(learned: Learned, deadline: float | None) -> tuple[int, ...]:
    """The epochs of each member, where the time was up before all was done."""
    is_late = deadline is not None and time.monotonic() >= deadline
    if is_late or any(member.expired for member in learned.fitted):
        return tuple(len(member.history) for member in learned.fitted)
    return ()


def _time_limit(trained: list[_Trained], progress: Progress) -> tuple[Note, ...]:
    """What --time-limit cut short. The other trainings are kept, to go on with."""
    cut_short = [each for each in trained if each.epochs]
    if not cut_short:
        return ()

    fewest = min(min(each.epochs) for each in cut_short)
    most = max(max(each.epochs) for each in cut_short)
    epochs = plural(most, "epoch") if fewest == most else f"{fewest:,} to {most:,} epochs"
    where = f" in {len(cut_short):,} of {len(trained):,} trainings" if len(trained) > 1 else ""
    text = f"time was up after {epochs}{where}: the forecasts are those of the best so far"
    if backtest_progress.write_all(progress):
        text += "; the other trainings are kept, and --resume with more time goes on with them"
    fields = {"trainings": len(cut_short), "epochs": [list(each.epochs) for each in cut_short]}
    return (Note("time_limit", "warning", text, fields),)


def _with_horizon(settings: Settings, horizon: int) -> Settings:
    return replace(settings, window=replace(settings.window, horizon=horizon))
