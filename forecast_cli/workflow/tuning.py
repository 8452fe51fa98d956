"""tune(): try settings on rolling origins, and publish a training with the best of them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from forecast_cli import store, tuning
from forecast_cli.choices import TrainedOn
from forecast_cli.engine import cores
from forecast_cli.errors import (
    DataError,
    DivergedError,
    ForecastError,
    SettingsError,
    StoppedError,
    StorageError,
)
from forecast_cli.messages import Note, plural
from forecast_cli.panel import Panel, select
from forecast_cli.planning import Plan
from forecast_cli.progress import Phase, Report, silent
from forecast_cli.settings import DEFAULT_STORE, Settings
from forecast_cli.sources import settings_from
from forecast_cli.store import Study
from forecast_cli.tuning import Parameter, Search
from forecast_cli.workflow import running
from forecast_cli.workflow.data import Data, read_data
from forecast_cli.workflow.naming import naming_file
from forecast_cli.workflow.past_rows import training_rows
from forecast_cli.workflow.reports import keep_failure, training_document
from forecast_cli.workflow.results import Trained
from forecast_cli.workflow.searching import Design, Progress, on_disk, run_trials
from forecast_cli.workflow.studies import SEARCH_SHARE, Job, begin, cost
from forecast_cli.workflow.training import plan_training, train_as_tuned
from forecast_cli.workflow.training_plans import check_machine
from forecast_cli.workflow.trials import Folds, choose_candidate, make_folds, plan_of_fold

SCHEMA = "forecast/tune/v1"
DEFAULT_TRIALS = 30
MOST_TRIALS = 10_000
FEW_SERIES = 20  # of the data, to see whether settings go together

GO_ON = "go on with the study: the same command with --resume"


@dataclass(frozen=True, eq=False)
class Tuned:
    """A run with the best settings, and the study that found them.

    - changed: the settings of the best trial that are not as without tuning
    - tried: the same of every trial
    - importance: the share of each setting in what makes trials good; empty where it is not known
    - notes: about the study
    """

    trained: Trained
    study: Study
    changed: dict[str, Any]
    tried: tuple[dict[str, Any], ...]
    importance: dict[str, float]
    notes: tuple[Note, ...]

    @property
    def exit_code(self) -> int:
        return self.trained.exit_code


def tune(  # noqa: PLR0913 -- keywords of the public API
    data: Data,
    settings: Settings | None = None,
    *,
    trials: int | None = None,
    resume: bool = False,
    fixed: Collection[str] = (),
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    report: Report | None = None,
    by_cores: bool = False,
    draw: bool = True,
    **named: Any,
) -> Tuned:
    """Try settings on rolling origins before the held-out rows, and publish the best as a run.

    - trials: how many, by default 30; the first is the training without tuning
    - resume: go on with the newest study of the store
    - fixed: settings that are not varied, beside those that are not their default
    - report, store_folder, by_cores, draw, and settings by name: as for `train`. Settings by name are not
      varied. A time limit is for all of it, the last training included

    Every trial is kept in the store when it is done. Where the first SIGINT comes, the best trial
    so far is published before StoppedError is raised. Raises ForecastError and its children:
    SettingsError without Optuna and for a study of other settings, RunMismatchError for one of
    other data, LockedError while another tuning is under way in the store.
    """
    count = DEFAULT_TRIALS if trials is None else trials
    settings, root = settings or settings_from(**named), Path(store_folder)
    job = Job(
        settings=settings,
        trials=count,
        resume=resume,
        fixed=frozenset({*fixed, *named}),
        root=root,
        report=report or silent,
        by_cores=by_cores,
        draw=draw,
        began=time.monotonic(),
    )
    try:
        return _tune(data, job)
    except BaseException as error:
        keep_failure(root, error, SCHEMA)
        raise


def _tune(data: Data, job: Job) -> Tuned:
    """The use case, step by step."""
    _check(job)
    panel = read_data(data, job.settings, job.report)
    with naming_file(data):
        plan = plan_training(panel, job.settings, job.root, job.report)
        _refuse_portfolio(plan)
        folds = make_folds(panel, job.settings, plan)
    space = _space(folds, plan, job)
    device = _device(job.settings, plan)

    with store.lock_studies(job.root) as lock:
        study, notes = begin(panel, folds, device, job, lock)
        job.report(Phase("cost", cost(study, folds, job)))
        if not study.trials:
            study = replace(study, candidate=_candidate(folds, device, job))
        folds = replace(folds, candidate=study.candidate)
        progress = Progress(study)
        search = _search(study, space, job.settings.training.seed)
        stopped = None
        try:
            with running.opened(job.settings, job.report) as engine:
                run_trials(progress, search, Design(folds, space, device), job, engine, lock)
                notes = (*notes, *running.about_engine(engine))
        except StoppedError as error:
            stopped, progress.study = error, on_disk(lock, progress.study)
            if error.signal_number != signal.SIGINT or progress.study.best is None:
                raise _stopped(error, progress.study) from None
        except StorageError as error:
            if progress.study.trials:
                error.hint += "; the trials before are kept, and --resume goes on with them"
            raise

        try:
            tuned = _publish(panel, progress.study, space, stopped, job)
        except StoppedError as error:
            raise _stopped(error, progress.study) from None

    if stopped is not None:
        raise _stopped(stopped, progress.study, tuned.trained) from None
    notes = (*notes, *_about(progress.study))
    tuned = replace(tuned, importance=search.importance(), notes=notes)
    _keep_report(tuned, job.root)
    return tuned


# -- before the first trial --------------------------------------------------------------------


def _check(job: Job) -> None:
    if not 1 <= job.trials <= MOST_TRIALS:
        raise SettingsError(
            f"--trials must be between 1 and {MOST_TRIALS:,}, got {job.trials:,}",
            f"use --trials {DEFAULT_TRIALS}",
            option="trials",
        )
    tuning.require_optuna()
    check_machine(job.settings)


def _refuse_portfolio(plan: Plan) -> None:
    if plan.parts:
        raise SettingsError(
            f"--preset {plan.preset} trains networks of several kinds, which tuning does not vary",
            "use another preset, such as --preset auto",
            option="preset",
        )


def _space(folds: Folds, plan: Plan, job: Job) -> tuple[Parameter, ...]:
    """What is varied: nothing that does not go with what the user asked for, or with the rows."""
    training, _ = training_rows(folds.panel, folds.origins, folds.wanted(0))
    longest = np.sort(np.argsort(-training.lengths, kind="stable")[:FEW_SERIES])
    few = select(training, longest)

    def fits(settings: Settings) -> bool:
        try:
            plan_of_fold(few, settings, folds.origins.horizon)
        except (SettingsError, DataError):
            return False
        return True

    space = tuning.parameters(job.settings, plan, job.fixed, fits)
    if not space:
        raise SettingsError(
            "every setting that tuning varies was given, so there is nothing to try",
            "leave some of them out, or train: forecast train",
        )
    return space


def _device(settings: Settings, plan: Plan) -> TrainedOn:
    from forecast_cli.training import choose_device

    return choose_device(settings.training.device, plan, cores())


def _candidate(folds: Folds, device: TrainedOn, job: Job) -> str:
    """What validation chooses where the rules are in doubt; nothing where time is up before that."""
    from forecast_cli.members import Execution

    left = job.left(SEARCH_SHARE)
    deadline = None if left is None else time.monotonic() + left
    return choose_candidate(
        folds, job.settings, Execution(job.report, device=device, deadline=deadline)
    )


def _search(study: Study, space: Sequence[Parameter], seed: int) -> Search:
    search = Search(space, seed)
    for trial in study.trials:
        search.add(trial.values, trial.state, trial.errors)
    return search


# -- the best one ------------------------------------------------------------------------------


def _publish(
    panel: Panel,
    study: Study,
    space: Sequence[Parameter],
    stopped: StoppedError | None,
    job: Job,
) -> Tuned:
    """Train as `train` does it, with the settings of the best trial."""
    best = _best(study)
    changed = tuning.changes(space, study.trials[best].values) if best is not None else {}
    settings = job.settings
    if best is not None:
        settings = tuning.settings_for(settings, space, study.trials[best].values)
    left = job.left()
    if left is not None:
        training = replace(settings.training, time_limit=float(max(round(left), 1)))
        settings = replace(settings, training=training)

    if stopped is not None:
        text = f"stopping: training with the best of {plural(len(study.trials), 'trial')}, to "
        text += "publish it; a second Ctrl-C stops at once"
        job.report(Phase("cost", text))
    else:
        job.report(Phase("best", f"training with {tuning.in_words(changed)}"))
    reasons = _reasons(study, changed)
    trained = train_as_tuned(panel, settings, job.root, job.report, reasons, draw=job.draw)
    tried = tuple(tuning.changes(space, trial.values) for trial in study.trials)
    return Tuned(trained, study, changed, tried, {}, ())


def _best(study: Study) -> int | None:
    """The number of the best trial; None where time was up before the first one was done.

    Raises DivergedError where all have failed.
    """
    if study.trials and study.best is None:
        raise DivergedError(
            f"none of {plural(len(study.trials), 'trial')} could be trained; the first: "
            f"{study.trials[0].reason}",
            "see `forecast train --print-config`, and give settings that can be trained",
        )
    return study.best


def _reasons(study: Study, changed: dict[str, Any]) -> dict[str, str]:
    """Why the settings of a run are as they are."""
    best = study.best
    if best is None:
        return {}
    trial, default = study.trials[best], study.trials[0]
    text = f"study {study.number:,}: the best of {plural(len(study.trials), 'trial')} is {best:,}, "
    text += f"{tuning.in_words(changed)}: MASE {trial.error:.4g} from {study.origins:,} origins"
    if best and default.error is not None:
        text += f" (without tuning {default.error:.4g})"
    reason = f"trial {best:,} of study {study.number:,}"
    return {"preset": text, **dict.fromkeys(changed, reason)}


# -- what to say of it -------------------------------------------------------------------------


def _about(study: Study) -> tuple[Note, ...]:
    notes = []
    failed = study.count("failed")
    if failed:
        first = next(trial.reason for trial in study.trials if trial.state == "failed")
        text = f"{plural(failed, 'trial')} could not be trained, the first because {first}"
        notes.append(Note("trials_failed", "info", text, {"trials": failed}))
    if len(study.trials) < study.wanted:
        text = f"time was up after {len(study.trials):,} of {plural(study.wanted, 'trial')}"
        if not study.trials:
            text = "time was up before the first trial was done: trained without tuning"
        notes.append(Note("time_limit", "warning", f"{text}; --resume goes on with the study"))
    return tuple(notes)


def _stopped(error: StoppedError, study: Study, trained: Trained | None = None) -> StoppedError:
    """The error of a stop, with what was done, and how to go on."""
    done = f"{len(study.trials):,} of {plural(study.wanted, 'trial')} are kept"
    if not study.trials:
        return StoppedError(error.signal_number)
    if trained is None:
        return StoppedError(error.signal_number, f"{done}, and nothing was published", GO_ON)
    state = f"{done}, and the best was published as run {trained.run.name}"
    if trained.refusal is not None:
        state = f"{done}; {trained.refusal.message}"
    return StoppedError(error.signal_number, state, GO_ON)


def _keep_report(tuned: Tuned, root: Path) -> None:
    """Keep the report in the place of that of the training, which is a part of it."""
    with contextlib.suppress(ForecastError), store.lock(root) as lock:
        store.write_report(lock, tuning_document(tuned))


def tuning_document(tuned: Tuned) -> dict[str, Any]:
    """The report of a tuning as JSON: that of its training, and the study."""
    study = tuned.study
    trials = []
    for number, (trial, changed) in enumerate(zip(study.trials, tuned.tried, strict=True)):
        settings = {name: tuning.text(value) for name, value in changed.items()}
        trials.append(
            {
                "trial": number,
                "state": trial.state,
                "settings": settings,
                "mase": trial.error,
                "reason": trial.reason,
            }
        )
    document = training_document(tuned.trained)
    notes = [note.text for note in tuned.notes if note.level == "warning"]
    return {
        **document,
        "schema": SCHEMA,
        "study": study.number,
        "trials": trials,
        "best": study.best,
        "settings": {name: tuning.text(value) for name, value in tuned.changed.items()},
        "importance": tuned.importance,
        "workers": study.workers,
        "folds": study.folds,
        "origins": study.origins,
        "warnings": [*notes, *document["warnings"]],
    }
