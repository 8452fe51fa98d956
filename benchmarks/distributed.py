"""What more workers are good for: `python benchmarks/distributed.py`.

Prints one JSON line a figure. Every measurement is a function in `MEASURED`, which takes a size and
yields figures; `--only NAME` runs one of them, and `--quick` takes a small size.

- predict: the whole `forecast predict` of 20,000 series in 20 files, in this process, in two others,
  and on Ray with one worker and with two, which includes its start. The parts must have the same
  bytes. The peak memory is that of the process that hands out the work.
- members: the whole `forecast train` with 8 members on the same engines, shorter and longer ones,
  and how long one must be for an engine to gain by it; the weights must have the same bytes.
- cost: what predict takes on Ray with one worker, by the number of files and of series, as a model
  fitted to several sizes, and what it says of larger clusters.
- start: what an engine costs before the first task, and for each task that does nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.commands import ROOT, forecast
from forecast_cli import choices, engine

LIMIT = 1200  # seconds for one command
ROWS_EACH = 100
ENGINES = {
    "local": ["--engine", "local"],
    "processes, 2 workers": ["--engine", "processes", "--workers", "2"],
    "ray, 1 worker": ["--engine", "ray", "--workers", "1"],
    "ray, 2 workers": ["--engine", "ray", "--workers", "2"],
}

# One command in a process that says at its end how much memory it took itself.
_COMMAND = """
import atexit, json, resource
from forecast_cli.app import main

def tell():
    own = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"peak_KiB": own.ru_maxrss, "cpu_seconds": own.ru_utime + own.ru_stime}))

atexit.register(tell)
main()
"""

Figure = dict[str, float | str]


@dataclass(frozen=True)
class Size:
    """How much is measured.

    - rounds: of which the median is taken
    - epochs: of trainings, from the shortest one to the longest one
    """

    files: int
    series_each: int
    rounds: int
    members: int
    epochs: tuple[int, ...]


FULL = Size(files=20, series_each=1000, rounds=3, members=8, epochs=(4, 32, 128))
QUICK = Size(files=4, series_each=100, rounds=1, members=2, epochs=(1, 2))


def engines() -> dict[str, list[str]]:
    """The options of each engine that is installed."""
    has_ray = importlib.util.find_spec("ray") is not None
    return {name: words for name, words in ENGINES.items() if has_ray or "ray" not in words}


def timed(words: list[str], folder: str) -> tuple[float, float, float]:
    """The seconds of a command that writes nothing to stdout; the MiB and the processor seconds of
    its own process."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.PIPE,
        timeout=LIMIT,
    )
    seconds = time.perf_counter() - start
    own = json.loads(done.stdout)
    return seconds, own["peak_KiB"] / 1024, own["cpu_seconds"]


# -- predict -----------------------------------------------------------------------------------


def measure_predict(size: Size) -> Iterator[Figure]:
    """The same files on every engine."""
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder, "data"), size)
        train_small(folder)
        taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in engines()}
        for _ in range(size.rounds):
            for name, options in engines().items():
                output = ["-o", f"out {name}", "--format", "csv", "--quiet"]
                taken[name].append(timed(["predict", "data", *output, *options], folder))
        check_same_parts([Path(folder, f"out {name}") for name in taken])

    series = size.files * size.series_each
    alone = statistics.median(seconds for seconds, *_ in taken["local"])
    for name, rounds in taken.items():
        seconds = statistics.median(seconds for seconds, *_ in rounds)
        yield {
            "what": "forecast predict of a folder",
            "engine": name,
            "series": series,
            "files": size.files,
            "rows_each": ROWS_EACH,
            "seconds": round(seconds, 1),
            "series_per_second": round(series / seconds),
            "times_local": round(alone / seconds, 2),
            "peak_MiB_of_the_command": round(max(peak for _, peak, _ in rounds)),
        }


def train_small(folder: str) -> None:
    """A run of two layers, trained on some series like those that are forecast."""
    write_files(Path(folder, "training"), Size(1, 200, 1, 1, (1, 1)))
    words = ["--horizon", "7", "--lookback", "28", "--epochs", "1", "--no-refit"]
    first = str(Path("training", "00000.csv"))
    forecast("train", first, *words, "--units", "64,64", "--quiet", folder=folder)


