"""Attacks on the store: `python benchmarks/faults.py`, or a bounded part: `--quick`, or some: `--only flips --only locks`.

Prints one JSON line a figure: what was done how often, and how often a promise was broken, which must be 0. Ends with
exit 1 if one was. What each promise is, and the counts of a whole pass, are in docs/reliability.md.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import hashlib
import json
import os
import pickle
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecast_cli import store, tables, workflow
from forecast_cli.errors import (
    ForecastError,
    NoRunError,
    RunMismatchError,
    RunRejectedError,
    StorageError,
)
from forecast_cli.forecasting import Forecast
from forecast_cli.settings import Settings
from forecast_cli.sources import settings_from
from forecast_cli.store import Contents

ROOT = Path(__file__).parent.parent
AIRLINE = ROOT / "sample_data" / "airline.csv"
SMALL = ("--epochs", "1", "--units", "3", "--horizon", "3", "--members", "1")
CODES = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EACCES": errno.EACCES, "EFBIG": errno.EFBIG}
KEEP = 3
HANG = 1800  # seconds after which a process is taken to hang, also on a slow and busy machine
REJECTIONS = (RunRejectedError, RunMismatchError, NoRunError)
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


def new_store(folder: Path) -> Path:
    """A store with one small run: without the base network, which is a megabyte."""
    root = folder / "store"
    small: dict[str, Any] = {"epochs": 1, "units": "3", "horizon": 3, "threads": 1}
    workflow.train(AIRLINE, draw=False, store_folder=root, warm_start="none", **small)
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


def leftovers(root: Path) -> list[str]:
    return [
        name
        for folder in (root, root / "runs", root / "forecasts")
        if folder.exists()
        for name in os.listdir(folder)
        if name.startswith(".tmp-")
    ]


def wrongs(root: Path, allowed: set[str] | None = None) -> list[str]:
    """What is wrong with a store after an attack, with every run in it; empty: nothing."""
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


# -- every call fails, or is the last ----------------------------------------------------------------------------------

BY_PATH = ("open", "rename", "replace", "mkdir", "unlink", "rmdir")
BY_DESCRIPTOR = ("write", "fsync", "ftruncate")


@contextlib.contextmanager
def at_call(root: Path, act: Callable[[int, Callable[[], object]], None]) -> Iterator[Counter[str]]:
    """Call `act` before every system call below `root`, with its number and with what does half of it if it is a write.

    All that files.py does goes through these functions of `os`, also by way of pathlib and shutil: replaced there, the
    product needs no seam.
    """
    count: Counter[str] = Counter()
    inside: set[int] = set()
    real = {name: getattr(os, name) for name in (*BY_PATH, *BY_DESCRIPTOR, "close")}

    def is_below(name: str, first: Any, rest: dict[str, Any]) -> bool:
        if name in BY_DESCRIPTOR:
            return first in inside
        held = rest.get("dir_fd")
        return held in inside if held is not None else str(first).startswith(str(root))

    def replaced(name: str) -> Callable[..., Any]:
        def call(first: Any, *more: Any, **rest: Any) -> Any:
            if not is_below(name, first, rest):
                return real[name](first, *more, **rest)
            count[name] += 1
            act(
                count.total(),
                lambda: (
                    real["write"](first, bytes(more[0])[: len(more[0]) // 2])
                    if name == "write"
                    else None
                ),
            )
            result = real[name](first, *more, **rest)
            if name == "open":
                inside.add(result)
            return result

        return call

    def close(fd: int) -> None:
        inside.discard(fd)
        real["close"](fd)

    try:
        for name in (*BY_PATH, *BY_DESCRIPTOR):
            setattr(os, name, replaced(name))
        os.close = close
        yield count
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def prepared(folder: Path) -> Path:
    """A store with as many runs as stay, so that the next publication prunes one."""
    root = new_store(folder)
    for _ in range(KEEP - 1):
        publish_and_prune(root, again(root))
    return root


def count_calls(template: Path, folder: Path) -> Counter[str]:
    root = Path(shutil.copytree(template, folder / "counted"))
    contents = again(root)
    with at_call(root, lambda number, half: None) as count:
        publish_and_prune(root, contents)
    shutil.rmtree(root)
    return count


def fail_at_calls(template: Path, folder: Path, codes: dict[str, int], step: int = 1) -> Figure:
    """Call N of a publication and its pruning fails, once and from then on, for every N."""
    calls = count_calls(template, folder)
    broken: list[str] = []
    attacks = failed = 0
    root = folder / "failing"
    for code in codes.values():
        for for_good in (False, True):
            for number in range(1, calls.total() + 1, step):

                def act(
                    at: int,
                    half: Callable[[], object],
                    number: int = number,
                    code: int = code,
                    good: bool = for_good,
                ) -> None:
                    if at == number or (good and at > number):
                        half()
                        raise OSError(code, os.strerror(code))

                shutil.copytree(template, root)
                contents, before = again(root), set(store.names(root))
                attacks += 1
                with at_call(root, act):
                    try:
                        publish_and_prune(root, contents)
                    except StorageError as error:
                        failed += error.exit_code == 30
                    except BaseException as error:
                        broken.append(f"call {number}: {error!r}")
                new = set(store.names(root)) - before
                broken += [
                    f"call {number}, {os.strerror(code)}: {wrong}"
                    for wrong in wrongs(root, {max(before), *new})
                ]
                shutil.rmtree(root)
    return {
        "calls": dict(calls),
        "attacks": attacks,
        "exit_30": failed,
        "errors": list(codes),
        "broken": broken,
    }


def kill_at_calls(template: Path, folder: Path, step: int = 1) -> Figure:
    """SIGKILL at call N of a publication and its pruning, in the middle of it if it is a write."""
    calls = count_calls(template, folder)
    broken: list[str] = []
    killed = 0
    root = folder / "killed"
    for number in range(1, calls.total() + 1, step):

        def act(at: int, half: Callable[[], object], number: int = number) -> None:
            if at == number:
                half()
                os.kill(os.getpid(), signal.SIGKILL)

        shutil.copytree(template, root)
        contents, before = again(root), set(store.names(root))
        child = os.fork()  # one process for each call would take an hour to start
        if not child:
            with at_call(root, act):
                publish_and_prune(root, contents)
            os._exit(0)
        killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        new = set(store.names(root)) - before
        broken += [f"call {number}: {wrong}" for wrong in wrongs(root, {max(before), *new})]
        shutil.rmtree(root)
    return {"calls": calls.total(), "killed": killed, "broken": broken}


# -- killed at any time, with readers ----------------------------------------------------------------------------------


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


# Has loaded all that a training needs, so that what is killed is at work: one fork a training. Pid, then exit code.
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


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def kill_trainings(folder: Path, kills: int, seed: int = 1) -> Figure:
    """kill -9 of `forecast train` at random: one half at any time, the other while a run is being written."""
    root, chance = new_store(folder), random.Random(seed)  # noqa: S311  not for secrets
    words = "|".join(
        map(str, ("train", AIRLINE, *SMALL, "--store", root, "--quiet", "--keep", KEEP))
    )
    broken: list[str] = []
    outcome: Counter[str] = Counter()
    nursery = subprocess.Popen(
        [sys.executable, "-c", NURSERY],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if nursery.stdin is None or nursery.stdout is None:
        raise RuntimeError("no pipes")

    def start() -> int:
        print(words, file=nursery.stdin, flush=True)
        return int(nursery.stdout.readline())  # type: ignore[union-attr]

    start()
    broken += ["the first training failed"] if int(nursery.stdout.readline()) else []
    usual = 0.0
    with readers(root, broken) as read:
        for number in range(-3, kills):
            before, old = set(store.names(root)), store.latest(root)
            started, child = time.monotonic(), start()
            if number < 0:  # how long a training takes here and now
                nursery.stdout.readline()
                usual = time.monotonic() - started
                continue
            deadline = started + chance.uniform(0, 1.1) * usual
            if number % 2:
                while time.monotonic() < started + 60 and not any(
                    n.startswith(".tmp-0") for n in os.listdir(root / "runs")
                ):
                    time.sleep(0.0005)
                deadline = time.monotonic() + chance.uniform(0, 0.1)
            time.sleep(max(deadline - time.monotonic(), 0))
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            outcome[
                "killed" if int(nursery.stdout.readline()) == -signal.SIGKILL else "ended before"
            ] += 1
            new = set(store.names(root)) - before
            outcome["new run"] += bool(new)
            outcome["leftovers"] += len(leftovers(root))
            broken += [f"kill {number}: {wrong}" for wrong in wrongs(root, {old, *new})]
    nursery.stdin.close()
    nursery.wait()
    nursery.stdout.close()
    return {"kills": kills, **outcome, **read, "broken": broken}


# Writes what it has done at every chance, where the tool itself waits for some seconds of work.
BACKTEST = """
import sys
from forecast_cli.store import checkpoints
from forecast_cli.workflow import backtest_progress
checkpoints.SECONDS_BETWEEN_WRITES = backtest_progress.SECONDS_BETWEEN_WRITES = 0.0
from forecast_cli.app import app
app(sys.argv[1:])
"""


def kill_backtests(folder: Path, kills: int, seed: int = 1) -> Figure:
    """kill -9 of `forecast backtest --resume` at random, until one ends: with the bytes of one that
    nobody killed."""
    chance = random.Random(seed)  # noqa: S311  not for secrets
    root, whole, resumed = folder / "store", folder / "whole.csv", folder / "resumed.csv"
    words = ["backtest", str(AIRLINE), *SMALL, "--epochs", "60", "--patience", "0", "--lookback"]
    words += [
        "6",
        "--members",
        "2",
        "--origins",
        "4",
        "--refit",
        "every",
        "--store",
        str(root),
        "--quiet",
        "-o",
    ]
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
        broken += _of_resumed(process.returncode, said, whole, resumed)

    last = subprocess.run(
        [*line, str(resumed), "--resume"], env=environment(), capture_output=True, timeout=HANG
    )
    broken += _of_resumed(last.returncode, last.stderr, whole, resumed)
    if store.has_backtest(root):
        broken.append("what was kept is still there")
    return {**outcome, "broken": broken}


def _of_resumed(code: int, said: bytes, whole: Path, resumed: Path) -> list[str]:
    """What is wrong with a backtest that was gone on with."""
    if code or (said and b"no backtest was left" not in said):
        return [f"exit {code}: {said.decode()}"]
    return [] if resumed.read_bytes() == whole.read_bytes() else ["other bytes"]


# -- refresh -----------------------------------------------------------------------------------------------------------

REFRESH = (*SMALL, "--retrain-after", "0")
OLD = b"the forecast of yesterday\n"


def settings_of_refresh() -> Settings:
    """Those of `REFRESH`, so that every refresh trains."""
    small: dict[str, Any] = {"epochs": 1, "units": "3", "horizon": 3, "members": 1}
    return settings_from(**small, retrain_after="0", threads=1)


def refreshed_folder(folder: Path) -> Path:
    """A folder with a store that was refreshed once, and an older forecast."""
    place = folder / "template"
    place.mkdir()
    refresh_in(place)
    (place / "out.csv").write_bytes(OLD)
    return place


def refresh_in(place: Path) -> None:
    """A refresh in this process, that trains and publishes."""

    def deliver(forecast: Forecast) -> None:
        store.replace_file(place / "out.csv", tables.forecast_csv(forecast))

    workflow.refresh(AIRLINE, settings_of_refresh(), deliver, store_folder=place / "store")


def wrongs_of_refresh(place: Path, before: set[str], latest: str) -> list[str]:
    """What is wrong with a folder after a refresh was stopped. before: the runs before it."""
    root = place / "store"
    new = set(store.names(root)) - before
    found = wrongs(root, {latest, *new})
    written = (place / "out.csv").read_bytes()
    if written != OLD and (not written.startswith(b"Month,") or written.count(b"\n") != 4):
        found.append(f"-o is neither old nor whole: {written[:60]!r}")
    for number in store.forecast_numbers(root):
        try:
            store.read_forecast(root, number)
        except ForecastError as error:
            found.append(error.message)
    if any(name.startswith(".tmp-") for name in os.listdir(root / "forecasts")):
        found.append("the track was not swept")
    return found


def kill_refresh_at_calls(folder: Path, step: int = 1) -> Figure:
    """SIGKILL at call N of a refresh that trains, in the middle of it if it is a write."""
    template = refreshed_folder(folder)
    place = Path(shutil.copytree(template, folder / "place"))
    with at_call(place, lambda number, half: None) as calls:
        refresh_in(place)
    shutil.rmtree(place)
    total = calls.total()

    broken: list[str] = []
    killed = new_outputs = 0
    for number in range(1, total + 1, step):

        def act(at: int, half: Callable[[], object], number: int = number) -> None:
            if at == number:
                half()
                os.kill(os.getpid(), signal.SIGKILL)

        shutil.copytree(template, place)
        before, latest = set(store.names(place / "store")), store.latest(place / "store")
        child = os.fork()
        if not child:
            with at_call(place, act):
                refresh_in(place)
            os._exit(0)
        killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        new_outputs += (place / "out.csv").read_bytes() != OLD
        broken += [f"call {number}: {wrong}" for wrong in wrongs_of_refresh(place, before, latest)]
        shutil.rmtree(place)
    return {"calls": total, "killed": killed, "new_outputs": new_outputs, "broken": broken}


def kill_refreshes(folder: Path, kills: int, seed: int = 1) -> Figure:
    """kill -9 of `forecast refresh` at random, in one store, with readers all the while."""
    place, chance = refreshed_folder(folder), random.Random(seed)  # noqa: S311  not for secrets
    root, output = place / "store", place / "out.csv"
    line = tool("refresh", AIRLINE, *REFRESH, "--store", root, "-o", output, "--quiet")
    broken: list[str] = []
    outcome: Counter[str] = Counter()
    started = time.monotonic()
    subprocess.run(line, env=environment(), check=True, timeout=HANG)
    usual = time.monotonic() - started
    with readers(root, broken) as read:
        for number in range(kills):
            output.write_bytes(OLD)
            before, latest = set(store.names(root)), store.latest(root)
            process = subprocess.Popen(line, env=environment(), stderr=subprocess.PIPE)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=chance.uniform(0.3, 1.1) * usual)
            process.kill()
            process.communicate()
            outcome["killed" if process.returncode < 0 else "ended before"] += 1
            outcome["new run"] += set(store.names(root)) != before
            outcome["new output"] += output.read_bytes() != OLD
            broken += [
                f"kill {number}: {wrong}" for wrong in wrongs_of_refresh(place, before, latest)
            ]
    return {"kills": kills, **outcome, **read, "broken": broken}


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


# -- no room -----------------------------------------------------------------------------------------------------------


def full_disk(folder: Path, sizes: int) -> Figure:
    """A small file system that is more and more full."""
    place = folder / "small"
    place.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount")
    line = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if not mounted or subprocess.run(line, capture_output=True, check=False).returncode:
        return {"skipped": "no right to mount a file system here", "broken": []}
    broken: list[str] = []
    outcome: Counter[str] = Counter()
    try:
        root = new_store(place)
        contents = again(root)
        for number in range(sizes):
            used, old = store.names(root), store.latest(root)
            room = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
            filler = place / "filler"
            filler.write_bytes(bytes(max(room - 96 * 1024 * number // sizes, 0)))
            try:
                publish_and_prune(root, contents)
                outcome["published"] += 1
            except StorageError:
                outcome["exit_30"] += 1
            name = store.latest(root)
            if name not in {old, *set(store.names(root)) - set(used)}:
                broken.append(f"{number}: latest is {name}")
            store.verify(root, name)
            if number == 0:
                done = command("train", AIRLINE, *SMALL, "--store", root)
                outcome["trainings, exit 30"] += done.returncode == 30
                if done.returncode != 30:
                    broken.append(
                        f"a training on a full disk: exit {done.returncode}, {done.stderr.decode()}"
                    )
            filler.unlink()
            broken += [f"{number}: {wrong}" for wrong in wrongs(root)]
    finally:
        subprocess.run(["umount", str(place)], check=True)
    return {"sizes": sizes, **outcome, "broken": broken}


def file_size_limits(folder: Path, limits: list[int]) -> Figure:
    """Trainings that may write files of so many bytes only."""
    root = new_store(folder)
    broken: list[str] = []
    outcome: Counter[str] = Counter()
    for limit in limits:
        before = store.latest(root)
        done = command(
            "train", AIRLINE, *SMALL, "--store", root, "--quiet",
            preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
            # Python itself cuts off what it compiles under such a limit, and fails on that ever after.
            env=environment() | {"PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        outcome[f"exit {done.returncode}"] += 1
        if (done.returncode == 30) != (store.latest(root) == before) or done.returncode not in (
            0,
            3,
            30,
        ):
            broken.append(f"{limit} bytes: exit {done.returncode}, {done.stderr.decode()}")
        broken += [f"{limit} bytes: {wrong}" for wrong in wrongs(root)]
    return {"limits": len(limits), **outcome, "broken": broken}


# -- at the same time --------------------------------------------------------------------------------------------------


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


# -- damaged and hostile runs ------------------------------------------------------------------------------------------


def run_files(root: Path) -> list[Path]:
    run = store.load(root)
    return [run.folder / name for name in (*run.manifest.files, "manifest.json")]


def accepts(root: Path, broken: list[str], what: str) -> bool:
    """Whether a run is believed; every way of refusing it but the right ones is noted."""
    try:
        store.load(root)
    except REJECTIONS:
        return False
    except BaseException as error:
        broken.append(f"{what}: {error!r}")
        return False
    return True


def truncations(folder: Path, step: int = 1) -> Figure:
    """Every file of a run, cut off after every byte."""
    root = new_store(folder)
    broken: list[str] = []
    tried = accepted = 0
    for path in run_files(root):
        good = path.read_bytes()
        for length in range(len(good) - 1, -1, -step):
            os.truncate(path, length)
            tried += 1
            accepted += accepts(root, broken, f"{path.name} cut to {length}")
        path.write_bytes(good)
    store.load(root)
    return {"truncations": tried, "accepted": accepted, "broken": broken + ["accepted"] * accepted}


def bit_flips(folder: Path, flips: int, seed: int = 1) -> Figure:
    """Random bits of every file of a run, one at a time."""
    root, chance = new_store(folder), random.Random(seed)  # noqa: S311  not for secrets
    broken: list[str] = []
    accepted = tried = 0
    for path in run_files(root):
        good = path.read_bytes()
        for _ in range(flips):
            place, bit = chance.randrange(len(good)), 1 << chance.randrange(8)
            bad = bytearray(good)
            bad[place] ^= bit
            path.write_bytes(bad)
            tried += 1
            accepted += accepts(root, broken, f"{path.name}, byte {place}, bit {bit}")
        path.write_bytes(good)
    store.load(root)
    return {
        "files": len(run_files(root)),
        "flips": tried,
        "accepted": accepted,
        "broken": broken + ["accepted"] * accepted,
    }


def seal(root: Path, texts: dict[str, bytes]) -> None:
    """What an attacker with write access does: change files of the latest run, and make all hashes fit again."""
    folder = root / "runs" / store.latest(root)
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, data in texts.items():
        if name == "manifest.json":
            continue
        (folder / name).write_bytes(data)
        manifest["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    sealed = texts.get("manifest.json", json.dumps(manifest).encode())
    (folder / "manifest.json").write_bytes(sealed)
    new = f"{folder.name[:-12]}{hashlib.sha256(sealed).hexdigest()[:12]}"
    folder.rename(folder.with_name(new))
    (root / "latest.json").write_text(json.dumps({"run": new, "sequence": int(new.split("-")[1])}))


class Bait:
    """A pickle of this makes a file wherever it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return (open, (str(self.path), "w"))


