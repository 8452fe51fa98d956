"""train(): read, plan, fit, assess, publish, draw and report."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from forecast_cli import store
from forecast_cli.errors import LowSkillError
from forecast_cli.messages import Note
from forecast_cli.panel import Panel
from forecast_cli.planning import Plan
from forecast_cli.progress import Phase, Report, silent
from forecast_cli.settings import DEFAULT_STORE, DataSettings, Settings
from forecast_cli.sources import settings_from
from forecast_cli.store import Clock, Lock, Run, now_in_utc
from forecast_cli.workflow import fitting, notes, publication, running
from forecast_cli.workflow.data import Data, read_data
from forecast_cli.workflow.drawing import draw_after_training
from forecast_cli.workflow.fitting import Fit
from forecast_cli.workflow.reports import keep_failure, keep_report
from forecast_cli.workflow.results import Trained
from forecast_cli.workflow.training_plans import (
    Prepared,
    TrainingJob,
    check_machine,
    deadline_of,
    plan_of,
)

Judge = Callable[[Panel, Fit], LowSkillError | None]


def train(  # noqa: PLR0913 -- keywords of the public API
    data: Data,
    settings: Settings | None = None,
    *,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    report: Report | None = None,
    warm_start: str | None = None,
    resume: bool = False,
    by_cores: bool = False,
    draw: bool = True,
    page: bool = False,
    **named: Any,
) -> Trained:
    """Train on a file or a Panel, score the held-out rows, publish the run, and forecast.

    - settings: as one object, or by name: `horizon=12, units="50,100"`
    - report: is called with what is being done, as it begins, and with every epoch: an Event of
      `forecast_cli.progress`
    - warm_start: a run whose weights to begin with; `base` begins with those of the base network,
      and `none` does without it. Else, validation says what it is good for
    - resume: go on with a training that was stopped, if it is this one
    - by_cores: members train side by side, as many as there are cores, where `workers` says
      nothing; for a main module that spawned processes can import
    - draw: draw the losses and predictions into `plots/` of the run
    - page: write a page about the run there, too, `report.html`

    The report of the training is kept in `last_run.json` of the store, also where it fails.
    Raises ForecastError and its children.
    """
    settings, report = settings or settings_from(**named), report or silent
    root = Path(store_folder)
    try:
        job = TrainingJob(
            settings=settings,
            root=root,
            report=report,
            warm_start=warm_start,
            resume=resume,
            by_cores=by_cores,
            draw=draw,
            page=page,
            deadline=deadline_of(settings),
        )
        return _train(data, job)
    except BaseException as error:
        keep_failure(root, error)
        raise


def prepare(
    panel: Panel,
    data: Data,
    settings: Settings,
    root: Path,
    *,
    report: Report = silent,
    warm_start: str | None = None,
) -> Prepared:
    """Decide everything of a training whose rows are read already. Nothing is written.

    Raises what `train` raises for data and settings.
    """
    check_machine(settings)
    job = TrainingJob(settings, root, report, deadline_of(settings), warm_start)
    plan, start = plan_of(panel, data, job)
    return Prepared(panel, plan, start, job)


def fit_and_publish(
    prepared: Prepared, lock: Lock, judge: Judge | None = None, clock: Clock = now_in_utc
) -> Trained:
    """Train, score the held-out rows, and publish the run. Nothing is pruned or drawn.

    judge: says why the run is not to be promoted, beside --min-skill; clock: for its name.
    """
    panel, job = prepared.panel, prepared.job
    with running.opened(job.settings, job.report) as engine:
        fitted = fitting.fit(prepared, lock, engine)
        about_engine = running.about_engine(engine)
    forecast, forecast_notes = publication.forecast_of(panel, fitted.model, job)
    refusal = publication.refusal_of(fitted.scores, job.settings)
    if refusal is None and judge is not None:
        refusal = judge(panel, fitted)
    job.report(Phase("saving", "saving the run"))
    about = (
        *panel.notes,
        *fitted.notes,
        *about_engine,
        *forecast_notes,
        *notes.about_forecast(forecast, panel, fitted.model),
    )
    contents = publication.contents_of(panel, fitted, forecast, about)
    run = publication.publish(contents, lock, refusal, clock)
    return Trained(
        run=run,
        panel=panel,
        forecast=forecast,
        notes=about,
        refusal=publication.naming_run(refusal, run),
    )


def _train(data: Data, job: TrainingJob) -> Trained:
    """The use case, step by step, under the lock of the store."""
    check_machine(job.settings)
    with contextlib.ExitStack() as stack:
        # Wait first and read then, so that what is read is new. But data that cannot be read make
        # no store.
        lock = stack.enter_context(_lock(job)) if store.exists(job.root) else None
        panel = read_data(data, job.settings, job.report)
        plan, start = plan_of(panel, data, job)
        lock = lock or stack.enter_context(_lock(job))

        trained = fit_and_publish(Prepared(panel, plan, start, job), lock)
        after = (
            *publication.prune_runs(lock, job.settings.prune.keep),
            *_draw(trained.run, panel, job),
        )
        trained = replace(trained, notes=(*trained.notes, *after))
        return replace(trained, notes=(*trained.notes, *keep_report(lock, trained)))


# -- trainings of a tuning -------------------------------------------------------------------------


def plan_training(panel: Panel, settings: Settings, root: Path, report: Report) -> Plan:
    """What a training on a panel that was read with these settings would be.

    Raises what `train` raises for data and settings that cannot be trained with.
    """
    return plan_of(panel, panel, _job_of_panel(settings, root, report))[0]


def train_as_tuned(
    panel: Panel,
    settings: Settings,
    root: Path,
    report: Report,
    reasons: Mapping[str, str],
    *,
    draw: bool,
) -> Trained:
    """Train on a panel that was read with these settings, as `train` does it.

    reasons: for settings and other values of the plan, instead of those of the rules.
    """
    job = _job_of_panel(settings, root, report)
    return _train(panel, replace(job, reasons=reasons, draw=draw))


def _job_of_panel(settings: Settings, root: Path, report: Report) -> TrainingJob:
    # How the panel was read, it knows itself.
    settings = replace(settings, data=DataSettings(season=settings.data.season))
    return TrainingJob(settings, root, report, deadline_of(settings), draw=True)


# -- the steps around a fit ------------------------------------------------------------------------


def _lock(job: TrainingJob) -> contextlib.AbstractContextManager[Lock]:
    def on_wait(holder: str) -> None:
        job.report(Phase("waiting", f"waiting for another command: {holder}"))

    return store.lock(job.root, wait=job.settings.lock.lock_wait, on_wait=on_wait)


def _draw(run: Run, panel: Panel, job: TrainingJob) -> tuple[Note, ...]:
    """Draw the plots, and write the page, if that was asked for."""
    said: tuple[Note, ...] = ()
    if job.draw:
        job.report(Phase("drawing", "drawing the plots"))
        said = draw_after_training(run)
    if job.page:
        from forecast_cli.workflow.page import write_page_after_training  # loads Jinja2

        job.report(Phase("drawing", "writing the page"))
        # A letter that cannot be drawn is missing in the plots and in the page, and is said once.
        about_page = write_page_after_training(run, panel)
        said = (*said, *(note for note in about_page if note not in said))
    return said
