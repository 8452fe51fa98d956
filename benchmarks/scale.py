"""What many series and many rows cost: `python benchmarks/scale.py`.

Prints one JSON line a figure, each measured in a process of its own:

- windows: seconds of the processor for a training window, from 100 to 10,000 series
- predict: the whole `forecast predict` of many series of 100 rows, and its seconds over reading
- base: the same with --run base, which needs no training
- memory: how much the process grows until the end of the first epoch of a long series with a
  lookback of 512, beside the bytes of its values in float32
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.commands import ROOT, forecast, timed_forecast

SERIES = (100, 1_000, 10_000)
PREDICTED = (20_000, 100_000)
ROWS_EACH = 100
LONG_ROWS, LONG_LOOKBACK = 10_000_000, 512
LIMIT = 600  # seconds for each process

# One epoch after another of 50 batches of 64 windows; the first one warms up.
_WINDOWS = """
import json, sys, tempfile, time
import numpy as np
from forecast_cli import train
from forecast_cli.panel import from_series
from forecast_cli.progress import Epoch

count = int(sys.argv[1])
random = np.random.default_rng(1)
season = 10 + 5 * np.sin(np.arange(100) / 7 * 2 * np.pi)
panel = from_series(list(season + random.normal(0, 1, (count, 100))))
ends, batches = [], []

def note(event):
    if isinstance(event, Epoch):
        ends.append(time.process_time())

with tempfile.TemporaryDirectory() as folder:
    trained = train(
        panel, store_folder=folder, report=note, draw=False, horizon=7, lookback=28, segment=7,
        units="64,64", batch_size=64, epochs=3, patience=0, validation=0, test=0, refit=False,
        threads=1, season=(7,),
    )
plan = trained.run.config.plan
windows = plan.epoch_batches * plan.batch_size
print(json.dumps({"microseconds": (ends[-1] - ends[0]) / (len(ends) - 1) / windows * 1e6}))
"""

_READING = """
import json, sys, time
from forecast_cli.reading import read_csv
start = time.perf_counter()
read_csv(sys.argv[1])
print(json.dumps({"seconds": time.perf_counter() - start}))
"""

_MEMORY = """
import json, resource, sys, tempfile
import numpy as np
import forecast_cli.learning
from forecast_cli import train
from forecast_cli.panel import from_series
from forecast_cli.progress import Epoch

class Stop(Exception):
    pass

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

rows, lookback = int(sys.argv[1]), int(sys.argv[2])
random = np.random.default_rng(1)
day = 10 + np.sin(np.arange(24) / 24 * 2 * np.pi)
values = np.empty(rows)
for start in range(0, rows, 24_000):  # in parts, so that what is grown from is the panel alone
    part = values[start : start + 24_000]
    part[:] = np.resize(day, len(part)) + random.normal(0, 0.1, len(part))
panel = from_series([values])
before = peak()

def note(event):
    if isinstance(event, Epoch):
        print(json.dumps({"bytes": peak() - before}), flush=True)
        raise Stop

with tempfile.TemporaryDirectory() as folder:
    try:
        train(
            panel, store_folder=folder, report=note, draw=False, horizon=24, lookback=lookback,
            segment=64, units="16,16", batch_size=64, epochs=1, patience=0, refit=False, threads=1,
            season=(24,),
        )
    except Stop:
        pass
"""


def run_script(script: str, *words: str) -> dict[str, float]:
    """The figures that a script prints."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, *words]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment, timeout=LIMIT
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def measure_windows() -> list[dict[str, float | str]]:
    """Target: 10,000 series cost as much for a window as 100 do, within 20 %."""
    costs = [run_script(_WINDOWS, str(count))["microseconds"] for count in SERIES]
    return [
        {
            "what": "training window, microseconds of the processor",
            "series": count,
            "microseconds": round(cost, 1),
            "ratio": round(cost / costs[0], 2),
            "target_ratio": 1.2,
        }
        for count, cost in zip(SERIES, costs, strict=True)
    ]


