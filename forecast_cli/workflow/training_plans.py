"""What a training is to be: what was asked for, and all that is decided before it begins."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from forecast_cli import calendar, forecasting, planning, store, windows
from forecast_cli.errors import DataError, SettingsError
from forecast_cli.panel import Panel
from forecast_cli.planning import Plan
from forecast_cli.progress import Phase, Report
from forecast_cli.settings import Settings
from forecast_cli.store import Run
from forecast_cli.workflow import running
from forecast_cli.workflow.data import Data
from forecast_cli.workflow.naming import naming_file


@dataclass(frozen=True)
class TrainingJob:
    """What was asked for, beside the data.

    deadline: when to stop, in time.monotonic(); reasons: of settings that a tuning has chosen.
    """

    settings: Settings
    root: Path
    report: Report
    deadline: float | None
    warm_start: str | None = None
    resume: bool = False
    by_cores: bool = True
    draw: bool = False
    page: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Prepared:
    """What is to be trained, before it is: the rows, the plan, and the run to begin with."""

    panel: Panel
    plan: Plan
    start: Run | None
    job: TrainingJob


def deadline_of(settings: Settings) -> float | None:
    """When a training that begins now must be over, in time.monotonic(); None without a limit."""
    limit = settings.training.time_limit
    return None if limit is None else time.monotonic() + limit


def check_machine(settings: Settings) -> None:
    """Raise SettingsError where a GPU or an engine is asked for that is not there, before data are
    read."""
    running.check_engine(settings)
    if settings.training.device == "cuda":
        from forecast_cli import training  # PyTorch takes its time: only where it is needed

        training.check_device(settings.training.device)


def plan_of(panel: Panel, data: Data, job: TrainingJob) -> tuple[Plan, Run | None]:
    """Everything that is decided, and the run that training begins with.

    What cannot be trained on is refused now, not after the training: times that a run cannot
    hold, windows that are never complete, and a newest one that cannot be read.
    """
    job.report(Phase("planning", "looking at the data"))
    plan, start = _make_plan(panel, job)
    _check_min_skill(panel, plan, start, job)
    _check_span(panel, plan)
    with naming_file(data):
        ends = windows.split(panel, plan.validation, plan.test).training
        if plan.architecture.by_season is None:
            windows.require_complete(panel, plan.lookback, plan.architecture.outputs, ends)
        forecasting.require_full_window(panel, plan)
        readable = forecasting.has_full_window(panel, plan)
        if plan.short == "refuse" and not readable.all():
            raise forecasting.unreadable(panel, plan, readable)
    return plan, start


def _make_plan(panel: Panel, job: TrainingJob) -> tuple[Plan, Run | None]:
    if job.warm_start is None:
        return planning.make(panel, job.settings), None
    from forecast_cli.workflow.warm_start import plan_with_start

    return plan_with_start(panel, job.settings, job.root, job.warm_start)


def _check_min_skill(panel: Panel, plan: Plan, start: Run | None, job: TrainingJob) -> None:
    """Raise SettingsError where nothing will say how good the network is."""
    if job.settings.accuracy.min_skill is None:
        return
    if not plan.test:
        raise SettingsError(
            "--min-skill is judged on held-out rows, and --test 0 holds out none",
            "leave out one of them",
            option="min_skill",
        )

    from forecast_cli.workflow.warm_start import saw_held_out_rows

    if saw_held_out_rows(start, panel, plan):
        raise SettingsError(
            "--min-skill is judged on held-out rows, and the run that --from names was trained on "
            "them",
            "leave out one of them",
            option="min_skill",
        )


def _check_span(panel: Panel, plan: Plan) -> None:
    """Raise DataError for times that a run cannot hold: near the ends of the years 1 to 9999."""
    frequency = panel.frequency
    steps = {
        "step": 0,
        "business": calendar.WEEK // 5,
        "months": 31 * calendar.DAY * frequency.size,
    }
    step = steps.get(frequency.kind, frequency.size)
    first = int(panel.first.min())
    end = int((panel.first + panel.lengths).max()) + plan.horizon + 1
    if not store.EARLIEST_TIME < first * step <= end * step < store.LATEST_TIME:
        raise DataError(
            f"{panel.source}: the times are too near to the ends of the years 1 to 9999",
            "correct the times",
            path=panel.source,
        )
