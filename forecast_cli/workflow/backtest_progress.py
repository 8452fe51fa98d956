"""What a backtest has done so far: kept on disk when it is stopped, for `backtest --resume`."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from forecast_cli import store
from forecast_cli.choices import TrainedOn
from forecast_cli.errors import (
    LockedError,
    RunMismatchError,
    RunRejectedError,
    StoppedError,
    StorageError,
)
from forecast_cli.messages import Note
from forecast_cli.panel import Panel
from forecast_cli.planning import Plan
from forecast_cli.settings import (
    AccuracySettings,
    EngineSettings,
    LockSettings,
    LogSettings,
    OutputSettings,
    PruneSettings,
    Settings,
)
from forecast_cli.store import OTHER_BACKTEST, BacktestLock, Checkpoint, PartForecasts

# Finished trainings are written together, so that a backtest of a few seconds leaves the store
# alone. What is stopped by a signal is written at once.
SECONDS_BETWEEN_WRITES = 10.0

NOTHING_LEFT = "no backtest was left unfinished"
NOTHING_WRITTEN = "nothing was written"
GO_ON = "go on where it stopped: the same command with --resume"

_CANNOT_KEEP = (StorageError, LockedError, RunRejectedError, RunMismatchError)


@dataclass(frozen=True)
class Place:
    """Where a backtest is kept, and what is known of it before it begins.

    root: the store; identity: what must be equal for it to be gone on with; trainings: how many
    there will be; most_values: how many numbers the forecasts of one can have.
    """

    root: Path
    identity: str
    trainings: int
    most_values: int


@dataclass
class Progress:
    """A backtest under way, and what of it is on disk.

    - resumed: forecasts of trainings that were done before, by the number of the training, from 1
    - may_resume: whether there are files to look for a training in that was stopped; went_on:
      whether some of them were gone on with; reasons: why others could not be used
    - lock: taken when there is something to read or write
    - pending: forecasts that are not on disk yet; running: the training under way
    - was_cut_short: whether time was up in a training
    - is_on_disk: whether the files on disk are of this backtest; problem: why they could not be
      written
    - written: when they were, in time.monotonic()
    """

    place: Place
    stack: contextlib.ExitStack
    resumed: dict[int, PartForecasts] = field(default_factory=dict)
    may_resume: bool = False
    went_on: bool = False
    reasons: list[str] = field(default_factory=list)
    lock: BacktestLock | None = None
    pending: dict[int, PartForecasts] = field(default_factory=dict)
    running: Checkpoint | None = None
    was_cut_short: bool = False
    is_on_disk: bool = False
    problem: str = ""
    written: float = field(default_factory=time.monotonic)


@contextlib.contextmanager
def keeping(place: Place, *, resume: bool) -> Iterator[Progress]:
    """Keep what is done where the block is stopped, and forget it at its end.

    resume: whether to go on with what was kept. Raises LockedError where another backtest keeps its
    progress in this store.
    """
    with contextlib.ExitStack() as stack:
        progress = Progress(place, stack)
        if resume:
            _resume(progress)
        try:
            yield progress
        except (StoppedError, KeyboardInterrupt, StorageError, MemoryError) as error:
            write_all(progress)
            _say_what_is_kept(progress, error)
            raise
        if not progress.was_cut_short:
            _forget(progress)


def _say_what_is_kept(progress: Progress, error: BaseException) -> None:
    """Raise the error of a stop again, with what is kept; add it to the hint of a full disk."""
    if isinstance(error, StorageError) and progress.is_on_disk:
        error.hint = f"{error.hint}; what was done is kept: --resume goes on with it"
    if not isinstance(error, StoppedError):
        return

    state, hint = NOTHING_WRITTEN, error.hint
    if progress.is_on_disk:
        state, hint = f"what was done is kept in {progress.place.root}", GO_ON
    if progress.problem:
        state += f" ({progress.problem})"
    raise StoppedError(error.signal_number, state, hint) from None


def backtest_identity(panel: Panel, settings: Settings, *more: Any) -> str:
    """One hash of all that decides the forecasts of a backtest.

    Left out are settings that have no part in them, and the time limit: what it cuts short is not
    kept.
    """
    plain = replace(
        settings,
        training=replace(settings.training, time_limit=None),
        engine=EngineSettings(data_parallel=settings.engine.data_parallel),
        accuracy=AccuracySettings(),
        output=OutputSettings(),
        lock=LockSettings(),
        prune=PruneSettings(),
        log=LogSettings(),
    )
    return store.training_identity(
        described(panel), dataclasses.asdict(plain), *more, store.versions()
    )


def described(panel: Panel) -> dict[str, Any]:
    """What was read, but for where it was read from."""
    return {
        each.name: _described(getattr(panel, each.name))
        for each in dataclasses.fields(panel)
        if each.name not in ("notes", "source")
    }


def _described(value: Any) -> Any:
    """Arrays by their hash, and the rest as it is."""
    if isinstance(value, np.ndarray):
        return [str(value.dtype), value.shape, hashlib.sha256(value.tobytes()).hexdigest()]
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value  # type: ignore[arg-type]


# -- going on ----------------------------------------------------------------------------------


def _resume(progress: Progress) -> None:
    """Load what was done before. Raises LockedError, StorageError, RunRejectedError."""
    place = progress.place
    if not store.has_backtest(place.root):
        return

    lock = progress.lock = progress.stack.enter_context(store.lock_backtest(place.root))
    progress.may_resume = True
    for number in range(1, place.trainings + 1):
        part, reason = store.load_forecasts(lock, place.identity, number, place.most_values)
        if part is not None:
            progress.resumed[number] = part
        elif reason and reason not in progress.reasons:
            progress.reasons.append(reason)
    if progress.resumed:
        progress.went_on = progress.is_on_disk = True


def training_checkpoint(
    progress: Progress, number: int, plan: Plan, device: TrainedOn
) -> Checkpoint:
    """Where a training goes on from, and is kept. number: from 1."""
    identity = store.training_identity(
        progress.place.identity, number, dataclasses.asdict(plan), device
    )
    checkpoint, reason = Checkpoint(None, identity), ""
    if progress.may_resume and progress.lock is not None:
        checkpoint, reason = store.load_training(progress.lock, identity)
    if reason and reason not in progress.reasons:
        progress.reasons.append(reason)
    if checkpoint.finished or checkpoint.running:
        progress.went_on = progress.is_on_disk = True

    checkpoint.write = lambda each: _write(progress, lambda lock: store.save_training(lock, each))
    progress.running = checkpoint
    return checkpoint


def about_resuming(progress: Progress) -> tuple[Note, ...]:
    """What could not be gone on with."""
    damaged = [reason for reason in progress.reasons if reason != OTHER_BACKTEST]
    if progress.went_on and not damaged:
        return ()
    if progress.went_on:
        text = f"part of the backtest was done again: {damaged[0]}"
        return (Note("not_resumed", "warning", text),)

    why = OTHER_BACKTEST if progress.may_resume else NOTHING_LEFT
    text = f"started from the beginning: {damaged[0] if damaged else why}"
    return (Note("not_resumed", "warning", text),)


# -- keeping -----------------------------------------------------------------------------------


def training_done(progress: Progress, number: int, part: PartForecasts | None) -> None:
    """Take down that a training is done; None where its time was up, which is not kept."""
    progress.running = None
    if part is None:
        progress.was_cut_short = True
        return
    progress.pending[number] = part
    if time.monotonic() - progress.written >= SECONDS_BETWEEN_WRITES:
        write_all(progress)


def write_all(progress: Progress) -> bool:
    """Write what is not on disk yet, and say whether anything is there.

    Where that fails, `problem` says why.
    """
    for number, part in list(progress.pending.items()):
        _write(progress, _saving(progress.place.identity, number, part))
        if progress.problem:
            return progress.is_on_disk
        del progress.pending[number]

    checkpoint = progress.running
    if checkpoint is not None and _is_worth_keeping(checkpoint):
        _write(progress, lambda lock: store.save_training(lock, checkpoint))
    return progress.is_on_disk


def _saving(identity: str, number: int, part: PartForecasts) -> Callable[[BacktestLock], None]:
    return lambda lock: store.save_forecasts(lock, identity, number, part)


def _is_worth_keeping(checkpoint: Checkpoint) -> bool:
    """Whether there is something in it, none of which the clock has cut short."""
    was_cut_short = any(fitted.expired for fitted in checkpoint.finished.values())
    return bool(checkpoint.finished or checkpoint.running) and not was_cut_short


def _write(progress: Progress, save: Callable[[BacktestLock], None]) -> None:
    """Write one file, and make room for it first where the files are of another backtest.

    A failure is no reason to stop a backtest that goes well.
    """
    try:
        if progress.lock is None:
            lock = progress.stack.enter_context(store.lock_backtest(progress.place.root))
            progress.lock = lock
        if not progress.is_on_disk:
            store.forget_backtest(progress.lock)
        save(progress.lock)
        progress.is_on_disk, progress.problem = True, ""
    except _CANNOT_KEEP as error:
        progress.problem = error.message
    progress.written = time.monotonic()


def _forget(progress: Progress) -> None:
    """Remove the files of a backtest that is done. What cannot be removed does no harm."""
    if progress.is_on_disk and progress.lock is not None:
        with contextlib.suppress(StorageError):
            store.forget_backtest(progress.lock)
