"""Beside other libraries: `python benchmarks/versus.py --neuralforecast PYTHON --darts PYTHON --data DIR`.

Each PYTHON is of an environment of its own, with torch as in constraints.txt: neuralforecast 3.3.0 in
one, darts[torch] 0.48.1 in the other. Prints one JSON line a figure: their LSTM by its own defaults and
with our sizes (2 x 64), with wall seconds and peak memory of the whole process, and the error; then the
first time limit with which `forecast train` is as good, and the seconds of that process.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import accuracy, scores, suites
from benchmarks.commands import bounded
from benchmarks.suites import Floats, Suite

Figure = dict[str, Any]

HISTORY = 1_000  # rows before each origin that a library is given
TIME_LIMITS = (2, 4, 8, 16, 32, 64, 128)  # seconds, of our training
LOOKBACKS = {"airline": 24, "etth1-ot": 96, "m4-hourly": 168}
VARIANTS = ("defaults", "our sizes")

# Arguments: training file, file of histories, output file, horizon, lookback, variant, steps.
_NEURALFORECAST = """
import sys
import pandas as pd
from neuralforecast import NeuralForecast
from neuralforecast.models import LSTM

training, histories, output, horizon, lookback, variant, steps = sys.argv[1:]
named = {"max_steps": int(steps)} if int(steps) else {}
if variant == "our sizes":
    named |= dict(
        input_size=int(lookback), encoder_n_layers=2, encoder_hidden_size=64, encoder_dropout=0.1
    )
model = LSTM(
    h=int(horizon), accelerator="cpu", enable_progress_bar=False, logger=False, **named
)
forecaster = NeuralForecast(models=[model], freq=1)
forecaster.fit(pd.read_csv(training, dtype={"unique_id": str}))
found = forecaster.predict(df=pd.read_csv(histories, dtype={"unique_id": str}))
found.rename(columns={"LSTM": "forecast"})[["unique_id", "forecast"]].to_csv(output, index=False)
"""

_DARTS = """
import sys
import numpy as np
import pandas as pd
from darts import TimeSeries
from darts.dataprocessing.transformers import Scaler
from darts.models import BlockRNNModel

training, histories, output, horizon, lookback, variant, steps = sys.argv[1:]

def read(path):
    table = pd.read_csv(path, dtype={"unique_id": str})
    groups = table.groupby("unique_id", sort=False)["y"]
    return {name: TimeSeries.from_values(y.to_numpy(np.float32)) for name, y in groups}

named = {"n_epochs": int(steps)} if int(steps) else {}
if variant == "our sizes":
    named |= dict(hidden_dim=64, n_rnn_layers=2, dropout=0.1)