def baits(folder: Path, canary: Path) -> dict[str, bytes]:
    """Pickles of every protocol, and archives of them."""
    found = {
        f"pickle {n}": pickle.dumps(Bait(canary), n) for n in range(pickle.HIGHEST_PROTOCOL + 1)
    }
    archive = folder / "bait.zip"
    with zipfile.ZipFile(archive, "w") as file:  # as torch.save writes it
        file.writestr("archive/data.pkl", found["pickle 2"])
        file.writestr("archive/version", b"3\n")
    found["zip"] = archive.read_bytes()
    found["npy"] = (
        b"\x93NUMPY\x01\x00\x46\x00"
        + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(69)
        + b"\n"
    )
    found["npy"] += found["pickle 4"]
    found["python"] = f"open({str(canary)!r}, 'w')\n".encode()
    return found


def canaries(folder: Path) -> Figure:
    """Pickles, archives, links under the name of every file of a run, with hashes that fit and with hashes that do not."""
    template, canary = new_store(folder), folder / "canary"
    broken: list[str] = []
    tried: Counter[str] = Counter()

    def attacked(what: str, change: Callable[[Path], None]) -> None:
        root = Path(shutil.copytree(template, folder / "attacked"))
        change(root)
        tried[what] += 1
        with contextlib.suppress(*REJECTIONS):
            workflow.predict(
                AIRLINE, store_folder=root
            )  # it reads no tables, so the bait in one does not stop it
        try:
            store.verify(root, store.latest(root))
            broken.append(f"{what} was accepted")
        except REJECTIONS:
            pass
        except BaseException as error:
            broken.append(f"{what}: {error!r}")
        shutil.rmtree(root)

    for path in run_files(template):
        name = path.name
        for kind, data in baits(folder, canary).items():
            attacked(f"{kind}, sealed", lambda root, name=name, data=data: seal(root, {name: data}))  # type: ignore[misc]
            attacked(kind, lambda root, name=name, data=data: overwrite(root, name, data))  # type: ignore[misc]
        for kind, link in {"symlink": os.symlink, "hard link": os.link}.items():
            attacked(kind, lambda root, name=name, link=link: replace_by_link(root, name, link))  # type: ignore[misc]
    attacked("symlink of the run", link_folder)
    if canary.exists():
        broken.append("the bait was executed")
    return {**tried, "executed": int(canary.exists()), "broken": broken}


