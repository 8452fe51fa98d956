"""The study of a tuning: a new one, or one to go on with, if it is of the same data and settings."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from forecast_cli import fields, store, tuning
from forecast_cli.choices import TrainedOn
from forecast_cli.engine import cores
from forecast_cli.errors import RunMismatchError, SettingsError
from forecast_cli.fields import option_name
from forecast_cli.messages import Note, duration, plural
from forecast_cli.panel import Panel
from forecast_cli.progress import Report
from forecast_cli.settings import GROUPS, Settings
from forecast_cli.store import Input, Study, StudyLock
from forecast_cli.workflow.backtest_progress import described
from forecast_cli.workflow.trials import Folds

MOST_AT_ONCE = 4  # trials, where nothing is asked for: with more, the next ones know less
SEARCH_SHARE = 0.75  # of the time limit; the rest is for the training with the best settings

# Settings that decide neither what is tried nor what comes out of it.
WITHOUT_EFFECT = ("time_limit", "workers", "min_skill")
GROUPS_WITH_EFFECT = ("data", "window", "network", "training", "ensemble", "interval")


@dataclass(frozen=True)
class Job:
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


def begin(
    panel: Panel, folds: Folds, device: TrainedOn, job: Job, lock: StudyLock
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


def _new_study(panel: Panel, folds: Folds, device: TrainedOn, job: Job, number: int) -> Study:
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


def _workers(device: TrainedOn, job: Job) -> int:
    """Trials at the same time: as asked for, or as many as there are cores, but not too many."""
    asked = job.settings.engine.workers
    if asked is not None:
        return asked
    if device != "cpu" or not job.by_cores:
        return 1
    return min(cores(), MOST_AT_ONCE)


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


def _refuse_other_study(study: Study, ours: Study, job: Job) -> None:
    """Raise SettingsError or RunMismatchError where a study is not of what is asked for."""
    where, hint = f"study {study.number:,} in {job.root}", "or begin a new study without --resume"
    differences = [
        f"{option_name(name)} {study.settings.get(name, '(default)')} there, "
        f"{ours.settings.get(name, '(default)')} here"
        for name in sorted({*study.settings, *ours.settings})
        if study.settings.get(name) != ours.settings.get(name)
    ]
    asked = job.settings.engine.workers
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


def cost(study: Study, folds: Folds, job: Job) -> str:
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
