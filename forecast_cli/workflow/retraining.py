"""The training of a refresh: start warm or from nothing, compare, and promote what is better."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from forecast_cli import refreshing
from forecast_cli.errors import (
    LowSkillError,
    SettingsError,
    StoppedError,
    StorageError,
    failure_of,
)
from forecast_cli.messages import Note
from forecast_cli.panel import Panel
from forecast_cli.progress import reading
from forecast_cli.reading import read
from forecast_cli.refreshing import Errors, Verdict
from forecast_cli.store import Lock, Run
from forecast_cli.workflow.refresh_state import RefreshJob, RefreshState

if TYPE_CHECKING:  # only a training needs what it needs
    from forecast_cli.workflow.fitting import Fit
    from forecast_cli.workflow.results import Trained
    from forecast_cli.workflow.training_plans import Prepared


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a training, if there was one."""

    trained: Trained | None = None
    errors: Errors | None = None
    verdict: Verdict | None = None
    notes: tuple[Note, ...] = ()


def prepare_if_due(data: str, state: RefreshState, job: RefreshJob) -> Prepared | None:
    """What is to be trained; None where nothing is."""
    if state.decision.action != "train":
        return None
    from forecast_cli.workflow import training

    panel = state.panel if state.run is None else None
    if panel is None:
        job.report(reading(data))
        panel = read(data, job.settings.data)
    if job.settings.refresh.start == "warm" and state.run is not None:
        prepared = _prepare_warm(panel, data, state.run, job)
        if prepared is not None:
            return prepared
    return training.prepare(panel, data, job.settings, job.root, report=job.report)


def train_if_due(
    data: str, state: RefreshState, job: RefreshJob, lock: Lock, prepared: Prepared | None
) -> Outcome:
    """Train, publish, and promote what is better; a failure falls back to the run that there is."""
    if state.decision.action != "train":
        return Outcome()
    try:
        prepared = prepared or prepare_if_due(data, state, job)
        if prepared is None:
            return Outcome()
        return _train(state, job, lock, prepared)
    except (SettingsError, StorageError):
        raise
    except Exception as error:
        failure = failure_of(error)
        if state.run is None or state.panel is None:
            raise
        text = f"the training failed, so the run before it goes on: {failure.message}"
        return Outcome(notes=(Note("training_failed", "degraded", text),))


def _prepare_warm(panel: Panel, data: str, run: Run, job: RefreshJob) -> Prepared | None:
    """A training that begins with the weights of the run; None where it must not or cannot.

    It must not where the run was trained on rows that are held out now: their errors would say
    nothing. It cannot where the network is another one.
    """
    from forecast_cli.workflow import training
    from forecast_cli.workflow.warm_start import saw_held_out_rows

    settings = replace(job.settings, accuracy=replace(job.settings.accuracy, min_skill=None))
    try:
        prepared = training.prepare(
            panel, data, settings, job.root, report=job.report, warm_start=run.name
        )
    except SettingsError:
        return None
    if saw_held_out_rows(run, panel, prepared.plan):
        return None
    return replace(prepared, job=replace(prepared.job, settings=job.settings))


def _train(state: RefreshState, job: RefreshJob, lock: Lock, prepared: Prepared) -> Outcome:
    from forecast_cli.workflow import training
    from forecast_cli.workflow.judging import errors_of

    judged: list[tuple[Errors, Verdict]] = []

    def judge(panel: Panel, fit: Fit) -> LowSkillError | None:
        errors = errors_of(panel, fit, state.run, state.panel)
        verdict = refreshing.judge(errors, has_old=state.run is not None)
        judged.append((errors, verdict))
        return None if verdict.promote else LowSkillError(verdict.reason)

    try:
        trained = training.fit_and_publish(prepared, lock, judge, job.clock)
    except StoppedError as error:
        # The next refresh decides anew what is to be trained, so it has no --resume.
        error.hint = "run the command again; the training begins anew"
        raise
    if not judged:
        return Outcome(trained, notes=_below_min_skill(trained))
    errors, verdict = judged[0]
    about: tuple[Note, ...] = ()
    if verdict.warning:
        about = (Note("weak_first_run", "warning", verdict.warning),)
    elif not verdict.promote:
        text = f"the new run {trained.run.name} was not promoted: {verdict.reason}"
        about = (Note("run_kept", "info", text),)
    return Outcome(trained, errors, verdict, notes=about)


def _below_min_skill(trained: Trained) -> tuple[Note, ...]:
    refusal = trained.refusal
    return () if refusal is None else (Note("run_kept", "degraded", refusal.message),)
