"""Unfinished training: kept when it is stopped, and every minute, for `train --resume`.

One file that is replaced in one step: the sha256 of the rest, then safetensors with a JSON record among them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors

from forecast_cli import files, store
from forecast_cli.errors import ForecastError, StorageError
from forecast_cli.progress import Epoch
from forecast_cli.training import Fitted, Snapshot

EVERY = 60.0  # seconds between two writes while nobody stops the training
NAME = "training.checkpoint"
RECORD = "record"


@dataclass
class Checkpoint:
    """A training so far. Parts bear the names of their stages, e.g. `training 2 of 5`.

    identity: what must be equal for it to be resumed; finished: parts that are done; running: where the others stand.
    """

    folder: Path
    identity: str
    finished: dict[str, Fitted] = field(default_factory=dict)
    running: dict[str, Snapshot] = field(default_factory=dict)
    written: float = field(default_factory=time.monotonic)

    def keep(self, part: str) -> Callable[[Snapshot], None]:
        """What a training calls after every epoch."""

        def keep(snapshot: Snapshot) -> None:
            self.running[part] = snapshot
            if time.monotonic() - self.written >= EVERY:
                with contextlib.suppress(StorageError):  # no reason to stop what is going well
                    save(self)

        return keep

    def finish(self, part: str, fitted: Fitted) -> None:
        self.running.pop(part, None)
        self.finished[part] = fitted


def identity_of(*parts: Any) -> str:
    """One hash of all that decides what comes out: data, plan, versions."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def save(checkpoint: Checkpoint) -> bool:
    """Write it, durably; whether there was anything to write. The lock of the store must be held. Raises StorageError."""
    if not checkpoint.finished and not checkpoint.running:
        return False
    arrays: dict[str, NDArray[Any]] = {}
    record: dict[str, Any] = {"identity": checkpoint.identity, "finished": {}, "running": {}}
    for part, fitted in checkpoint.finished.items():
        record["finished"][part] = {
            "history": [list(vars(line).values()) for line in fitted.history],
            "best_epoch": fitted.best_epoch, "steps": fitted.steps, "folds": len(fitted.folds),
            "expired": fitted.expired,
        }  # fmt: skip
        for number, weights in enumerate(fitted.folds):
            arrays |= {f"finished/{part}/{number}/{name}": values for name, values in weights.items()}
    for part, snapshot in checkpoint.running.items():
        record["running"][part] = snapshot.record
        arrays |= {f"running/{part}/{name}": values for name, values in snapshot.arrays.items()}
    arrays[RECORD] = np.frombuffer(json.dumps(record).encode(), np.uint8)
    data = format_tensors({name: np.array(values, order="C") for name, values in arrays.items()})
    files.make_folder(checkpoint.folder)
    files.replace(checkpoint.folder / NAME, hashlib.sha256(data).hexdigest().encode() + data)
    checkpoint.written = time.monotonic()
    return True


def load(folder: Path, identity: str) -> tuple[Checkpoint, str]:
    """What was kept of the training with that identity, else a new checkpoint; and why there is nothing to resume."""
    new, path = Checkpoint(folder, identity), folder / NAME
    try:
        content = store.read_plain(path, store.MOST_BYTES)
    except FileNotFoundError:
        return new, "no training was left unfinished"
    except ForecastError as error:
        return new, error.message
    seal, data = content[:64], content[64:]
    if hashlib.sha256(data).hexdigest().encode() != seal:
        return new, f"{path} is damaged"
    try:
        arrays = parse_tensors(data)
        record = json.loads(arrays.pop(RECORD).tobytes())
        if record["identity"] != identity:
            return new, "the unfinished training is of other data, settings or versions"
        for part, found in record["finished"].items():
            folds = tuple(_below(arrays, f"finished/{part}/{number}/") for number in range(found["folds"]))
            history = tuple(Epoch(*line) for line in found["history"])
            new.finished[part] = Fitted(folds, history, found["best_epoch"], found["steps"], found["expired"])
        for part, found in record["running"].items():
            new.running[part] = Snapshot(_below(arrays, f"running/{part}/"), found)
    except (ValueError, LookupError, TypeError, SafetensorError):
        return Checkpoint(folder, identity), f"{path} is not a checkpoint of ours"
    return new, ""


def _below(arrays: dict[str, NDArray[Any]], start: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(start): values for name, values in arrays.items() if name.startswith(start)}


def remove(folder: Path) -> None:
    """Forget the unfinished training, once one is published. Raises StorageError."""
    if (folder / NAME).exists():
        files.remove(folder / NAME)