def overwrite(root: Path, name: str, data: bytes) -> None:
    (root / "runs" / store.latest(root) / name).write_bytes(data)


def replace_by_link(root: Path, name: str, link: Callable[[Path, Path], None]) -> None:
    path = root / "runs" / store.latest(root) / name
    shutil.move(path, root / "elsewhere")
    link(root / "elsewhere", path)


def link_folder(root: Path) -> None:
    path = root / "runs" / store.latest(root)
    shutil.move(path, root / "elsewhere")
    path.symlink_to(root / "elsewhere")


# -- where the output goes ---------------------------------------------------------------------------------------------


def lost_output(folder: Path) -> Figure:
    """Commands whose stdout is closed, full or left by its reader, without a HOME, and in a locale without UTF-8."""
    root = new_store(folder)
    broken: list[str] = []
    tried = 0
    commands = (
        ("predict",),
        ("predict", "--json"),
        ("runs", "list"),
        ("runs", "show"),
        ("runs", "verify"),
    )
    for words in commands:
        line = [*words, "--store", root, *((str(AIRLINE),) if words[0] == "predict" else ())]
        wanted = command(*line)
        plain = environment(LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
        with open("/dev/full", "wb") as full:
            codes = {
                "closed": subprocess.run(
                    ["sh", "-c", 'exec "$@" >&-', "sh", *tool(*line)],
                    env=environment(),
                    stderr=subprocess.PIPE,
                    check=False,
                ).returncode,
                "/dev/full": command(*line, stdout=full).returncode,
                "pipe": _into_closed_pipe(line),
            }
        tried += 4
        if (wanted.returncode, codes) != (0, {"closed": 30, "/dev/full": 30, "pipe": 141}):
            broken.append(f"{' '.join(words)}: exit {wanted.returncode}, {codes}")
        if command(*line, env=plain).stdout != wanted.stdout:
            broken.append(f"{' '.join(words)}: other bytes in another locale")
    return {"commands": len(commands), "tried": tried, "broken": broken}


def _into_closed_pipe(line: list[Any]) -> int:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return command(*line, stdout=writing).returncode
    finally:
        os.close(writing)


# -- all of them -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Size:
    """How much of an attack is made. kills, flips: None for the usual number."""

    quick: bool
    seed: int
    kills: int | None
    flips: int | None

    def of(self, part: Any, whole: Any) -> Any:
        """A bounded part of an attack, or the whole of it."""
        return part if self.quick else whole


SIZES = [0, 1, 100, 500, 1000, 1500, 2000, 4000, 8000, 16_000, 40_000, 1 << 20, 2 << 20]  # bytes
ATTACKS: dict[str, Callable[[Path, Size], Figure]] = {
    "calls-fail": lambda folder, size: fail_at_calls(
        prepared(folder), folder, size.of({"EIO": errno.EIO}, CODES), size.of(3, 1)
    ),
    "calls-kill": lambda folder, size: kill_at_calls(prepared(folder), folder, size.of(5, 1)),
    "kills": lambda folder, size: kill_trainings(folder, size.kills or size.of(10, 200), size.seed),
    "backtests": lambda folder, size: kill_backtests(
        folder, size.kills or size.of(5, 100), size.seed
    ),
    "refresh-kill": lambda folder, size: kill_refresh_at_calls(folder, size.of(9, 1)),
    "refresh-kills": lambda folder, size: kill_refreshes(
        folder, size.kills or size.of(5, 100), size.seed
    ),
    "prune": lambda folder, size: prune_under_readers(folder, size.of(50, 500)),
    "full-disk": lambda folder, size: full_disk(folder, size.of(10, 60)),
    "file-size": lambda folder, size: file_size_limits(folder, size.of([0, 4096], SIZES)),
    "locks": lambda folder, size: trainings_at_once(folder, 8),
    "truncations": lambda folder, size: truncations(folder, size.of(25, 1)),
    "flips": lambda folder, size: bit_flips(folder, size.flips or size.of(100, 2000), size.seed),
    "canaries": lambda folder, size: canaries(folder),
    "output": lambda folder, size: lost_output(folder),
}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a bounded part, in under two minutes")
    parser.add_argument(
        "--only", action="append", choices=list(ATTACKS), help="this attack; repeat it for several"
    )
    parser.add_argument("--kills", type=int, help="random kill -9 of a training or a backtest")
    parser.add_argument("--flips", type=int, help="flipped bits of each file")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the times of kills and the places of flips"
    )
    return parser.parse_args()


def main() -> int:
    options = parsed()
    size = Size(options.quick, options.seed, options.kills, options.flips)
    failed = False
    for name in options.only or ATTACKS:
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as place:
            figure = ATTACKS[name](Path(place).resolve(), size)
        failed |= bool(figure["broken"])
        figure |= {"broken": len(figure["broken"]), "examples": figure["broken"][:3]}
        seconds = round(time.monotonic() - started, 1)
        print(json.dumps({"what": name, **figure, "seconds": seconds}), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
