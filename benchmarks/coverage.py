"""Do intervals hold what they promise? `python benchmarks/coverage.py --data DIR`.

Prints one JSON line for each set and method: the share of values inside the 80 % and 95 % intervals,
and their mean scaled interval score. The tool never sees the test part. Beside it stands the
seasonal naive forecast, with intervals from its own errors by the same method.

Airline has one test part of twelve values, too few to tell 80 % from 90 %: beside it, the intervals
of five origins are counted, a year apart, each forecast by a training on the rows before it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import scores, suites
from benchmarks.accuracy import Trial, roles, trained_once, write_training
from benchmarks.suites import Series, Suite
from forecast_cli import (
    backtest,
    covariates,
    evaluation,
    forecasting,
    network,
    planning,
    read_csv,
    scaling,
    windows,
)
from forecast_cli.forecasting import Model
from forecast_cli.panel import Panel
from forecast_cli.settings import Settings
from forecast_cli.sources import settings_from

Figure = dict[str, Any]

LEVELS = (80.0, 95.0)
ORIGINS = 5  # of airline, a year apart

SETS: dict[str, Callable[[Path], Suite]] = {
    "m4-hourly": suites.m4_hourly,
    "nn5": suites.nn5,
    "tourism-monthly": suites.tourism_monthly,
    "airline": lambda _: suites.airline(),
}


def of_set(name: str, data: Path, options: tuple[str, ...]) -> Iterator[Figure]:
    """The figures of one set: those of seasonal naive first, which needs no training."""
    suite = SETS[name](data)
    yield of_seasonal_naive(suite)
    trained = trained_once(suite, Trial(data, "auto", None, options, False), 1)
    kept = ("suite", "method", "seed", "command", "coverage_percent", "msis", "error")
    yield {key: trained[key] for key in kept if key in trained}
    if name == "airline":
        yield of_origins(suite)


def of_origins(suite: Suite) -> Figure:
    """Five origins of a single series, each forecast by a training on the rows before it."""
    with tempfile.TemporaryDirectory() as folder:
        every = {name: np.concatenate([suite.training[name], suite.test[name]]) for name in [""]}
        write_training(Path(folder, "train.csv"), replace(suite, training=every))
        done = backtest(
            Path(folder, "train.csv"),
            target="y",
            horizon=suite.horizon,
            origins=ORIGINS,
            refit="every",
            store_folder=Path(folder, "runs"),
        )
    found = evaluation.interval_summary(done.result)
    return {
        "suite": suite.name,
        "method": f"auto, {ORIGINS} origins",
        "values": int((~np.isnan(done.result.actual)).sum()),
        "coverage_percent": {f"{k:g}": round(100 * v["coverage"], 1) for k, v in found.items()},
        "msis": {f"{k:g}": round(v["msis"], 3) for k, v in found.items()},
    }


# -- seasonal naive, by the same method --------------------------------------------------------


def of_seasonal_naive(suite: Suite) -> Figure:
    """Intervals from the errors of the seasonal naive forecast at the end of the training part."""
    panel, settings = read_training(suite)
    model = seasonal_naive_model(panel, settings)
    plan = model.plan
    cut = windows.split(panel, plan.validation, plan.test)
    model = forecasting.measured(panel, model, cut.training, panel.lengths)
    forecast = forecasting.forecast(panel, model, LEVELS)

    def by_series(values: Any) -> Series:
        names = forecast.ids if len(forecast.ids) > 1 else tuple(suite.test)
        return dict(zip(names, values, strict=True))

    bounds = {
        f"{level:g}": (by_series(low), by_series(high))
        for level, (low, high) in forecast.bounds.items()
    }
    return {
        "suite": suite.name,
        "method": "seasonal naive",
        "coverage_percent": scores.coverage_percent(suite, bounds),
        "msis": scores.msis(suite, bounds),
    }


def read_training(suite: Suite) -> tuple[Panel, Settings]:
    """The training part as the command reads it."""
    words = roles(suite)
    named: Figure = {"horizon": suite.horizon}
    for option, value in zip(words[::2], words[1::2], strict=True):
        named[option.removeprefix("--")] = value
    settings = settings_from(**named)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "train.csv")
        write_training(path, suite)
        reading = {name: value for name, value in named.items() if name != "horizon"}
        return read_csv(path, **reading), settings


def seasonal_naive_model(panel: Panel, settings: Settings) -> Model:
    """A network all of whose weights are zero: it forecasts its reference, the last season."""
    plan = planning.make(panel, settings)
    plan = replace(plan, lag=plan.season, base=None, members=1, squash="none")
    shapes = network.tensor_shapes(plan.architecture)
    weights = {name: np.zeros(shape) for name, shape in shapes.items()}
    ends = windows.split(panel, plan.validation, plan.test).training
    none = np.empty((0, plan.horizon, plan.architecture.outputs_per_step))
    return Model(
        plan=plan,
        members=(weights,),
        ids=panel.ids,
        scale=scaling.fit(panel.values, panel.offsets, np.maximum(ends, 1), plan.normalization),
        residuals=none,
        features=covariates.fit(panel, plan.calendar, ends),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(), help="folder of the public data")
    parser.add_argument("--only", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument(
        "--options", default="", help="more options for `forecast train`, the same on every set"
    )
    arguments = parser.parse_args()
    for name in arguments.only:
        for figure in of_set(name, arguments.data, tuple(arguments.options.split())):
            print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
