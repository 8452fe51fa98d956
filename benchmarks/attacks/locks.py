"""Trainings in one store at the same time."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections import Counter
from pathlib import Path

from benchmarks.attacks.stores import AIRLINE, SMALL, Figure, command, environment, tool, wrongs
from forecast_cli import store


def trainings_at_once(folder: Path, count: int) -> Figure:
    """Several trainings in one store at the same moment, and how long it takes to be refused."""
    root = folder / "store"
    started = time.monotonic()
    trainings = _begin_trainings(root, count)
    last_refused = max(_last_refusal(trainings) - started, 0.0)
    texts = _texts_of(trainings)
    codes = Counter(training.returncode for training in trainings)
    named = sum("another command is writing in" in text and " pid " in text for text in texts)

    broken: list[str] = []
    if codes != {0: 1, 11: count - 1} or named != count - 1:
        broken.append(f"exit codes {dict(codes)}, {texts}")
    broken += wrongs(root)
    seconds = _refusals_under_lock(root, 5, broken)
    return {
        "trainings": count,
        **{f"exit {code}": number for code, number in sorted(codes.items())},
        "naming the holder": named,
        "last refused after s": round(last_refused, 2),
        "one refused after s": round(statistics.median(seconds), 2),
        "broken": broken,
    }


def _begin_trainings(root: Path, count: int) -> list[subprocess.Popen[bytes]]:
    """Trainings that take long enough for all of them to meet."""
    long = ("--epochs", "400", "--patience", "0", "--units", "32", "--horizon", "3")
    line = tool("train", AIRLINE, *long, "--store", root, "--quiet")
    trainings = []
    for _ in range(count):
        trainings.append(subprocess.Popen(line, env=environment(), stderr=subprocess.PIPE))
    return trainings


def _last_refusal(trainings: list[subprocess.Popen[bytes]]) -> float:
    """When the last of them was refused, in time.monotonic(), or 0; returns when all have ended."""
    last = 0.0
    running = trainings
    while running:
        time.sleep(0.01)
        ended = [training for training in running if training.poll() is not None]
        if any(training.returncode == 11 for training in ended):
            last = time.monotonic()
        running = [training for training in running if training not in ended]
    return last


def _texts_of(ended: list[subprocess.Popen[bytes]]) -> list[str]:
    """What each of them wrote on stderr."""
    return [process.communicate()[1].decode() for process in ended]


def _refusals_under_lock(root: Path, times: int, broken: list[str]) -> list[float]:
    """How many seconds it takes to refuse a training, so many times, while the store is locked."""
    seconds = []
    with store.lock(root):
        for _ in range(times):
            started = time.monotonic()
            if command("train", AIRLINE, *SMALL, "--store", root).returncode != 11:
                broken.append("a second training was not refused")
            seconds.append(time.monotonic() - started)
    return seconds