model = BlockRNNModel(
    int(lookback), int(horizon), model="LSTM", random_state=1,
    pl_trainer_kwargs={"accelerator": "cpu", "enable_progress_bar": False, "logger": False},
    **named,
)
model.fit(Scaler().fit_transform(list(read(training).values())))
known = read(histories)
scaler = Scaler()
series = scaler.fit_transform(list(known.values()))
forecasts = scaler.inverse_transform(model.predict(int(horizon), series=series))
parts = [
    pd.DataFrame({"unique_id": name, "forecast": forecast.values().ravel()})
    for name, forecast in zip(known, forecasts)
]
pd.concat(parts).to_csv(output, index=False)
"""

_PEAK = """
import resource, atexit
atexit.register(lambda: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""


@dataclass(frozen=True)
class Limits:
    """Seconds of each process; steps or epochs of a library, 0 for its default."""

    seconds: float
    steps: int


# -- sets --------------------------------------------------------------------------------------


def etth1_ot(data: Path) -> Suite:
    """The oil temperature of ETTh1: trained on rows 1 to 11,520, 30 origins, four days apart."""
    table = suites.etth1(data)
    times, values = table["date"].tolist(), table["OT"].to_numpy(np.float64)
    return suites.held_out("etth1-ot", values, times, (96, 24, 30))


def load(name: str, data: Path) -> Suite:
    if name == "airline":
        return suites.airline()
    return etth1_ot(data) if name == "etth1-ot" else suites.m4_hourly(data)


def error_of(suite: Suite, forecasts: suites.Series) -> tuple[str, float]:
    """RMSE of airline, MASE of the others."""
    metric = "rmse" if suite.name == "airline" else "mase"
    return metric, scores.scores(suite, forecasts)[metric]


# -- a library ---------------------------------------------------------------------------------


def histories_of(suite: Suite) -> suites.Series:
    """The rows before each origin, as a series each, in the order of series and origins."""
    found = {}
    for name, training in suite.training.items():
        every = np.concatenate([training, suite.test[name]])
        for number in range(suite.origins):
            end = len(training) + number * suite.horizon
            found[f"{name or 'series'}-{number}"] = every[max(end - HISTORY, 0) : end]
    return found


def write_steps(path: Path, rows: suites.Series) -> None:
    """A long file of `unique_id`, `ds` as numbers of steps, and `y`."""
    parts = [
        pd.DataFrame({"unique_id": name, "ds": np.arange(len(values)), "y": values})
        for name, values in rows.items()
    ]
    pd.concat(parts).to_csv(path, index=False)


def read_forecasts(path: Path, suite: Suite) -> suites.Series:
    """The forecasts of each series, from all origins one after the other."""
    table = pd.read_csv(path, dtype={"unique_id": str})
    groups = table.groupby("unique_id", sort=False)["forecast"]
    found = {str(name): values.to_numpy(np.float64) for name, values in groups}

    def joined(name: str) -> Floats:
        return np.concatenate([found[f"{name or 'series'}-{n}"] for n in range(suite.origins)])

    return {name: joined(name) for name in suite.test}


def run_library(library: str, python: str, suite: Suite, variant: str, limit: Limits) -> Figure:
    """Train and forecast in a process of its own."""
    script = _PEAK + (_NEURALFORECAST if library == "neuralforecast" else _DARTS)
    figure: Figure = {"set": suite.name, "what": library, "variant": variant}
    with tempfile.TemporaryDirectory() as folder:
        training, histories, output = (Path(folder, name) for name in ("train", "from", "found"))
        write_steps(training, {name or "series": rows for name, rows in suite.training.items()})
        write_steps(histories, histories_of(suite))
        words = [str(training), str(histories), str(output), str(suite.horizon)]
        words += [str(LOOKBACKS[suite.name]), variant, str(limit.steps)]
        start = time.perf_counter()
        printed, failure = bounded([python, "-c", script, *words], limit.seconds)
        seconds = round(time.perf_counter() - start, 1)
        if failure:
            return figure | {"seconds": seconds, "error": failure}
        metric, error = error_of(suite, read_forecasts(output, suite))
    peak = int(printed.split()[-1]) // 1024
    return figure | {"seconds": seconds, "peak_MiB": peak, metric: error}


# -- ours --------------------------------------------------------------------------------------


def run_ours(suite: Suite, words: tuple[str, ...]) -> Figure:
    """One training by `--preset auto` in a process of its own, and the error."""
    trial = accuracy.Trial(Path(), "auto", None, words, baselines_only=False)
    figure = accuracy.trained_once(suite, trial, 1)
    names = ("train_seconds", "predict_seconds", "rmse", "mase", "error")
    kept = {name: figure[name] for name in names if name in figure}
    return {"set": suite.name, "what": "forecast train", "options": " ".join(words), **kept}


def first_as_good(suite: Suite, metric: str, error: float) -> Figure:
    """The first of our trainings, each with more time than the one before, with that error."""
    for seconds in TIME_LIMITS:
        figure = run_ours(suite, ("--time-limit", f"{seconds}s"))
        if figure.get(metric, np.inf) <= error:
            return figure
    return {"set": suite.name, "what": "forecast train", "error": f"never as good as {error}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--neuralforecast", metavar="PYTHON", help="of its environment")
    parser.add_argument("--darts", metavar="PYTHON", help="of its environment")
    parser.add_argument("--data", type=Path, default=Path(), help="folder of the public data")
    parser.add_argument("--sets", nargs="+", choices=[*LOOKBACKS], default=[*LOOKBACKS])
    parser.add_argument("--limit", type=float, default=900, help="seconds of each process")
    parser.add_argument("--steps", type=int, default=0, help="of a library, to try the script")
    arguments = parser.parse_args()
    libraries = {"neuralforecast": arguments.neuralforecast, "darts": arguments.darts}
    limits = Limits(arguments.limit, arguments.steps)
    for name in arguments.sets:
        suite = load(name, arguments.data)
        for library, python in libraries.items():
            for variant in VARIANTS if python else ():
                theirs = run_library(library, python, suite, variant, limits)
                print(json.dumps(theirs), flush=True)
                metric = "rmse" if name == "airline" else "mase"
                if metric in theirs:
                    ours = first_as_good(suite, metric, theirs[metric])
                    ratio = round(ours.get("train_seconds", np.inf) / theirs["seconds"], 2)
                    print(json.dumps(ours | {"against": library, "times": ratio}), flush=True)


if __name__ == "__main__":
    main()
