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

from forecast_cli import engine, fields, store, tuning
from forecast_cli.choices import TrainedOn
from forecast_cli.errors import (
    DataError,
    DivergedError,
    ForecastError,
    RunMismatchError,
    SettingsError,
    StoppedError,
    StorageError,
)
from forecast_cli.fields import option_name
from forecast_cli.messages import Note, duration, plural
from forecast_cli.panel import Panel, select
from forecast_cli.planning import Plan
from forecast_cli.progress import Phase, Report, silent
from forecast_cli.settings import DEFAULT_STORE, GROUPS, Settings
from forecast_cli.sources import settings_from
from forecast_cli.store import Input, Study, StudyLock, TrialRecord
from forecast_cli.tuning import Choice, Parameter, Search, State
from forecast_cli.workflow.backtest_progress import described
from forecast_cli.workflow.backtesting import read_data, training_rows
from forecast_cli.workflow.naming import naming_file
from forecast_cli.workflow.reports import keep_failure, training_document
from forecast_cli.workflow.results import Trained
from forecast_cli.workflow.training import check_device, plan_training, train_as_tuned
from forecast_cli.workflow.trials import (
    FoldResult,
    Folds,
    FoldTask,
    choose_candidate,
    make_folds,
    plan_of_fold,
    run_fold,
)

Data = str | os.PathLike[str] | Panel

SCHEMA = "forecast/tune/v1"
DEFAULT_TRIALS = 30
MOST_TRIALS = 10_000
MOST_AT_ONCE = 4  # trials, where nothing is asked for: with more, the next ones know less
SEARCH_SHARE = 0.75  # of the time limit; the rest is for the training with the best settings
FEW_SERIES = 20  # of the data, to see whether settings go together

