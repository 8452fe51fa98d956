"""The trainings of a backtest: one after the other, or side by side on a cluster."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from forecast_cli import planning, windows
from forecast_cli.engine import HERE, Batch, Engine, cores, deadlines
from forecast_cli.errors import RunMismatchError, RunRejectedError, TooLittleDataError
from forecast_cli.forecasting import Model
from forecast_cli.messages import Note, plural
from forecast_cli.panel import Panel
from forecast_cli.progress import Event, Phase, Report, silent
from forecast_cli.settings import Settings
from forecast_cli.store import PartForecasts
from forecast_cli.workflow import backtest_progress
from forecast_cli.workflow.backtest_progress import Progress
from forecast_cli.workflow.past_rows import training_rows
from forecast_cli.workflow.rolled import Origins, Part, forecast_part, part_windows

if TYPE_CHECKING:  # torch is imported when there is something to train on
    from forecast_cli.learning import Learned


@dataclass(frozen=True)
class BacktestJob:
    """What was asked for of a backtest that trains.

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


@dataclass(frozen=True, eq=False)
class Training:
    """One training of a backtest: all of it, so that a worker of a cluster can do it.

    numbers: of the origins that are forecast from with it, from 0.
    """

    panel: Panel
    job: BacktestJob
    origins: Origins
    numbers: range

    def moved(self, seconds: float) -> Training:
        """The same, for a clock that is so many seconds ahead."""
        if self.job.deadline is None:
            return self
        return replace(self, job=replace(self.job, deadline=self.job.deadline + seconds))


@dataclass(frozen=True, eq=False)
class Trained:
    """The forecasts of one training. epochs: of each member, where its time was up."""

    part: Part
    epochs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Slot:
    """Where a training is kept while it is under way. number: of the training, from 1."""

    progress: Progress
    number: int


def train_all(trainings: Sequence[Training], job: BacktestJob, progress: Progress) -> list[Trained]:
    """The forecasts of every training: those that were done before are taken as they are."""
    resumed = _resumed_parts(trainings, progress)
    if resumed:
        done = f"{len(resumed):,} of {plural(len(trainings), 'training')}"
        job.report(Phase("resuming", f"done before: {done}"))

    left = len(trainings) - len(resumed)
    if left > 1 and job.engine.is_remote:
        return _train_side_by_side(trainings, job, progress, resumed)
    return _train_in_turn(trainings, progress, resumed)


def _resumed_parts(trainings: Sequence[Training], progress: Progress) -> dict[int, Part]:
    """Forecasts that were made before, by the number of their training, if they are of these
    windows."""
    parts = {}
    for number, kept in progress.resumed.items():
        training = trainings[number - 1]
        origins, plan = training.origins, kept.plan
        _, earliest = training_rows(training.panel, origins, training.numbers)
        chosen, origin = part_windows(training.panel, plan, origins, earliest, training.numbers)

        fits = plan.horizon == origins.horizon and len(chosen) == len(kept.values)
        if not fits or plan.levels != training.job.settings.interval.levels:
            progress.reasons.append(f"the forecasts of training {number:,} do not fit the data")
        else:
            parts[number] = Part(plan, chosen, origin, kept.values, kept.bounds)
    return parts


def _train_in_turn(
    trainings: Sequence[Training], progress: Progress, resumed: Mapping[int, Part]
) -> list[Trained]:
    """The forecasts of every training, one after the other in this process."""
    left = len(trainings) - len(resumed)
    trained = []
    for number, training in enumerate(trainings, 1):
        if number in resumed:
            trained.append(Trained(resumed[number]))
            continue

        job = training.job
        report = _numbered(job.report, number, len(trainings))
        job = replace(job, report=report, deadline=_share_of_time(job.deadline, left))
        each = _train_and_forecast(replace(training, job=job), Slot(progress, number))
        _take_down(progress, number, each)
        trained.append(each)
        left -= 1
    return trained


