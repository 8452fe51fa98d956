"""What an epoch of one network takes: by one process, and by workers of a Ray cluster together.

    python benchmarks/data_parallel.py [--quick]

Prints one JSON line for each number of workers, 0 for a process without Ray: seconds per epoch (the mean, without the
first one), seconds until the first epoch was over, and by how much the weights differ from those of one process.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from forecast_cli import engine, members, planning, windows
from forecast_cli.engine import Place
from forecast_cli.members import Execution
from forecast_cli.panel import Panel, from_series
from forecast_cli.progress import Epoch
from forecast_cli.sources import settings_from
from forecast_cli.training import FitOptions, Fitted, Fold, TrainingData

WORKERS = (0, 1, 2)
ROWS = 200
LOOKBACK, HORIZON = 28, 7
Figure = dict[str, Any]


def data_parallel_epochs(*, quick: bool = False) -> Iterator[Figure]:
    """A figure for each number of workers."""
    panel = _panel(series=20 if quick else 400)
    settings = settings_from(
        horizon=HORIZON,
        lookback=LOOKBACK,
        units="8" if quick else "64,64",
        batch_size=64 if quick else 512,
        dropout=0,
        patience=0,
        seed=1,
    )
    plan = planning.make(panel, settings)
    plan = replace(plan, members=1, epochs=3 if quick else 6)
    alone: Fitted | None = None
    for workers in WORKERS:
        place = Place("ray", workers, together=True) if workers else Place("local")
        fitted, figure = _train(panel, plan, place)
        alone = alone or fitted
        yield {"workers": workers, **figure, "difference": _difference(alone, fitted)}


def _panel(series: int) -> Panel:
    random = np.random.default_rng(1)
    phases = random.uniform(0, 7, series)
    steps = np.arange(ROWS)
    return from_series(
        [
            np.sin((steps + phase) / 7 * 2 * np.pi) + 0.1 * random.normal(size=ROWS)
            for phase in phases
        ]
    )


def _train(panel: Panel, plan: planning.Plan, place: Place) -> tuple[Fitted, Figure]:
    ends = windows.split(panel, 2 * HORIZON, 0)
    first = np.zeros(len(panel), int)
    fold = Fold(
        windows.between(panel, LOOKBACK, HORIZON, first, ends.training),
        windows.between(panel, LOOKBACK, HORIZON, ends.training, ends.validation),
    )
    data = TrainingData(panel.values, plan, panel.offsets)
    times: list[float] = []

    def report(event: Any) -> None:
        if isinstance(event, Epoch):
            times.append(time.perf_counter())

    begun = time.perf_counter()
    with engine.opened(place) as running:
        execution = Execution(report=report, engine=running)
        [fitted] = members.train_members(data, [fold], [FitOptions()], execution)
    return fitted, {
        "series": len(panel),
        "batches": plan.epoch_batches,
        "batch_size": plan.batch_size,
        "seconds_per_epoch": round((times[-1] - times[0]) / (len(times) - 1), 3),
        "seconds_to_first_epoch": round(times[0] - begun, 2),
    }


def _difference(first: Fitted, second: Fitted) -> float:
    """The largest one between two weights of the same place."""
    return max(
        float(np.abs(values - second.weights[name]).max()) for name, values in first.weights.items()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tiny panel, to see that it works")
    for figure in data_parallel_epochs(quick=parser.parse_args().quick):
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
