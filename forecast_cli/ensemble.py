"""Several networks: each has a seed of its own, windows drawn in blocks (bagging), or what the others left (boosting)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecast_cli import training
from forecast_cli.calendar import Ints
from forecast_cli.planning import Plan
from forecast_cli.progress import Report
from forecast_cli.training import Course, Fitted, Fold, Material
from forecast_cli.windows import Windows

SEEDS = 100_003  # between the seeds of two members, so that those of their folds don't meet


@dataclass(frozen=True, eq=False)
class Task:
    """The training of one member: all of it, so that another process can do it."""

    material: Material
    folds: tuple[Fold, ...]
    course: Course


Runner = Callable[[Callable[[Task, Report], Fitted], Sequence[Task]], list[Fitted]]


def fit(
    material: Material, folds: Sequence[Fold], courses: Sequence[Course], run: Runner
) -> list[Fitted]:
    """Train one member for each course; `run` maps the work over processes. Equal arguments give equal bytes."""
    tasks = [_task(material, folds, number, course) for number, course in enumerate(courses)]
    if not material.plan.boosting:
        return run(fit_member, tasks)
    done: list[Fitted] = []
    for task in tasks:
        course = replace(task.course, former=tuple(one.folds for one in done))
        done += run(fit_member, [replace(task, course=course)])
    return done


def fit_member(task: Task, report: Report) -> Fitted:
    """Train one member."""
    return training.fit(task.material, task.folds, report, task.course)


def _task(material: Material, folds: Sequence[Fold], number: int, course: Course) -> Task:
    plan = member_plan(material.plan, number)
    course = replace(course, member=number + 1)
    if plan.bagging:
        random = np.random.default_rng([plan.seed, 1])
        block = plan.lookback + plan.horizon
        folds = [replace(fold, training=resampled(fold.training, block, random)) for fold in folds]
    course = replace(course, stage=stage_of(course, plan, number))
    return Task(replace(material, plan=plan), tuple(folds), course)


def stage_of(course: Course, plan: Plan, number: int) -> str:
    """The stage of one member, which is the name of its part of a checkpoint: `training 2 of 5`."""
    return course.stage if plan.members == 1 else f"{course.stage} {number + 1} of {plan.members}"


def member_plan(plan: Plan, number: int) -> Plan:
    return replace(plan, seed=plan.seed + SEEDS * number)


def resampled(chosen: Windows, block: int, random: np.random.Generator) -> Windows:
    """As many windows, drawn with replacement in blocks of neighbors (Künsch 1989): windows that overlap stay together.

    A block is as long as a window with its horizon, or a quarter of all windows where there are few.
    """
    count = len(chosen)
    if not count:
        return chosen
    size = max(1, min(block, count // 4))
    starts = random.integers(0, count, -(-count // size))
    drawn: Ints = ((starts[:, None] + np.arange(size)).ravel() % count)[:count]
    return replace(chosen, series=chosen.series[drawn], origins=chosen.origins[drawn])
