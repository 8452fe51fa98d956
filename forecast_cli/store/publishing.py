"""Publishing a run, and promoting it, which makes it the latest. A run can exist without the latter.

A run is written under a temporary name, sealed by a manifest with the hash of every file, read
back, and renamed; its name ends in the hash of the manifest. `latest.json` is replaced when the run
is promoted. So whenever the power fails, a reader finds the old run or the new one, whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import platform
from dataclasses import replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import forecast_cli
from forecast_cli import forecasting
from forecast_cli.errors import ForecastError, NoRunError, StorageError
from forecast_cli.forecasting import Model
from forecast_cli.panel import Panel, select
from forecast_cli.store import contents as run_contents
from forecast_cli.store import files, listing, reading, strict_json
from forecast_cli.store.contents import Contents, Run
from forecast_cli.store.locking import Lock
from forecast_cli.store.records import FileSeal, Input, Manifest, Pointer
from forecast_cli.store.rejection import rejected
from forecast_cli.store.times import Clock, now_in_utc, time_text
from forecast_cli.store.upgrades import RUN_SCHEMAS, newest_run_schema

MAX_SMOKE_SERIES = 64  # of the forecast that is made before a run is published


def publish(
    lock: Lock,
    contents: Contents,
    *,
    refusal: str = "",
    now: Clock = now_in_utc,
) -> Run:
    """Publish a run, without making it the latest.

    now: the clock whose time goes into the name of the run.
    refusal: why it will not be promoted, for people; an empty text where it may be. It is kept
    until the run is promoted.

    Raises StorageError, and RunRejectedError where the run cannot be read back or cannot forecast;
    then no run is published. Raises ValueError where the files are not those of a run.
    """
    root = lock.root
    sequence = listing.last_sequence(root) + 1
    folder = root / "runs" / f".tmp-{sequence:06d}"
    try:
        name = _write_run(folder, sequence, contents, now())
        _mark_unpromoted(root, name, refusal)
        files.rename(folder, root / "runs" / name)
    except BaseException:
        # On a full disk every byte counts. If this fails, too, the next command sweeps it.
        with contextlib.suppress(StorageError, OSError):
            files.remove(folder)
        raise
    return reading.load(root, name)


def promote(lock: Lock, run: Run) -> None:
    """Make a published run the latest. Raises StorageError, NoRunError for one of another store."""
    root = lock.root
    if run.name not in listing.names(root):
        raise NoRunError(f"no run {run.name!r} in {root}", "see `forecast runs list`")

    # The mark goes first: the latest run is never one that is said not to have been promoted.
    mark = root / listing.UNPROMOTED / run.name
    if mark.exists():
        files.remove(mark)
        files.fsync_folder(mark.parent)

    pointer = Pointer(run.name, run.manifest.sequence)
    files.replace_file(root / "latest.json", strict_json.write(pointer))


def write_report(lock: Lock, report: dict[str, Any]) -> None:
    """last_run.json: the report of the last training, also of a failed one. Raises StorageError."""
    files.replace_file(lock.root / "last_run.json", strict_json.write(report))


def versions() -> dict[str, str]:
    """Versions that decide whether a training can be repeated to the byte."""
    known = {"forecast": forecast_cli.__version__, "python": platform.python_version()}
    for package in ("numpy", "pandas", "torch"):
        with contextlib.suppress(PackageNotFoundError):
            known[package] = version(package)
    return known


def smoke_forecast(run: Run) -> None:
    """Make one forecast of the first series from the stored rows.

    Raises RunRejectedError unless it is finite.
    """
    tail = _with_mean_future(run.tail, run.model)
    tail = select(tail, np.arange(min(len(tail), MAX_SMOKE_SERIES)))
    plan = run.model.plan
    model = replace(run.model, plan=replace(plan, short="fallback"))

    path = run.folder / "model.safetensors"
    try:
        with np.errstate(all="ignore"):
            forecast = forecasting.forecast(tail, model, plan.levels)
    except ForecastError as error:
        raise rejected(path, f"it cannot forecast ({error.message})") from None

    # A series that is too short for the network repeats its last season, which may have holes.
    from_network = ~np.isin(forecast.ids, forecast.fallback)
    if not np.isfinite(forecast.values[from_network]).all():
        raise rejected(path, "its forecast is not finite")


def _with_mean_future(tail: Panel, model: Model) -> Panel:
    """The panel with each known-future covariate at its mean after the last row."""
    if not tail.future_names:
        return tail

    first = len(tail.past_names)
    count = len(tail.future_names)
    mean = model.features.mean[first : first + count]
    shape = (len(tail), model.plan.horizon, count)
    return replace(tail, ahead=np.broadcast_to(mean, shape))


def _write_run(folder: Path, sequence: int, contents: Contents, time: datetime) -> str:
    """Write a run into a new folder, read it back and try it. Returns the name it is to have."""
    content_of = run_contents.encode(contents)
    RUN_SCHEMAS[newest_run_schema()].check_files(content_of)

    files.create_folder(folder)
    for name, data in content_of.items():
        files.create_file(folder / name, data)

    manifest = _manifest(contents, content_of, sequence, time)
    sealed = strict_json.write(manifest)
    files.create_file(folder / "manifest.json", sealed)
    name = f"{manifest.created}-{sequence:06d}-{hashlib.sha256(sealed).hexdigest()[:12]}"

    smoke_forecast(reading.read_run(folder, name))
    files.fsync_folder(folder)
    return name


def _manifest(
    contents: Contents,
    content_of: dict[str, bytes],
    sequence: int,
    time: datetime,
) -> Manifest:
    panel, plan = contents.panel, contents.config.plan
    seals = {}
    for name, data in content_of.items():
        seals[name] = FileSeal(len(data), hashlib.sha256(data).hexdigest())

    return Manifest(
        format="forecast-run",
        schema=newest_run_schema(),
        sequence=sequence,
        created=time_text(time),
        versions=versions(),
        seed=plan.seed,
        threads=plan.threads,
        input=Input(
            path=panel.source,
            sha256=panel.fingerprint,
            rows=int(panel.offsets[-1]),
            series=len(panel),
        ),
        files=seals,
    )


def _mark_unpromoted(root: Path, name: str, refusal: str) -> None:
    """Say that a run was never the latest, and why, durably, before the run gets its name."""
    folder = root / listing.UNPROMOTED
    files.make_folder(folder)
    if name not in listing.unpromoted(root):
        files.create_file(folder / name, refusal.encode())
        files.fsync_folder(folder)
