"""The training of one member as a task: its seed, its windows, its deadline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecast_cli import choices, training, windows
from forecast_cli.calendar import Ints
from forecast_cli.engine import HERE, Engine, deadlines
from forecast_cli.planning import Plan
from forecast_cli.progress import Report, silent
from forecast_cli.store import Checkpoint
from forecast_cli.training import FitOptions, Fold, Snapshot, TrainingData, Weights
from forecast_cli.windows import Windows

REFIT = "refit"  # the stage in which networks are trained again on all rows
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
        """The same, going on from where a worker of several was lost.

        Raises ValueError for a state of another training.
        """
        stage, snapshot = state
        if stage != self.options.stage:
            raise ValueError(f"a state of {stage!r} is none of {self.options.stage!r}")
        return replace(self, options=replace(self.options, resume=snapshot))


def task_of(data: TrainingData, folds: Sequence[Fold], number: int, options: FitOptions) -> Task:
    """The training of one of several members, with a stage of its own. number: from 0."""
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


def on_device(tasks: list[Task], device: choices.TrainedOn) -> list[Task]:
    return [replace(task, options=replace(task.options, device=device)) for task in tasks]


def with_start(tasks: list[Task], start: tuple[Weights, ...]) -> list[Task]:
    """Members begin with the given weights, in turn."""
    if not start:
        return tasks
    return [
        replace(task, options=replace(task.options, start=start[number % len(start)]))
        for number, task in enumerate(tasks)
    ]


def with_deadlines(tasks: list[Task], at_a_time: int, deadline: float | None) -> list[Task]:
    """Members train in turns; every turn gets its part of the time that is left."""
    ends = deadlines(deadline, len(tasks), at_a_time)
    return [
        replace(task, options=replace(task.options, deadline=end))
        for task, end in zip(tasks, ends, strict=True)
    ]
