"""`--preset accurate`: several kinds of networks, and which of them are averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from forecast_cli import forecasting, learning, planning, scaling, shrinkage, windows
from forecast_cli.blending import blended
from forecast_cli.calendar import Ints
from forecast_cli.errors import DivergedError
from forecast_cli.forecasting import Model
from forecast_cli.learning import Learned
from forecast_cli.members import REFIT, Assignment, Execution, train_kinds
from forecast_cli.messages import plural
from forecast_cli.panel import Floats, Panel, head
from forecast_cli.planning import Part, Plan, Trial, part_plan
from forecast_cli.progress import Phase
from forecast_cli.selection import Judge, capped, greedy
from forecast_cli.settings import Settings
from forecast_cli.training import FitOptions, Fitted
from forecast_cli.windows import Windows

# Weight of forecasts that need no training. Validation is kinder to them than to networks, which
# have learned from its rows, too, when they are used.
MOST_OF_STATISTICS = 0.25
MOST_WINDOWS = 5_000  # by which selection judges
MOST_SEEDS = 5  # of the part with the largest weight
MOST_MEMBERS = 10  # of all parts together
LARGEST_ERROR = 1e9  # of a forecast that is not finite: an infinite one cannot be saved


def learn(panel: Panel, settings: Settings, plan: Plan, execution: Execution) -> Learned:
    """Train every kind on the training part alone, and keep those that make the forecast.

    The weights are chosen on the validation part; the residuals are of the rows after the
    training part. A kind that diverges is left out. Raises DivergedError where all do.
    """
    ends = windows.split(panel, plan.validation, plan.test).training
    model = learning.untrained(panel, plan, ends)
    found = _train_all(panel, model, learning.with_half_the_time(execution, plan))
    plan, fitted = _without_failed(plan, found)
    model = _with_members(replace(model, plan=plan), fitted)

    execution.report(Phase("selection", "choosing the weights"))
    plan, order = _weighted(panel, model)
    fitted = [fitted[number] for number in order]
    model = _with_members(replace(model, plan=plan), fitted)
    if not plan.refit:
        model, fitted = _with_more_seeds(panel, model, fitted, settings.ensemble.members, execution)

    model = blended(panel, model)
    members = tuple(one for kind in fitted for one in kind)
    return learning.with_residuals(panel, model, members, execution)


def refit(panel: Panel, settings: Settings, learned: Learned, execution: Execution) -> Model:
    """Train the kinds that were chosen again on all rows, the heaviest with several seeds.

    Returns the model as it is if that is not wanted, or if time is up before it is done.
    """
    model, plan = learned.model, learned.model.plan
    if not learning.wants_refit(learned, execution):
        return model

    before = _by_part(plan, learned.fitted)
    plan = with_seeds(plan, settings.ensemble.members)
    model_of_seeds = replace(model, plan=plan)
    options = []
    for number, (part, kind) in enumerate(zip(plan.parts, before, strict=True), 1):
        again = FitOptions(f"{REFIT} part {number}", steps=kind[0].steps)
        options.append([again] * part.members)
    assignments = _assignments(panel, model_of_seeds, panel.lengths, options)

    text = f"refit of {plural(plan.members, 'network')}"
    fitted = [_in_time(kind) for kind in train_kinds(assignments, text, execution)]
    return _with_kinds(model_of_seeds, fitted) if all(fitted) else model


# -- training ----------------------------------------------------------------------------------


def _train_all(panel: Panel, model: Model, execution: Execution) -> list[list[Fitted | None]]:
    """Every part of the plan, on the training part alone."""
    plan = model.plan
    ends = windows.split(panel, plan.validation, plan.test).training
    options = []
    for number, part in enumerate(plan.parts, 1):
        options.append([FitOptions(f"part {number}")] * part.members)
    assignments = _assignments(panel, model, ends, options, stopped=True)

    text = f"training {plural(len(assignments), 'kind')} of networks"
    return train_kinds(assignments, text, execution)


def _without_failed(
    plan: Plan, found: Sequence[Sequence[Fitted | None]]
) -> tuple[Plan, list[list[Fitted]]]:
    """The plan without the members that failed, and those that did not, by part."""
    parts, fitted = [], []
    for part, kind in zip(plan.parts, found, strict=True):
        kept = [one for one in kind if one is not None]
        if kept:
            parts.append(replace(part, members=len(kept)))
            fitted.append(kept)
    if not parts:
        raise DivergedError(
            "none of the networks could be trained: their losses are not finite, "
            "or there is no complete window to learn from",
            "use a smaller --learning-rate, fill gaps with --gaps, or look at the data with a plot",
        )
    failed = len(plan.parts) - len(parts)
    reasons = dict(plan.reasons)
    if failed:
        reasons["failed_parts"] = (
            f"{failed} of {plural(len(plan.parts), 'kind')} of networks could not be trained: "
            "the loss is not finite, or there is no complete window to learn from"
        )
    weight = 1 / len(parts)
    parts = [replace(part, weight=weight) for part in parts]
    return replace(_with_parts(plan, parts), reasons=reasons), fitted


def _with_more_seeds(
    panel: Panel,
    model: Model,
    fitted: list[list[Fitted]],
    setting: int | None,
    execution: Execution,
) -> tuple[Model, list[list[Fitted]]]:
    """More networks of each part, on the training part: where no refit follows."""
    plan = with_seeds(model.plan, setting)
    ends = windows.split(panel, plan.validation, plan.test).training
    options = []
    for number, (part, kind) in enumerate(zip(plan.parts, fitted, strict=True), 1):
        more = FitOptions(f"seeds part {number}", steps=kind[0].steps)
        options.append([more] * (part.members - len(kind)))
    if not any(options):
        return model, fitted

    model_of_seeds = replace(model, plan=plan)
    assignments = _assignments(panel, model_of_seeds, ends, options)
    numbered = []
    for assignment, kind in zip(assignments, fitted, strict=True):
        numbered.append(replace(assignment, first=len(kind)))
    found = train_kinds(numbered, "training more seeds", execution)
    grown = [[*old, *_in_time(new)] for old, new in zip(fitted, found, strict=True)]
    return _with_kinds(model_of_seeds, grown), grown


def _assignments(
    panel: Panel,
    model: Model,
    ends: Ints,
    options: Sequence[Sequence[FitOptions]],
    *,
    stopped: bool = False,
) -> list[Assignment]:
    """The members of each part to train on all windows of the first `ends` (S,) rows.

    options: of each member of each part; stopped: by validation, on the folds of the plan.
    """
    assignments = []
    for part, of_part in zip(model.plan.parts, options, strict=True):
        plan = part_plan(model.plan, part)
        data = learning.training_data(panel, replace(model, plan=plan), ends)
        if stopped:
            folds = learning.folds_of(panel, plan, data)
        else:
            folds = [learning.fold_to(panel, plan, data, ends)]
        assignments.append(Assignment(part.name, data, folds, of_part))
    return assignments


def _in_time(kind: Sequence[Fitted | None]) -> list[Fitted]:
    """The members of a part that were trained to the end."""
    return [one for one in kind if one is not None and not one.expired]


def with_seeds(plan: Plan, setting: int | None) -> Plan:
    """The plan with several networks of each part, the more the larger its weight.

    setting: the number of each that the user asked for.
    """
    total = sum(part.weight for part in plan.parts)
    parts = []
    for part in plan.parts:
        wanted = round(MOST_MEMBERS * part.weight / total) if total else 1
        members = setting or max(min(wanted, MOST_SEEDS), part.members)
        parts.append(replace(part, members=members))
    return _with_parts(plan, parts)


def _with_parts(plan: Plan, parts: Sequence[Part]) -> Plan:
    """The plan of these parts; its own values are those of the first."""
    first = part_plan(plan, parts[0])
    members = sum(part.members for part in parts)
    return replace(
        first,
        seed=plan.seed,
        members=members,
        parts=tuple(parts),
        statistics=plan.statistics,
        base=plan.base,
    )


def _with_kinds(model: Model, fitted: Sequence[Sequence[Fitted]]) -> Model:
    """The model whose parts have these members."""
    parts = []
    for part, kind in zip(model.plan.parts, fitted, strict=True):
        parts.append(replace(part, members=len(kind)))
    return _with_members(replace(model, plan=_with_parts(model.plan, parts)), fitted)


def _with_members(model: Model, fitted: Sequence[Sequence[Fitted]]) -> Model:
    members = [learning.as_float64(one.weights) for kind in fitted for one in kind]
    return replace(model, members=tuple(members))


def _by_part(plan: Plan, fitted: Sequence[Fitted]) -> list[list[Fitted]]:
    """The members of each part, out of those of all."""
    kinds, first = [], 0
    for part in plan.parts:
        kinds.append(list(fitted[first : first + part.members]))
        first += part.members
    return kinds


# -- selection ---------------------------------------------------------------------------------


def _weighted(panel: Panel, model: Model) -> tuple[Plan, list[int]]:
    """The plan of the parts that count, the heaviest first, and their numbers before.

    Where there are too few forecasts to choose by, all networks weigh the same.
    """
    plan = model.plan
    everything = list(range(len(plan.parts)))
    chosen = shrinkage.validation_windows(panel, plan)
    if not _can_choose(panel, plan, chosen):
        return _all_alike(plan), everything
    if len(chosen) > MOST_WINDOWS:
        keep = np.zeros(len(chosen), bool)
        keep[np.linspace(0, len(chosen) - 1, MOST_WINDOWS).astype(np.int64)] = True
        chosen = windows.selected(chosen, keep)

    cut = windows.split(panel, plan.validation, plan.test)
    before_test = head(panel, cut.validation)
    forecasts = forecasting.alternatives(before_test, model, chosen)
    judge = Judge(
        actual=forecasting.actual_values(before_test, chosen),
        series=chosen.series,
        scales=shrinkage.training_scales(panel, plan),
        restore=lambda values: _in_units(model, values, chosen.series),
    )
    if plan.normalization == "shifted-log":  # no value is negative
        judge = replace(judge, base=_best_naive(plan, forecasts, judge))
    errors = np.array([judge.error(forecast) for forecast in forecasts])
    if not np.isfinite(errors).any():
        return _all_alike(plan), everything

    weights = _weights(forecasts, errors, judge, len(plan.parts))
    together = judge.error(np.tensordot(weights, forecasts, 1))
    origins = int(np.bincount(chosen.series).max())
    return _chosen(plan, weights, _trials(plan, weights, errors, origins), together)


def _can_choose(panel: Panel, plan: Plan, chosen: Windows) -> bool:
    """Whether the forecasts from these windows are enough to choose by.

    Of many series, some may be too short to be forecast there.
    """
    if not planning.chooses(plan, len(panel)) or not len(chosen):
        return False
    is_panel = len(panel) >= planning.FEW_SERIES
    return not is_panel or len(np.unique(chosen.series)) >= planning.FEW_FORECASTS


def _best_naive(plan: Plan, forecasts: Floats, judge: Judge) -> Floats | None:
    """The naive or seasonal naive forecast with the smallest error."""
    of_statistics = zip(plan.statistics, forecasts[len(plan.parts) :], strict=True)
    naive = [forecast for statistic, forecast in of_statistics if statistic.kind != "theta"]
    return min(naive, key=judge.error) if naive else None


def _weights(forecasts: Floats, errors: Floats, judge: Judge, networks: int) -> Floats:
    """The weights of forecasts, of which so many are those of networks, and the others statistics."""
    weights = greedy(forecasts, judge)
    if not weights[:networks].any():
        # What is saved is networks, so the best of them is there in any case.
        weights[int(errors[:networks].argmin())] = 1.0
        weights /= weights.sum()
    is_statistic = np.arange(len(weights)) >= networks
    return capped(weights, is_statistic, MOST_OF_STATISTICS)


def _all_alike(plan: Plan) -> Plan:
    reasons = {**plan.reasons, "parts": "too few forecasts in validation to choose by"}
    return replace(plan, statistics=(), reasons=reasons)


def _in_units(model: Model, values: Floats, series: Ints) -> Floats:
    """Forecasts (W, horizon) in the units of the file, as `forecast_windows` gives them."""
    normalization = model.plan.normalization
    restored = scaling.restore(values, normalization, model.scale, series)
    return np.maximum(restored, 0.0) if normalization == "shifted-log" else restored


def _chosen(
    plan: Plan, weights: Floats, trials: tuple[Trial, ...], together: float
) -> tuple[Plan, list[int]]:
    """The plan of the parts that have a weight, the heaviest first, and their numbers before."""
    count = len(plan.parts)
    order = [number for number in np.argsort(-weights[:count], kind="stable") if weights[number]]
    statistics = []
    for statistic, weight in zip(plan.statistics, weights[count:], strict=True):
        if weight:
            statistics.append(replace(statistic, weight=float(weight)))

    parts = [replace(plan.parts[number], weight=float(weights[number])) for number in order]
    changed = replace(plan, statistics=tuple(statistics), trials=trials)
    changed = _with_parts(changed, parts)
    best = min(trials, key=lambda trial: trial.error)
    origins = plural(best.origins, "origin")
    reason = f"greedy selection on {origins}: MASE {together:.3g}, the best alone {best.error:.3g}"
    reasons = {**plan.reasons, **_reasons_of_window(plan, changed), "parts": reason}
    return replace(changed, reasons=reasons), [int(n) for n in order]


def _reasons_of_window(before: Plan, plan: Plan) -> dict[str, str]:
    """Why the window of a portfolio is as it is, where it is not the one that the rules had."""
    ours, theirs = plan.architecture, before.architecture
    if (ours.lookback, ours.segment) == (theirs.lookback, theirs.segment):
        return {}
    reason = "that of the kind of networks with the largest weight"
    return {"lookback": reason, "segment": reason}


def _trials(plan: Plan, weights: Floats, errors: Floats, origins: int) -> tuple[Trial, ...]:
    """What selection saw of each part and of each statistic."""
    count = len(plan.parts)
    names = [part.name for part in plan.parts]
    names += [planning.statistic_name(statistic) for statistic in plan.statistics]
    finite = np.nan_to_num(errors, posinf=LARGEST_ERROR)
    naive = min(
        (
            float(error)
            for statistic, error in zip(plan.statistics, finite[count:], strict=True)
            if statistic.kind != "theta"
        ),
        default=0.0,
    )
    trials = []
    for name, error, weight in zip(names, finite, weights, strict=True):
        trials.append(Trial(name, float(error), naive, origins, bool(weight)))
    return tuple(trials)
