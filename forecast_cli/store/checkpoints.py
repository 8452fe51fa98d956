"""Unfinished training: kept when it is stopped, and every minute, for `train --resume`.

One file that is replaced in one step: the sha256 of the rest, then safetensors with a JSON record
among them. A file that is damaged or of another training is never an error: training starts anew.

The files of an unfinished backtest have the same form; they are in `backtests`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors

from forecast_cli.errors import RunRejectedError, StorageError
from forecast_cli.store import files
from forecast_cli.store.locking import Lock
from forecast_cli.store.rejection import MAX_FILE_BYTES, read_plain_file

if TYPE_CHECKING:  # commands that only read must not import torch
    from forecast_cli.training import Fitted, Snapshot

SECONDS_BETWEEN_WRITES = 60.0  # while nobody stops the training
FOLDER = "checkpoints"
NAME = "training.checkpoint"
RECORD = "record"  # the name of the tensor that holds the JSON record
HASH_LENGTH = 64  # hex digits of a sha256

Arrays = dict[str, NDArray[Any]]


@dataclass
class Checkpoint:
    """A training so far. Its parts bear the names of their stages, such as `training 2 of 5`.

    lock: of the store in which it is kept; identity: what must be equal for it to be resumed;
    finished: parts that are done; running: where the others stand; write: what is called to write
    it, where it is not the training of a store, which `save_checkpoint` writes.
    """

    lock: Lock | None
    identity: str
    finished: dict[str, Fitted] = field(default_factory=dict)
    running: dict[str, Snapshot] = field(default_factory=dict)
    written: float = field(default_factory=time.monotonic)
    write: Callable[[Checkpoint], object] | None = None

    def keep(self, part: str) -> Callable[[Snapshot], None]:
        """What the training of a part calls after every epoch."""

        def keep(snapshot: Snapshot) -> None:
            self.running[part] = snapshot
            self._save_if_due()

        return keep

    def finish(self, part: str, fitted: Fitted) -> None:
        """Take down that a part is done."""
        self.running.pop(part, None)
        self.finished[part] = fitted
        self._save_if_due()

    def is_due(self) -> bool:
        """Whether it was last written so long ago that it should be written again."""
        return time.monotonic() - self.written >= SECONDS_BETWEEN_WRITES

    def _save_if_due(self) -> None:
        if self.is_due():
            self.save()

    def save(self) -> None:
        """Write it. A full disk is no reason to stop a training that goes well."""
        self.written = time.monotonic()
        with contextlib.suppress(StorageError):
            if self.write is not None:
                self.write(self)
            elif self.lock is not None:
                save_checkpoint(self.lock, self)


def write_snapshot(path: Path, part: str, snapshot: Snapshot) -> None:
    """Hand the state of a part over to another process, in a file that it reads at any time.

    Raises OSError.
    """
    alone = Checkpoint(None, part, running={part: snapshot})
    new = path.with_suffix(".new")
    new.write_bytes(sealed(encode(alone)))
    new.replace(path)


def read_snapshot(path: Path, part: str) -> Snapshot | None:
    """The state of a part that `write_snapshot` wrote; None where there is none to be read."""
    try:
        record, arrays = read_sealed(path, part, MAX_FILE_BYTES)
        return decode(None, record, arrays).running[part]
    except (OSError, OtherIdentityError, RunRejectedError, StorageError):
        return None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def training_identity(*parts: Any) -> str:
    """One hash of all that decides what a training ends in: data, plan, versions."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def save_checkpoint(lock: Lock, checkpoint: Checkpoint) -> bool:
    """Write the checkpoint, durably, and say whether there was anything to write.

    Raises StorageError.
    """
    folder = lock.root / FOLDER
    if not checkpoint.finished and not checkpoint.running:
        return False

    files.make_folder(folder)
    files.replace_file(folder / NAME, sealed(encode(checkpoint)))
    checkpoint.written = time.monotonic()
    return True


