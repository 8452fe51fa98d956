"""How good weights of the base network are on public sets that they have never seen.

    python pretraining/scores.py --weights FOLDER/base.safetensors --data DIR

Prints one JSON line for each set. For watching a training: what is shipped is scored through the
tool's own commands, by `benchmarks/accuracy.py --run base`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import scores, suites
from benchmarks.suites import Suite
from forecast_cli import base, forecasting
from forecast_cli.network import Weights
from forecast_cli.panel import Floats

SETS = {"airline": "rmse", "tourism-monthly": "mase", "nn5": "mase", "m4-hourly": "owa"}


def figures(weights: Weights, data: Path) -> dict[str, float]:
    """The main figure of each set."""
    found = {}
    for name, measure in SETS.items():
        suite = suites.airline() if name == "airline" else suites.PANELS[name](data)
        scored = scores.scores(suite, forecasts(suite, weights))
        found[f"{name} {measure}"] = round(float(scored[measure]), 4)
    return found


def forecasts(suite: Suite, weights: Weights) -> dict[str, Floats]:
    """The forecast of each series past its training part."""
    season = suite.season
    cycle = 0
    if suite.seasons:
        lengths = [int(length) for length in suite.seasons.split(",")]
        season, cycle = lengths[0], (lengths[1] // lengths[0] if len(lengths) > 1 else 0)

    shape = base.architecture(season, suite.horizon, cycle)
    past = np.full((len(suite.training), shape.lookback), np.nan)
    for row, values in enumerate(suite.training.values()):
        newest = values[-shape.lookback :]
        past[row, shape.lookback - len(newest) :] = newest
    answers = forecasting.averaged_with_logs(shape, weights, past)[:, :, shape.point_index]
    return dict(zip(suite.training, answers, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description="Score weights on public sets.")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data")
    options = parser.parse_args()
    tensors = load_file(options.weights)
    weights: Weights = {name: np.asarray(values, np.float32) for name, values in tensors.items()}
    print(json.dumps(figures(weights, options.data)))


if __name__ == "__main__":
    main()
