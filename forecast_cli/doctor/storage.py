"""The store: whether it is there, can be used, and has a run that forecasts; its lock; free space."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from forecast_cli import store
from forecast_cli.doctor.check import Check, Situation, existing_parent
from forecast_cli.errors import ForecastError, NoRunError
from forecast_cli.messages import plural
from forecast_cli.store import LockState, Run

LEAST_FREE = 100 << 20  # bytes
RUNS_OF_SPACE = 3  # a new run, its temporary files, and one to spare
LEAST_FILES = 1_000  # that can still be made on a disk
LONGEST_LOCK = timedelta(hours=24)
_SINCE = re.compile(r" since ([0-9T:-]+)Z")


# -- the store -------------------------------------------------------------------------------------


def check_store(situation: Situation) -> tuple[list[Check], Run | None]:
    """Whether jobs can read and write the store; the latest run, if it is sound."""
    root = situation.store
    checks = _check_path(root)
    try:
        if not store.exists(root):
            return [*checks, _missing(root)], None
    except OSError as error:
        text = f"cannot read {root}: {error.strerror}"
        hint = "check the permissions, or run jobs as the owner of the store"
        return [*checks, Check("store", "finding", text, hint)], None

    try:
        for folder in (root, root / "runs"):
            store.check_writable(folder)
    except ForecastError as error:
        checks.append(Check("store", "finding", error.message, error.hint))

    check, run = _check_latest(root)
    return [*checks, check], run


def _check_path(root: Path) -> list[Check]:
    if root.is_absolute():
        return []
    text = f"{root} is a relative path, and jobs start in another folder"
    return [Check("store", "remark", text, f"use --store {root.absolute()} for jobs")]


def _missing(root: Path) -> Check:
    """What to say where there is no store: it may never have been made, or be elsewhere."""
    hint = f"train first, forecast train DATA --store {root.absolute()}, or name another --store"
    if root.exists() and not root.is_dir():
        return Check("store", "finding", f"{root} is not a folder", "name another --store")
    return Check("store", "finding", f"there is no store in {root}", hint)


def _check_latest(root: Path) -> tuple[Check, Run | None]:
    """Read the latest run, and check it in every way there is."""
    try:
        names = store.names(root)
        run = store.load(root)
        store.check_tables(run)
        store.smoke_forecast(run)
    except NoRunError as error:
        return Check("store", "finding", error.message, error.hint), None
    except ForecastError as error:
        hint = error.hint or "see `forecast runs verify`"
        return Check("store", "finding", error.message, hint), None

    runs = plural(len(names), "run")
    return Check("store", "ok", f"{runs} in {root}; the latest, {run.name}, is sound"), run


# -- the lock --------------------------------------------------------------------------------------


def check_lock(situation: Situation) -> list[Check]:
    """Whether another command holds the lock, who it is, and since when."""
    root = situation.store
    if not store.exists(root):
        return []
    try:
        state = store.lock_state(root)
    except ForecastError as error:
        hint = f"remove {root / 'lock'} while no command is running; the next one makes a new file"
        return [Check("lock", "finding", error.message, hint)]

    if state is None:
        return [Check("lock", "ok", "free; no command has held it yet")]
    who = f"last held by {state.holder or 'a command that left no name'}"
    if state.is_held is None:
        text = f"this system does not say whether it is held; {who}"
        return [Check("lock", "remark", text, "see whether that command is still running")]
    if not state.is_held:
        return [Check("lock", "ok", f"free; {who}")]
    return [_held(state, situation.now)]


def _held(state: LockState, now: datetime) -> Check:
    text = f"held by {state.holder or 'a command that left no name'}"
    match = _SINCE.search(state.holder)
    try:
        since = datetime.fromisoformat(match[1]).replace(tzinfo=UTC) if match else now
    except ValueError:
        since = now
    if now - since > LONGEST_LOCK:
        hint = "see whether that command hangs; the lock is free as soon as it is stopped"
        return Check("lock", "finding", text, hint)
    return Check("lock", "remark", text, "jobs wait for it with --lock-wait 10m")


# -- free space ------------------------------------------------------------------------------------


def check_space(situation: Situation, run: Run | None) -> list[Check]:
    """Whether another run fits on the disk."""
    place = existing_parent(situation.store)
    size = sum(seal.size for seal in run.manifest.files.values()) if run else 0
    needed = max(LEAST_FREE, RUNS_OF_SPACE * size)
    disk = os.statvfs(place)
    free = disk.f_bavail * disk.f_frsize
    text = f"{_bytes(free)} free for {situation.store}"
    if free < needed:
        hint = f"free some space, {_bytes(needed)} at least; `forecast runs prune --keep 3` may do"
        return [Check("space", "finding", text, hint)]

    if disk.f_files and disk.f_favail < LEAST_FILES:
        text = f"only {disk.f_favail:,} more files fit on the disk of {situation.store}"
        return [Check("space", "finding", text, "remove files that are not needed")]
    return [Check("space", "ok", text)]


def _bytes(size: float) -> str:
    """`512 MiB`, `1.5 GiB`."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.3g} {unit}" if unit != "bytes" else f"{size:.0f} bytes"
        size /= 1024
    return f"{size:,.3g} TiB"