def load_checkpoint(lock: Lock, identity: str) -> tuple[Checkpoint, str]:
    """The checkpoint of the training with that identity, or a new one and why there is none."""
    new = Checkpoint(lock, identity)
    try:
        record, arrays = read_sealed(_path(lock), identity, MAX_FILE_BYTES)
        return decode(lock, record, arrays), ""
    except FileNotFoundError:
        return new, "no training was left unfinished"
    except OtherIdentityError:
        return (
            new,
            "the unfinished training is of other data, settings or versions, or of another device",
        )
    except (RunRejectedError, StorageError) as error:
        return new, error.message
    except (ValueError, LookupError, TypeError, AttributeError):
        return new, f"{_path(lock)} is not a checkpoint of forecast"


def remove_checkpoint(lock: Lock) -> None:
    """Forget the unfinished training, once one is published. Raises StorageError."""
    path = _path(lock)
    if path.exists():
        files.remove(path)


def _path(lock: Lock) -> Path:
    return lock.root / FOLDER / NAME


# -- the form of the files ---------------------------------------------------------------------


class OtherIdentityError(Exception):
    """A checkpoint is of other data, settings or versions."""


def sealed(data: bytes) -> bytes:
    """The bytes of a file: the sha256 of the data, and the data."""
    return hashlib.sha256(data).hexdigest().encode() + data


def read_sealed(path: Path, identity: str, max_bytes: int) -> tuple[dict[str, Any], Arrays]:
    """The record and the arrays of a file.

    Raises FileNotFoundError, OtherIdentityError, RunRejectedError for a file that is damaged or of
    another kind, StorageError, and ValueError, LookupError, TypeError or AttributeError for one of
    another form.
    """
    content = read_plain_file(path, max_bytes)
    expected_hash, data = content[:HASH_LENGTH], content[HASH_LENGTH:]
    if hashlib.sha256(data).hexdigest().encode() != expected_hash:
        raise RunRejectedError(f"{path} is damaged")

    try:
        arrays = parse_tensors(data)
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    try:
        record = json.loads(arrays.pop(RECORD).tobytes())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if record["identity"] != identity:
        raise OtherIdentityError
    return record, arrays


def format_record(record: dict[str, Any], arrays: Arrays) -> bytes:
    """A record and arrays as safetensors."""
    named = {**arrays, RECORD: np.frombuffer(json.dumps(record).encode(), np.uint8)}
    return format_tensors({name: np.array(values, order="C") for name, values in named.items()})


def encode(checkpoint: Checkpoint) -> bytes:
    """A checkpoint as safetensors."""
    arrays: Arrays = {}
    record: dict[str, Any] = {"identity": checkpoint.identity, "finished": {}, "running": {}}

    for part, fitted in checkpoint.finished.items():
        record["finished"][part] = {
            "history": [list(vars(epoch).values()) for epoch in fitted.history],
            "best_epoch": fitted.best_epoch,
            "steps": fitted.steps,
            "folds": len(fitted.folds),
            "expired": fitted.expired,
            "device": fitted.device,
        }
        for number, weights in enumerate(fitted.folds):
            for name, values in weights.items():
                arrays[f"finished/{part}/{number}/{name}"] = values

    for part, snapshot in checkpoint.running.items():
        record["running"][part] = snapshot.record
        for name, values in snapshot.arrays.items():
            arrays[f"running/{part}/{name}"] = values

    return format_record(record, arrays)


def decode(lock: Lock | None, record: dict[str, Any], arrays: Arrays) -> Checkpoint:
    """The checkpoint that `encode` made. Raises ValueError, LookupError, TypeError otherwise."""
    from forecast_cli.progress import Epoch
    from forecast_cli.training import Fitted, Snapshot

    checkpoint = Checkpoint(lock, record["identity"])
    for part, kept in record["finished"].items():
        folds = [_below(arrays, f"finished/{part}/{number}/") for number in range(kept["folds"])]
        checkpoint.finished[part] = Fitted(
            folds=tuple(folds),
            history=tuple(Epoch(*values) for values in kept["history"]),
            best_epoch=kept["best_epoch"],
            steps=kept["steps"],
            expired=kept["expired"],
            device=kept["device"],
        )

    for part, snapshot in record["running"].items():
        checkpoint.running[part] = Snapshot(_below(arrays, f"running/{part}/"), snapshot)
    return checkpoint


def _below(arrays: Arrays, prefix: str) -> Arrays:
    """The arrays whose names begin with a prefix, without it."""
    below = [name for name in arrays if name.startswith(prefix)]
    return {name.removeprefix(prefix): arrays[name] for name in below}
