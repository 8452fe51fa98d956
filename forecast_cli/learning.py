"""Panel and plan -> trained model: which windows are learned from, when to stop, the residuals, and the refit."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecast_cli import (
    covariates,
    engine,
    ensemble,
    forecasting,
    intervals,
    network,
    planning,
    scaling,
    training,
    weighting,
    windows,
)
from forecast_cli.calendar import Ints
from forecast_cli.ensemble import Task
from forecast_cli.errors import RunRejectedError
from forecast_cli.forecasting import Model
from forecast_cli.panel import Floats, Panel
from forecast_cli.planning import Plan
from forecast_cli.progress import MemberDone, Phase, Report, silent
from forecast_cli.store import Checkpoint
from forecast_cli.training import Course, Fitted, Fold, Material, Weights
from forecast_cli.windows import Windows

REFIT = "refit"  # the stage in which a network is trained again on all rows
FOLDS = 4  # rolling validation origins where windows are few


@dataclass(frozen=True, eq=False)
class Effort:
    """How training is carried out, which does not change what comes out.

    workers: members that train at the same time; start: the weights that members begin with, in turn; checkpoint: what
    was done before, and where to keep what is done; deadline: when it must be over, in time.monotonic().
    """

    report: Report = silent
    workers: int = 1
    start: tuple[Weights, ...] = ()
    checkpoint: Checkpoint | None = None
    deadline: float | None = None


@dataclass(frozen=True, eq=False)
class Learned:
    """A model that has seen the training part alone, with residuals of later rows, and how each member got there."""

    model: Model
    fitted: tuple[Fitted, ...]


def learn(panel: Panel, decided: Plan, effort: Effort) -> Learned:
    """Train on the training part alone, stopped by the validation part; the residuals are of rows after it."""
    cut = windows.split(panel, decided.validation, decided.test)
    scale = scaling.fit(
        panel.values, panel.offsets, np.maximum(cut.training, 1), decided.normalization
    )
    features = covariates.fit(panel, decided.calendar, cut.training)
    names = (panel.past_names, panel.future_names, panel.static_names)
    none = np.empty((0, decided.horizon, decided.architecture.outputs_per_step))
    model = Model(decided, (), panel.ids, scale, none, features, names)
    material = _material(panel, model, cut.training)
    half = effort  # of the time, so that the other half is there for the refit
    if effort.deadline is not None and decided.refit:
        half = replace(effort, deadline=(time.monotonic() + effort.deadline) / 2)
    fitted = _fit(
        material,
        _folds(panel, decided, material.values),
        [Course() for _ in range(decided.members)],
        half,
    )
    model = replace(model, members=tuple(_doubles(one.weights) for one in fitted))
    effort.report(Phase("errors", "measuring how far forecasts are off"))
    unseen = windows.between(panel, decided.lookback, decided.horizon, cut.training, panel.lengths)
    if (
        not decided.validation + decided.test
    ):  # nothing was held out: what was trained on is all there is
        unseen = windows.between(
            panel, decided.lookback, decided.horizon, cut.training * 0, panel.lengths
        )
    return Learned(
        replace(model, residuals=forecasting.residuals(panel, model, _thinned(unseen))),
        tuple(fitted),
    )


def refit(panel: Panel, learned: Learned, effort: Effort) -> Model:
    """Train again from the start on all rows, for the steps that early stopping found.

    The model as it is, if that is not wanted, or if time is up before it is done.
    """
    model, decided = learned.model, learned.model.plan
    if not decided.refit or not all(one.steps for one in learned.fitted):
        return model
    if effort.deadline is not None and time.monotonic() >= effort.deadline:
        return model
    material = _material(panel, model, panel.lengths)
    everything = windows.between(
        panel, decided.lookback, decided.architecture.outputs, panel.lengths * 0, panel.lengths
    )
    folds = [Fold(_changing(material.values, everything))]
    again = _fit(
        material, folds, [Course(REFIT, steps=one.steps) for one in learned.fitted], effort
    )
    if any(one.expired for one in again):
        return model
    return replace(model, members=tuple(_doubles(one.weights) for one in again))


def _doubles(weights: Weights) -> Weights:
    return {name: values.astype(np.float64) for name, values in weights.items()}


def _fit(
    material: Material, folds: Sequence[Fold], courses: list[Course], effort: Effort
) -> list[Fitted]:
    start, decided = effort.start, material.plan
    if start:
        courses = [
            replace(course, start=start[number % len(start)])
            for number, course in enumerate(courses)
        ]
    side_by_side = 1 if decided.boosting else min(effort.workers, len(courses))
    courses = _with_deadlines(courses, side_by_side, effort.deadline)
    kept = effort.checkpoint
    done = {} if kept is None else dict(_checked(kept, decided))

    def run(work: Callable[[Task, Report], Fitted], tasks: Sequence[Task]) -> list[Fitted]:
        left = [task for task in tasks if task.course.stage not in done]
        if kept is not None and engine.in_this_process(effort.workers, len(left)):
            left = [_kept(task, kept) for task in left]

        def finished(number: int, fitted: Fitted) -> None:
            course = left[number].course
            if kept is not None:
                kept.finish(course.stage, fitted)
            effort.report(MemberDone(course.member))

        found = iter(engine.run(work, left, effort.workers, finished, effort.report))
        return [
            done[task.course.stage] if task.course.stage in done else next(found) for task in tasks
        ]

    effort.report(_phase(decided, courses, done, side_by_side))
    return ensemble.fit(material, folds, courses, run)


def _with_deadlines(
    courses: list[Course], side_by_side: int, deadline: float | None
) -> list[Course]:
    """Members train in turns, those of a turn side by side; every turn gets its part of the time that is left."""
    if deadline is None:
        return courses
    begun = time.monotonic()
    turns, left_over = -(-len(courses) // side_by_side), deadline - begun
    return [
        replace(course, deadline=begun + (number // side_by_side + 1) / turns * left_over)
        for number, course in enumerate(courses)
    ]


def _phase(decided: Plan, courses: list[Course], done: Collection[str], side_by_side: int) -> Phase:
    """What begins now: the training or the refit of the members that are not done, and how long it is at most."""
    name, count = courses[0].stage, len(courses)
    stages = [ensemble.stage_of(course, decided, number) for number, course in enumerate(courses)]
    epochs = [
        (number + 1, training.epochs_of(decided, course.steps))
        for number, course in enumerate(courses)
        if stages[number] not in done
    ]
    text = name
    if count > 1:
        text = f"refit of {count:,} members" if name == REFIT else f"training {count:,} members"
    if side_by_side > 1:
        text += f", {side_by_side:,} at a time"
    return Phase(name, text, tuple(epochs))


def _kept(task: Task, checkpoint: Checkpoint) -> Task:
    stage = task.course.stage
    return replace(
        task,
        course=replace(
            task.course, keep=checkpoint.keep(stage), resume=checkpoint.running.get(stage)
        ),
    )


def _checked(checkpoint: Checkpoint, decided: Plan) -> dict[str, Fitted]:
    """What a checkpoint says is done, if it can be of this network. Raises RunRejectedError."""
    shapes = network.tensor_shapes(decided.architecture)
    for fitted in checkpoint.finished.values():
        if (
            any(
                {name: w.shape for name, w in weights.items()} != shapes for weights in fitted.folds
            )
            or not fitted.folds
        ):
            raise RunRejectedError(
                "the unfinished training does not fit the network it is said to be of",
                "train without --resume",
            )
    return checkpoint.finished


def _material(panel: Panel, model: Model, ends: Ints) -> Material:
    decided = model.plan
    series = np.repeat(np.arange(len(panel)), panel.lengths)
    values = scaling.transform(panel.values, decided.normalization, model.scale, series)
    seen = covariates.prepare(panel, decided.calendar, decided.horizon, model.features)
    return Material(
        values, decided, seen, weighting.counts(panel, values, ends, balance=decided.balance)
    )


def _thinned(chosen: Windows) -> Windows:
    keep = (
        np.unique(np.linspace(0, len(chosen) - 1, intervals.KEPT).astype(np.int64))
        if len(chosen)
        else slice(None)
    )
    return replace(chosen, series=chosen.series[keep], origins=chosen.origins[keep])


def _folds(panel: Panel, decided: Plan, values: Floats) -> list[Fold]:
    cut = windows.split(panel, decided.validation, decided.test)
    none, steps = np.zeros(len(panel), np.int64), decided.architecture.outputs
    everything = windows.between(panel, decided.lookback, steps, none, cut.training)
    if decided.preset == "classic":
        held = max(len(everything) // 20, 1 if len(everything) > 1 else 0)
        first = _part(everything, slice(0, len(everything) - held))
        return [
            Fold(first, _part(everything, slice(len(everything) - held, None)) if held else None)
        ]
    if not decided.validation:
        return [Fold(_changing(values, everything))]
    wanted = FOLDS if len(everything) < planning.SMALL else 1
    folds: list[Fold] = []
    for number in range(FOLDS):
        # Where there are holes, the newest validation part may have no complete window: an earlier one then serves.
        if number >= wanted and any(fold.validation for fold in folds):
            break
        end = cut.training - number * decided.horizon
        earlier = _changing(values, windows.between(panel, decided.lookback, steps, none, end))
        validation = windows.between(panel, decided.lookback, steps, end, end + decided.validation)
        if number and 3 * len(earlier) < len(folds[0].training):
            break
        if number and not len(validation):
            continue
        folds.append(Fold(earlier, validation if len(validation) else None))
    return folds


def _part(chosen: Windows, part: slice) -> Windows:
    return replace(chosen, series=chosen.series[part], origins=chosen.origins[part])


def _changing(values: Floats, chosen: Windows) -> Windows:
    """The windows whose past is not constant: a constant has no spread to measure a difference in."""
    changes = np.concatenate([[0], np.cumsum(values[1:] != values[:-1])])
    moving = changes[chosen.origins - 1] > changes[chosen.origins - chosen.lookback]
    return (
        replace(chosen, series=chosen.series[moving], origins=chosen.origins[moving])
        if moving.any()
        else chosen
    )
