"""What all attacks share: the tool as a process, small stores, and what is wrong with one afterwards."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.commands import ROOT
from forecast_cli import store, workflow
from forecast_cli.errors import ForecastError
from forecast_cli.store import Contents

AIRLINE = ROOT / "sample_data" / "airline.csv"
SMALL = ("--epochs", "1", "--units", "3", "--horizon", "3", "--members", "1")
KEEP = 3
HANG = 1800  # seconds after which a process is taken to hang, also on a slow and busy machine
Figure = dict[str, Any]


def tool(*words: object) -> list[str]:
    return [sys.executable, "-m", "forecast_cli", *map(str, words)]


def environment(**more: str) -> dict[str, str]:
    """That of cron: no HOME, no terminal."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | more


def command(*words: object, **rest: Any) -> subprocess.CompletedProcess[bytes]:
    """The tool as a process of its own."""
    usual: dict[str, Any] = {
        "env": environment(),
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "timeout": HANG,
    }
    return subprocess.run(tool(*words), check=False, **(usual | rest))


# -- stores ----------------------------------------------------------------------------------------


def new_store(folder: Path) -> Path:
    """A store with one small run: without the base network, which is a megabyte."""
    root = folder / "store"
    small: dict[str, Any] = {"epochs": 1, "units": "3", "horizon": 3, "threads": 1}
    workflow.train(AIRLINE, draw=False, store_folder=root, warm_start="none", **small)
    return root


def full_store(folder: Path) -> Path:
    """A store with as many runs as stay, so that the next publication prunes one."""
    root = new_store(folder)
    for _ in range(KEEP - 1):
        publish_and_prune(root, again(root))
    return root


def again(root: Path) -> Contents:
    """What publishes the latest run once more: a publication without a training."""
    run = store.load(root)
    tables = {name: data for name, data in run.texts.items() if name.endswith(".csv")}
    return Contents(run.config, run.model, run.tail, run.metrics, tables)


def publish_and_prune(root: Path, contents: Contents, keep: int = KEEP) -> None:
    with store.lock(root) as lock:
        store.promote(lock, store.publish(lock, contents))
        store.prune(lock, keep)


# -- what is wrong with one ------------------------------------------------------------------------


def leftovers(root: Path) -> list[str]:
    """The names of what a writer that was stopped has left behind."""
    names = []
    for folder in (root, root / "runs", root / "forecasts"):
        if folder.exists():
            names += os.listdir(folder)
    return [name for name in names if name.startswith(".tmp-")]


def wrongs(root: Path, allowed: set[str] | None = None) -> list[str]:
    """What is wrong with a store after an attack, with every run in it; empty: nothing.

    allowed: the runs that may be the latest; None for any.
    """
    found = []
    try:
        name = store.latest(root)
        if allowed is not None and name not in allowed:
            found.append(f"latest is {name}")
        for each in store.names(root):
            store.verify(root, each)
        if name not in store.names(root):
            found.append("latest is gone")
        if name in store.unpromoted(root):
            found.append("latest is marked as never promoted")
    except ForecastError as error:
        found.append(error.message)

    if len(leftovers(root)) > 1:
        found.append(f"leftovers: {leftovers(root)}")
    with store.lock(root):  # the lock is free, and what was left behind is swept
        pass
    if leftovers(root):
        found.append(f"not swept: {leftovers(root)}")
    return found


@contextlib.contextmanager
def readers(root: Path, broken: list[str]) -> Iterator[Counter[str]]:
    """A thread that predicts all the while; every forecast must be that of a whole run."""
    count: Counter[str] = Counter()
    stop = threading.Event()

    def predict() -> None:
        while not stop.is_set():
            try:
                predicted = workflow.predict(AIRLINE, store_folder=root)
                if len(predicted.forecast.values[0]) != 3:
                    raise ValueError("a forecast of another length")
                count["predictions"] += 1
                time.sleep(0.05)
            except Exception as error:
                broken.append(f"reader: {error!r}")

    thread = threading.Thread(target=predict)
    thread.start()
    try:
        yield count
    finally:
        stop.set()
        thread.join()
