"""The clock: whether it is behind what was written before."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from forecast_cli import store
from forecast_cli.doctor.check import Check, Situation
from forecast_cli.errors import ForecastError, RunRejectedError

TOLERANCE = timedelta(minutes=1)  # between two machines that share a disk
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # this release is newer
SET_CLOCK = "set the clock (timedatectl); until then ages are wrong, and jobs run at wrong times"


def check_clock(situation: Situation) -> list[Check]:
    """Whether the clock is before the newest run, before a file, or in another century."""
    now = situation.now
    shown = now.strftime("%Y-%m-%d %H:%M %Z")
    if now < EARLIEST:
        text = f"the clock shows {shown}, which is before this release was made"
        return [Check("clock", "finding", text, SET_CLOCK)]

    newest = _newest_run(situation.store)
    if newest and now < newest[0] - TOLERANCE:
        text = f"the clock shows {shown}, which is before the run {newest[1]} was made"
        return [Check("clock", "finding", text, SET_CLOCK)]

    for path in _files(situation.store):
        with contextlib.suppress(OSError, OverflowError, ValueError):
            written = datetime.fromtimestamp(os.stat(path).st_mtime, UTC)
            if now < written - TOLERANCE:
                text = f"the clock shows {shown}, which is before {path} was written"
                return [Check("clock", "finding", text, SET_CLOCK)]
    return [Check("clock", "ok", shown)]


def _newest_run(root: Path) -> tuple[datetime, str] | None:
    """When the newest run was made, by its name."""
    with contextlib.suppress(ForecastError):
        known = []
        for name in store.names(root):
            with contextlib.suppress(RunRejectedError):
                known.append((store.time_of(name), name))
        return max(known, default=None)
    return None


def _files(root: Path) -> list[Path]:
    return [root / name for name in ("latest.json", "last_run.json", "lock", "store.json")]
