"""An unfinished backtest: what its trainings came to so far, for `backtest --resume`.

    checkpoints/backtest.lock              held by the one backtest that keeps its progress
    checkpoints/backtest/0003.forecasts    the forecasts of the third training, which is done
    checkpoints/backtest/training          the training that was stopped

The files have the form of a checkpoint: sealed with a hash, replaced in one step, and worth nothing
to a backtest of another identity. A store keeps one unfinished backtest. Its lock is not that of
the store: a backtest takes hours, and a training must be neither refused nor kept waiting meanwhile.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from forecast_cli.errors import RunRejectedError, StorageError
from forecast_cli.panel import Floats
from forecast_cli.planning import Plan
from forecast_cli.store import checkpoints, files, folder_locks, strict_json
from forecast_cli.store.bounds import check_plan
from forecast_cli.store.checkpoints import Checkpoint, OtherIdentityError
from forecast_cli.store.folder_locks import FolderLock
from forecast_cli.store.rejection import MAX_FILE_BYTES

FOLDER = "backtest"
LOCK = "backtest.lock"
TRAINING = "training"
FORECASTS = re.compile(r"[0-9]{4,}\.forecasts")
RECORD_BYTES = 1 << 20  # of a file of forecasts, beside its arrays

OTHER_BACKTEST = (
    "the unfinished backtest is of other data, settings or versions, or of another device"
)


class BacktestLock(FolderLock):
    """The lock of the unfinished backtest of a store, held until `lock_backtest` ends."""


@dataclass(frozen=True, eq=False)
class PartForecasts:
    """What one training of a backtest came to.

    values: (W, horizon) forecasts of its W windows; bounds: by level, lower and upper, of the same
    shape; one that is not known is NaN.
    """

    plan: Plan
    values: Floats
    bounds: dict[float, tuple[Floats, Floats]]


@contextlib.contextmanager
def lock_backtest(root: Path) -> Iterator[BacktestLock]:
    """Hold the lock of the unfinished backtest; make the store where there is none.

    Raises LockedError where another backtest holds it, StorageError, and RunRejectedError or
    RunMismatchError for a store that is damaged or of a newer release.
    """
    folder = root / checkpoints.FOLDER
    lock = BacktestLock(folder / FOLDER)
    with folder_locks.hold(lock, root, folder / LOCK, "another backtest keeps its progress"):
        yield lock


def has_backtest(root: Path) -> bool:
    """Whether a backtest was left unfinished in a store."""
    folder = root / checkpoints.FOLDER / FOLDER
    return folder.is_dir() and bool(_names(folder))


def _names(folder: Path) -> list[str]:
    return [
        name for name in files.list_folder(folder) if name == TRAINING or FORECASTS.fullmatch(name)
    ]


def forget_backtest(lock: BacktestLock) -> None:
    """Remove all that is kept. Raises StorageError."""
    if lock.folder.exists():
        files.remove(lock.folder)


# -- forecasts ---------------------------------------------------------------------------------


def save_forecasts(lock: BacktestLock, identity: str, number: int, part: PartForecasts) -> None:
    """Keep the forecasts of a training that is done. number: from 1. Raises StorageError."""
    record = {
        "identity": identity,
        "number": number,
        "plan": strict_json.write(part.plan).decode(),
        "levels": list(part.bounds),
    }
    arrays: dict[str, Any] = {"values": part.values}
    for place, (low, high) in enumerate(part.bounds.values()):
        arrays |= {f"low.{place}": low, f"high.{place}": high}

    files.make_folder(lock.folder)
    content = checkpoints.sealed(checkpoints.format_record(record, arrays))
    files.replace_file(_path(lock, number), content)


def load_forecasts(
    lock: BacktestLock, identity: str, number: int, most_values: int
) -> tuple[PartForecasts | None, str]:
    """The forecasts of a training, or None and why they cannot be used.

    most_values: how many numbers there can be in the file. An empty reason: there is no such file.
    """
    path = _path(lock, number)
    max_bytes = min(8 * most_values + RECORD_BYTES, MAX_FILE_BYTES)
    try:
        record, arrays = checkpoints.read_sealed(path, identity, max_bytes)
        return _part(record, arrays, number), ""
    except FileNotFoundError:
        return None, ""
    except OtherIdentityError:
        return None, OTHER_BACKTEST
    except (RunRejectedError, StorageError) as error:
        return None, error.message
    except (ValueError, LookupError, TypeError, AttributeError):
        return None, f"{path} does not hold forecasts of a backtest"


def _part(record: dict[str, Any], arrays: checkpoints.Arrays, number: int) -> PartForecasts:
    """What `save_forecasts` wrote. Raises ValueError, LookupError, TypeError otherwise."""
    plan = check_plan(strict_json.read(Plan, record["plan"].encode()))
    if record["number"] != number or tuple(record["levels"]) != plan.levels:
        raise ValueError("it is another one")

    values = _checked(arrays["values"], plan.horizon)
    if not np.isfinite(values).all():
        raise ValueError("a forecast is not finite")

    bounds = {}
    for place, level in enumerate(plan.levels):
        pair = arrays[f"low.{place}"], arrays[f"high.{place}"]
        low, high = (_checked(bound, plan.horizon) for bound in pair)
        if not len(low) == len(high) == len(values):
            raise ValueError("the bounds are of other windows")
        bounds[level] = (low, high)
    return PartForecasts(plan, values, bounds)


def _checked(values: Any, horizon: int) -> Floats:
    if values.dtype != np.float64 or values.ndim != 2 or values.shape[1] != horizon:
        raise ValueError("an array has another shape or type")
    checked: Floats = values
    return checked


def _path(lock: BacktestLock, number: int) -> Path:
    return lock.folder / f"{number:04}.forecasts"


# -- the training that was stopped -------------------------------------------------------------


def save_training(lock: BacktestLock, checkpoint: Checkpoint) -> None:
    """Keep the training that is under way. Raises StorageError."""
    files.make_folder(lock.folder)
    path = lock.folder / TRAINING
    files.replace_file(path, checkpoints.sealed(checkpoints.encode(checkpoint)))


def load_training(lock: BacktestLock, identity: str) -> tuple[Checkpoint, str]:
    """The training that was stopped, or a new one and why it cannot be used.

    An empty reason: there is no file, or one of another training of the same backtest.
    """
    path, new = lock.folder / TRAINING, Checkpoint(None, identity)
    try:
        record, arrays = checkpoints.read_sealed(path, identity, MAX_FILE_BYTES)
        return checkpoints.decode(None, record, arrays), ""
    except (FileNotFoundError, OtherIdentityError):
        return new, ""
    except (RunRejectedError, StorageError) as error:
        return new, error.message
    except (ValueError, LookupError, TypeError, AttributeError):
        return new, f"{path} does not hold a training"
