"""Processes that are killed at any time, and publications that prune while others read."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks.attacks.stores import (
    AIRLINE,
    HANG,
    KEEP,
    SMALL,
    Figure,
    again,
    environment,
    leftovers,
    new_store,
    publish_and_prune,
    readers,
    wrongs,
)
from forecast_cli import store

# -- trainings -------------------------------------------------------------------------------------

# Has loaded all that a training needs, so that what is killed is at work: one fork a training. It
# prints the pid of each, then the exit code.
NURSERY = """
import os, sys
from forecast_cli.app import app
from forecast_cli import plots, training, workflow
for line in sys.stdin:
    child = os.fork()
    if not child:
        app(line.rstrip().split("|"))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Nursery:
    """Trainings in a store, one after the other, each of which can be killed."""

    def __init__(self, root: Path) -> None:
        words = ("train", AIRLINE, *SMALL, "--store", root, "--quiet", "--keep", KEEP)
        self.line = "|".join(map(str, words))
        self.process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("no pipes")
        self.orders, self.answers = self.process.stdin, self.process.stdout

    def start(self) -> int:
        """Begin a training, and return its process id."""
        print(self.line, file=self.orders, flush=True)
        return int(self.answers.readline())

    def wait(self) -> int:
        """The exit code of the training that was begun, when it is over."""
        return int(self.answers.readline())

    def close(self) -> None:
        self.orders.close()
        self.process.wait()
        self.answers.close()


def kill_trainings(folder: Path, kills: int, seed: int = 1) -> Figure:
    """kill -9 of `forecast train` at random: one half at any time, the other while a run is being written."""
    root, chance = new_store(folder), random.Random(seed)  # noqa: S311  not for secrets
    broken: list[str] = []
    outcome: Counter[str] = Counter()
    nursery = Nursery(root)
    nursery.start()
    if nursery.wait():
        broken.append("the first training failed")

    with readers(root, broken) as read:
        usual = _usual_seconds(nursery)
        for number in range(kills):
            before, old = set(store.names(root)), store.latest(root)
            started, child = time.monotonic(), nursery.start()
            deadline = started + chance.uniform(0, 1.1) * usual
            if number % 2:
                _wait_for_writing(root, started + 60)
                deadline = time.monotonic() + chance.uniform(0, 0.1)
            time.sleep(max(deadline - time.monotonic(), 0))
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

            was_killed = nursery.wait() == -signal.SIGKILL
            outcome["killed" if was_killed else "ended before"] += 1
            new = set(store.names(root)) - before
            outcome["new run"] += bool(new)
            outcome["leftovers"] += len(leftovers(root))
            broken += [f"kill {number}: {wrong}" for wrong in wrongs(root, {old, *new})]
    nursery.close()
    return {"kills": kills, **outcome, **read, "broken": broken}


def _usual_seconds(nursery: Nursery) -> float:
    """How long a training takes here and now, by the last of three."""
    seconds = 0.0
    for _ in range(3):
        started = time.monotonic()
        nursery.start()
        nursery.wait()
        seconds = time.monotonic() - started
    return seconds


def _wait_for_writing(root: Path, deadline: float) -> None:
    """Return when a run is being written, or at the deadline in time.monotonic()."""
    while time.monotonic() < deadline:
        if any(name.startswith(".tmp-0") for name in os.listdir(root / "runs")):
            return
        time.sleep(0.0005)


# -- backtests -------------------------------------------------------------------------------------

# Writes what it has done at every chance, where the tool itself waits for some seconds of work.
BACKTEST = """
import sys
from forecast_cli.store import checkpoints
from forecast_cli.workflow import backtest_progress
checkpoints.SECONDS_BETWEEN_WRITES = backtest_progress.SECONDS_BETWEEN_WRITES = 0.0
from forecast_cli.app import app
app(sys.argv[1:])
"""
LONGER = (
    *("--epochs", "60", "--patience", "0", "--lookback", "6", "--members", "2"),
    *("--origins", "4", "--refit", "every"),
)


def kill_backtests(folder: Path, kills: int, seed: int = 1) -> Figure:
    """kill -9 of `forecast backtest --resume` at random, until one ends: with the bytes of one that
    nobody killed."""
    chance = random.Random(seed)  # noqa: S311  not for secrets
    root, whole, resumed = folder / "store", folder / "whole.csv", folder / "resumed.csv"
    words = ["backtest", str(AIRLINE), *SMALL, *LONGER, "--store", str(root), "--quiet", "-o"]
    line = [sys.executable, "-c", BACKTEST, *words]
    broken: list[str] = []
    outcome: Counter[str] = Counter()

    started = time.monotonic()
    subprocess.run([*line, str(whole)], env=environment(), check=True, timeout=HANG)
    seconds = time.monotonic() - started
    while outcome["killed"] + outcome["ended before"] < kills:
        with subprocess.Popen(
            [*line, str(resumed), "--resume"], env=environment(), stderr=subprocess.PIPE
        ) as process:
            try:
                _, said = process.communicate(timeout=chance.uniform(0.5, seconds))
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                outcome["killed"] += 1
                outcome["with something kept"] += store.has_backtest(root)
                continue
        outcome["ended before"] += 1
        broken += _wrongs_of_resumed(process.returncode, said, whole, resumed)

    last = subprocess.run(
        [*line, str(resumed), "--resume"], env=environment(), capture_output=True, timeout=HANG
    )
    broken += _wrongs_of_resumed(last.returncode, last.stderr, whole, resumed)
    if store.has_backtest(root):
        broken.append("what was kept is still there")
    return {**outcome, "broken": broken}


def _wrongs_of_resumed(code: int, said: bytes, whole: Path, resumed: Path) -> list[str]:
    """What is wrong with a backtest that was gone on with."""
    if code or (said and b"no backtest was left" not in said):
        return [f"exit {code}: {said.decode()}"]
    return [] if resumed.read_bytes() == whole.read_bytes() else ["other bytes"]


# -- prunes ----------------------------------------------------------------------------------------


def prune_under_readers(folder: Path, publications: int, predictions: int = 0) -> Figure:
    """Publications that prune all they may, while others read: so many or more, until there have
    been so many predictions."""
    root = new_store(folder)
    contents = again(root)
    broken: list[str] = []
    with readers(root, broken) as read:
        done = 0
        while done < publications or (read["predictions"] < predictions and not broken):
            publish_and_prune(root, contents, keep=1)
            done += 1
    broken += wrongs(root)
    return {"publications": done, **read, "broken": broken}
