"""The track: forecasts that `forecast refresh` published, and the actual values that came since.

    forecasts/000042.forecast    what the 42nd refresh published and found
    forecasts/000041.damaged     one that could not be read, set aside

A file has the form of a checkpoint: the sha256 of the rest, then safetensors with a JSON record
among them. It is written once, and never changed. So many are kept, and so large, as the limits
below say.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field, with_config
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors

from forecast_cli.calendar import Frequency, Ints
from forecast_cli.errors import RunRejectedError
from forecast_cli.panel import Columns, Floats
from forecast_cli.store import files, strict_json
from forecast_cli.store.bounds import MAX_STEPS, check_frequency
from forecast_cli.store.checkpoints import HASH_LENGTH, RECORD, sealed
from forecast_cli.store.locking import Lock
from forecast_cli.store.records import RUN_NAME, STRICT, Count, Positive
from forecast_cli.store.rejection import read_plain_file

FOLDER = "forecasts"
SCHEMA = 1
NAME = re.compile(r"([0-9]{6,12})\.forecast")
DAMAGED = re.compile(r"([0-9]{6,12})\.damaged")
MOST_KEPT = 100
MOST_KEPT_BYTES = 192 << 20  # of all files together; the newest is always kept
MOST_DAMAGED = 5  # kept for whoever wants to know what happened
MAX_FILE_BYTES = 1 << 30

Arrays = dict[str, Any]
Score = Annotated[float, Field(ge=0)]


def _check_run_name(name: str) -> str:
    if RUN_NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is not the name of a run")
    return name


RunName = Annotated[str, AfterValidator(_check_run_name)]


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class RefreshEvent:
    """What a refresh found and did.

    - action: `train` or `reuse`; reasons: why, in words
    - candidate: the run that was trained, or an empty text; promoted: whether it became the latest
    - alarm: whether it was on; live_mase, held_out_mase, ratio: what it was judged by
    """

    action: Literal["train", "reuse"]
    reasons: list[str]
    alarm: bool
    candidate: str = ""
    promoted: bool = False
    live_mase: Score | None = None
    held_out_mase: Score | None = None
    ratio: Score | None = None


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class TrackRecord:
    """The record of one file.

    - created: when, in UTC, as in the names of runs; run: the one that made the forecast
    - columns, frequency: of the data; ids: the names of the S series
    - settings: those that change the weights, as they were at the last training, as JSON texts
    """

    format: Literal["forecast-track"]
    schema: Positive
    number: Positive
    created: Annotated[str, Field(pattern="^[0-9]{8}T[0-9]{6}Z$")]
    run: RunName
    columns: Columns
    frequency: Annotated[Frequency, AfterValidator(check_frequency)]
    ids: list[str]
    horizon: Annotated[int, Field(ge=1, le=MAX_STEPS)]
    levels: list[Annotated[float, Field(gt=0, lt=100)]]
    rows: Count
    settings: dict[str, str]
    event: RefreshEvent


@dataclass(frozen=True, eq=False)
class PastForecast:
    """A forecast that was published, and the actual values that were new then.

    - ends: (S,) the ordinal of the step after the last row of each series
    - values: (S, H), NaN for series that the network could not read; bounds: by level, lower and
      upper, (S, H) each
    - truth: (N,) the last actual values of each series up to its end, NaN where there is none;
      offsets: (S + 1,) where each series begins and ends in them
    """

    record: TrackRecord
    ends: Ints
    values: Floats
    bounds: dict[float, tuple[Floats, Floats]]
    truth: Floats
    offsets: Ints

    @property
    def number(self) -> int:
        return self.record.number


def forecast_numbers(root: Path) -> list[int]:
    """The numbers of the forecasts in the track, oldest first. Raises StorageError."""
    return _numbers(root / FOLDER, NAME)


def _numbers(folder: Path, pattern: re.Pattern[str]) -> list[int]:
    if not folder.is_dir():
        return []
    matches = [pattern.fullmatch(name) for name in files.list_folder(folder)]
    return sorted(int(match[1]) for match in matches if match)


def next_forecast_number(root: Path) -> int:
    """The number of the next forecast; none is used twice."""
    damaged = _numbers(root / FOLDER, DAMAGED)
    return max([0, *forecast_numbers(root), *damaged]) + 1


def _path(root: Path, number: int) -> Path:
    return root / FOLDER / f"{number:06d}.forecast"


# -- to bytes --------------------------------------------------------------------------------------


def write_forecast(lock: Lock, past: PastForecast) -> None:
    """Add a forecast to the track, in one step. Raises StorageError."""
    files.make_folder(lock.root / FOLDER)
    files.replace_file(_path(lock.root, past.number), sealed(_encode(past)))


def _encode(past: PastForecast) -> bytes:
    arrays: Arrays = {
        RECORD: np.frombuffer(strict_json.write(past.record), np.uint8),
        "ends": past.ends.astype(np.int64),
        "values": past.values,
        "truth": past.truth,
        "offsets": past.offsets.astype(np.int64),
    }
    for place, (low, high) in enumerate(past.bounds.values()):
        arrays |= {f"low.{place}": low, f"high.{place}": high}
    return format_tensors({name: np.array(values, order="C") for name, values in arrays.items()})


# -- from bytes ------------------------------------------------------------------------------------


def read_forecast(root: Path, number: int) -> PastForecast:
    """A forecast of the track, verified.

    Raises FileNotFoundError, StorageError, and RunRejectedError for a file that is damaged or
    foreign.
    """
    path = _path(root, number)
    content = read_plain_file(path, MAX_FILE_BYTES)
    seal, data = content[:HASH_LENGTH], content[HASH_LENGTH:]
    if hashlib.sha256(data).hexdigest().encode() != seal:
        raise _rejected(path, "its bytes are not those that were written")
    try:
        return _decode(parse_tensors(data), number)
    except (ValueError, SafetensorError, LookupError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise _rejected(path, f"it does not hold a published forecast ({reason})") from None


def _rejected(path: Path, reason: str) -> RunRejectedError:
    return RunRejectedError(
        f"{path}: {reason}", "forecast refresh sets it aside; nothing is predicted from it"
    )


def _decode(arrays: Arrays, number: int) -> PastForecast:
    """What `_encode` wrote. Raises ValueError, LookupError, TypeError otherwise."""
    record = strict_json.read(TrackRecord, arrays.pop(RECORD).tobytes())
    _check_record(record, number)
    if arrays.keys() != _names_of_arrays(record):
        raise ValueError("it has other arrays")

    count = len(record.ids)
    offsets = _array(arrays["offsets"], np.int64, (count + 1,))
    if offsets[0] != 0 or (np.diff(offsets) < 0).any():
        raise ValueError("the offsets do not rise from 0")
    return PastForecast(
        record=record,
        ends=_array(arrays["ends"], np.int64, (count,)),
        values=_numbers_of(arrays["values"], (count, record.horizon)),
        bounds=_bounds_of(arrays, record),
        truth=_numbers_of(arrays["truth"], (int(offsets[-1]),)),
        offsets=offsets,
    )


def _check_record(record: TrackRecord, number: int) -> None:
    """Raise ValueError for a record that is another one, or does not name its series."""
    if record.number != number or record.schema != SCHEMA:
        raise ValueError("it is another one")
    if not record.ids or len(set(record.ids)) < len(record.ids):
        raise ValueError("the names of its series are not unique")


def _names_of_arrays(record: TrackRecord) -> set[str]:
    """The arrays that `_encode` writes beside the record."""
    names = {"ends", "values", "truth", "offsets"}
    for place in range(len(record.levels)):
        names |= {f"low.{place}", f"high.{place}"}
    return names


def _bounds_of(arrays: Arrays, record: TrackRecord) -> dict[float, tuple[Floats, Floats]]:
    """The bounds of each level, lower and upper, (S, H) each. Raises ValueError."""
    shape = (len(record.ids), record.horizon)
    bounds = {}
    for place, level in enumerate(record.levels):
        low = _numbers_of(arrays[f"low.{place}"], shape)
        high = _numbers_of(arrays[f"high.{place}"], shape)
        bounds[level] = (low, high)
    return bounds


def _array(values: Any, kind: Any, shape: tuple[int, ...]) -> Any:
    if values.dtype != kind or values.shape != shape:
        raise ValueError("an array has another shape or type")
    return values


def _numbers_of(values: Any, shape: tuple[int, ...]) -> Floats:
    """Numbers that are finite, or NaN where one is not known."""
    checked: Floats = _array(values, np.float64, shape)
    if np.isinf(checked).any():
        raise ValueError("a number is not finite")
    return checked


# -- upkeep ----------------------------------------------------------------------------------------


def set_forecast_aside(lock: Lock, number: int) -> None:
    """Rename a damaged forecast, so that nothing reads it again. Raises StorageError."""
    path = _path(lock.root, number)
    files.rename(path, path.with_suffix(".damaged"))


def prune_forecasts(
    lock: Lock,
    order: Sequence[int] = (),
    *,
    most: int = MOST_KEPT,
    most_bytes: int = MOST_KEPT_BYTES,
) -> None:
    """Remove forecasts of the track until both limits are kept; the newest one stays in any case.

    order: the numbers of those to remove first, one after the other; then the oldest follow.
    Raises StorageError.
    """
    root = lock.root
    numbers = forecast_numbers(root)
    sizes = {number: _path(root, number).stat().st_size for number in numbers}
    for number in (*order, *numbers):
        if len(sizes) <= most and sum(sizes.values()) <= most_bytes:
            break
        if number in sizes and number != numbers[-1]:
            files.remove(_path(root, number))
            del sizes[number]

    for number in _numbers(root / FOLDER, DAMAGED)[:-MOST_DAMAGED]:
        files.remove(_path(root, number).with_suffix(".damaged"))
