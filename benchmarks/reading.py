"""What strict reading costs beside bare `pandas.read_csv`: `python benchmarks/reading.py [--rows N]`.

Prints one JSON line a figure: medians of interleaved runs, each in a process of its own, of a long file of 100 hourly
series (`unique_id,ds,y`). Seconds are of the reading alone, without imports; memory is the peak of the process above
what it held before reading.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROUNDS = 7
SERIES = 100
TARGET = 1.5
_MEASURE = """
import json, resource, sys, time
sys.modules["pyarrow"] = None  # of the extra `parquet`: with it, bare pandas is faster
import pandas, zoneinfo
from forecast_cli.reading import read_csv
read = {"pandas.read_csv": pandas.read_csv, "forecast read_csv": read_csv}[sys.argv[1]]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
kept = read(sys.argv[2])
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": seconds, "MiB": (peak - before) / 1024}))
"""


def write_data(path: Path, rows: int) -> None:
    """`rows` rows of 100 series, hour by hour."""
    hours = np.datetime64("2015-01-01T00", "h") + np.arange(rows // SERIES)
    texts = [f"{str(hour).replace('T', ' ')}:00:00" for hour in hours]
    random = np.random.default_rng(1)
    with path.open("w") as file:
        file.write("unique_id,ds,y\n")
        for number in range(SERIES):
            values = (
                100
                + 20 * np.sin(np.arange(len(texts)) / 24 * 2 * np.pi)
                + random.normal(0, 3, len(texts))
            )
            file.writelines(
                f"series_{number:03},{t},{v:.4f}\n" for t, v in zip(texts, values, strict=True)
            )


def measure(name: str, path: Path) -> dict[str, float]:
    root = str(Path(__file__).parent.parent)
    environment = os.environ | {"PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, name, str(path)],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    names = ("pandas.read_csv", "forecast read_csv")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "long.csv")
        write_data(path, given.rows)
        size = path.stat().st_size / (1 << 20)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
        for _ in range(given.rounds):
            for name in names:
                found[name].append(measure(name, path))
        unit = statistics.median(run["seconds"] for run in found[names[0]])
        for name in names:
            seconds = statistics.median(run["seconds"] for run in found[name])
            memory = statistics.median(run["MiB"] for run in found[name])
            figure = {
                "what": name, "rows": given.rows, "file_MiB": round(size, 1), "median_s": round(seconds, 3),
                "times_pandas": round(seconds / unit, 2), "peak_MiB": round(memory), "times_file": round(memory / size, 2),
            }  # fmt: skip
            print(
                json.dumps(figure | ({"target_times_pandas": TARGET} if name != names[0] else {}))
            )


if __name__ == "__main__":
    main()
