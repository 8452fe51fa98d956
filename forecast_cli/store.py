"""The store: runs on disk. One writer under a lock, any number of readers without one.

A run is written under a temporary name, read back, sealed by a manifest with the hash of every file, and renamed; its
name ends in the hash of the manifest. `latest.json` is replaced after that. So whenever the power fails, a reader
finds the old run or the new one, and a single flipped bit in a run is noticed before anything in it is believed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import os
import platform
import re
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import ConfigDict, TypeAdapter
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors

import forecast_cli
from forecast_cli import cells, files
from forecast_cli.calendar import Frequency, Ints
from forecast_cli.config import DataSettings
from forecast_cli.covariates import FeatureScale
from forecast_cli.errors import LockedError, NoRunError, RunMismatchError, RunRejectedError, StorageError
from forecast_cli.forecasting import Model
from forecast_cli.panel import Columns, Floats, Panel, TimeFormat
from forecast_cli.plan import Plan
from forecast_cli.scaling import SeriesScale

SCHEMA = 1
FILES = (
    "config.json", "forecast.csv", "history.csv", "metrics.json", "model.safetensors", "predictions.csv",
    "series.json", "series.safetensors",
)  # fmt: skip
RUN_NAME = re.compile(r"\d{8}T\d{6}Z-(\d{6,12})-[0-9a-f]{12}")
MOST_BYTES = 4 << 30  # of one file in a run
_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class RunConfig:
    """config.json: all that is needed to read the same data again and to run the network on it."""

    schema: int
    plan: Plan
    data: DataSettings
    source: str
    columns: Columns
    frequency: Frequency
    time_format: TimeFormat
    past: list[str]
    future: list[str]
    static: list[str]
    levels: dict[str, list[str]]


@dataclass(frozen=True)
class SeriesNames:
    """series.json: the series that the run was trained on, and where their last windows begin."""

    ids: list[str]
    first: list[int]
    offsets: list[int]


@dataclass(frozen=True)
class FileSeal:
    size: int
    sha256: str


@dataclass(frozen=True)
class Input:
    path: str
    sha256: str
    rows: int
    series: int


@dataclass(frozen=True)
class Manifest:
    """manifest.json: written last; its own hash is in the name of the folder."""

    format: str
    schema: int
    sequence: int
    created: str
    versions: dict[str, str]
    seed: int
    threads: int
    input: Input
    files: dict[str, FileSeal]


@dataclass(frozen=True)
class Pointer:
    run: str
    sequence: int


Record = TypeVar("Record")
_RECORDS: tuple[Any, ...] = (
    RunConfig, SeriesNames, FileSeal, Input, Manifest, Pointer, Plan, cells.Architecture, Frequency, Columns, TimeFormat,
    DataSettings,
)  # fmt: skip
for _record in _RECORDS:
    _record.__pydantic_config__ = _STRICT


def _parse_json(record: type[Record], data: bytes) -> Record:
    """One frozen dataclass from JSON: unknown or missing keys, other types and non-finite numbers raise ValueError."""
    return TypeAdapter(record).validate_json(data, strict=True)


@dataclass(frozen=True, eq=False)
class Run:
    """A run, read and verified. `tail`: the last window of every series, as it was when the run was trained."""

    name: str
    folder: Path
    manifest: Manifest
    config: RunConfig
    model: Model
    tail: Panel
    metrics: dict[str, Any]
    texts: dict[str, bytes]


@dataclass(frozen=True, eq=False)
class Contents:
    """What a training leaves, before it is files."""

    config: RunConfig
    model: Model
    panel: Panel
    metrics: dict[str, Any]
    history: bytes
    predictions: bytes
    forecast: bytes


def to_json(record: Any) -> bytes:
    """A dataclass or a dict as JSON bytes, the same for the same content."""
    content = (
        dataclasses.asdict(record) if dataclasses.is_dataclass(record) and not isinstance(record, type) else record
    )
    return (json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode()


# -- write -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def writing(root: Path) -> Iterator[None]:
    """Hold the store's lock, after making sure that the store is there and can be written.

    Raises StorageError (30) where it cannot be, LockedError (11) naming the holder where another command is at it.
    """
    files.make_folder(root / "runs")
    mark = root / "store.json"
    if not mark.exists():
        with contextlib.suppress(StorageError):  # another first training may have been quicker
            files.create(mark, to_json({"format": "forecast-store", "schema": SCHEMA}))
    files.check_writable(root)
    files.check_writable(root / "runs")
    started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with files.locked(root / "lock", f"pid {os.getpid()} on {socket.gethostname()} since {started}\n") as holder:
        if holder is not None:
            raise LockedError(f"another command is writing in {root}: {holder}", "wait for it, or use another --store")
        for name in files.list_folder(root / "runs"):
            if name.startswith(".tmp-"):
                files.remove_folder(root / "runs" / name)
        yield


def publish(root: Path, contents: Contents) -> Run:
    """Publish a run and make it the latest. The lock must be held. Raises StorageError and leaves the old run latest."""
    sequence = _last_sequence(root) + 1
    folder = root / "runs" / f".tmp-{sequence:06d}"
    files.make_new_folder(folder)
    texts = _files_of(contents)
    for name in FILES:
        files.create(folder / name, texts[name])
    manifest = Manifest(
        format="forecast-run",
        schema=SCHEMA,
        sequence=sequence,
        created=datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"),
        versions=versions(),
        seed=contents.config.plan.seed,
        threads=contents.config.plan.threads,
        input=Input(
            contents.panel.source, contents.panel.fingerprint, int(contents.panel.offsets[-1]), len(contents.panel)
        ),
        files={name: FileSeal(len(texts[name]), hashlib.sha256(texts[name]).hexdigest()) for name in FILES},
    )
    sealed = to_json(manifest)
    files.create(folder / "manifest.json", sealed)
    name = f"{manifest.created}-{sequence:06d}-{hashlib.sha256(sealed).hexdigest()[:12]}"
    _parse(folder, name, *_verified(folder, name))
    files.fsync_folder(folder)
    final = root / "runs" / name
    files.rename(folder, final)
    files.replace(root / "latest.json", to_json(Pointer(name, sequence)))
    return load(root, name)


def versions() -> dict[str, str]:
    """Versions that decide whether a training can be repeated to the byte."""
    found = {"forecast": forecast_cli.__version__, "python": platform.python_version()}
    for package in ("numpy", "pandas", "torch"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _last_sequence(root: Path) -> int:
    return max((int(name.split("-")[1]) for name in names(root)), default=0)


def _files_of(contents: Contents) -> dict[str, bytes]:
    panel, model, plan = contents.panel, contents.model, contents.config.plan
    # Enough of the past for the network, and for a plot of the test part with what came before it.
    keep = np.minimum(panel.lengths, max(plan.lookback, 2 * plan.season) + plan.test + 3 * plan.horizon)
    rows = np.concatenate([np.arange(end - count, end) for end, count in zip(panel.offsets[1:], keep, strict=True)])
    return {
        "config.json": to_json(contents.config),
        "forecast.csv": contents.forecast,
        "history.csv": contents.history,
        "metrics.json": to_json(contents.metrics),
        "model.safetensors": format_tensors(
            {
                f"members.{number}.{name}": np.ascontiguousarray(w, np.float32)
                for number, weights in enumerate(model.members)
                for name, w in weights.items()
            }
        ),
        "predictions.csv": contents.predictions,
        "series.json": to_json(
            SeriesNames(
                list(panel.ids),
                [int(n) for n in panel.first + panel.lengths - keep],
                [int(n) for n in np.concatenate([[0], np.cumsum(keep)])],
            )
        ),
        "series.safetensors": format_tensors(
            {
                "zero": np.ascontiguousarray(model.scale.zero, np.float64),
                "one": np.ascontiguousarray(model.scale.one, np.float64),
                "residuals": np.ascontiguousarray(model.residuals, np.float64),
                "feature_mean": np.ascontiguousarray(model.features.mean, np.float64),
                "feature_spread": np.ascontiguousarray(model.features.spread, np.float64),
                "static_mean": np.ascontiguousarray(model.features.static_mean, np.float64),
                "static_spread": np.ascontiguousarray(model.features.static_spread, np.float64),
                "tail": panel.values[rows],
                "tail_past": _some_rows(panel.past, rows, panel.past_names),
                "tail_future": _some_rows(panel.future, rows, panel.future_names),
                "tail_ahead": np.ascontiguousarray(panel.ahead if panel.future_names else np.empty((0, 0, 0))),
                "static": np.ascontiguousarray(panel.static if panel.static_names else np.empty((0, 0))),
            }
        ),
    }


def _some_rows(values: Floats, rows: Ints, names: tuple[str, ...]) -> Floats:
    return np.ascontiguousarray(values[rows]) if names else np.empty((0, 0))


# -- read ------------------------------------------------------------------------------------------------------------


def load(root: Path, name: str | None = None) -> Run:
    """Read and verify a run, the latest by default.

    Raises NoRunError (10), RunRejectedError (12) for anything damaged or foreign, RunMismatchError (13) for a newer schema.
    """
    for _ in range(3):
        chosen = name or latest(root)
        folder = root / "runs" / chosen
        try:
            manifest, texts = _verified(folder, chosen)
        except FileNotFoundError:
            if name is None and not folder.exists() and latest(root) != chosen:
                continue  # pruned between the pointer and the folder: read the pointer again
            raise _rejected(folder, "a file is missing") from None
        return _parse(folder, chosen, manifest, texts)
    raise RunRejectedError(f"{root}: the latest run keeps vanishing", "run `forecast runs list`")


def latest(root: Path) -> str:
    """The name of the latest run. Raises NoRunError, RunRejectedError."""
    pointer = root / "latest.json"
    try:
        data = pointer.read_bytes()
    except FileNotFoundError:
        if names(root):
            raise NoRunError(f"{pointer} is gone", "name a run with --run; see `forecast runs list`") from None
        raise NoRunError(f"no run in {root}", "train one first: forecast train DATA") from None
    except OSError as error:
        raise StorageError(
            f"cannot read {pointer}: {error.strerror}", "check the permissions, or use another --store"
        ) from None
    try:
        found = _parse_json(Pointer, data)
    except ValueError:
        raise _rejected(pointer, "it is not a pointer to a run") from None
    match = RUN_NAME.fullmatch(found.run)
    if not match or int(match[1]) != found.sequence:
        raise _rejected(pointer, "it is not a pointer to a run")
    return found.run


def resolve(root: Path, wanted: str | None) -> str | None:
    """The full name of a run from its name, the end of its name, or its sequence number; None: the latest."""
    if wanted is None:
        return None
    found = [
        name for name in names(root)
        if name == wanted or name.endswith(f"-{wanted}") or (wanted.isascii() and wanted.isdigit() and int(name.split("-")[1]) == int(wanted))
    ]  # fmt: skip
    if len(found) != 1:
        raise NoRunError(f"no run {wanted!r} in {root}", "see `forecast runs list`")
    return found[0]


def names(root: Path) -> list[str]:
    """The runs in the store, oldest first, by their sequence."""
    folder = root / "runs"
    if not root.is_dir() or not folder.exists():
        return []
    found = [name for name in files.list_folder(folder) if RUN_NAME.fullmatch(name)]
    return sorted(found, key=lambda name: int(name.split("-")[1]))


def _rejected(path: Path, why: str) -> RunRejectedError:
    return RunRejectedError(
        f"{path}: {why}; the run is damaged or not ours", "use an older run (--run), or train again"
    )


def _read(path: Path, most: int) -> bytes:
    """The bytes of a regular file, never through a link."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _rejected(path, "it is a link") from None
        raise StorageError(
            f"cannot read {path}: {error.strerror}", "check the permissions, or use another --store"
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_size > most:
            raise _rejected(path, "it is not a plain file of sensible size")
        return file.read()


def _verified(folder: Path, name: str) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest and the very bytes that were hashed; nothing but the manifest is parsed here."""
    sealed = _read(folder / "manifest.json", 1 << 20)
    if hashlib.sha256(sealed).hexdigest()[:12] != name.rsplit("-", 1)[-1]:
        raise _rejected(folder / "manifest.json", "it does not match the name of the run")
    try:
        head = json.loads(sealed)
        if isinstance(head, dict) and isinstance(head.get("schema"), int) and head["schema"] > SCHEMA:
            raise RunMismatchError(
                f"{folder.name} has schema {head['schema']}, this is forecast {forecast_cli.__version__} with schema {SCHEMA}",
                "use the newer release that trained it, or train again",
            )
        manifest = _parse_json(Manifest, sealed)
    except ValueError:
        raise _rejected(folder / "manifest.json", "it is not a manifest") from None
    if manifest.format != "forecast-run" or sorted(manifest.files) != sorted(FILES):
        raise _rejected(folder / "manifest.json", "it is not a manifest of ours")
    texts = {}
    for file, seal in manifest.files.items():
        texts[file] = _read(folder / file, MOST_BYTES)
        if len(texts[file]) != seal.size or hashlib.sha256(texts[file]).hexdigest() != seal.sha256:
            raise _rejected(folder / file, "its bytes are not those that were published")
    return manifest, texts


def _parse(folder: Path, name: str, manifest: Manifest, texts: dict[str, bytes]) -> Run:
    try:
        config = _parse_json(RunConfig, texts["config.json"])
        series = _parse_json(SeriesNames, texts["series.json"])
        metrics = json.loads(texts["metrics.json"])
        weights = parse_tensors(texts["model.safetensors"])
        arrays = parse_tensors(texts["series.safetensors"])
    except (ValueError, SafetensorError) as error:
        raise _rejected(folder, f"a file does not hold what it should ({type(error).__name__})") from None
    plan = config.plan
    _check_plan(folder, plan)
    shapes = cells.tensors(plan.architecture)
    members = [f"members.{number}." for number in range(plan.members)]
    _check_tensors(
        folder, weights, {start + name: shape for start in members for name, shape in shapes.items()}, np.float32
    )
    count = len(series.ids)
    offsets = np.array(series.offsets, np.int64)
    if len(series.first) != count or len(offsets) != count + 1 or offsets[0] != 0 or (np.diff(offsets) < 1).any():
        raise _rejected(folder / "series.json", "the series do not fit each other")
    residuals = arrays.get("residuals", np.empty(0))
    steps, known, static = len(arrays["tail"]) if "tail" in arrays else 0, len(config.future), len(config.static)
    features = plan.architecture.inputs - 1
    ahead = arrays.get("tail_ahead", np.empty(0)).shape
    expected = {
        "feature_mean": (features,),
        "feature_spread": (features,),
        "static_mean": (static,),
        "static_spread": (static,),
        "tail_past": (steps, len(config.past)) if config.past else (0, 0),
        "tail_future": (steps, known) if known else (0, 0),
        "tail_ahead": (count, ahead[1] if len(ahead) == 3 else 0, known) if known and ahead[0] else (0, 0, 0),
        "static": (count, static) if static else (0, 0),
        "zero": (count,),
        "one": (count,),
        "tail": (int(offsets[-1]),),
        "residuals": (len(residuals), plan.horizon, plan.architecture.answers),
    }
    _check_tensors(folder, arrays, expected, np.float64, holes=("tail", "tail_ahead"))
    tail = Panel(
        ids=tuple(series.ids),
        offsets=offsets,
        first=np.array(series.first, np.int64),
        values=arrays["tail"],
        past_names=tuple(config.past),
        future_names=tuple(config.future),
        static_names=tuple(config.static),
        past=arrays["tail_past"],
        future=arrays["tail_future"],
        ahead=arrays["tail_ahead"],
        static=arrays["static"],
        levels={name: tuple(found) for name, found in config.levels.items()},
        frequency=config.frequency,
        columns=config.columns,
        time_format=config.time_format,
        source=config.source,
    )
    model = Model(
        plan,
        tuple({name: weights[start + name].astype(np.float64) for name in shapes} for start in members),
        tail.ids,
        SeriesScale(arrays["zero"], arrays["one"]),
        residuals,
        FeatureScale(*(arrays[f"{kind}_{part}"] for kind in ("feature", "static") for part in ("mean", "spread"))),
        (tail.past_names, tail.future_names, tail.static_names),
    )
    return Run(name, folder, manifest, config, model, tail, metrics, texts)


def _check_plan(folder: Path, plan: Plan) -> None:
    shape = plan.architecture
    whole = (plan.horizon, shape.lookback, shape.inputs, shape.segment, shape.outputs, *shape.units)
    sensible = (
        all(1 <= number <= 1_000_000 for number in whole)
        and 1 <= len(shape.units) <= 16
        and shape.lookback % shape.segment == 0
        and shape.outputs == (1 if shape.decoder == "recursive" else plan.horizon)
        and 1 <= plan.members <= 1000
        and list(shape.quantiles) == sorted(set(shape.quantiles))
        and (not shape.quantiles or (shape.quantiles[shape.middle] == 0.5 and shape.quantiles[0] > 0))
        and (plan.loss == "quantile") == bool(shape.quantiles)
        and 0 <= shape.known < shape.inputs
        and 0 <= shape.static <= 10_000
        and 0 <= plan.lag <= 1_000_000
        and all(2 <= season <= 1_000_000 for season in plan.seasons)
        and all(0 < level < 100 for level in plan.levels)
        and plan.members * cells.count_parameters(shape) <= 1 << 30
    )
    if not sensible:
        raise _rejected(folder / "config.json", "a number is out of bounds")


def _check_tensors(
    folder: Path, found: dict[str, Floats], shapes: dict[str, tuple[int, ...]], kind: Any, holes: tuple[str, ...] = ()
) -> None:
    """Names, shapes and types must be exactly these, and every number finite."""
    if {name: value.shape for name, value in found.items()} != shapes:
        raise _rejected(folder, "the tensors are not those of the settings")
    for name, value in found.items():
        if value.dtype != kind or not (np.isfinite(value).all() or name in holes):
            raise _rejected(folder, f"tensor {name!r} is not made of finite numbers")