def write_files(folder: Path, size: Size) -> None:
    """Long files of daily series of 100 rows."""
    folder.mkdir()
    days = np.datetime64("2025-01-01") + np.arange(ROWS_EACH)
    season = 10 + 5 * np.sin(np.arange(ROWS_EACH) / 7 * 2 * np.pi)
    random = np.random.default_rng(1)
    for number in range(size.files):
        with Path(folder, f"{number:05d}.csv").open("w", encoding="utf-8") as file:
            file.write("unique_id,ds,y\n")
            for series in range(size.series_each):
                values = season + random.normal(0, 1, ROWS_EACH)
                rows = zip(days, values, strict=True)
                name = f"series_{number * size.series_each + series:06}"
                file.writelines(f"{name},{day},{value:.3f}\n" for day, value in rows)


def check_same_parts(folders: list[Path]) -> None:
    """Raise AssertionError unless the parts of all folders have the same bytes."""
    found = []
    for folder in folders:
        parts = json.loads((folder / "manifest.json").read_text())["parts"]
        found.append([part["sha256"] for part in parts])
    for folder, hashes in zip(folders, found, strict=True):
        if hashes != found[0]:
            raise AssertionError(f"{folder.name} differs from {folders[0].name}")


# -- a model of the cost -----------------------------------------------------------------------


@dataclass(frozen=True)
class Cost:
    """Seconds: once, for each file, and for each series."""

    once: float
    file: float
    series: float

    def of(self, files: int, series: int) -> float:
        return self.file * files + self.series * series


SIZES = ((4, 250), (4, 2500), (40, 25), (40, 250), (160, 25))  # files, and series in each
QUICK_SIZES = ((2, 25), (2, 250), (8, 25))
CLUSTERS = (2, 10, 100, 1000)  # workers
JOBS = ((20, 20_000), (10_000, 10_000_000))  # files, and series in all


def measure_cost(size: Size) -> Iterator[Figure]:
    """Two models: of the whole command with one worker, and of the process that hands out work."""
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        train_small(folder)
        for files, each in SIZES if size.rounds > 1 else QUICK_SIZES:
            data = f"data {files} {each}"
            write_files(
                Path(folder, data), dataclasses.replace(size, files=files, series_each=each)
            )
            words = ["predict", data, "-o", f"out {data}", "--format", "csv", "--quiet"]
            seconds, _, own = timed([*words, "--engine", "ray", "--workers", "1"], folder)
            measured.append((files, files * each, seconds, own))
            yield {
                "what": "forecast predict of a folder, ray, 1 worker",
                "files": files,
                "series": files * each,
                "seconds": round(seconds, 2),
                "cpu_seconds_of_the_command": round(own, 2),
            }

    whole = fitted([(files, series, seconds) for files, series, seconds, _ in measured])
    command = fitted([(files, series, own) for files, series, _, own in measured])
    for name, cost in (("whole", whole), ("of the command itself", command)):
        yield {
            "what": f"model, {name}",
            "seconds_once": round(cost.once, 2),
            "milliseconds_per_file": round(1000 * cost.file, 2),
            "milliseconds_per_series": round(1000 * cost.series, 4),
        }
    for files, series in JOBS:
        for workers in CLUSTERS:
            yield projected(whole, command, files, series, workers)


def fitted(points: list[tuple[int, int, float]]) -> Cost:
    """Least squares of the relative errors, with no cost below 0."""
    rows = np.array([(1.0, files, series) for files, series, _ in points])
    seconds = np.array([each for *_, each in points])
    rows, ones = rows / seconds[:, None], np.ones(len(seconds))
    columns = [0, 1, 2]
    while True:
        found = np.linalg.lstsq(rows[:, columns], ones, rcond=None)[0]
        if (found >= 0).all():
            break
        columns.pop(int(found.argmin()))
    costs = np.zeros(3)
    costs[columns] = found
    return Cost(*costs.tolist())


def projected(whole: Cost, command: Cost, files: int, series: int, workers: int) -> Figure:
    """The work is shared by the workers; the command hands it out and takes it in alone."""
    alone = command.of(files, series)
    shared = max(whole.of(files, series) - alone, 0) / min(workers, files)
    return {
        "what": "projected, not measured",
        "files": files,
        "series": series,
        "workers": workers,
        "seconds": round(whole.once + max(shared, alone), 1),
        "limited_by": "the command" if alone > shared else "the workers",
    }


# -- members -----------------------------------------------------------------------------------