def _train_side_by_side(
    trainings: Sequence[Training],
    job: BacktestJob,
    progress: Progress,
    resumed: Mapping[int, Part],
) -> list[Trained]:
    """The forecasts of every training, each by a worker of the cluster.

    Each training is kept when it is over.
    """
    left = [number for number in range(1, len(trainings) + 1) if number not in resumed]
    at_once = min(job.engine.capacity or 1, len(left))
    alone = replace(job, report=silent, engine=HERE, by_cores=False)
    ends = deadlines(job.deadline, len(left), at_once)
    tasks = [
        replace(trainings[number - 1], job=replace(alone, deadline=end))
        for number, end in zip(left, ends, strict=True)
    ]
    trained = {number: Trained(part) for number, part in resumed.items()}

    def say() -> None:
        done = f"{len(trained):,} of {plural(len(trainings), 'training')} done"
        job.report(Phase("training", f"{done}, {at_once:,} at a time"))

    def finished(index: int, each: Trained) -> None:
        number = left[index]
        _take_down(progress, number, each)
        trained[number] = each
        say()

    say()
    job.engine.run(Batch(_work, tasks, at_once, finished, job.report))
    return [trained[number] for number in range(1, len(trainings) + 1)]


def _work(training: Training, _tell: Callable[[Event], None]) -> Trained:
    """In a worker, which has nothing to tell: one training."""
    return _train_and_forecast(training, None)


def _take_down(progress: Progress, number: int, each: Trained) -> None:
    """Keep the forecasts of a training that had all its time."""
    part = each.part
    kept = None if each.epochs else PartForecasts(part.plan, part.values, part.bounds)
    backtest_progress.training_done(progress, number, kept)


def _numbered(report: Report, number: int, trainings: int) -> Report:
    """The same, with the number of the training in front, where there are several."""
    if trainings == 1:
        return report

    def numbered(event: Event) -> None:
        if isinstance(event, Phase):
            event = replace(event, text=f"training {number:,} of {trainings:,}: {event.text}")
        report(event)

    return numbered


def _share_of_time(deadline: float | None, trainings: int) -> float | None:
    """When the next training must be over: each gets an equal part of the time that is left."""
    if deadline is None:
        return None
    now = time.monotonic()
    return now + (deadline - now) / trainings


def about_time_limit(trained: list[Trained], progress: Progress) -> tuple[Note, ...]:
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


# -- one training ----------------------------------------------------------------------------------


def _train_and_forecast(training: Training, slot: Slot | None) -> Trained:
    """Forecast from the origins of a training with a network trained on the rows before the first.

    slot: where the training is kept; None where it is kept when it is over.
    """
    panel, job, origins, wanted = training.panel, training.job, training.origins, training.numbers
    with _naming_origin(wanted[0] + 1):
        rows, earliest = training_rows(panel, origins, wanted)
        model, epochs = _fit(rows, job, origins.horizon, slot)

        job.report(Phase("forecasting", f"forecasting from {plural(len(wanted), 'origin')}"))
        return Trained(forecast_part(panel, model, origins, earliest, wanted), epochs)


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


def _fit(
    panel: Panel, job: BacktestJob, horizon: int, slot: Slot | None
) -> tuple[Model, tuple[int, ...]]:
    """A model that was trained on a panel as `train` does it; and the epochs of its members, where
    their time was up."""
    settings = replace(job.settings, window=replace(job.settings.window, horizon=horizon))
    plan = planning.make(panel, settings)
    ends = windows.split(panel, plan.validation, plan.test).training
    windows.require_complete(panel, plan.lookback, plan.architecture.outputs, ends)

    job.report(Phase("loading", "loading PyTorch"))
    from forecast_cli import candidates, members  # here, so that what went before need not wait
    from forecast_cli.training import choose_device
    from forecast_cli.workflow.fitting import learn, refit, workers_of

    device = choose_device(job.settings.training.device, plan, cores())
    execution = members.Execution(
        report=job.report,
        engine=job.engine,
        workers=workers_of(job.engine, plan, job.settings, device, by_cores=job.by_cores),
        deadline=job.deadline,
        device=device,
    )
    plan = candidates.choose(panel, settings, plan, execution)
    execution = candidates.with_start(execution, plan)

    if slot is not None:
        checkpoint = backtest_progress.training_checkpoint(slot.progress, slot.number, plan, device)
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
