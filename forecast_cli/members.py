"""Several networks, trained one after the other or side by side.

Each has a seed of its own; with bagging, windows drawn in blocks; with boosting, it learns what
the previous ones left over.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from forecast_cli import choices, network, store, training, windows
from forecast_cli.calendar import Ints
from forecast_cli.engine import HERE, Batch, Engine, State, deadlines
from forecast_cli.errors import DivergedError, RunRejectedError, TooLittleDataError
from forecast_cli.messages import plural
from forecast_cli.planning import Plan
from forecast_cli.progress import Event, MemberDone, Phase, Report, silent
from forecast_cli.store import Checkpoint
from forecast_cli.training import FitOptions, Fitted, Fold, Snapshot, TrainingData, Weights
from forecast_cli.windows import Windows

Result = TypeVar("Result")

REFIT = "refit"  # the stage in which networks are trained again on all rows
SECONDS_BETWEEN_STATES = 1.0  # that a member in another process writes
SEEDS = 100_003  # between the seeds of two members, so that those of their folds do not meet


@dataclass(frozen=True, eq=False)
class Execution:
    """How training is carried out, which does not change what comes out.

    - report: hears of phases, epochs and members
    - engine: where members are trained; workers: members that train at the same time
    - start: the weights that members begin with, in turn
    - checkpoint: what was done before, and where to keep what is done
    - deadline: when it must be over, in time.monotonic()
    - device: where to train; on a GPU, the last digits are others
    """

    report: Report = silent
    engine: Engine = HERE
    workers: int = 1
    start: tuple[Weights, ...] = ()
    checkpoint: Checkpoint | None = None
    deadline: float | None = None
    device: choices.TrainedOn = "cpu"


@dataclass(frozen=True, eq=False)
class Task:
    """The training of one member: all of it, so that another process can do it, or several of them
    together.

    state: where another process writes how far it is; empty where nothing is kept.
    """

    data: TrainingData
    folds: tuple[Fold, ...]
    options: FitOptions
    state: str = ""

    def moved(self, seconds: float) -> Task:
        """The same, for a clock that is so many seconds ahead."""
        if self.options.deadline is None:
            return self
        deadline = self.options.deadline + seconds
        return replace(self, options=replace(self.options, deadline=deadline))

    @property
    def on_gpu(self) -> bool:
        """Whether it is trained on a GPU."""
        return self.options.device == "cuda"

    def shared(self) -> Task:
        """In one of several processes that train it together: with the share of this process."""
        share = training.share_of_group(self.options.device)
        return replace(self, options=replace(self.options, share=share))

    def resumed(self, state: tuple[str, Snapshot]) -> Task:
        """The same, going on from where a worker of several was lost."""
        stage, snapshot = state
        assert stage == self.options.stage  # noqa: S101
        return replace(self, options=replace(self.options, resume=snapshot))


@dataclass(frozen=True, eq=False)
class Assignment:
    """Members of one kind to train: one for each of the options, the first with the number `first`.

    name: in words.
    """

    name: str
    data: TrainingData
    folds: Sequence[Fold]
    options: Sequence[FitOptions]
    first: int = 0


def train_kinds(
    assignments: Sequence[Assignment], text: str, execution: Execution
) -> list[list[Fitted | None]]:
    """Train members of several kinds, side by side; None for each that has diverged, or that has
    no window to learn from. Equal arguments give equal bytes.

    text: what begins, in words. What the checkpoint says is done is not done again. Every kind
    must have stages of its own.
    """
    tasks: list[Task] = []
    for assignment in assignments:
        for number, options in enumerate(assignment.options, assignment.first):
            task = _task(assignment.data, assignment.folds, number, options)
            options = replace(task.options, member=len(tasks) + 1)
            tasks.append(replace(task, options=options))

    done = _finished(execution.checkpoint, tasks)
    at_a_time = min(execution.workers, len(tasks))
    tasks = _on_device(tasks, execution.device)
    tasks = _with_deadlines(tasks, at_a_time, execution.deadline)
    text = _aside(text, at_a_time, execution.engine)
    execution.report(replace(_phase(tasks, done, at_a_time, execution.engine), text=text))
    fitted = iter(_run(tasks, done, execution, fit_if_possible))
    return [[next(fitted) for _ in assignment.options] for assignment in assignments]


def _aside(text: str, at_a_time: int, engine: Engine) -> str:
    if engine.together:
        return f"{text}, by {plural(engine.together, 'worker')} together"
    return f"{text}, {at_a_time:,} at a time" if at_a_time > 1 else text


def train_members(
    data: TrainingData, folds: Sequence[Fold], options: Sequence[FitOptions], execution: Execution
) -> list[Fitted]:
    """Train one member for each of the options. Equal arguments give equal bytes.

    What the checkpoint says is done is not done again.
    """
    plan = data.plan
    tasks = [_task(data, folds, number, each) for number, each in enumerate(options)]
    done = _finished(execution.checkpoint, tasks)
    at_a_time = 1 if plan.boosting else min(execution.workers, len(tasks))
    tasks = _with_start(_on_device(tasks, execution.device), execution.start)
    tasks = _with_deadlines(tasks, at_a_time, execution.deadline)
    execution.report(_phase(tasks, done, at_a_time, execution.engine))

    if not plan.boosting:
        return _run(tasks, done, execution, fit_member)

    # Each member needs those before it.
    fitted: list[Fitted] = []
    for task in tasks:
        previous = tuple(member.folds for member in fitted)
        task = replace(task, options=replace(task.options, previous_members=previous))
        fitted += _run([task], done, execution, fit_member)
    return fitted


def _run(
    tasks: Sequence[Task],
    done: dict[str, Fitted],
    execution: Execution,
    work: Callable[[Task, Callable[[Any], None]], Result],
) -> list[Fitted | Result]:
    """The result of each task, in their order; the engine works on those that are not done."""
    checkpoint = execution.checkpoint
    left = [task for task in tasks if task.options.stage not in done]

    def finished(number: int, fitted: Result) -> None:
        options = left[number].options
        if checkpoint is not None and isinstance(fitted, Fitted):
            checkpoint.finish(options.stage, fitted)
        execution.report(MemberDone(options.member))

    with _kept_tasks(left, execution) as (left, report):
        batch = Batch(work, left, execution.workers, finished, report)
        results = execution.engine.run(batch)

    by_stage: dict[str, Fitted | Result] = dict(done)
    for task, fitted in zip(left, results, strict=True):
        by_stage[task.options.stage] = fitted
    return [by_stage[task.options.stage] for task in tasks]


def fit_member(task: Task, tell: Callable[[Any], None]) -> Fitted:
    """Train one member, or this worker's share of it."""
    if task.state:
        keep = _writer(Path(task.state), task.options.stage)
        task = replace(task, options=replace(task.options, keep=keep))
    elif task.options.share != training.ALONE:
        keep = _teller(task.options.stage, tell)
        task = replace(task, options=replace(task.options, keep=keep))
    return training.fit(task.data, task.folds, tell, task.options)


