"""Error against seconds of `forecast train`: `python benchmarks/quality.py --data DIR --suite nn5 -o FILE.png`.

Trains with fewer and with more networks and epochs than `auto`, through `accuracy.py`, prints one JSON line
for each, and draws them. Seconds depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import matplotlib

from benchmarks.commands import bounded

matplotlib.use("Agg")
from matplotlib import pyplot as plt

SETTINGS = {
    "auto, at most 5 epochs": ("auto", "--epochs 5"),
    "auto, at most 10 epochs": ("auto", "--epochs 10"),
    "auto, 1 network": ("auto", "--members 1"),
    "auto": ("auto", ""),
    "auto, 5 networks": ("auto", "--members 5"),
    "accurate": ("accurate", ""),
}
SCORES = {"m4-hourly": "owa", "tourism-monthly": "mase", "nn5": "mase"}
TITLES = {"m4-hourly": "M4 hourly", "tourism-monthly": "tourism monthly", "nn5": "NN5 daily"}
LIMIT = 1800.0  # seconds of one training


@dataclass(frozen=True)
class Point:
    """One training."""

    label: str
    seconds: float
    score: float


def measure(suite: str, data: Path, label: str) -> Point | None:
    """Train, print the line, and return what is drawn; None where it failed."""
    preset, options = SETTINGS[label]
    words = [sys.executable, str(Path(__file__).with_name("accuracy.py")), "--suite", suite]
    words += ["--preset", preset, f"--options={options}", "--data", str(data)]
    printed, failure = bounded(words, LIMIT)
    lines = printed.splitlines()
    figure: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    seconds, score = figure.get("train_seconds"), figure.get(SCORES[suite])
    said = {"suite": suite, "setting": label, "train_seconds": seconds, SCORES[suite]: score}
    if failure:
        said["error"] = failure
    print(json.dumps(said), flush=True)
    return None if seconds is None or score is None else Point(label, seconds, score)


def draw(suite: str, points: list[Point], path: Path) -> None:
    """The points, each with its label, from fast to slow."""
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    ordered = sorted(points, key=lambda point: point.seconds)
    axes.plot(
        [point.seconds for point in ordered],
        [point.score for point in ordered],
        "o",
        color="#0072B2",
    )
    for number, point in enumerate(ordered):
        # Neighbors are often of equal error, so that their labels would lie on each other.
        above = number % 2 == 0
        axes.annotate(
            point.label,
            (point.seconds, point.score),
            xytext=(0, 8 if above else -16),
            textcoords="offset points",
            ha="center",
        )
    axes.margins(x=0.15, y=0.2)
    axes.set_xlim(left=0)
    axes.set_title(f"{TITLES[suite]}: error against seconds of training")
    axes.set_xlabel("seconds of `forecast train`")
    axes.set_ylabel(SCORES[suite].upper())
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", choices=list(SCORES), required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the picture")
    arguments = parser.parse_args()

    measured = [measure(arguments.suite, arguments.data, label) for label in SETTINGS]
    points = [point for point in measured if point is not None]
    if points:
        draw(arguments.suite, points, arguments.output)


if __name__ == "__main__":
    main()