# Settings that decide neither what is tried nor what comes out of it.
WITHOUT_EFFECT = ("time_limit", "workers", "min_skill")
GROUPS_WITH_EFFECT = ("data", "window", "network", "training", "ensemble", "interval")

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
    job = _Job(
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


@dataclass(frozen=True)
class _Job:
    """What was asked for. began: when, in time.monotonic()."""

    settings: Settings
    trials: int
    resume: bool
    fixed: frozenset[str]
    root: Path
    report: Report
    by_cores: bool
    draw: bool
    began: float

    def left(self, share: float = 1.0) -> float | None:
        """Seconds that are left of a share of the time limit; None without a limit."""
        limit = self.settings.training.time_limit
        return None if limit is None else self.began + share * limit - time.monotonic()


@dataclass
class _Progress:
    """The study so far, as it is on disk."""

    study: Study


def _tune(data: Data, job: _Job) -> Tuned:
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
        study, notes = _begin(panel, folds, device, job, lock)
        job.report(Phase("cost", _cost(study, folds, job)))
        if not study.trials:
            study = replace(study, candidate=_candidate(folds, device, job))
        folds = replace(folds, candidate=study.candidate)
        progress = _Progress(study)
        search = _search(study, space, job.settings.training.seed)
        stopped = None
        try:
            _run_trials(progress, search, (folds, space, device), job, lock)
        except StoppedError as error:
            stopped, progress.study = error, _on_disk(lock, progress.study)
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


def _check(job: _Job) -> None:
    if not 1 <= job.trials <= MOST_TRIALS:
        raise SettingsError(
            f"--trials must be between 1 and {MOST_TRIALS:,}, got {job.trials:,}",
            f"use --trials {DEFAULT_TRIALS}",
            option="trials",
        )
    tuning.require_optuna()
    check_device(job.settings)


def _refuse_portfolio(plan: Plan) -> None:
    if plan.parts:
        raise SettingsError(
            f"--preset {plan.preset} trains networks of several kinds, which tuning does not vary",
            "use another preset, such as --preset auto",
            option="preset",
        )


def _space(folds: Folds, plan: Plan, job: _Job) -> tuple[Parameter, ...]:
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

    return choose_device(settings.training.device, plan, engine.cores())


def _begin(
    panel: Panel, folds: Folds, device: TrainedOn, job: _Job, lock: StudyLock
) -> tuple[Study, tuple[Note, ...]]:
    """The study to go on with, or a new one, and what to say about that."""
    numbers = store.study_numbers(lock)
    new = _new_study(panel, folds, device, job, number=max(numbers, default=0) + 1)
    if not job.resume:
        return new, ()
    if not numbers:
        text = "started from the beginning: there is no study to go on with"
        return new, (Note("not_resumed", "warning", text),)

    study = store.load_study(lock, numbers[-1])
    _refuse_other_study(study, new, job)
    return replace(study, wanted=job.trials), ()


def _new_study(panel: Panel, folds: Folds, device: TrainedOn, job: _Job, number: int) -> Study:
    rows = int(panel.offsets[-1])
    return Study(
        format="forecast-study",
        schema=1,
        number=number,
        data=Input(panel.source, panel.fingerprint, rows, len(panel)),
        content=store.training_identity(described(panel)),
        settings=_written(job.settings, job.fixed),
        workers=_workers(device, job),
        folds=folds.count,
        origins=folds.origins.count,
        versions={**store.versions(), "optuna": tuning.version()},
        wanted=job.trials,
    )


def _candidate(folds: Folds, device: TrainedOn, job: _Job) -> str:
    """What validation chooses where the rules are in doubt; nothing where time is up before that."""
    from forecast_cli.members import Execution

    left = job.left(SEARCH_SHARE)
    deadline = None if left is None else time.monotonic() + left
    return choose_candidate(
        folds, job.settings, Execution(job.report, device=device, deadline=deadline)
    )


def _workers(device: TrainedOn, job: _Job) -> int:
    """Trials at the same time: as asked for, or as many as there are cores, but not too many."""
    asked = job.settings.ensemble.workers
    if asked is not None:
        return asked
    if device != "cpu" or not job.by_cores:
        return 1
    return min(engine.cores(), MOST_AT_ONCE)


def _written(settings: Settings, fixed: Collection[str]) -> dict[str, str]:
    """The settings that decide what comes out, as texts: those that are given, by their names."""
    written = {}
    for group in GROUPS_WITH_EFFECT:
        declared = {each.name: each for each in fields.declared(GROUPS[group])}
        for name, each in declared.items():
            value = getattr(getattr(settings, group), name)
            is_given = value != each.default or (name in fixed and each.metadata["tuned"])
            if is_given and name not in WITHOUT_EFFECT:
                written[name] = fields.written(each, value)
    return written


def _refuse_other_study(study: Study, ours: Study, job: _Job) -> None:
    """Raise SettingsError or RunMismatchError where a study is not of what is asked for."""
    where, hint = f"study {study.number:,} in {job.root}", "or begin a new study without --resume"
    differences = [
        f"{option_name(name)} {study.settings.get(name, '(default)')} there, "
        f"{ours.settings.get(name, '(default)')} here"
        for name in sorted({*study.settings, *ours.settings})
        if study.settings.get(name) != ours.settings.get(name)
    ]
    asked = job.settings.ensemble.workers
    if asked is not None and asked != study.workers:
        differences.append(f"--workers {study.workers} there, {asked} here")
    if differences:
        raise SettingsError(
            f"{where} is of other settings: {'; '.join(differences)}",
            f"give the settings that it has, {hint}",
        )
    if study.content != ours.content:
        raise RunMismatchError(
            f"{where} is of other data: {_named(study)} there, {_named(ours)} here",
            f"give the data that it is of, {hint}",
        )
    if study.versions != ours.versions:
        versions = [
            f"{name} {study.versions.get(name, 'none')} there, {ours.versions.get(name)} here"
            for name in sorted(ours.versions)
            if study.versions.get(name) != ours.versions[name]
        ]
        raise RunMismatchError(
            f"{where} was made with other versions: {'; '.join(versions)}",
            f"use the same versions, {hint}",
        )


def _named(study: Study) -> str:
    """The data of a study in words."""
    data = study.data
    source = data.path or "a panel"
    return f"{source} ({plural(data.rows, 'row')}, sha256 {study.content[:8]})"


def _cost(study: Study, folds: Folds, job: _Job) -> str:
    """What a tuning takes, in words."""
    done = len(study.trials)
    before = f", of which {done:,} are done" if done else ""
    at_once = f", {study.workers:,} at a time" if study.workers > 1 else ""
    limit = job.settings.training.time_limit
    most = "" if limit is None else f", in at most {duration(limit)}"
    origins = plural(folds.origins.count, "origin")
    return (
        f"study {study.number:,}: {plural(study.wanted, 'trial')}{before}, with up to "
        f"{plural(folds.count, 'training')} each, scored from {origins}{at_once}; "
        f"then a training with the best settings{most}"
    )


# -- trials ------------------------------------------------------------------------------------


def _search(study: Study, space: Sequence[Parameter], seed: int) -> Search:
    search = Search(space, seed)
    for trial in study.trials:
        search.add(trial.values, trial.state, trial.errors)
    return search


def _run_trials(
    progress: _Progress,
    search: Search,
    what: tuple[Folds, Sequence[Parameter], TrainedOn],
    job: _Job,
    lock: StudyLock,
) -> None:
    """Run the trials that are left, and keep each batch of them when it is done."""
    left, began, before = job.left(SEARCH_SHARE), time.monotonic(), len(progress.study.trials)
    deadline = None if left is None else time.monotonic() + left
    workers = progress.study.workers
    with engine.opened(min(workers, progress.study.wanted)) as processes:
        while len(progress.study.trials) < progress.study.wanted:
            if deadline is not None and time.monotonic() >= deadline:
                return
            study = progress.study
            done = len(study.trials)
            pace = (time.monotonic() - began) / (done - before) if done > before else None
            numbers = range(done, min(done + workers, study.wanted))
            job.report(Phase("trials", _now(study, numbers, pace, deadline)))

            batch = _run_batch(numbers, search, what, job.settings, (processes, deadline))
            if batch is None:
                return
            study = replace(study, trials=(*study.trials, *batch))
            store.save_study(lock, study)
            progress.study = study


def _on_disk(lock: StudyLock, study: Study) -> Study:
    """The study as it was last written: a signal may come when that has just been done."""
    if study.number not in store.study_numbers(lock):
        return study
    return store.load_study(lock, study.number)


def _now(study: Study, numbers: range, pace: float | None, deadline: float | None) -> str:
    """What is tried, how good it is so far, and how long it takes.

    pace: seconds for a trial; None before there is one.
    """
    last = f" and {numbers[-1]:,}" if len(numbers) == 2 else f" to {numbers[-1]:,}"
    which = f"trials {numbers[0]:,}{last}" if len(numbers) > 1 else f"trial {numbers[0]:,}"
    text = f"{which} of {study.wanted:,}"
    if study.best is not None:
        error = study.trials[study.best].error
        text += f": the best so far is trial {study.best:,}, MASE {error:.4g}"
    if pace is None:
        return text
    left = pace * (study.wanted - numbers[0])
    if deadline is not None:
        left = min(left, max(deadline - time.monotonic(), 1))
    return f"{text}; about {duration(left)} left"


def _run_batch(
    numbers: range,
    search: Search,
    what: tuple[Folds, Sequence[Parameter], TrainedOn],
    settings: Settings,
    how: tuple[engine.Processes, float | None],
) -> list[TrialRecord] | None:
    """Trials that run at the same time, fold by fold, so that their order decides and not their
    pace; None where time was up before they were done.

    how: the processes, and the deadline in time.monotonic().
    """
    (folds, space, device), (processes, deadline) = what, how
    running = [_Running(number, search.ask(number)) for number in numbers]
    for fold in range(folds.count):
        alive = [each for each in running if each.state is None]
        tasks = [
            FoldTask(
                folds, fold, tuning.settings_for(settings, space, each.choice), device, deadline
            )
            for each in alive
        ]
        results = processes.run(run_fold, tasks, _no_matter, _no_matter) if tasks else []
        if any(result.is_late for result in results):
            return None
        for each, result in zip(alive, results, strict=True):
            _take_down(each, result, search, is_last=fold == folds.count - 1)

    for each in running:
        search.tell(each.number, each.state or "complete", each.error)
    return [each.record() for each in running]


@dataclass
class _Running:
    """A trial under way. errors: the mean after each fold; total: their sum so far."""

    number: int
    choice: Choice
    state: State | None = None
    errors: tuple[float, ...] = ()
    total: float = 0.0
    problem: str = ""

    @property
    def error(self) -> float | None:
        return self.errors[-1] if self.errors and self.state == "complete" else None

    def record(self) -> TrialRecord:
        return TrialRecord(self.state or "complete", self.choice, self.errors, self.problem)


def _take_down(each: _Running, result: FoldResult, search: Search, *, is_last: bool) -> None:
    """What a fold of a trial came to."""
    if result.error is None:
        each.state, each.problem = "failed", result.problem
        return

    each.total += result.error
    mean = each.total / (len(each.errors) + 1)
    is_hopeless = search.is_hopeless(each.number, len(each.errors), mean)
    each.errors = (*each.errors, mean)
    if is_last:
        each.state = "complete"
    elif is_hopeless:
        each.state = "pruned"


def _no_matter(*_: Any) -> None:
    """Nothing is reported from inside of a trial."""


# -- the best one ------------------------------------------------------------------------------


def _publish(
    panel: Panel,
    study: Study,
    space: Sequence[Parameter],
    stopped: StoppedError | None,
    job: _Job,
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
