"""Accuracy on public sets, through the tool's own commands: `python benchmarks/accuracy.py --suite airline`.

Prints one JSON line a figure. Nothing is tuned on a test part: the last rows are cut off before the tool sees the file.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from forecast_cli import metrics

ROOT = Path(__file__).parent.parent


def forecast(*words: str, folder: str) -> bytes:
    """The command as a user has it; its stdout."""
    command = str(Path(sys.executable).with_name("forecast"))
    return subprocess.run([command, *words], cwd=folder, check=True, stdout=subprocess.PIPE).stdout


def airline(preset: str, data: Path | None) -> list[dict[str, Any]]:
    """RMSE on the last twelve months of the airline passengers, trained without them, seeds 1 to 5."""
    lines = (ROOT / "sample_data" / "airline.csv").read_text().splitlines()
    values = np.array([float(line.split(",")[1]) for line in lines[1:]])
    errors, seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "train.csv").write_text("\n".join(lines[:-12]) + "\n")
        for seed in range(1, 6):
            start = time.perf_counter()
            forecast("train", "train.csv", "--preset", preset, "--seed", str(seed), "--quiet", folder=folder)
            seconds.append(time.perf_counter() - start)
            rows = list(csv.DictReader(forecast("predict", folder=folder).decode().splitlines()))
            errors.append(metrics.rmse(values[-12:], np.array([float(row["forecast"]) for row in rows])))
    naive = metrics.rmse(values[-12:], values[-24:-12])
    return [
        {
            "suite": "airline",
            "preset": preset,
            "rmse_by_seed": [round(e, 2) for e in errors],
            "median": round(statistics.median(errors), 2),
            "spread": round(max(errors) - min(errors), 2),
            "seasonal_naive": round(naive, 1),
            "seconds_per_train": round(statistics.median(seconds), 1),
        }
    ]


SUITES = {"airline": airline}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", choices=[*SUITES], required=True)
    parser.add_argument("--preset", default="auto")
    parser.add_argument("--data", type=Path, help="folder of the public data, for the suites that need it")
    chosen = parser.parse_args()
    for figure in SUITES[chosen.suite](chosen.preset, chosen.data):
        print(json.dumps(figure))


if __name__ == "__main__":
    main()
