"""How fast commands start, as multiples of `python -c "import torch"`: `python benchmarks/startup.py`.

Prints one JSON line a figure: the median of interleaved runs in one sitting, and the multiple of the median of torch.
The cold `predict` is of a run with 2 x 64 LSTM and lookback 96 on a CSV of 12,000 rows.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROUNDS = 15
SETTINGS = ["--lookback", "96", "--segment", "1", "--units", "64,64", "--epochs", "1"]
TARGETS = {
    "forecast --help": 0.12,
    "forecast predict": 0.45,
    "forecast predict --run base": 0.54,  # 1.2 times that of a saved run
    "forecast refresh": 0.54,  # with nothing due
}


def seconds(words: list[str], folder: str) -> float:
    start = time.perf_counter()
    subprocess.run(
        words,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": folder},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


def write_data(path: Path) -> None:
    """12,000 hours with a daily season."""
    random = np.random.default_rng(1)
    hours = np.datetime64("2025-01-01T00", "h") + np.arange(12_000)
    values = 100 + 20 * np.sin(np.arange(12_000) / 24 * 2 * np.pi) + random.normal(0, 3, 12_000)
    rows = (f"{str(h).replace('T', ' ')}:00,{v:.2f}\n" for h, v in zip(hours, values, strict=True))
    path.write_text("time,load\n" + "".join(rows))


def main() -> None:
    forecast = str(Path(sys.executable).with_name("forecast"))
    commands = {
        "import torch": [sys.executable, "-c", "import torch"],
        "forecast --help": [forecast, "--help"],
        "forecast predict": [forecast, "predict"],
        "forecast predict --run base": [forecast, "predict", "load.csv", "--run", "base"],
        "forecast refresh": [forecast, "refresh", "load.csv", *SETTINGS, "-o", "out.csv"],
    }
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder, "load.csv"))
        # Without the extra `parquet`: pandas loads pyarrow wherever it is installed.
        Path(folder, "sitecustomize.py").write_text("import sys\nsys.modules['pyarrow'] = None\n")
        train = ["train", "load.csv", *SETTINGS]
        subprocess.run([forecast, *train, "--quiet"], cwd=folder, check=True)
        for words in commands.values():
            seconds(words, folder)
        times = {name: [] for name in commands}  # type: dict[str, list[float]]
        for _ in range(ROUNDS):
            for name, words in commands.items():
                times[name].append(seconds(words, folder))
        unit = statistics.median(times["import torch"])
        for name in commands:
            median = statistics.median(times[name])
            figure = {
                "what": name,
                "median_s": round(median, 3),
                "times_import_torch": round(median / unit, 3),
            }
            print(json.dumps(figure | ({"target": TARGETS[name]} if name in TARGETS else {})))
        script = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
        script += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        done = subprocess.run(
            [sys.executable, "-c", script, forecast, "predict"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": folder},
            check=True,
            capture_output=True,
            text=True,
        )
        print(
            json.dumps(
                {
                    "what": "forecast predict, peak memory",
                    "MiB": round(int(done.stdout) / 1024),
                    "target": 130,
                }
            )
        )


if __name__ == "__main__":
    main()
