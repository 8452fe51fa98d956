"""The trials of a tuning, batch by batch: asked for, run, told about, and kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from forecast_cli import store, tuning
from forecast_cli.choices import TrainedOn
from forecast_cli.engine import Batch, Engine
from forecast_cli.messages import duration
from forecast_cli.progress import Phase
from forecast_cli.settings import Settings
from forecast_cli.store import Study, StudyLock, TrialRecord
from forecast_cli.tuning import Choice, Parameter, Search, State
from forecast_cli.workflow.studies import SEARCH_SHARE, Job
from forecast_cli.workflow.trials import FoldResult, Folds, FoldTask, run_fold


@dataclass
class Progress:
    """The study so far, as it is on disk."""

    study: Study


@dataclass(frozen=True, eq=False)
class Design:
    """What all trials of a study have in common: the folds that they are scored on, the settings
    that vary, and where they are trained.
    """

    folds: Folds
    space: Sequence[Parameter]
    device: TrainedOn

    def task(
        self, fold: int, choice: Choice, settings: Settings, deadline: float | None
    ) -> FoldTask:
        """One training of a trial. settings: those that do not vary."""
        chosen = tuning.settings_for(settings, self.space, choice)
        return FoldTask(self.folds, fold, chosen, self.device, deadline)


def run_trials(
    progress: Progress, search: Search, design: Design, job: Job, engine: Engine, lock: StudyLock
) -> None:
    """Run the trials that are left, and keep each batch of them when it is done."""
    left, began, before = job.left(SEARCH_SHARE), time.monotonic(), len(progress.study.trials)
    deadline = None if left is None else time.monotonic() + left
    workers = progress.study.workers
    while len(progress.study.trials) < progress.study.wanted:
        if deadline is not None and time.monotonic() >= deadline:
            return
        study = progress.study
        done = len(study.trials)
        pace = (time.monotonic() - began) / (done - before) if done > before else None
        numbers = range(done, min(done + workers, study.wanted))
        job.report(Phase("trials", _now(study, numbers, pace, deadline)))

        batch = _run_batch(numbers, search, design, job, engine, deadline)
        if batch is None:
            return
        study = replace(study, trials=(*study.trials, *batch))
        store.save_study(lock, study)
        progress.study = study


def on_disk(lock: StudyLock, study: Study) -> Study:
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
    design: Design,
    job: Job,
    engine: Engine,
    deadline: float | None,
) -> list[TrialRecord] | None:
    """Trials that run at the same time, fold by fold, so that their order decides and not their
    pace; None where time was up before they were done.

    deadline: in time.monotonic().
    """
    running = [_Running(number, search.ask(number)) for number in numbers]
    last = design.folds.count - 1
    for fold in range(design.folds.count):
        alive = [each for each in running if each.state is None]
        tasks = [design.task(fold, each.choice, job.settings, deadline) for each in alive]
        results = engine.run(Batch(run_fold, tasks, len(numbers), on_message=job.report))
        if any(result.is_late for result in results):
            return None
        for each, result in zip(alive, results, strict=True):
            _take_down(each, result, search, is_last=fold == last)

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
