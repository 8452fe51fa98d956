"""The fit of a training: networks trained, the held-out rows scored, and the refit on all rows."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from forecast_cli import evaluation, forecasting, planning, store, windows
from forecast_cli.choices import TrainedOn
from forecast_cli.engine import Engine, cores
from forecast_cli.errors import StoppedError, StorageError
from forecast_cli.forecasting import HeldOut, Model
from forecast_cli.messages import Note
from forecast_cli.panel import Panel, head
from forecast_cli.planning import Plan
from forecast_cli.progress import Epoch, Event, Phase
from forecast_cli.settings import Settings
from forecast_cli.store import Checkpoint, Lock
from forecast_cli.workflow import notes
from forecast_cli.workflow.training_plans import Prepared, TrainingJob

if TYPE_CHECKING:  # torch is imported when there is something to train on
    from forecast_cli.learning import Learned
    from forecast_cli.members import Execution

# Windows that a member learns from, one after the other: fewer take less time than it takes to
# start another process and to load PyTorch there.
WORTH_A_PROCESS = 100_000


@dataclass(frozen=True, eq=False)
class Fit:
    """A trained model, forecasts of the held-out rows, and scores."""

    learned: Learned
    model: Model
    rows: HeldOut | None
    scores: dict[str, Any]
    notes: tuple[Note, ...]


def fit(prepared: Prepared, lock: Lock, engine: Engine) -> Fit:
    """Train on the training part, score the held-out rows, and train again on all rows."""
    panel, plan, start, job = prepared.panel, prepared.plan, prepared.start, prepared.job
    job.report(Phase("loading", "loading PyTorch"))
    from forecast_cli import candidates, members  # here, so that what went before need not wait
    from forecast_cli.training import choose_device
    from forecast_cli.workflow.warm_start import saw_held_out_rows, start_weights

    device = choose_device(job.settings.training.device, plan, cores())
    execution = members.Execution(
        report=job.report,
        engine=engine,
        workers=workers_of(engine, plan, job.settings, device, by_cores=job.by_cores),
        start=start_weights(start),
        deadline=job.deadline,
        device=device,
    )
    plan = candidates.choose(panel, job.settings, plan, execution)
    plan = replace(plan, reasons={**plan.reasons, **job.reasons})
    execution = candidates.with_start(execution, plan)

    # Of the plan that was chosen, which another time limit may have made another one.
    checkpoint, why_none = _checkpoint(panel, plan, device, job, lock)
    execution = replace(execution, checkpoint=checkpoint)

    with _keeping(checkpoint, lock):
        learned = learn(panel, job.settings, plan, execution)
        # Nothing of the held-out rows is in their bounds.
        before_test = replace(learned, model=learned.before_test)
        scored = _to_score(panel, before_test, job, execution)
        rows = _forecast_held_out(panel, scored, job)
        scores = evaluation.score_training(
            panel,
            scored.plan,
            learned.fitted,
            rows,
            len(learned.model.residuals),
            saw_held_out_rows=saw_held_out_rows(start, panel, plan),
        )
        model = refit(panel, job.settings, learned, execution)

    about = notes.about_training(panel, learned, model, rows)
    if job.resume and why_none:
        note = Note("not_resumed", "warning", f"trained from the start: {why_none}")
        about = (note, *about)
    return Fit(learned, model, rows, scores, about)


def learn(panel: Panel, settings: Settings, plan: Plan, execution: Execution) -> Learned:
    """Train what the plan is of: members that are alike, or a portfolio."""
    from forecast_cli import learning, portfolio

    if plan.parts:
        return portfolio.learn(panel, settings, plan, execution)
    return learning.learn(panel, plan, execution)


def refit(panel: Panel, settings: Settings, learned: Learned, execution: Execution) -> Model:
    """Train it again on all rows."""
    from forecast_cli import learning, portfolio

    if learned.model.plan.parts:
        return portfolio.refit(panel, settings, learned, execution)
    return learning.refit(panel, learned, execution)


def _to_score(panel: Panel, learned: Learned, job: TrainingJob, execution: Execution) -> Model:
    """The model whose forecasts of the held-out rows are scored.

    Of few series, the validation part is a large share: the scores are then those of a model that
    has learned from it, too, as the final one has. Nothing of the held-out rows is looked at.
    """
    plan = learned.model.plan
    is_large = len(panel) < planning.FEW_SERIES and plan.validation > plan.horizon
    if not (is_large and plan.test and plan.refit):
        return learned.model

    from forecast_cli.members import REFIT

    def report(event: Event) -> None:
        if isinstance(event, Phase):
            text = "training on all rows before the held-out ones"
            event = replace(event, name="before_test", text=text)
        elif isinstance(event, Epoch):
            event = replace(event, stage=event.stage.replace(REFIT, "before test"))
        job.report(event)

    deadline = execution.deadline
    if deadline is not None:
        deadline = (time.monotonic() + deadline) / 2
    ends = windows.split(panel, plan.validation, plan.test).validation
    # It is not kept when training is stopped, since its stages bear the names of the refit.
    execution = replace(execution, report=report, checkpoint=None, deadline=deadline)
    return refit(head(panel, ends), job.settings, learned, execution)


def _forecast_held_out(panel: Panel, model: Model, job: TrainingJob) -> HeldOut | None:
    if not model.plan.test:
        return None
    job.report(Phase("scoring", "scoring the held-out rows"))
    return forecasting.forecast_held_out(panel, model, model.plan.levels)


def workers_of(
    engine: Engine, plan: Plan, settings: Settings, device: TrainedOn, *, by_cores: bool
) -> int:
    """Members that train at the same time: as many as the engine can take, where it says so."""
    return engine.capacity or number_of_workers(plan, settings, device, by_cores=by_cores)


def number_of_workers(plan: Plan, settings: Settings, device: TrainedOn, *, by_cores: bool) -> int:
    """Members that train at the same time: the setting, or as many as there are cores.

    On a GPU, one at a time: each process would take memory there for itself alone.
    """
    asked = settings.engine.workers
    if asked:
        return asked
    if device != "cpu":
        return 1
    kinds = max(len(plan.parts), 1)
    if kinds * plan.epochs * plan.epoch_batches * plan.batch_size < WORTH_A_PROCESS:
        return 1
    return max(cores() // plan.threads, 1) if by_cores else 1


# -- what is kept of a training that is stopped ----------------------------------------------------


def _checkpoint(
    panel: Panel, plan: Plan, device: TrainedOn, job: TrainingJob, lock: Lock
) -> tuple[Checkpoint, str]:
    """The checkpoint to go on from, or an empty one and why there is none."""
    identity = _identity(panel, plan, device, together=job.settings.engine.data_parallel)
    if not job.resume:
        return Checkpoint(lock, identity), ""
    return store.load_checkpoint(lock, identity)


def _identity(panel: Panel, plan: Plan, device: TrainedOn, *, together: bool = False) -> str:
    """What must be equal for a training to be resumed: the data as read, the plan, versions, and
    where it runs, because the last digits are others on a GPU, and by workers together."""
    values = hashlib.sha256(panel.values.tobytes()).hexdigest()
    return store.training_identity(
        panel.fingerprint,
        values,
        dataclasses.asdict(panel.reading),
        dataclasses.asdict(plan),
        store.versions(),
        device,
        together,
    )


@contextlib.contextmanager
def _keeping(checkpoint: Checkpoint, lock: Lock) -> Iterator[None]:
    """Keep what is done when a signal stops the training."""
    try:
        yield
    except StoppedError as error:
        with contextlib.suppress(StorageError):
            if store.save_checkpoint(lock, checkpoint):
                error.hint = "go on where it stopped: the same command with --resume"
        raise