def measure_members(size: Size) -> Iterator[Figure]:
    """Trainings of several lengths, and how long one must be for an engine to gain by it."""
    taken: dict[str, list[float]] = {name: [] for name in engines()}
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder, "data"), dataclasses.replace(size, files=1, series_each=200))
        for epochs in size.epochs:
            alone = None
            for name, rounds in _trained(folder, size, epochs).items():
                seconds = statistics.median(seconds for seconds, *_ in rounds)
                alone = alone or seconds
                taken[name].append(seconds)
                yield {
                    "what": "forecast train",
                    "engine": name,
                    "members": size.members,
                    "epochs": epochs,
                    "seconds": round(seconds, 1),
                    "times_local": round(alone / seconds, 2),
                    "peak_MiB_of_the_command": round(max(peak for _, peak, _ in rounds)),
                }

    for name, seconds_of in taken.items():
        if name != "local":
            pays = pays_from(taken["local"], seconds_of)
            yield {"what": "pays from", "engine": name, "seconds_of_local": pays}


def _trained(folder: str, size: Size, epochs: int) -> dict[str, list[tuple[float, float, float]]]:
    """Seconds, MiB and processor seconds of a training on each engine, in every round.

    Members of one size, on one file of series, without scores of the base network. Raises
    AssertionError unless the weights have the same bytes.
    """
    data = str(Path("data", "00000.csv"))
    words = ["train", data, "--horizon", "7", "--preset", "classic", "--from", "none", "--quiet"]
    words += ["--members", str(size.members), "--epochs", str(epochs), "--no-refit"]
    words += ["--patience", "0", "--threads", "1"]

    taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in engines()}
    weights = set()
    for turn in range(size.rounds):
        for name, options in engines().items():
            store = f"{name} {epochs} {turn}"
            taken[name].append(timed([*words, *options, "--store", store], folder))
            [run] = Path(folder, store).glob("runs/*/model.safetensors")
            weights.add(run.read_bytes())
    if len(weights) > 1:
        raise AssertionError("the engines trained different weights")
    return taken


def pays_from(local: list[float], other: list[float]) -> float | str:
    """From how many seconds in this process on another engine is faster.

    local, other: seconds of the same jobs on both. The cost is taken to be linear between the
    shortest job and the longest one.
    """
    longer = local[-1] - local[0]
    gained = longer - (other[-1] - other[0])
    if gained <= 0:
        return "never"
    share = (other[0] - local[0]) / gained  # of the way from the shortest job to the longest one
    return round(max(local[0] + share * longer, 0), 1)


# -- start -------------------------------------------------------------------------------------


def nothing(task: int, tell: Callable[[object], None]) -> int:
    """A task that does nothing."""
    return task


def measure_start(size: Size) -> Iterator[Figure]:
    """Seconds until an engine is there, until it has done its first tasks, and for each task."""
    kinds: tuple[choices.Engine, ...] = ("processes", "ray")
    for kind in kinds:
        if kind == "ray" and importlib.util.find_spec("ray") is None:
            continue
        rounds = [_start(kind) for _ in range(size.rounds)]
        opened, first, each, closed = (
            statistics.median(part) for part in zip(*rounds, strict=True)
        )
        yield {
            "what": "start of an engine with 2 workers",
            "engine": kind,
            "seconds_to_open": round(opened, 2),
            "seconds_to_first_two_tasks": round(first, 2),
            "milliseconds_each_task": round(1000 * each, 2),
            "seconds_to_close": round(closed, 2),
        }


def _start(kind: choices.Engine) -> tuple[float, float, float, float]:
    moments = [time.perf_counter()]
    with engine.opened(engine.Place(kind, workers=2)) as running:
        moments.append(time.perf_counter())
        running.run(engine.Batch(nothing, range(2), workers=2))
        moments.append(time.perf_counter())
        running.run(engine.Batch(nothing, range(200), workers=2))
        moments.append(time.perf_counter())
    moments.append(time.perf_counter())
    opened, first, many, closed = np.diff(moments)
    return float(opened), float(first), float(many) / 200, float(closed)


MEASURED: dict[str, Callable[[Size], Iterator[Figure]]] = {
    "predict": measure_predict,
    "cost": measure_cost,
    "members": measure_members,
    "start": measure_start,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(MEASURED))
    parser.add_argument("--quick", action="store_true", help="measure a small size, once")
    arguments = parser.parse_args()
    size = QUICK if arguments.quick else FULL
    for name, measure in MEASURED.items():
        if arguments.only in (None, name):
            for figure in measure(size):
                print(json.dumps({"measured": name, **figure}), flush=True)


if __name__ == "__main__":
    main()