def fit_if_possible(task: Task, tell: Callable[[Any], None]) -> Fitted | None:
    """Train one member; None where it diverges, or has no window to learn from."""
    try:
        return fit_member(task, tell)
    except (DivergedError, TooLittleDataError):
        return None


# -- tasks -------------------------------------------------------------------------------------


def _task(data: TrainingData, folds: Sequence[Fold], number: int, options: FitOptions) -> Task:
    plan = member_plan(data.plan, number)
    if plan.bagging:
        random = np.random.default_rng([plan.seed, 1])
        block = plan.lookback + plan.horizon
        folds = [replace(fold, training=resampled(fold.training, block, random)) for fold in folds]
    stage = options.stage
    if plan.members > 1:
        stage = f"{options.stage} {number + 1} of {plan.members}"
    options = replace(options, member=number + 1, stage=stage)
    return Task(replace(data, plan=plan), tuple(folds), options)


def member_plan(plan: Plan, number: int) -> Plan:
    """The plan of one member, which differs in its seed."""
    return replace(plan, seed=plan.seed + SEEDS * number)


def resampled(chosen: Windows, block: int, random: np.random.Generator) -> Windows:
    """As many windows, drawn with replacement in blocks of neighbors (Künsch 1989).

    Windows that overlap stay together. A block is as long as a window with its horizon, or a
    quarter of all windows where there are few.
    """
    count = len(chosen)
    if not count:
        return chosen

    size = max(1, min(block, count // 4))
    starts = random.integers(0, count, -(-count // size))
    drawn: Ints = ((starts[:, None] + np.arange(size)).ravel() % count)[:count]
    return windows.selected(chosen, drawn)


def _on_device(tasks: list[Task], device: choices.TrainedOn) -> list[Task]:
    return [replace(task, options=replace(task.options, device=device)) for task in tasks]


def _with_start(tasks: list[Task], start: tuple[Weights, ...]) -> list[Task]:
    """Members begin with the given weights, in turn."""
    if not start:
        return tasks
    return [
        replace(task, options=replace(task.options, start=start[number % len(start)]))
        for number, task in enumerate(tasks)
    ]


def _with_deadlines(tasks: list[Task], at_a_time: int, deadline: float | None) -> list[Task]:
    """Members train in turns; every turn gets its part of the time that is left."""
    ends = deadlines(deadline, len(tasks), at_a_time)
    return [
        replace(task, options=replace(task.options, deadline=end))
        for task, end in zip(tasks, ends, strict=True)
    ]


# -- what is said, and what is kept ------------------------------------------------------------


def _phase(tasks: Sequence[Task], done: dict[str, Fitted], at_a_time: int, engine: Engine) -> Phase:
    """What begins now: the training or the refit of the members that are not done."""
    options = [task.options for task in tasks]
    name = REFIT if options[0].stage.startswith(REFIT) else "training"
    text = name
    if len(tasks) > 1:
        text = (
            f"{name} of {len(tasks):,} members"
            if name == REFIT
            else f"{name} {len(tasks):,} members"
        )
    text = _aside(text, at_a_time, engine)
    epochs = tuple(
        (task.options.member, training.max_epochs(task.data.plan, task.options.steps))
        for task in tasks
        if task.options.stage not in done
    )
    return Phase(name, text, epochs)


@contextlib.contextmanager
def _kept_tasks(tasks: Sequence[Task], execution: Execution) -> Iterator[tuple[list[Task], Report]]:
    """The tasks, going on where they were stopped, with their states kept in the checkpoint, if
    there is one; and what is to hear of them."""
    checkpoint, report = execution.checkpoint, execution.report
    if checkpoint is None:
        yield list(tasks), _taking_down(None, report)
        return

    resumed = [_resumed(task, checkpoint) for task in tasks]
    if execution.engine.together:
        yield resumed, _taking_down(checkpoint, report)
        return

    if execution.engine.is_here(execution.workers, len(tasks)):
        yield [_kept(task, checkpoint) for task in resumed], report
        return

    folder = _folder_for_states()
    if folder is None:
        yield resumed, report
        return

    with folder as name:
        written = [replace(task, state=f"{name}/{n}.state") for n, task in enumerate(resumed)]
        try:
            yield written, _gathering(written, checkpoint, report)
        finally:
            _gather(written, checkpoint)


def _resumed(task: Task, checkpoint: Checkpoint) -> Task:
    """The task, going on where it was stopped."""
    resume = checkpoint.running.get(task.options.stage)
    return replace(task, options=replace(task.options, resume=resume))


def _kept(task: Task, checkpoint: Checkpoint) -> Task:
    """The task with its state kept after every epoch."""
    keep = checkpoint.keep(task.options.stage)
    return replace(task, options=replace(task.options, keep=keep))


def _folder_for_states() -> tempfile.TemporaryDirectory[str] | None:
    """Where members in other processes write their states; None where no folder can be written.

    A cron job or a read-only file system is no reason not to train: only members that are
    finished are kept then.
    """
    try:
        return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    except OSError:
        return None


def _writer(path: Path, stage: str) -> Callable[[Snapshot], None]:
    """What writes the state of a member now and then, in its process."""
    written = -math.inf

    def keep(snapshot: Snapshot) -> None:
        nonlocal written
        if time.monotonic() - written < SECONDS_BETWEEN_STATES:
            return
        # A full disk is no reason to stop a training that goes well.
        with contextlib.suppress(OSError):
            store.write_snapshot(path, stage, snapshot)
        written = time.monotonic()

    return keep


def _teller(stage: str, tell: Callable[[Any], None]) -> Callable[[Snapshot], None]:
    """What tells of the state of a member now and then, in a process that has a share of it."""
    told = -math.inf

    def keep(snapshot: Snapshot) -> None:
        nonlocal told
        if time.monotonic() - told >= SECONDS_BETWEEN_STATES:
            tell(State((stage, snapshot)))
            told = time.monotonic()

    return keep


def _taking_down(checkpoint: Checkpoint | None, report: Report) -> Callable[[Any], None]:
    """Report, and take down in the checkpoint what members tell of their states."""

    def hear(message: Any) -> None:
        if not isinstance(message, State):
            report(message)
        elif checkpoint is not None:
            stage, snapshot = message.value
            checkpoint.keep(stage)(snapshot)

    return hear


def _gather(tasks: Sequence[Task], checkpoint: Checkpoint) -> None:
    """Take down in the checkpoint how far the members in other processes are."""
    for task in tasks:
        stage = task.options.stage
        snapshot = store.read_snapshot(Path(task.state), stage)
        if snapshot is not None and stage not in checkpoint.finished:
            checkpoint.running[stage] = snapshot


def _gathering(tasks: Sequence[Task], checkpoint: Checkpoint, report: Report) -> Report:
    """Report, and gather when the checkpoint is due to be written."""

    def report_and_gather(event: Event) -> None:
        report(event)
        if checkpoint.is_due():
            _gather(tasks, checkpoint)
            checkpoint.save()

    return report_and_gather


def _finished(checkpoint: Checkpoint | None, tasks: Sequence[Task]) -> dict[str, Fitted]:
    """What a checkpoint says is done. Raises RunRejectedError where it is of another network."""
    if checkpoint is None:
        return {}

    done = {}
    for task in tasks:
        fitted = checkpoint.finished.get(task.options.stage)
        if fitted is None:
            continue
        shapes = network.tensor_shapes(task.data.plan.architecture)
        fits = [{name: w.shape for name, w in fold.items()} == shapes for fold in fitted.folds]
        if not fits or not all(fits):
            raise RunRejectedError(
                "the unfinished training does not fit the network it is said to be of",
                "train without --resume",
            )
        done[task.options.stage] = fitted
    return done
