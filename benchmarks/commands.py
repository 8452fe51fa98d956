"""The command as a user has it, its seconds, and a process that cannot hang the others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def forecast(*words: str, folder: str | os.PathLike[str], timeout: float | None = None) -> bytes:
    """Run `forecast` in a folder, and return its stdout. Raises CalledProcessError."""
    command = str(Path(sys.executable).with_name("forecast"))
    return subprocess.run(
        [command, *words], cwd=folder, check=True, stdout=subprocess.PIPE, timeout=timeout
    ).stdout


def timed_forecast(*words: str, folder: str | os.PathLike[str]) -> tuple[bytes, float]:
    """The stdout of the whole command, and its seconds."""
    start = time.perf_counter()
    printed = forecast(*words, folder=folder)
    return printed, round(time.perf_counter() - start, 1)


def bounded(words: Sequence[str], limit: float) -> tuple[str, str]:
    """The stdout of a process and why it failed, which is empty if it did not.

    After `limit` seconds, the process and everything that it started is stopped.
    """
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        printed, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        printed, _ = process.communicate()
        return printed, f"stopped after {limit:g} s"
    if process.returncode:
        lines = errors.strip().splitlines() or [f"exit code {process.returncode}"]
        return printed, lines[-1]
    return printed, ""
