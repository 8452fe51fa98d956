"""Accuracy on public sets, through the tool's own commands: `python benchmarks/accuracy.py --suite airline`.

Prints one JSON line a figure, first those of forecasts that need no training. The tool never sees the
test part: it trains on a file that ends before it. With `--run base`, nothing is trained: the base
network forecasts that file as it is. `--suite all` runs every suite within a time limit
of its own, and ends with a line of the main figure of each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import scores, suites
from benchmarks.commands import bounded, timed_forecast
from benchmarks.suites import Floats, Series, Suite
from forecast_cli.evaluation import NETWORK, metrics
from forecast_cli.workflow import Backtested, backtest

Figure = dict[str, Any]

BASE = ("--run", "base")
LEVELS = ("80", "95")
AIRLINE_SEEDS = 5
ETT_LOOKBACK, ETT_DAY = 96, 24
ETT_HORIZONS = (96, 192, 336, 720)

# The figure of a suite that `--suite all` puts into its last line.
MAIN_FIGURES = {
    "airline": "rmse",
    "m4-hourly": "owa",
    "tourism-monthly": "mase",
    "nn5": "mase",
    "quarters": "mase",
    "weeks": "mase",
    "etth1": "mse",
    "small": "mase",
}


@dataclass(frozen=True)
class Trial:
    """What was asked for.

    - options: more words for `forecast train`, the same on every set
    - base: whether the base network forecasts, and nothing is trained
    """

    data: Path
    preset: str
    seeds: int | None
    options: tuple[str, ...]
    baselines_only: bool
    base: bool = False

    def words(self, seed: int) -> list[str]:
        return ["--preset", self.preset, "--seed", str(seed), *self.options]


# -- suites ------------------------------------------------------------------------------------


def of_airline(trial: Trial) -> Iterator[Figure]:
    """Five seeds, and their median and spread."""
    suite = suites.airline()
    trained = []
    for figure in of_suite(suite, trial, seeds=trial.seeds or AIRLINE_SEEDS):
        yield figure
        if "rmse" in figure and "seed" in figure:
            trained.append(figure)
    if trained:
        errors = [figure["rmse"] for figure in trained]
        yield {
            "suite": suite.name,
            "method": f"{trial.preset}, all seeds",
            "rmse_by_seed": errors,
            "rmse": statistics.median(errors),
            "spread": round(max(errors) - min(errors), 2),
            "train_seconds": statistics.median(figure["train_seconds"] for figure in trained),
        }


def of_small(trial: Trial) -> Iterator[Figure]:
    for load in suites.SMALL:
        yield from of_suite(load(trial.data), trial, seeds=trial.seeds or 1)


def of_panel(name: str) -> Callable[[Trial], Iterator[Figure]]:
    return lambda trial: of_suite(suites.PANELS[name](trial.data), trial, seeds=trial.seeds or 1)


def of_suite(suite: Suite, trial: Trial, *, seeds: int) -> Iterator[Figure]:
    """The figures of forecasts that need no training, and those of each seed."""
    for method, forecasts in (
        ("naive", scores.naive(suite)),
        ("seasonal naive", scores.seasonal_naive(suite)),
    ):
        yield {"suite": suite.name, "method": method, **scores.scores(suite, forecasts)}
    if trial.base:
        yield forecast_by_base(suite)
    elif not trial.baselines_only:
        for seed in range(1, seeds + 1):
            yield trained_once(suite, trial, seed)


def trained_once(suite: Suite, trial: Trial, seed: int) -> Figure:
    """Train on the training part, and forecast the test part."""
    words = ["train", "train.csv", *roles(suite), "--horizon", str(suite.horizon)]
    words += trial.words(seed)
    figure = described(suite.name, trial, seed, words)
    with tempfile.TemporaryDirectory() as folder:
        write_training(Path(folder, "train.csv"), suite)
        try:
            _, figure["train_seconds"] = timed_forecast(*words, "--quiet", folder=folder)
            forecasts, bounds, seconds = forecast_test(suite, Path(folder))
        except subprocess.CalledProcessError as error:
            return figure | {"error": f"exit code {error.returncode}"}
    return figure | scored(suite, forecasts, bounds, seconds)


def forecast_by_base(suite: Suite) -> Figure:
    """Forecast the test part with the base network."""
    words = ["predict", "train.csv", *BASE, *roles(suite), "--horizon", str(suite.horizon)]
    figure: Figure = {"suite": suite.name, "method": "base", "command": command_of(words)}
    with tempfile.TemporaryDirectory() as folder:
        write_training(Path(folder, "train.csv"), suite)
        try:
            printed, seconds = timed_forecast(*words, folder=folder)
            forecasts, bounds = parse_forecast(suite, printed)
            if suite.origins > 1:
                rolled = backtest_all(suite, Path(folder), run="base", **settings_of(suite))
                forecasts, bounds = in_order(suite, rolled)
        except subprocess.CalledProcessError as error:
            return figure | {"error": f"exit code {error.returncode}"}
    return figure | scored(suite, forecasts, bounds, seconds)


def scored(suite: Suite, forecasts: Series, bounds: scores.Bounds, seconds: float) -> Figure:
    return {
        **scores.scores(suite, forecasts),
        "predict_seconds": seconds,
        "coverage_percent": scores.coverage_percent(suite, bounds),
        "msis": scores.msis(suite, bounds),
    }


def command_of(words: list[str]) -> str:
    return "forecast " + " ".join(words)


def described(name: str, trial: Trial, seed: int, words: list[str]) -> Figure:
    return {"suite": name, "method": trial.preset, "seed": seed, "command": command_of(words)}


# -- files, and forecasts of the test part -----------------------------------------------------


def roles(suite: Suite) -> list[str]:
    """What the columns of the training file are."""
    words = ["--target", "y"]
    if len(suite.training) > 1:
        words = ["--id", "unique_id", *words]
    if suite.seasons:
        words += ["--season", suite.seasons]
    if suite.gaps:
        words += ["--gaps", suite.gaps]
    return words


def settings_of(suite: Suite) -> Figure:
    """The same as `roles` for the base network in Python, of a single series."""
    settings: Figure = {"target": "y", "horizon": suite.horizon}
    if suite.seasons:
        settings["season"] = suite.seasons
    if suite.gaps:
        settings["gaps"] = suite.gaps
    return settings


def write_training(path: Path, suite: Suite) -> None:
    write(path, suite, suite.training)


def write(path: Path, suite: Suite, rows: Series) -> None:
    """A long file of many series, or one with times of a single one."""
    parts = []
    for name, values in rows.items():
        table = pd.DataFrame({"y": values})
        if suite.times is not None:
            table.insert(0, "time", suite.times[: len(values)])
        if len(rows) > 1:
            table.insert(0, "unique_id", name)
        parts.append(table)
    pd.concat(parts).to_csv(path, index=False)


def forecast_test(suite: Suite, folder: Path) -> tuple[Series, scores.Bounds, float]:
    """Forecasts and intervals of the test part, and the seconds of `forecast predict`.

    A test part of several horizons is forecast from the origin before each by the same run.
    """
    printed, seconds = timed_forecast("predict", folder=folder)
    if suite.origins == 1:
        forecasts, bounds = parse_forecast(suite, printed)
        return forecasts, bounds, seconds

    rolled = backtest_all(suite, folder, run="1")
    forecasts, bounds = in_order(suite, rolled)
    return forecasts, bounds, seconds


def backtest_all(suite: Suite, folder: Path, *, run: str, **settings: Any) -> Backtested:
    """Forecasts from the origin before each horizon of the test part."""
    every = {
        name: np.concatenate([values, suite.test[name]]) for name, values in suite.training.items()
    }
    write(folder / "all.csv", suite, every)
    return backtest(
        folder / "all.csv",
        run=run,
        store_folder=folder / "forecast_runs",
        origins=suite.origins,
        step=suite.horizon,
        **settings,
    )


def parse_forecast(suite: Suite, printed: bytes) -> tuple[Series, scores.Bounds]:
    """The forecasts and intervals of each series in what `forecast predict` printed."""
    lines = printed.decode().splitlines()
    header, *rows = [line.split(",") for line in lines]
    table = pd.DataFrame(rows, columns=header)
    if "unique_id" not in table:
        table["unique_id"] = next(iter(suite.test))
    groups = dict(list(table.groupby("unique_id", sort=False)))

    def column(name: str) -> Series:
        numbers = {key: pd.to_numeric(group[name]) for key, group in groups.items()}
        return {str(key): values.to_numpy(np.float64) for key, values in numbers.items()}

    bounds = {level: (column(f"lo-{level}"), column(f"hi-{level}")) for level in LEVELS}
    return column("forecast"), bounds


def in_order(suite: Suite, rolled: Backtested) -> tuple[Series, scores.Bounds]:
    """The forecasts from all origins of a single series, one after the other."""
    name = next(iter(suite.test))
    order = np.argsort(rolled.result.origin)

    def joined(values: Floats) -> Series:
        return {name: values[order].ravel()}

    bounds = {
        f"{level:g}": (joined(low), joined(high))
        for level, (low, high) in rolled.result.bounds.items()
    }
    return joined(rolled.result.forecasts[NETWORK]), bounds


# -- ETTh1 -------------------------------------------------------------------------------------


def of_etth1(trial: Trial) -> Iterator[Figure]:
    """All seven columns, one training a horizon, every window of the test part."""
    table = suites.etth1(trial.data)
    values = table[list(suites.ETT_COLUMNS)].to_numpy(np.float64)
    scaled = scores.z_scores(values, suites.ETT_SCALED)
    about: Figure = {"suite": "etth1", "method": "repeat the last day"}
    figures = (ett_repeated(about, scaled, horizon) for horizon in ETT_HORIZONS)
    yield from with_mean(about, figures)
    if trial.base:
        about = {"suite": "etth1", "method": "base"}
        yield from with_mean(about, (ett_by_base(table, horizon) for horizon in ETT_HORIZONS))
    if trial.base or trial.baselines_only:
        return

    for seed in range(1, (trial.seeds or 1) + 1):
        about = {"suite": "etth1", "method": trial.preset, "seed": seed}
        figures = (ett_trained(table, trial, horizon, seed) for horizon in ETT_HORIZONS)
        yield from with_mean(about, figures)


def with_mean(about: Figure, figures: Iterator[Figure]) -> Iterator[Figure]:
    """The figure of each horizon, and their mean where there is no error among them."""
    found = []
    for figure in figures:
        yield figure
        found.append(figure)
    if any("error" in figure for figure in found):
        return
    means = {name: np.mean([figure[name] for figure in found]) for name in ("mse", "mae")}
    yield about | {"horizon": "mean"} | {k: round(float(v), 4) for k, v in means.items()}


def ett_repeated(about: Figure, scaled: Floats, horizon: int) -> Figure:
    errors = scores.window_errors(scaled, suites.ETT_TRAINED, horizon, ETT_DAY)
    return ett_figure(about, horizon, *errors)


def ett_figure(figure: Figure, horizon: int, mse: float, mae: float) -> Figure:
    return figure | {"horizon": horizon, "mse": mse, "mae": mae}


def ett_trained(table: pd.DataFrame, trial: Trial, horizon: int, seed: int) -> Figure:
    """Train on training and validation rows, and forecast from every origin of the test part."""
    words = ["train", "train.csv", "--target", "all", "--lookback", str(ETT_LOOKBACK)]
    words += ["--horizon", str(horizon), *trial.words(seed)]
    figure = described("etth1", trial, seed, words)
    with tempfile.TemporaryDirectory() as folder:
        table.iloc[: suites.ETT_TRAINED].to_csv(Path(folder, "train.csv"), index=False)
        table.to_csv(Path(folder, "all.csv"), index=False)
        try:
            _, figure["train_seconds"] = timed_forecast(*words, "--quiet", folder=folder)
        except subprocess.CalledProcessError as error:
            return figure | {"horizon": horizon, "error": f"exit code {error.returncode}"}
        figure |= ett_rolled(table, Path(folder), horizon, {"run": "1"})
    return figure


def ett_by_base(table: pd.DataFrame, horizon: int) -> Figure:
    """Forecast from every origin of the test part with the base network."""
    figure: Figure = {"suite": "etth1", "method": "base"}
    with tempfile.TemporaryDirectory() as folder:
        table.to_csv(Path(folder, "all.csv"), index=False)
        asked = {"run": "base", "target": list(suites.ETT_COLUMNS), "horizon": horizon}
        return figure | ett_rolled(table, Path(folder), horizon, asked)


def ett_rolled(table: pd.DataFrame, folder: Path, horizon: int, asked: Figure) -> Figure:
    """The figures of a run that is rolled over every origin of the test part."""
    start = time.perf_counter()
    rolled = backtest(
        folder / "all.csv",
        store_folder=folder / "forecast_runs",
        origins=len(table) - suites.ETT_TRAINED - horizon + 1,
        step=1,
        **asked,
    )
    seconds = round(time.perf_counter() - start, 1)
    return ett_figure({"backtest_seconds": seconds}, horizon, *ett_errors(table, rolled)) | {
        "windows": len(rolled.result.series) // len(suites.ETT_COLUMNS),
        "coverage_percent": {
            f"{level:g}": round(100 * metrics.coverage(rolled.result.actual, low, high), 1)
            for level, (low, high) in rolled.result.bounds.items()
        },
    }


def ett_errors(table: pd.DataFrame, rolled: Backtested) -> tuple[float, float]:
    """MSE and MAE in units of the standard deviation of the rows for z-scores."""
    names = list(rolled.panel.ids)
    deviations = table[names].iloc[: suites.ETT_SCALED].to_numpy(np.float64).std(axis=0)
    units = deviations[rolled.result.series][:, None]
    return scores.mse_and_mae(
        rolled.result.actual / units, rolled.result.forecasts[NETWORK] / units
    )


# -- the command -------------------------------------------------------------------------------

SUITES: dict[str, Callable[[Trial], Iterator[Figure]]] = {
    "airline": of_airline,
    **{name: of_panel(name) for name in suites.PANELS},
    "etth1": of_etth1,
    "small": of_small,
}


def run_all(words: list[str], limit: float) -> None:
    """Every suite in a process of its own, and a line of the main figure of each."""
    table: Figure = {"suite": "all"}
    for name in SUITES:
        command = [sys.executable, __file__, *words, "--suite", name]
        printed, failure = bounded(command, limit)
        print(printed, end="", flush=True)
        if failure:
            print(json.dumps({"suite": name, "error": failure}), flush=True)
        table |= main_figures(name, printed, failure)
    print(json.dumps(table))


def main_figures(suite: str, printed: str, failure: str) -> Figure:
    """The last figure of each set in what a suite printed."""
    metric = MAIN_FIGURES[suite]
    figures = [json.loads(line) for line in printed.splitlines()]
    found = {
        f"{figure['suite']} {metric}": figure.get(metric, figure.get("error")) for figure in figures
    }
    return found | ({suite: failure} if failure else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", choices=[*SUITES, "all"], required=True)
    parser.add_argument("--preset", default="auto")
    parser.add_argument("--run", choices=["base"], help="train nothing: use the base network")
    parser.add_argument("--data", type=Path, default=Path(), help="folder of the public data")
    parser.add_argument("--seeds", type=int, help="seeds 1 to this one (airline: 5, others: 1)")
    parser.add_argument(
        "--options", default="", help="more options for `forecast train`, the same on every set"
    )
    parser.add_argument(
        "--baselines", action="store_true", help="only forecasts that need no training"
    )
    parser.add_argument(
        "--limit", type=float, default=3600, help="seconds for each suite of --suite all"
    )
    arguments = parser.parse_args()
    if arguments.suite == "all":
        words = ["--preset", arguments.preset, "--data", str(arguments.data)]
        words += ["--options=" + arguments.options]
        words += ["--seeds", str(arguments.seeds)] if arguments.seeds else []
        words += ["--baselines"] if arguments.baselines else []
        words += BASE if arguments.run else []
        run_all(words, arguments.limit)
        return

    options = tuple(arguments.options.split())
    trial = Trial(
        arguments.data,
        arguments.preset,
        arguments.seeds,
        options,
        arguments.baselines,
        arguments.run == "base",
    )
    for figure in SUITES[arguments.suite](trial):
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
