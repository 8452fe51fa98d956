"""Panel and plan -> trained model: which windows are learned from, when to stop, the residuals,
and the refit."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from forecast_cli import covariates, forecasting, planning, scaling, windows
from forecast_cli.blending import blended
from forecast_cli.calendar import Ints
from forecast_cli.forecasting import Model
from forecast_cli.members import REFIT, Execution, train_members
from forecast_cli.panel import Panel
from forecast_cli.planning import Plan
from forecast_cli.progress import Phase
from forecast_cli.sample_weights import sample_weights
from forecast_cli.shrinkage import shrunk
from forecast_cli.training import FitOptions, Fitted, Fold, TrainingData, Weights
from forecast_cli.windows import Windows

WINDOWS_AT_ONCE = 4096
MOST_FOLDS = 4  # rolling validation origins where windows are few


@dataclass(frozen=True, eq=False)
class Learned:
    """A model that has seen the training part alone, and how each member got there.

    Its residuals are of later rows. before_test: the same model with those of windows that end
    before the test part, for the bounds of the test part itself.
    """

    model: Model
    fitted: tuple[Fitted, ...]
    before_test: Model


def learn(panel: Panel, plan: Plan, execution: Execution) -> Learned:
    """Train on the training part alone, stopped by the validation part.

    The residuals are of the rows after the training part.
    """
    cut = windows.split(panel, plan.validation, plan.test)
    model = untrained(panel, plan, cut.training)
    data = training_data(panel, model, cut.training)
    folds = folds_of(panel, plan, data)
    options = [FitOptions() for _ in range(plan.members)]
    fitted = train_members(data, folds, options, with_half_the_time(execution, plan))
    model = _with_members(model, fitted)

    model = blended(panel, model)
    return with_residuals(panel, model, tuple(fitted), execution)


def with_residuals(
    panel: Panel, model: Model, fitted: tuple[Fitted, ...], execution: Execution
) -> Learned:
    """What was learned, with the errors of the model on the rows after the training part.

    The weight of the naive forecast is chosen, too.
    """
    plan = model.plan
    execution.report(Phase("errors", "measuring forecast errors"))
    cut = windows.split(panel, plan.validation, plan.test)
    # Where nothing was held out, what was trained on is all there is.
    nothing_held_out = plan.validation + plan.test == 0
    start = cut.training * 0 if nothing_held_out else cut.training
    model = replace(model, plan=shrunk(panel, model))
    before_test = forecasting.measured(panel, model, cut.training, cut.validation)
    model = forecasting.measured(panel, model, start, panel.lengths)
    model = forecasting.measured_further(panel, model, start, panel.lengths)
    return Learned(model, fitted, before_test)


def refit(panel: Panel, learned: Learned, execution: Execution) -> Model:
    """Train again from the start on all rows, for the steps that early stopping found.

    Returns the model as it is if that is not wanted, or if time is up before it is done.
    """
    model, plan = learned.model, learned.model.plan
    if not wants_refit(learned, execution):
        return model

    data = training_data(panel, model, panel.lengths)
    fold = fold_to(panel, plan, data, panel.lengths)
    options = [FitOptions(REFIT, steps=member.steps) for member in learned.fitted]
    fitted = train_members(data, [fold], options, execution)
    if any(member.expired for member in fitted):
        return model
    return _with_members(model, fitted)


def wants_refit(learned: Learned, execution: Execution) -> bool:
    """Whether to train again: the plan says so, all members took steps, and there is time left."""
    has_steps = all(member.steps for member in learned.fitted)
    has_time = execution.deadline is None or time.monotonic() < execution.deadline
    return learned.model.plan.refit and has_steps and has_time


def fit_once(panel: Panel, plan: Plan, ends: Ints, execution: Execution) -> Model:
    """A model of the first `ends` (S,) rows alone, without residuals: to try a plan."""
    model = untrained(panel, plan, ends)
    data = training_data(panel, model, ends)
    options = [FitOptions() for _ in range(plan.members)]
    fitted = train_members(data, [fold_to(panel, plan, data, ends)], options, execution)
    return _with_members(model, fitted)


# -- the model before and after its training ---------------------------------------------------


def untrained(panel: Panel, plan: Plan, ends: Ints) -> Model:
    """A model without members, its scales taken from the first `ends` (S,) rows."""
    no_residuals = np.empty((0, plan.horizon, plan.architecture.outputs_per_step))
    return Model(
        plan=plan,
        members=(),
        ids=panel.ids,
        scale=scaling.fit(panel.values, panel.offsets, np.maximum(ends, 1), plan.normalization),
        residuals=no_residuals,
        further=no_residuals[:, :0],
        features=covariates.fit(panel, plan.calendar, ends),
        covariates=(panel.past_names, panel.future_names, panel.static_names),
    )


def _with_members(model: Model, fitted: list[Fitted]) -> Model:
    """The weights are kept as float64, in which forecasts are computed."""
    return replace(model, members=tuple(as_float64(member.weights) for member in fitted))


def as_float64(weights: Weights) -> Weights:
    return {name: values.astype(np.float64) for name, values in weights.items()}


def with_half_the_time(execution: Execution, plan: Plan) -> Execution:
    """Where a refit follows, it needs the other half of the time that is left."""
    if execution.deadline is None or not plan.refit:
        return execution
    return replace(execution, deadline=(time.monotonic() + execution.deadline) / 2)


def training_data(panel: Panel, model: Model, ends: Ints) -> TrainingData:
    plan = model.plan
    values = scaling.transform_all(panel.values, panel.offsets, plan.normalization, model.scale)
    return TrainingData(
        values=values,
        plan=plan,
        offsets=panel.offsets,
        covariates=covariates.prepare(panel, plan.calendar, plan.horizon, model.features),
        sample_weights=sample_weights(panel, values, ends, balance=plan.balance),
    )


# -- windows to learn from ---------------------------------------------------------------------


def fold_to(panel: Panel, plan: Plan, data: TrainingData, ends: Ints) -> Fold:
    """All windows of the first `ends` (S,) rows."""
    every = _windows_between(panel, plan, np.zeros(len(panel), np.int64), ends)
    return Fold(changing(data, every))


def folds_of(panel: Panel, plan: Plan, data: TrainingData) -> list[Fold]:
    """Windows to train on, and those that stop the training."""
    ends = windows.split(panel, plan.validation, plan.test).training
    every = _windows_between(panel, plan, np.zeros(len(panel), np.int64), ends)
    if plan.preset == "classic":
        return [_textbook_fold(every)]
    if not plan.validation:
        return [Fold(changing(data, every))]

    # Several folds make early stopping less of an accident; without it, one shows the losses.
    wanted = MOST_FOLDS if len(every) < planning.SMALL and plan.patience else 1
    return _rolling_folds(panel, plan, data, wanted)


def _rolling_folds(panel: Panel, plan: Plan, data: TrainingData, wanted: int) -> list[Fold]:
    """So many folds or less, each of which ends one horizon before the one before it."""
    folds: list[Fold] = []
    for number in range(MOST_FOLDS):
        # Where there are holes, the newest validation part may have no complete window: an
        # earlier one then serves.
        if number >= wanted and any(fold.validation for fold in folds):
            break
        fold = _fold_before(panel, plan, data, number * plan.horizon)
        if number and 3 * len(fold.training) < len(folds[0].training):
            break
        if fold.validation or not number:
            folds.append(fold)
    return folds


def _fold_before(panel: Panel, plan: Plan, data: TrainingData, rows: int) -> Fold:
    """The fold whose training part ends so many rows before that of the plan."""
    cut = windows.split(panel, plan.validation, plan.test)
    end = cut.training - rows
    # A series that is shorter than the parts held out ends before they would.
    high = np.minimum(end + plan.validation, cut.validation)

    earlier = _windows_between(panel, plan, np.zeros(len(panel), np.int64), end)
    later = _windows_between(panel, plan, end, high)
    return Fold(changing(data, earlier), later if len(later) else None)


def _windows_between(panel: Panel, plan: Plan, start: Ints, end: Ints) -> Windows:
    """The windows whose steps ahead lie in these rows (S,), with all that the network predicts."""
    return forecasting.windows_between(panel, plan, plan.architecture.outputs, start, end)


def _textbook_fold(every: Windows) -> Fold:
    """The last 5 % of the windows stop the training."""
    held_out = len(every) // 20
    if not held_out and len(every) > 1:
        held_out = 1
    if not held_out:
        return Fold(every)
    cut = len(every) - held_out
    return Fold(windows.selected(every, slice(0, cut)), windows.selected(every, slice(cut, None)))


def changing(data: TrainingData, chosen: Windows) -> Windows:
    """The windows whose past is not constant: a constant has no spread to measure errors in."""
    if data.plan.architecture.by_season is not None:
        return _changing_with_gaps(data, chosen)
    values = data.values

    def is_changing(origins: Ints) -> windows.Flags:
        first = origins[0] - chosen.lookback
        part = values[first : origins[-1]]
        changes = windows.running_count(part[1:] != part[:-1])
        begin = origins - first
        changing: windows.Flags = changes[begin - 1] > changes[begin - chosen.lookback]
        return changing

    changing = windows.where(chosen, is_changing)
    return changing if len(changing) else chosen


def _changing_with_gaps(data: TrainingData, chosen: Windows) -> Windows:
    """The same, where only a part of a window may be known."""
    flags = np.empty(len(chosen), bool)
    for start in range(0, len(chosen), WINDOWS_AT_ONCE):
        part = slice(start, start + WINDOWS_AT_ONCE)
        past = windows.pasts_with_gaps(data.values, data.offsets, chosen, part)
        flags[part] = np.fmin.reduce(past, axis=1) < np.fmax.reduce(past, axis=1)
    return windows.flagged(chosen, flags) if flags.any() else chosen
