"""The trials of a tuning: networks trained before rolling origins, and their errors after them.

Every trial is scored on the same windows, all of them before the test part, by the MASE in the
units of the file: so trials can be compared whatever their loss, lookback and normalization are.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast_cli import base, blending, evaluation, forecasting, planning, windows
from forecast_cli.choices import TrainedOn
from forecast_cli.errors import DataError, DivergedError, SettingsError, TooLittleDataError
from forecast_cli.forecasting import Model
from forecast_cli.panel import Floats, Panel, values_of
from forecast_cli.planning import Plan
from forecast_cli.settings import Settings
from forecast_cli.workflow.past_rows import rows_before, training_rows
from forecast_cli.workflow.rolled import Origins, forecast_part

if TYPE_CHECKING:  # torch is imported when there is something to train
    from forecast_cli.members import Execution

FOLDS = 3  # trainings of a trial, if there are rows for so many
ORIGINS_PER_HORIZON = 4  # of few series


@dataclass(frozen=True, eq=False)
class Folds:
    """What every trial is scored on.

    - panel: the rows before the test part
    - origins: from which forecasts are made; each training stands before `per_fold` of them
    - scales: (S,) of MASE, from the rows before the first origin
    - share: of the epochs of a training, which rank the trials of many series as well as all of them
    - candidate: what validation chose where the rules are in doubt; an empty text where they are not
    """

    panel: Panel
    origins: Origins
    per_fold: int
    scales: Floats
    share: float = 1.0
    candidate: str = ""

    @property
    def count(self) -> int:
        return self.origins.count // self.per_fold

    def wanted(self, fold: int) -> range:
        """The numbers of the origins of a fold, from 0."""
        return range(fold * self.per_fold, (fold + 1) * self.per_fold)


def make_folds(panel: Panel, settings: Settings, plan: Plan) -> Folds:
    """The folds before the test part: as many as there are rows for.

    plan: of a training without tuning. Raises TooLittleDataError where there are no rows for one.
    """
    ends = windows.split(panel, plan.validation, plan.test).validation
    before_test = rows_before(panel, ends)
    horizon = plan.horizon
    is_few = len(panel) < planning.FEW_SERIES
    step = max(horizon // ORIGINS_PER_HORIZON, 1) if is_few else horizon
    per_fold = -(-horizon // step)
    share = 1.0
    if planning.PRESETS[plan.preset].is_seasonal:
        share = planning.trial_epochs(panel, plan) / plan.epochs

    problem = ""
    for count in range(FOLDS, 0, -1):
        origins = Origins(count * per_fold, step, horizon)
        scales = _scales(before_test, origins, plan.season)
        folds = Folds(before_test, origins, per_fold, scales, share)
        try:
            _try_first(folds, settings)
        except (TooLittleDataError, DataError) as error:
            problem = problem or error.message
            continue
        return folds
    raise TooLittleDataError(
        f"the rows do not suffice for tuning, which trains on those before "
        f"{before_test.lengths.max() - origins.rows:,}: {problem}",
        "train without tuning: forecast train, or give more rows, or a smaller --horizon",
    )


def _try_first(folds: Folds, settings: Settings) -> None:
    """Raise TooLittleDataError where nothing can be learned before the first origin."""
    training, earliest = training_rows(folds.panel, folds.origins, folds.wanted(0))
    plan = plan_of_fold(training, settings, folds.origins.horizon)
    windows.require_complete(training, plan.lookback, plan.architecture.outputs, training.lengths)
    chosen, _ = forecasting.rolling_origins(
        folds.panel,
        plan,
        horizon=folds.origins.horizon,
        count=folds.origins.count,
        step=folds.origins.step,
        earliest=earliest,
    )
    if not len(chosen):
        raise TooLittleDataError("no origin has a whole window before it")


def _scales(panel: Panel, origins: Origins, season: int) -> Floats:
    """(S,) the scale of MASE of each series; 1 where it is not known, so that errors stay errors."""
    cuts = origins.cuts(panel)[:, 0]
    scales = []
    for index, cut in enumerate(cuts.tolist()):
        before = values_of(panel, index)[: max(int(cut), 0)]
        scale = evaluation.mase_scale(before, season) if len(before) > season else np.nan
        scales.append(scale)
    known = np.array(scales, np.float64)
    known[known == 0] = np.nan
    return known if np.isfinite(known).any() else np.ones(len(known))


def choose_candidate(folds: Folds, settings: Settings, execution: Execution) -> str:
    """What validation chooses where the rules are in doubt, as in every training: its name.

    It is chosen once, from the rows before the first fold, and holds for all trials that leave the
    decision to the rules. An empty text where there is nothing to choose.
    """
    from forecast_cli import candidates  # PyTorch takes its time

    training, _ = training_rows(folds.panel, folds.origins, folds.wanted(0))
    settings = _of_fold(settings, folds.origins.horizon)
    plan = candidates.choose(training, settings, planning.make(training, settings), execution)
    names = [trial.name for trial in plan.trials if trial.chosen]
    return names[0] if names else ""


# -- one training ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class FoldTask:
    """One training of a trial: all of it, so that another process can do it.

    deadline: when it must be over, in time.monotonic().
    """

    folds: Folds
    fold: int
    settings: Settings
    device: TrainedOn
    deadline: float | None

    def moved(self, seconds: float) -> FoldTask:
        """The same, for a clock that is so many seconds ahead."""
        if self.deadline is None:
            return self
        return replace(self, deadline=self.deadline + seconds)


@dataclass(frozen=True)
class FoldResult:
    """The error of a training; or why there is none.

    is_late: whether time was up before it was done, so that it says nothing.
    """

    error: float | None
    problem: str = ""
    is_late: bool = False


def run_fold(task: FoldTask, _tell: Any) -> FoldResult:
    """Train before the origins of a fold, forecast from them, and score the forecasts.

    There is nothing to tell of it before it is done.
    """
    try:
        error = _error(task)
    except (DivergedError, DataError, SettingsError) as problem:
        return FoldResult(None, problem.message[:500])
    except MemoryError:
        return FoldResult(None, "it does not fit in memory")

    if task.deadline is not None and time.monotonic() >= task.deadline:
        return FoldResult(None, is_late=True)
    if not np.isfinite(error):
        return FoldResult(None, "its forecasts are not finite")
    return FoldResult(error)


def _error(task: FoldTask) -> float:
    """The MASE on the windows of a fold: per series first, then the mean over series."""
    folds, wanted = task.folds, task.folds.wanted(task.fold)
    training, earliest = training_rows(folds.panel, folds.origins, wanted)
    model = _fit(training, task)
    part = forecast_part(folds.panel, model, folds.origins, earliest, wanted)
    if not len(part.windows):
        raise TooLittleDataError("no origin has a whole window before it")
    if not np.isfinite(part.values).all():
        return float("inf")
    actual = forecasting.actual_values(folds.panel, part.windows)
    return evaluation.mean_mase(part.windows.series, actual, part.values, folds.scales)


def plan_of_fold(training: Panel, settings: Settings, horizon: int, candidate: str = "") -> Plan:
    """The plan of one training: of one network, unless members make it, with one thread.

    All rows are there to learn from, as in the training that follows.
    """
    settings = _of_fold(settings, horizon)
    plan = planning.make(training, settings)
    if candidate:
        plan = _as_chosen(training, settings, plan, candidate)
    members = plan.members if plan.bagging or plan.boosting else 1
    return replace(plan, members=members, threads=1, levels=(), base=_base_share(training, plan))


def _of_fold(settings: Settings, horizon: int) -> Settings:
    return replace(settings, window=replace(settings.window, horizon=horizon, test=0))


def _as_chosen(training: Panel, settings: Settings, plan: Plan, candidate: str) -> Plan:
    """The plan of the candidate that was chosen, or of that part of it which is left to the rules."""
    parts = {candidate, *candidate.split(", ")}
    for each in planning.candidates(training, settings, plan):
        if each.name in parts:
            return planning.plan_of(training, settings, each, "chosen before the first fold")
    return plan


def _base_share(training: Panel, plan: Plan) -> Any:
    """The base network with the share that it usually has beside so many rows."""
    if plan.base is None:
        return None
    rows = float(np.median(training.lengths))
    return replace(plan.base, weight=blending.usual_weight(rows))


def _fit(training: Panel, task: FoldTask) -> Model:
    from forecast_cli import candidates, learning, members  # PyTorch takes its time

    folds = task.folds
    plan = plan_of_fold(training, task.settings, folds.origins.horizon, folds.candidate)
    plan = replace(plan, epochs=max(round(plan.epochs * folds.share), 1))
    if plan.architecture.by_season is None:
        windows.require_complete(
            training, plan.lookback, plan.architecture.outputs, training.lengths
        )
    execution = members.Execution(device=task.device, deadline=task.deadline)
    execution = candidates.with_start(execution, plan)
    stops_early = plan.patience > 0 or planning.PRESETS[plan.preset].is_textbook
    if stops_early:
        model = learning.learn(training, replace(plan, base=None, refit=False), execution).model
    else:
        model = learning.fit_once(training, plan, training.lengths, execution)
    if model.plan.base is None:
        return model
    return replace(model, base=base.load_weights())
