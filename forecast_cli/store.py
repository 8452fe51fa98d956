"""The store: runs on disk. One writer under a lock, any number of readers without one.

A run is written under a temporary name, read back, sealed by a manifest with the hash of every file, and renamed; its
name ends in the hash of the manifest. `latest.json` is replaced after that. So whenever the power fails, a reader
finds the old run or the new one, and a single flipped bit in a run is noticed before anything in it is believed.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import errno
import hashlib
import io
import json
import math
import os
import platform
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import ConfigDict, TypeAdapter
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors

import forecast_cli
from forecast_cli import calendar, covariates, files, forecasting, network
from forecast_cli.calendar import Frequency, Ints
from forecast_cli.config import DataSettings
from forecast_cli.covariates import FeatureScale
from forecast_cli.errors import (
    ForecastError,
    LockedError,
    NoRunError,
    RunMismatchError,
    RunRejectedError,
    StorageError,
)
from forecast_cli.forecasting import Model
from forecast_cli.panel import Columns, Floats, Panel, TimeFormat, select
from forecast_cli.planning import Plan
from forecast_cli.scaling import SeriesScale

SCHEMA = 2  # of a run
STORE_SCHEMA = 1  # of what lies beside the runs
FILES = (
    "config.json", "forecast.csv", "history.csv", "metrics.json", "model.safetensors", "predictions.csv",
    "series.json", "series.safetensors",
)  # fmt: skip
RUN_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-([0-9]{6,12})-[0-9a-f]{12}")
LEFTOVER = re.compile(r"\.tmp-(?:[0-9]+-(?:store|latest|last_run)\.json|probe-[0-9]+)")  # of ours, beside `runs`
MOST_BYTES = 4 << 30  # of one file in a run
MOST_NUMBER = 2**31  # in a plan
MOST_DIGITS = 18  # of a whole number in JSON: what 64 bits hold
TRIED = 64  # series of the test forecast
EARLIEST, LATEST = (-62_135_424_000_000_000, 253_402_127_999_000_000)  # the years 1 to 9999, less two days for zones
_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
_OPEN = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)


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


@dataclass(frozen=True)
class Mark:
    """store.json: what the folder is."""

    format: str
    schema: int


@dataclass(frozen=True)
class Scores:
    mae: float | None
    rmse: float | None
    smape: float | None
    mase: float | None


@dataclass(frozen=True)
class Skill:
    seasonal_naive: float | None
    naive: float | None


@dataclass(frozen=True)
class Tested:
    rows: int
    series: int
    season: int
    network: Scores
    seasonal_naive: Scores
    naive: Scores
    skill: Skill


@dataclass(frozen=True)
class TrainingScores:
    epochs: int
    best_epoch: int
    steps: int


@dataclass(frozen=True)
class IntervalScores:
    windows: int
    unseen: bool


@dataclass(frozen=True)
class Metrics:
    """metrics.json: what is read of it; a training may say more there."""

    training: TrainingScores
    intervals: IntervalScores
    test: Tested | None
    verdict: str


Record = TypeVar("Record")
_RECORDS: dict[Any, ConfigDict] = dict.fromkeys(
    (
        RunConfig, SeriesNames, FileSeal, Input, Manifest, Pointer, Mark, Plan, network.Architecture, Frequency, Columns,
        TimeFormat, DataSettings,
    ), _STRICT,
) | dict.fromkeys((Metrics, Tested, TrainingScores, IntervalScores, Scores, Skill), _OPEN)  # fmt: skip
for _record, _how in _RECORDS.items():
    _record.__pydantic_config__ = _how


def _parse_json(record: type[Record], data: bytes) -> Record:
    """One record from JSON: unknown or missing keys, other types and non-finite numbers raise ValueError."""
    return _record_of(record, _loads(data))


def _record_of(record: type[Record], content: Any) -> Record:
    try:
        return TypeAdapter(record).validate_json(json.dumps(content), strict=True)
    except ForecastError as error:  # settings check themselves, and blame an option
        raise ValueError(error.message) from None


def _loads(data: bytes) -> Any:
    """JSON as we write it: UTF-8, no key twice, only numbers that a machine can hold. Raises ValueError for all else."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key is there twice")
        return found

    def whole(text: str) -> int:
        if len(text) > MOST_DIGITS:
            raise ValueError("a number is out of bounds")
        return int(text)

    def real(text: str) -> float:
        if not math.isfinite(float(text)):
            raise ValueError("a number is not finite")
        return float(text)

    try:
        return json.loads(
            data.decode(), object_pairs_hook=unique, parse_int=whole, parse_float=real, parse_constant=real
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


@dataclass(frozen=True, eq=False)
class _Content:
    """What a run holds, before it is checked: config.json, and the tensors of the network and of the series."""

    config: dict[str, Any]
    weights: dict[str, Floats]
    arrays: dict[str, Floats]


def _to_2(old: _Content) -> _Content:
    """Schema 2 (0.3.0) has members, quantiles and other decoders; a run of schema 1 has one member and one answer."""
    shape = old.config["plan"]["architecture"]
    shape["decoder"] = "recursive" if old.config["plan"]["preset"] == "classic" else "direct"
    arrays = dict(old.arrays)
    arrays |= {
        "zero": arrays.pop("minimum"),
        "one": arrays.pop("maximum"),
        "residuals": arrays["residuals"][:, :, None],
    }
    return _Content(old.config, {f"members.0.{name}": values for name, values in old.weights.items()}, arrays)


# schema: what turns the content of a run of it into one of the next, by filling in what a run of that time lacked
UPGRADES: dict[int, Callable[[_Content], _Content]] = {1: _to_2}


def _upgrade(content: _Content, schema: int) -> _Content:
    """The content of a run of an older schema as it would be in this one."""
    for step in range(schema, SCHEMA):
        content = UPGRADES[step](content)
        content.config["schema"] = step + 1
    return content


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
def writing(root: Path, wait: float = 0) -> Iterator[None]:
    """Hold the store's lock, after making sure that the store is there and can be written; wait for it at most so long.

    Raises StorageError (30) where it cannot be, LockedError (11) naming the holder where another command is at it,
    RunRejectedError (12) and RunMismatchError (13) for a store that is damaged or of a newer release.
    """
    files.make_folder(root / "runs")
    started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with files.locked(root / "lock", f"pid {os.getpid()} on {platform.node()} since {started}\n", wait) as holder:
        if holder is not None:
            raise LockedError(
                f"another command is writing in {root}: {holder}",
                "wait for it (--lock-wait 10m), or use another --store",
            )
        if not _check_mark(root):
            files.replace(root / "store.json", to_json(Mark("forecast-store", STORE_SCHEMA)))
        _sweep(root)
        files.check_writable(root)
        files.check_writable(root / "runs")
        yield


def _check_mark(root: Path) -> bool:
    """Whether there is a store.json. Raises RunRejectedError where it is not ours, RunMismatchError where it is newer."""
    path = root / "store.json"
    try:
        data = read_plain(path, 1 << 16)
    except FileNotFoundError:
        return False
    try:
        content = _loads(data)
        _check_schema(path, content, "this store", STORE_SCHEMA)
        mark = _record_of(Mark, content)
    except ValueError:
        raise _rejected(path, "it is not the mark of a store") from None
    if mark.format != "forecast-store" or mark.schema < 1:
        raise _rejected(path, "it is not the mark of a store")
    return True


def _sweep(root: Path) -> None:
    """Remove what a killed command left behind; the lock is ours, so nobody is at it."""
    for folder, is_leftover in (
        (root, LEFTOVER.fullmatch),
        (root / "runs", re.compile(r"\.tmp-").match),
        (root / "checkpoints", re.compile(r"\.tmp-").match),
    ):
        for name in files.list_folder(folder) if folder.exists() else []:
            if is_leftover(name):
                files.remove(folder / name)


def publish(root: Path, contents: Contents) -> Run:
    """Publish a run and make it the latest. The lock must be held. Raises StorageError and leaves the old run latest."""
    sequence = _last_sequence(root) + 1
    folder = root / "runs" / f".tmp-{sequence:06d}"
    try:
        name = _write(folder, sequence, contents)
        files.rename(folder, root / "runs" / name)
    except BaseException:
        with contextlib.suppress(StorageError, OSError):  # on a full disk every byte counts; else the next run sweeps
            files.remove(folder)
        raise
    point(root, name)
    return load(root, name)


def point(root: Path, name: str) -> None:
    """Make a run the latest. The lock must be held."""
    files.replace(root / "latest.json", to_json(Pointer(name, _sequence(name))))


def _write(folder: Path, sequence: int, contents: Contents) -> str:
    """Write a run into a new folder, read it back and try it; returns the name that it is to have."""
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
    try_out(_parse(folder, name, *_verified(folder, name)))
    files.fsync_folder(folder)
    return name


def versions() -> dict[str, str]:
    """Versions that decide whether a training can be repeated to the byte."""
    found = {"forecast": forecast_cli.__version__, "python": platform.python_version()}
    for package in ("numpy", "pandas", "torch"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _last_sequence(root: Path) -> int:
    return max(map(_sequence, names(root)), default=0)


def _sequence(name: str) -> int:
    return int(name.split("-")[1])


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


# -- look after ------------------------------------------------------------------------------------------------------


def prune(root: Path, keep: int) -> list[str]:
    """Remove all but the newest `keep` runs; never the latest, its predecessor or a pinned one. The lock must be held.

    Returns the names of those that are gone. Raises StorageError, NoRunError, RunRejectedError.
    """
    found, current = names(root), latest(root)
    if current not in found:
        raise _rejected(root / "latest.json", f"the run {current} that it names is gone")
    kept = {current, predecessor(root, current), *found[-keep:], *pinned(root)}
    removed = [name for name in found if name not in kept]
    for name in removed:
        hidden = root / "runs" / f".tmp-{name}"
        files.rename(root / "runs" / name, hidden)  # a deletion is invisible before it starts
        files.remove(hidden)
    return removed


def predecessor(root: Path, name: str) -> str | None:
    """The run before a run, by sequence."""
    return max((other for other in names(root) if _sequence(other) < _sequence(name)), key=_sequence, default=None)


def roll_back(root: Path, name: str | None = None) -> Run:
    """Make an older run the latest: the named one, or the predecessor. It is verified first. The lock must be held.

    Raises NoRunError where there is none, RunRejectedError, StorageError.
    """
    chosen = name or predecessor(root, latest(root))
    if chosen is None:
        raise NoRunError(f"no run in {root} is older than the latest", "see `forecast runs list`")
    run = load(root, chosen)
    try_out(run)
    point(root, run.name)
    return run


def pin(root: Path, name: str, *, on: bool = True) -> None:
    """Keep a run from being pruned, or no longer. The lock must be held. Raises StorageError."""
    is_pinned = name in pinned(root)
    if on and not is_pinned:
        files.make_folder(root / "pins")
        files.create(root / "pins" / name, b"")
    elif is_pinned and not on:
        files.remove(root / "pins" / name)


def pinned(root: Path) -> list[str]:
    """The runs that are never pruned: those whose name is that of a file in `pins`."""
    return files.list_folder(root / "pins") if (root / "pins").exists() else []


def keep_report(root: Path, report: dict[str, Any]) -> None:
    """last_run.json: the report of the last training, also of a failed one.

    Not kept where there is no store yet, or where another command is at it. Raises StorageError.
    """
    if exists(root):
        with contextlib.suppress(LockedError), writing(root):
            files.replace(root / "last_run.json", to_json(report))


def exists(root: Path) -> bool:
    return (root / "store.json").exists()


# -- read ------------------------------------------------------------------------------------------------------------


def load(root: Path, name: str | None = None) -> Run:
    """Read and verify a run, the latest by default.

    Raises NoRunError (10), RunRejectedError (12) for anything damaged or foreign, RunMismatchError (13) for a newer schema.
    """
    _check_mark(root)
    for _ in range(3):
        chosen = name or latest(root)
        folder = root / "runs" / chosen
        try:
            manifest, texts = _verified(folder, chosen)
        except FileNotFoundError:
            if not folder.exists() and name is not None:
                raise NoRunError(f"no run {name!r} in {root}", "see `forecast runs list`") from None
            if not folder.exists() and latest(root) != chosen:
                continue  # pruned between the pointer and the folder: read the pointer again
            raise _rejected(folder, "a file is missing") from None
        return _parse(folder, chosen, manifest, texts)
    raise RunRejectedError(f"{root}: the latest run keeps vanishing", "run `forecast runs list`")


def latest(root: Path) -> str:
    """The name of the latest run. Raises NoRunError, RunRejectedError."""
    pointer = root / "latest.json"
    try:
        data = read_plain(pointer, 1 << 16)
    except FileNotFoundError:
        if names(root):
            raise NoRunError(f"{pointer} is gone", "name a run with --run; see `forecast runs list`") from None
        raise NoRunError(f"no run in {root}", "train one first: forecast train DATA") from None
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
        if name == wanted or name.endswith(f"-{wanted}") or (re.fullmatch("[0-9]{1,12}", wanted) and _sequence(name) == int(wanted))
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
    return sorted(found, key=_sequence)


def _rejected(path: Path, why: str) -> RunRejectedError:
    return RunRejectedError(
        f"{path}: {why}; the run is damaged or not ours", "use an older run (--run), or train again"
    )


def read_plain(path: Path, most: int, folder: int | None = None, size: int | None = None) -> bytes:
    """The bytes of a plain file with one name, never through a link; `folder`: the open folder that it is in.

    Raises FileNotFoundError, RunRejectedError where it is something else or too large, StorageError.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path if folder is None else path.name, flags, dir_fd=folder)
        try:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode) or state.st_size > most:
                raise _rejected(path, "it is not a plain file of sensible size")
            if state.st_nlink > 1:
                raise _rejected(path, "it has a second name (a hard link)")
            if size is not None and state.st_size != size:
                raise _rejected(path, "its bytes are not those that were published")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> Exception:
    """What it means that a path cannot be read: gone, not what it should be, or trouble of the disk."""
    if error.errno == errno.ENOENT:
        return error
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
        return _rejected(path, "it is a link or a file of another kind")
    return StorageError(f"cannot read {path}: {error.strerror}", "check the permissions, or use another --store")


def _check_schema(path: Path, content: Any, what: str, known: int) -> None:
    """Raise RunMismatchError naming both releases where the content is of a newer schema."""
    schema = content.get("schema") if isinstance(content, dict) else None
    if not isinstance(schema, int) or schema <= known:
        return
    made_with = content.get("versions")
    release = made_with.get("forecast") if isinstance(made_with, dict) else None
    by = f" of forecast {release}" if isinstance(release, str) and len(release) < 40 else ""
    raise RunMismatchError(
        f"{path}: {what} has schema {schema}{by}, this is forecast {forecast_cli.__version__} with schema {known}",
        "use the newer release that wrote it, or train again in another --store",
    )


def _verified(folder: Path, name: str) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest and the very bytes that were hashed; nothing but the manifest is parsed here."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(folder, error) from None
    try:
        sealed = read_plain(folder / "manifest.json", 1 << 20, opened)
        if hashlib.sha256(sealed).hexdigest()[:12] != name.rsplit("-", 1)[-1]:
            raise _rejected(folder / "manifest.json", "it does not match the name of the run")
        try:
            content = _loads(sealed)
            _check_schema(folder, content, "the run", SCHEMA)
            manifest = _record_of(Manifest, content)
        except ValueError:
            raise _rejected(folder / "manifest.json", "it is not a manifest") from None
        if (
            manifest.format != "forecast-run"
            or manifest.schema < 1
            or sorted(manifest.files) != sorted(FILES)
            or not name.startswith(f"{manifest.created}-{manifest.sequence:06d}-")
        ):
            raise _rejected(folder / "manifest.json", "it is not a manifest of ours")
        texts = {}
        for file, seal in manifest.files.items():
            texts[file] = read_plain(folder / file, MOST_BYTES, opened, seal.size)
            if hashlib.sha256(texts[file]).hexdigest() != seal.sha256:
                raise _rejected(folder / file, "its bytes are not those that were published")
    finally:
        os.close(opened)
    return manifest, texts


def _parse(folder: Path, name: str, manifest: Manifest, texts: dict[str, bytes]) -> Run:
    try:
        content = _loads(texts["config.json"])
        if not isinstance(content, dict) or content.get("schema") != manifest.schema:
            raise _rejected(folder / "config.json", "it is not of the schema of its run")
        series = _parse_json(SeriesNames, texts["series.json"])
        metrics = _loads(texts["metrics.json"])
        _record_of(Metrics, metrics)
        found = _Content(content, parse_tensors(texts["model.safetensors"]), parse_tensors(texts["series.safetensors"]))
        found = _upgrade(found, manifest.schema)
        config, weights, arrays = _record_of(RunConfig, found.config), found.weights, found.arrays
    except (ValueError, LookupError, TypeError, SafetensorError) as error:  # the latter: older content, other tensors
        raise _rejected(folder, f"a file does not hold what it should ({type(error).__name__})") from None
    plan = config.plan
    _check_plan(folder, plan)
    _check_config(folder, config)
    shapes = network.tensor_shapes(plan.architecture)
    members = [f"members.{number}." for number in range(plan.members)]
    _check_tensors(
        folder, weights, {start + name: shape for start in members for name, shape in shapes.items()}, np.float32
    )
    count = len(series.ids)
    offsets = np.array(series.offsets, np.int64)
    if (
        not count
        or len(set(series.ids)) < count
        or (count > 1 and not config.columns.id)
        or len(series.first) != count
        or len(offsets) != count + 1
        or offsets[0] != 0
        or (np.diff(offsets) < 1).any()
    ):
        raise _rejected(folder / "series.json", "the series do not fit each other")
    _check_times(folder, config, series)
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
        "residuals": (len(residuals), plan.horizon, plan.architecture.outputs_per_step),
    }
    _check_tensors(folder, arrays, expected, np.float64, holes=("tail", "tail_ahead"))
    if not (arrays["feature_spread"] > 0).all() or not (arrays["static_spread"] > 0).all():
        raise _rejected(folder / "series.safetensors", "a spread is not positive")
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
    shape = plan.architecture
    if covariates.count(tail, plan.calendar) != (shape.inputs - 1, shape.known, shape.static):
        raise _rejected(folder / "config.json", "the covariates are not those of the network")
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
        all(0 <= number < MOST_NUMBER for number in _numbers(dataclasses.asdict(plan)))
        and all(1 <= number <= 1_000_000 for number in whole)
        and 1 <= len(shape.units) <= 16
        and shape.lookback % shape.segment == 0
        and shape.outputs == (1 if shape.decoder == "recursive" else plan.horizon)
        and 1 <= plan.members <= 1000
        and list(shape.quantiles) == sorted(set(shape.quantiles))
        and (not shape.quantiles or (shape.quantiles[shape.point_index] == 0.5 and shape.quantiles[0] > 0))
        and (plan.loss == "quantile") == bool(shape.quantiles)
        and 0 <= shape.known < shape.inputs
        and 0 <= shape.static <= 10_000
        and 0 <= plan.lag <= 1_000_000
        and all(2 <= season <= 1_000_000 for season in plan.seasons)
        and all(0 < level < 100 for level in plan.levels)
        and plan.members * network.count_parameters(shape) <= 1 << 30
    )
    if not sensible:
        raise _rejected(folder / "config.json", "a number is out of bounds")


def _numbers(content: Any) -> Iterator[float]:
    """Every number in nested records."""
    if isinstance(content, dict | list | tuple):
        for part in content.values() if isinstance(content, dict) else content:
            yield from _numbers(part)
    elif isinstance(content, int | float):
        yield content


# Directives without flags and widths: with a width, strftime would write as much as it is told.
_PATTERN = re.compile(r"(?:[^%\0]|%[A-Za-z%]){0,200}")
_OFFSET = re.compile(r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?")


def _check_config(folder: Path, config: RunConfig) -> None:
    frequency, how = config.frequency, config.time_format
    sensible = (
        1 <= frequency.size <= 100_000 * calendar.WEEK
        and 0 <= frequency.phase < frequency.size
        and (frequency.kind in ("fixed", "months") or frequency.size == 1)
        and (frequency.kind != "months" or frequency.size <= 1_200_000)
        and 1 <= frequency.day <= 31
        and 0 <= frequency.clock < calendar.DAY
        and _PATTERN.fullmatch(how.pattern)
        and _OFFSET.fullmatch(how.offset)
        and (not how.pattern or frequency.kind != "step")
        and "\0" not in config.source
    )
    if not sensible:
        raise _rejected(folder / "config.json", "the times are out of bounds")
    try:
        if how.timezone:
            ZoneInfo(how.timezone)
    except (ValueError, LookupError, OSError):
        raise _rejected(folder / "config.json", f"no time zone {how.timezone!r} is known here") from None


def _check_times(folder: Path, config: RunConfig, series: SeriesNames) -> None:
    """All times of the series, and of a forecast after them, must be dates that can be written."""
    frequency = config.frequency
    microseconds = {"step": 0.0, "business": calendar.WEEK / 5, "months": 31.0 * calendar.DAY * frequency.size}
    step = microseconds.get(frequency.kind, frequency.size)
    ends = np.array(series.first) + np.diff(series.offsets) + config.plan.horizon + 1
    if not EARLIEST < min(series.first) * step <= int(ends.max()) * step < LATEST:
        raise _rejected(folder / "series.json", "a time is out of bounds")


def _check_tensors(
    folder: Path, found: dict[str, Floats], shapes: dict[str, tuple[int, ...]], kind: Any, holes: tuple[str, ...] = ()
) -> None:
    """Names, shapes and types must be exactly these, and every number finite."""
    if {name: value.shape for name, value in found.items()} != shapes:
        raise _rejected(folder, "the tensors are not those of the settings")
    for name, value in found.items():
        gaps = np.isnan(value) if name in holes else False
        if value.dtype != kind or not (np.isfinite(value) | gaps).all():
            raise _rejected(folder, f"tensor {name!r} is not made of finite numbers")


# -- verify ----------------------------------------------------------------------------------------------------------


def verify(root: Path, name: str) -> list[str]:
    """Check a run in every way that there is: hashes, content, tables, a finite forecast.

    Returns the names in its folder that are not of the run; nothing ever opens them.
    Raises RunRejectedError, RunMismatchError, StorageError.
    """
    run = load(root, name)
    check_tables(run)
    try_out(run)
    return [name for name in files.list_folder(run.folder) if name not in (*FILES, "manifest.json", "plots")]


def try_out(run: Run) -> None:
    """Make one forecast from the stored rows. Raises RunRejectedError unless it is finite."""
    tail, plan = run.tail, run.model.plan
    tail = select(tail, np.arange(min(len(tail), TRIED)))
    if tail.future_names:  # what is not known of the future is taken to be at its mean
        steps, first = (len(tail), plan.horizon, len(tail.future_names)), len(tail.past_names)
        mean = run.model.features.mean[first : first + len(tail.future_names)]
        tail = replace(tail, ahead=np.broadcast_to(mean, steps))
    model = replace(run.model, plan=replace(plan, short="fallback"))
    try:
        with np.errstate(all="ignore"):
            found = forecasting.forecast(tail, model, plan.levels)
    except ForecastError as error:
        raise _rejected(run.folder, f"it cannot forecast ({error.message})") from None
    short = np.isin(found.ids, found.fallback)
    if not np.isfinite(found.values[~short]).all():
        raise _rejected(run.folder, "its forecast is not finite")


def check_tables(run: Run) -> None:
    """The tables that pictures are drawn from. Raises RunRejectedError."""
    columns, plan = run.config.columns, run.config.plan
    names = [columns.id] if columns.id else []
    bounds = [f"{side}-{level:.10g}" for level in plan.levels for side in ("lo", "hi")]
    wanted = {
        "history.csv": (["epoch"], ["training_loss", "validation_loss"]),
        "predictions.csv": ([*names, columns.time, "cutoff"], ["actual", "forecast", "seasonal_naive", *bounds]),
        "forecast.csv": ([*names, columns.time], ["forecast", *bounds]),
    }
    for file, (texts, numbers) in wanted.items():
        try:
            reader = csv.DictReader(io.StringIO(run.texts[file].decode()))
            if run.texts[file] and not {*texts, *numbers} <= set(reader.fieldnames or ()):
                raise ValueError("a column is missing")
            rows = list(reader)
            for row in rows:
                if None in row or None in row.values():
                    raise ValueError("a row has another width")
                if "forecast" in numbers and not math.isfinite(float(row["forecast"])):
                    raise ValueError("a forecast is not finite")
                for number in numbers:
                    float(row[number] or "nan")
            if file == "history.csv" and not 0 <= run.metrics["training"]["best_epoch"] <= len(rows):
                raise ValueError("the best epoch is not in the history")
            if file == "history.csv" and not all(0 <= int(row["epoch"]) < MOST_NUMBER for row in rows):
                raise ValueError("an epoch is out of bounds")
            steps = Counter(row[columns.id] if names else "" for row in rows) if file == "forecast.csv" else Counter()
            if steps and max(steps.values()) > plan.horizon:
                raise ValueError("more steps than the horizon")
        except (ValueError, LookupError, TypeError, csv.Error):
            raise _rejected(run.folder / file, "it is not the table that it should be") from None
