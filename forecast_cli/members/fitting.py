"""Members trained, one after the other or side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from forecast_cli import training
from forecast_cli.engine import Batch, Engine
from forecast_cli.errors import DivergedError, TooLittleDataError
from forecast_cli.members.states import finished_of, kept_tasks, teller, writer
from forecast_cli.members.tasks import (
    REFIT,
    Execution,
    Task,
    on_device,
    task_of,
    with_deadlines,
    with_start,
)
from forecast_cli.messages import plural
from forecast_cli.progress import MemberDone, Phase
from forecast_cli.training import FitOptions, Fitted, Fold, TrainingData

Result = TypeVar("Result")


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
            task = task_of(assignment.data, assignment.folds, number, options)
            options = replace(task.options, member=len(tasks) + 1)
            tasks.append(replace(task, options=options))

    done = finished_of(execution.checkpoint, tasks)
    at_a_time = min(execution.workers, len(tasks))
    tasks = on_device(tasks, execution.device)
    tasks = with_deadlines(tasks, at_a_time, execution.deadline)
    text = _aside(text, at_a_time, execution.engine)
    execution.report(replace(_phase(tasks, done, at_a_time, execution.engine), text=text))
    fitted = iter(_run(tasks, done, execution, fit_if_possible))
    return [[next(fitted) for _ in assignment.options] for assignment in assignments]


def train_members(
    data: TrainingData, folds: Sequence[Fold], options: Sequence[FitOptions], execution: Execution
) -> list[Fitted]:
    """Train one member for each of the options. Equal arguments give equal bytes.

    What the checkpoint says is done is not done again.
    """
    plan = data.plan
    tasks = [task_of(data, folds, number, each) for number, each in enumerate(options)]
    done = finished_of(execution.checkpoint, tasks)
    at_a_time = 1 if plan.boosting else min(execution.workers, len(tasks))
    tasks = with_start(on_device(tasks, execution.device), execution.start)
    tasks = with_deadlines(tasks, at_a_time, execution.deadline)
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

    with kept_tasks(left, execution) as (left, report):
        batch = Batch(work, left, execution.workers, finished, report)
        results = execution.engine.run(batch)

    by_stage: dict[str, Fitted | Result] = dict(done)
    for task, fitted in zip(left, results, strict=True):
        by_stage[task.options.stage] = fitted
    return [by_stage[task.options.stage] for task in tasks]


def fit_member(task: Task, tell: Callable[[Any], None]) -> Fitted:
    """Train one member, or this worker's share of it."""
    if task.state:
        keep = writer(Path(task.state), task.options.stage)
        task = replace(task, options=replace(task.options, keep=keep))
    elif task.options.share != training.ALONE:
        keep = teller(task.options.stage, tell)
        task = replace(task, options=replace(task.options, keep=keep))
    return training.fit(task.data, task.folds, tell, task.options)


def fit_if_possible(task: Task, tell: Callable[[Any], None]) -> Fitted | None:
    """Train one member; None where it diverges, or has no window to learn from."""
    try:
        return fit_member(task, tell)
    except (DivergedError, TooLittleDataError):
        return None


# -- what is said ----------------------------------------------------------------------------------


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


def _aside(text: str, at_a_time: int, engine: Engine) -> str:
    if engine.together:
        return f"{text}, by {plural(engine.together, 'worker')} together"
    return f"{text}, {at_a_time:,} at a time" if at_a_time > 1 else text
