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
from numpy.typing import NDArray

from forecast_cli.evaluation import metrics

Series = NDArray[np.float64]
ROOT = Path(__file__).parent.parent


def forecast(*words: str, folder: str, timeout: float | None = None) -> bytes:
    """The command as a user has it; its stdout."""
    command = str(Path(sys.executable).with_name("forecast"))
    return subprocess.run(
        [command, *words], cwd=folder, check=True, stdout=subprocess.PIPE, timeout=timeout
    ).stdout


def airline(preset: str, data: Path | None) -> list[dict[str, Any]]:
    """RMSE on the last twelve months of the airline passengers, trained without them, seeds 1 to 5."""
    lines = (ROOT / "sample_data" / "airline.csv").read_text().splitlines()
    values = np.array([float(line.split(",")[1]) for line in lines[1:]])
    errors, seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "train.csv").write_text("\n".join(lines[:-12]) + "\n")
        for seed in range(1, 6):
            start = time.perf_counter()
            forecast(
                "train",
                "train.csv",
                "--preset",
                preset,
                "--seed",
                str(seed),
                "--quiet",
                folder=folder,
            )
            seconds.append(time.perf_counter() - start)
            rows = list(csv.DictReader(forecast("predict", folder=folder).decode().splitlines()))
            errors.append(
                metrics.rmse(values[-12:], np.array([float(row["forecast"]) for row in rows]))
            )
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


def m4_hourly(preset: str, data: Path | None) -> list[dict[str, Any]]:
    """The 414 hourly series of M4, horizon 48: sMAPE, MASE and OWA, each averaged over series first."""
    folder = (data or Path()) / "m4_hourly"
    training, test = _m4_rows(folder / "Hourly-train.csv"), _m4_rows(folder / "Hourly-test.csv")
    naive = {name: np.tile(values[-24:], 2) for name, values in training.items()}
    figures = [
        {"suite": "m4-hourly", "method": "seasonal naive", **_m4_scores(training, test, naive)}
    ]
    with tempfile.TemporaryDirectory() as work:
        with open(Path(work, "train.csv"), "w", encoding="utf-8") as file:
            file.write("unique_id,y\n")
            file.writelines(
                f"{name},{value!r}\n"
                for name, values in training.items()
                for value in values.tolist()
            )
        start = time.perf_counter()
        roles = ["--id", "unique_id", "--target", "y", "--season", "24,168", "--horizon", "48"]
        forecast("train", "train.csv", *roles, "--preset", preset, "--quiet", folder=work)
        middle = time.perf_counter()
        rows = list(csv.DictReader(forecast("predict", folder=work).decode().splitlines()))
        end = time.perf_counter()
        shown = json.loads(forecast("runs", "show", "--json", folder=work))
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(row["unique_id"], []).append(float(row["forecast"]))
    forecasts = {name: np.array(values) for name, values in found.items()}
    times = {"train_seconds": round(middle - start, 1), "predict_seconds": round(end - middle, 1)}
    scores = _m4_scores(training, test, forecasts)
    bounds = {level: _coverage(rows, test, level) for level in ("80", "95")}
    figure = {"suite": "m4-hourly", "method": f"--preset {preset}", "seed": shown["plan"]["seed"]}
    return [*figures, {**figure, **scores, **times, "coverage_percent": bounds}]


def _m4_rows(path: Path) -> dict[str, Series]:
    """One series a row, id first, ragged, empty cells at the right."""
    if not path.exists():
        sys.exit(
            f"{path} is missing: give the folder with m4_hourly/ as --data (from the M4 competition's data set)"
        )
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return {row[0]: np.array([float(cell) for cell in row[1:] if cell.strip()]) for row in rows}


def _m4_scores(
    training: dict[str, Series], test: dict[str, Series], found: dict[str, Series]
) -> dict[str, float]:
    """OWA against Naive2, whose sMAPE is 18.383 and MASE 2.395 on this set."""
    smape = float(np.mean([metrics.smape(test[n], found[n]) for n in test]))
    mase = float(
        np.mean(
            [metrics.mase(test[n], found[n], metrics.mase_scale(training[n], 24)) for n in test]
        )
    )
    owa = (smape / 18.383 + mase / 2.395) / 2
    return {"smape": round(smape, 3), "mase": round(mase, 3), "owa": round(owa, 4)}


def _coverage(rows: list[dict[str, str]], test: dict[str, Series], level: str) -> float:
    """The share of true values inside the interval, in percent."""
    truth = [
        value
        for name in dict.fromkeys(row["unique_id"] for row in rows)
        for value in test[name].tolist()
    ]
    inside = [
        float(row[f"lo-{level}"]) <= value <= float(row[f"hi-{level}"])
        for row, value in zip(rows, truth, strict=True)
    ]
    return round(100 * float(np.mean(inside)), 1)


SUITES = {"airline": airline, "m4-hourly": m4_hourly}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", choices=[*SUITES], required=True)
    parser.add_argument("--preset", default="auto")
    parser.add_argument(
        "--data", type=Path, help="folder of the public data, for the suites that need it"
    )
    chosen = parser.parse_args()
    for figure in SUITES[chosen.suite](chosen.preset, chosen.data):
        print(json.dumps(figure))


if __name__ == "__main__":
    main()