def write_panel(path: Path, count: int) -> None:
    """A long file of `count` daily series of 100 rows."""
    days = np.datetime64("2025-01-01") + np.arange(ROWS_EACH)
    random = np.random.default_rng(1)
    season = 10 + 5 * np.sin(np.arange(ROWS_EACH) / 7 * 2 * np.pi)
    with path.open("w", encoding="utf-8") as file:
        file.write("unique_id,ds,y\n")
        for number in range(count):
            values = season + random.normal(0, 1, ROWS_EACH)
            rows = zip(days, values, strict=True)
            file.writelines(f"series_{number:06},{day},{value:.3f}\n" for day, value in rows)


def measure_predict(count: int) -> dict[str, float | str]:
    """The whole command beside reading alone. Target for 20,000 series: 3 s over reading, 400 MiB.

    The run was trained on the first 200 of the series.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_panel(Path(folder, "some.csv"), 200)
        words = ["some.csv", "--horizon", "7", "--lookback", "28", "--epochs", "1", "--no-refit"]
        forecast("train", *words, "--units", "64,64", "--quiet", folder=folder)
        return predicted(["predict", "many.csv", "--quiet"], folder, count)


def measure_base(count: int) -> dict[str, float | str]:
    """`measure_predict` with the base network."""
    words = ["predict", "many.csv", "--quiet", "--run", "base", "--horizon", "7"]
    with tempfile.TemporaryDirectory() as folder:
        return predicted(words, folder, count)


def predicted(words: list[str], folder: str, count: int) -> dict[str, float | str]:
    """The seconds and the memory of a prediction of so many series, which are written first."""
    write_panel(Path(folder, "many.csv"), count)
    _, seconds = timed_forecast(*words, folder=folder)
    reading = run_script(_READING, str(Path(folder, "many.csv")))["seconds"]
    peak = peak_of(words, folder)
    return {
        "what": "forecast predict" + (" --run base" if "base" in words else ""),
        "series": count,
        "rows_each": ROWS_EACH,
        "seconds": seconds,
        "reading_seconds": round(reading, 1),
        "seconds_over_reading": round(seconds - reading, 1),
        "series_per_second": round(count / seconds),
        "peak_MiB": round(peak / 1024),
    }


def peak_of(words: list[str], folder: str) -> int:
    """The peak memory of the command, in KiB."""
    script = "import resource, subprocess, sys\n"
    script += "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
    script += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    command = [str(Path(sys.executable).with_name("forecast")), *words]
    done = subprocess.run(
        [sys.executable, "-c", script, *command],
        cwd=folder,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return int(done.stdout)


def measure_memory(rows: int) -> dict[str, float | str]:
    """Target: twice the values in float32. All windows at once would be 20 GB."""
    start = time.perf_counter()
    grown = run_script(_MEMORY, str(rows), str(LONG_LOOKBACK))["bytes"]
    return {
        "what": "growth until the end of the first epoch",
        "rows": rows,
        "lookback": LONG_LOOKBACK,
        "MiB": round(grown / (1 << 20)),
        "times_float32_values": round(grown / (4 * rows), 2),
        "target_times": 2,
        "seconds": round(time.perf_counter() - start, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["windows", "predict", "base", "memory"])
    arguments = parser.parse_args()
    if arguments.only in (None, "windows"):
        for figure in measure_windows():
            print(json.dumps(figure), flush=True)
    if arguments.only in (None, "predict"):
        for count in PREDICTED:
            print(json.dumps(measure_predict(count)), flush=True)
    if arguments.only in (None, "base"):
        print(json.dumps(measure_base(PREDICTED[0])), flush=True)
    if arguments.only in (None, "memory"):
        print(json.dumps(measure_memory(LONG_ROWS)), flush=True)


if __name__ == "__main__":
    main()
