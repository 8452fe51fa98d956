"""How far members are: what is kept of it, where they are trained here, elsewhere or together."""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from forecast_cli import network, store
from forecast_cli.engine import State
from forecast_cli.errors import RunRejectedError
from forecast_cli.members.tasks import Execution, Task
from forecast_cli.progress import Event, Report
from forecast_cli.store import Checkpoint
from forecast_cli.training import Fitted, Snapshot

SECONDS_BETWEEN_STATES = 1.0  # that a member in another process writes


def finished_of(checkpoint: Checkpoint | None, tasks: Sequence[Task]) -> dict[str, Fitted]:
    """What a checkpoint says is done. Raises RunRejectedError where it is of another network."""
    if checkpoint is None:
        return {}

    done = {}
    for task in tasks:
        fitted = checkpoint.finished.get(task.options.stage)
        if fitted is None:
            continue
        shapes = network.tensor_shapes(task.data.plan.architecture)
        fits = [{name: w.shape for name, w in fold.items()} == shapes for fold in fitted.folds]
        if not fits or not all(fits):
            raise RunRejectedError(
                "the unfinished training does not fit the network it is said to be of",
                "train without --resume",
            )
        done[task.options.stage] = fitted
    return done


@contextlib.contextmanager
def kept_tasks(tasks: Sequence[Task], execution: Execution) -> Iterator[tuple[list[Task], Report]]:
    """The tasks, going on where they were stopped, with their states kept in the checkpoint, if
    there is one; and what is to hear of them."""
    checkpoint, report = execution.checkpoint, execution.report
    if checkpoint is None:
        yield list(tasks), taking_down(None, report)
        return

    resumed = [_resumed(task, checkpoint) for task in tasks]
    if execution.engine.together:
        yield resumed, taking_down(checkpoint, report)
        return

    if execution.engine.is_here(execution.workers, len(tasks)):
        yield [_kept(task, checkpoint) for task in resumed], report
        return

    folder = _folder_for_states()
    if folder is None:
        yield resumed, report
        return

    with folder as name:
        written = [replace(task, state=f"{name}/{n}.state") for n, task in enumerate(resumed)]
        try:
            yield written, _gathering(written, checkpoint, report)
        finally:
            _gather(written, checkpoint)


def _resumed(task: Task, checkpoint: Checkpoint) -> Task:
    """The task, going on where it was stopped."""
    resume = checkpoint.running.get(task.options.stage)
    return replace(task, options=replace(task.options, resume=resume))


def _kept(task: Task, checkpoint: Checkpoint) -> Task:
    """The task with its state kept after every epoch."""
    keep = checkpoint.keep(task.options.stage)
    return replace(task, options=replace(task.options, keep=keep))


def writer(path: Path, stage: str) -> Callable[[Snapshot], None]:
    """What writes the state of a member now and then, in its process."""
    written = -math.inf

    def keep(snapshot: Snapshot) -> None:
        nonlocal written
        if time.monotonic() - written < SECONDS_BETWEEN_STATES:
            return
        # A full disk is no reason to stop a training that goes well.
        with contextlib.suppress(OSError):
            store.write_snapshot(path, stage, snapshot)
        written = time.monotonic()

    return keep


def teller(stage: str, tell: Callable[[Any], None]) -> Callable[[Snapshot], None]:
    """What tells of the state of a member now and then, in a process that has a share of it."""
    told = -math.inf

    def keep(snapshot: Snapshot) -> None:
        nonlocal told
        if time.monotonic() - told >= SECONDS_BETWEEN_STATES:
            tell(State((stage, snapshot)))
            told = time.monotonic()

    return keep


def taking_down(checkpoint: Checkpoint | None, report: Report) -> Callable[[Any], None]:
    """Report, and take down in the checkpoint what members tell of their states."""

    def hear(message: Any) -> None:
        if not isinstance(message, State):
            report(message)
        elif checkpoint is not None:
            stage, snapshot = message.value
            checkpoint.keep(stage)(snapshot)

    return hear


def _folder_for_states() -> tempfile.TemporaryDirectory[str] | None:
    """Where members in other processes write their states; None where no folder can be written.

    A cron job or a read-only file system is no reason not to train: only members that are
    finished are kept then.
    """
    try:
        return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    except OSError:
        return None


def _gathering(tasks: Sequence[Task], checkpoint: Checkpoint, report: Report) -> Report:
    """Report, and gather when the checkpoint is due to be written."""

    def report_and_gather(event: Event) -> None:
        report(event)
        if checkpoint.is_due():
            _gather(tasks, checkpoint)
            checkpoint.save()

    return report_and_gather


def _gather(tasks: Sequence[Task], checkpoint: Checkpoint) -> None:
    """Take down in the checkpoint how far the members in other processes are."""
    for task in tasks:
        stage = task.options.stage
        snapshot = store.read_snapshot(Path(task.state), stage)
        if snapshot is not None and stage not in checkpoint.finished:
            checkpoint.running[stage] = snapshot
