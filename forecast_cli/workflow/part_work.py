"""What a worker does with one of many files: read it, forecast it, and write its part."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from forecast_cli import store
from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError, ForecastError, RunMismatchError
from forecast_cli.forecasting import Forecast
from forecast_cli.formats import Format, Pieces, forecast_bytes, forecast_pieces
from forecast_cli.messages import Note
from forecast_cli.workflow.predicting import Predicted, predict

HASH_BYTES = 8  # of the name of a series: names that only look equal are compared again

# What is made of a forecast: a part in a folder, pieces of one stream, or nothing but its size.
Shape = Literal["part", "stream", "document", "size"]


@dataclass(frozen=True)
class PartTask:
    """One file to forecast.

    - number: from 0, in the order of the names; path: absolute; name: as messages name it
    - options: of `predict`, with absolute paths
    - is_listed: the file was found in a folder or by a pattern, and not named by the user
    - shape, kind: what to make of the forecast; staging: the folder of a part
    """

    number: int
    path: str
    name: str
    options: Mapping[str, Any]
    shape: Shape = "size"
    kind: Format = Format.csv
    staging: str = ""
    is_listed: bool = True


@dataclass(frozen=True, eq=False)
class PartDone:
    """What came of one file, without its forecast.

    - series: (S,) hashes of the names of its series; header: the columns of the forecast
    - rows: of the forecast; file, sha256: of the part, pieces: of the stream, if there are any
    - about: what a document says of the forecast, beside its rows
    """

    series: Ints
    header: bytes
    rows: int
    notes: tuple[Note, ...]
    file: str = ""
    sha256: str = ""
    pieces: Pieces | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PartFailed:
    """Why there is no forecast of one file."""

    message: str
    hint: str
    exit_code: int


def forecast_file(task: PartTask, _: Callable[[Any], None]) -> PartDone | PartFailed:
    """The work of a task. Data that cannot be forecast are a result, all other errors are raised."""
    if task.is_listed and not os.path.exists(task.path):
        return _missing(task)
    try:
        predicted = predict(task.path, **task.options)
    except (DataError, RunMismatchError) as error:
        return _failed(task, error)

    from forecast_cli import tables

    forecast = predicted.forecast
    done = PartDone(
        hashes(forecast.ids),
        tables.forecast_header(forecast),
        forecast.values.size,
        tuple(replace(note, text=_as_named(task, note.text)) for note in predicted.notes),
    )
    if task.shape == "part":
        data = forecast_bytes(forecast, task.kind)
        name, sha256 = store.write_part(Path(task.staging), task.number, task.kind.value, data)
        return replace(done, file=name, sha256=sha256)
    if task.shape == "size":
        return done
    headings = task.shape == "stream"
    about = {} if headings else _about(predicted)
    pieces = forecast_pieces(forecast, task.kind, headings=headings)
    return replace(done, pieces=pieces, about=about)


def _about(predicted: Predicted) -> dict[str, Any]:
    """What the document of a forecast says beside its rows."""
    columns = predicted.forecast.columns
    coverage = [one.as_dict() for one in predicted.coverage]
    return {"time": columns.time, "target": columns.target, "coverage": coverage}


def _missing(task: PartTask) -> PartFailed:
    """Why there is no file, of which the reader would say that another one may have been meant."""
    if os.path.islink(task.path):
        what = "a link to a file that does not exist"
        return PartFailed(f"{task.name}: {what}", "mend or remove the link", DataError.exit_code)
    hint = (
        "it was there when this command began: was it removed, or is this a cluster whose machines "
        "do not share the folder?"
    )
    return PartFailed(f"{task.name}: no such file", hint, DataError.exit_code)


def _failed(task: PartTask, error: ForecastError) -> PartFailed:
    if not error.path and task.path not in error.message:
        error.name_file(task.path)
    message, hint = _as_named(task, error.message), _as_named(task, error.hint)
    return PartFailed(message, hint, error.exit_code)


def _as_named(task: PartTask, text: str) -> str:
    """A text with the name of the file that the user gave."""
    return text.replace(task.path, task.name)


def hashes(names: Iterable[str]) -> Ints:
    """A hash of each name, as whole numbers of 64 bits."""
    digests = [hashlib.blake2b(name.encode(), digest_size=HASH_BYTES).digest() for name in names]
    return np.frombuffer(b"".join(digests), np.int64)


@dataclass(frozen=True, eq=False)
class NamesTask:
    """Find the names behind some hashes in a file that was forecast."""

    task: PartTask
    wanted: Ints


def names_in_file(task: NamesTask, _: Callable[[Any], None]) -> list[str]:
    """The names of the series of a file whose hashes are wanted, in the order of the file."""
    forecast: Forecast = predict(task.task.path, **task.task.options).forecast
    is_wanted = np.isin(hashes(forecast.ids), task.wanted)
    return [forecast.ids[at] for at in np.flatnonzero(is_wanted).tolist()]
