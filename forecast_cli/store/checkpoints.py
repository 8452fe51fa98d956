"""Unfinished training: kept when it is stopped, and every minute, for `train --resume`.

One file that is replaced in one step: the sha256 of the rest, then safetensors with a JSON record
among them. A file that is damaged or of another training is never an error: training starts anew.
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

from forecast_cli.errors import ForecastError, StorageError
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
    finished: parts that are done; running: where the others stand.
    """

    lock: Lock
    identity: str
    finished: dict[str, Fitted] = field(default_factory=dict)
    running: dict[str, Snapshot] = field(default_factory=dict)
    written: float = field(default_factory=time.monotonic)

    def keep(self, part: str) -> Callable[[Snapshot], None]:
        """What the training of a part calls after every epoch."""

        def keep(snapshot: Snapshot) -> None:
            self.running[part] = snapshot
            if time.monotonic() - self.written < SECONDS_BETWEEN_WRITES:
                return
            # A full disk is no reason to stop a training that goes well.
            with contextlib.suppress(StorageError):
                save_checkpoint(self.lock, self)

        return keep

    def finish(self, part: str, fitted: Fitted) -> None:
        """Take down that a part is done."""
        self.running.pop(part, None)
        self.finished[part] = fitted


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

    data = _encode(checkpoint)
    files.make_folder(folder)
    files.replace_file(folder / NAME, hashlib.sha256(data).hexdigest().encode() + data)
    checkpoint.written = time.monotonic()
    return True


def load_checkpoint(lock: Lock, identity: str) -> tuple[Checkpoint, str]:
    """The checkpoint of the training with that identity, or a new one and why there is none."""
    new = Checkpoint(lock, identity)
    path = _path(lock)
    try:
        content = read_plain_file(path, MAX_FILE_BYTES)
    except FileNotFoundError:
        return new, "no training was left unfinished"
    except ForecastError as error:
        return new, error.message

    expected_hash, data = content[:HASH_LENGTH], content[HASH_LENGTH:]
    if hashlib.sha256(data).hexdigest().encode() != expected_hash:
        return new, f"{path} is damaged"

    try:
        arrays = parse_tensors(data)
        record = json.loads(arrays.pop(RECORD).tobytes())
        if record["identity"] != identity:
            return new, "the unfinished training is of other data, settings or versions"
        return _decode(lock, record, arrays), ""
    except (ValueError, LookupError, TypeError, AttributeError, SafetensorError):
        return new, f"{path} is not a checkpoint of forecast"


def remove_checkpoint(lock: Lock) -> None:
    """Forget the unfinished training, once one is published. Raises StorageError."""
    path = _path(lock)
    if path.exists():
        files.remove(path)


def _path(lock: Lock) -> Path:
    return lock.root / FOLDER / NAME


def _encode(checkpoint: Checkpoint) -> bytes:
    arrays: Arrays = {}
    record: dict[str, Any] = {"identity": checkpoint.identity, "finished": {}, "running": {}}

    for part, fitted in checkpoint.finished.items():
        record["finished"][part] = {
            "history": [list(vars(epoch).values()) for epoch in fitted.history],
            "best_epoch": fitted.best_epoch,
            "steps": fitted.steps,
            "folds": len(fitted.folds),
            "expired": fitted.expired,
        }
        for number, weights in enumerate(fitted.folds):
            for name, values in weights.items():
                arrays[f"finished/{part}/{number}/{name}"] = values

    for part, snapshot in checkpoint.running.items():
        record["running"][part] = snapshot.record
        for name, values in snapshot.arrays.items():
            arrays[f"running/{part}/{name}"] = values

    arrays[RECORD] = np.frombuffer(json.dumps(record).encode(), np.uint8)
    return format_tensors({name: np.array(values, order="C") for name, values in arrays.items()})


def _decode(lock: Lock, record: dict[str, Any], arrays: Arrays) -> Checkpoint:
    """The checkpoint that `_encode` made. Raises ValueError, LookupError, TypeError otherwise."""
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
        )

    for part, snapshot in record["running"].items():
        checkpoint.running[part] = Snapshot(_below(arrays, f"running/{part}/"), snapshot)
    return checkpoint


def _below(arrays: Arrays, prefix: str) -> Arrays:
    """The arrays whose names begin with a prefix, without it."""
    below = [name for name in arrays if name.startswith(prefix)]
    return {name.removeprefix(prefix): arrays[name] for name in below}
