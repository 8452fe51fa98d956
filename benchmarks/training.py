"""How fast the training is: `python benchmarks/training.py`.

Prints one JSON line a figure. The loop: windows per second beside a bare float32 torch loop of the same
network and batch, 2 x 64 LSTM, lookback 96; medians of interleaved runs in one sitting. Two threads are
timed by the clock, and say nothing on a busy machine; `--threads 1` is timed by the seconds of the processor.
The command: the parts of a whole `forecast train` of the airline sample, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.commands import ROOT
from forecast_cli import planning, windows
from forecast_cli.panel import Panel, from_series
from forecast_cli.progress import Epoch, Event
from forecast_cli.sources import settings_from
from forecast_cli.training import FitOptions, Fold, TrainingData, fit

LOOKBACK, HORIZON, UNITS = 96, 24, 64
ROWS = 12_000
ROUNDS = 5


@dataclass(frozen=True)
class Case:
    """What the loops are compared at, the windows that are timed, and the target of the ratio."""

    segment: int
    batch_size: int
    windows: int
    target: float


CASES = (
    Case(1, 64, 2_560, 1.0),
    Case(1, 256, 2_560, 1.5),
    Case(24, 32, 12_800, 1.0),
    Case(24, 64, 12_800, 1.0),
    Case(24, 256, 25_600, 1.0),
)


# -- the loop ----------------------------------------------------------------------------------


def hourly_panel() -> Panel:
    """One series with a daily season."""
    random = np.random.default_rng(1)
    hours = np.arange(ROWS)
    values = 100 + 20 * np.sin(hours / 24 * 2 * np.pi) + random.normal(0, 3, ROWS)
    return from_series([values])


def seconds_of(threads: int) -> float:
    return time.process_time() if threads == 1 else time.perf_counter()


def our_rate(panel: Panel, case: Case, threads: int) -> float:
    """Windows per second in the second epoch of the tool's own loop."""
    settings = settings_from(
        horizon=HORIZON,
        lookback=LOOKBACK,
        segment=case.segment,
        units=f"{UNITS},{UNITS}",
        batch_size=case.batch_size,
        threads=threads,
        season=(24,),
        validation=0,
        test=0,
        patience=0,
    )
    batches = case.windows // case.batch_size
    plan = replace(planning.make(panel, settings), epoch_batches=batches)
    start = np.zeros(1, np.int64)
    chosen = windows.between(panel, LOOKBACK, HORIZON, start, panel.lengths)
    ends: list[float] = []

    def note(event: Event) -> None:
        if isinstance(event, Epoch):
            ends.append(seconds_of(threads))

    values = (panel.values - panel.values.mean()) / panel.values.std()
    fit(TrainingData(values, plan), [Fold(chosen)], note, FitOptions(steps=2 * batches))
    return batches * case.batch_size / (ends[1] - ends[0])


class Bare(nn.Module):
    """The same network, without anything around it."""

    def __init__(self, segment: int) -> None:
        super().__init__()
        self.segment = segment
        self.embedding = nn.Linear(segment, UNITS) if segment > 1 else nn.Identity()
        inputs = UNITS if segment > 1 else 1
        self.recurrent = nn.LSTM(inputs, UNITS, 2, dropout=0.1, batch_first=True)
        self.head = nn.Linear(UNITS, HORIZON)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        steps = self.embedding(x.reshape(len(x), -1, self.segment))
        states, _ = self.recurrent(steps)
        forecasts: torch.Tensor = self.head(states[:, -1])
        return forecasts


def bare_rate(panel: Panel, case: Case, threads: int) -> float:
    """Windows per second of a bare loop over windows that lie in memory."""
    torch.set_num_threads(threads)
    flat = torch.from_numpy((panel.values / 100 - 1).astype(np.float32))
    every = flat.unfold(0, LOOKBACK + HORIZON, 1).contiguous()
    network = Bare(case.segment)
    optimizer = torch.optim.RMSprop(network.parameters(), lr=1e-3, alpha=0.9)
    batches = case.windows // case.batch_size

    seconds = 0.0
    for _ in range(2):
        start = seconds_of(threads)
        for rows in torch.randint(len(every), (batches, case.batch_size)):
            batch = every[rows]
            optimizer.zero_grad(set_to_none=True)
            errors = network(batch[:, :LOOKBACK]) - batch[:, LOOKBACK:]
            (errors**2).mean().backward()
            optimizer.step()
        seconds = seconds_of(threads) - start
    return batches * case.batch_size / seconds


def measure_loop(case: Case, rounds: int, threads: int) -> dict[str, float]:
    panel = hourly_panel()
    ours, bare = [], []
    for _ in range(rounds):
        ours.append(our_rate(panel, case, threads))
        bare.append(bare_rate(panel, case, threads))
    ratios = [a / b for a, b in zip(ours, bare, strict=True)]
    return {
        "windows_per_second": round(statistics.median(ours)),
        "bare_windows_per_second": round(statistics.median(bare)),
        "ratio": round(statistics.median(ours) / statistics.median(bare), 2),
        "lowest_ratio": round(min(ratios), 2),
        "highest_ratio": round(max(ratios), 2),
        "target_ratio": case.target,
        "threads": threads,
    }


# -- the whole command -------------------------------------------------------------------------

# Each phase lasts until the next one is reported. The first lasts from the start of the process.
_PROFILE = """
import json, sys, time

def main():
    stamps = [("start-up", float(sys.argv[1]))]
    from forecast_cli.progress import Phase
    from forecast_cli.workflow import train

    def note(event):
        if isinstance(event, Phase):
            stamps.append((event.name, time.time()))

    train(sys.argv[2], store_folder=sys.argv[3], report=note, by_cores=True)
    stamps.append(("end", time.time()))
    parts = {}
    for (name, begin), (_, end) in zip(stamps, stamps[1:]):
        parts[name] = parts.get(name, 0) + end - begin
    parts["whole"] = stamps[-1][1] - stamps[0][1]
    print(json.dumps(parts))

if __name__ == "__main__":  # members may be trained by processes that import this module
    main()
"""


def profile_command() -> dict[str, float]:
    """The seconds of each part of a whole training."""
    data = ROOT / "sample_data" / "airline.csv"
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "profile_train.py")
        script.write_text(_PROFILE)
        words = [sys.executable, str(script), str(time.time()), str(data), folder]
        printed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    parts: dict[str, float] = json.loads(printed)
    return parts


def measure_command(rounds: int) -> dict[str, float]:
    """The median of each part."""
    runs = [profile_command() for _ in range(rounds)]
    return {name: round(statistics.median(run[name] for run in runs), 2) for name in runs[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", choices=["loop", "command"])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.only != "command":
        for case in CASES:
            about = {"what": "loop", "segment": case.segment, "batch_size": case.batch_size}
            figure = measure_loop(case, arguments.rounds, arguments.threads)
            print(json.dumps(about | figure), flush=True)
    if arguments.only != "loop":
        seconds = measure_command(arguments.rounds)
        print(json.dumps({"what": "forecast train airline.csv, seconds", **seconds}))


if __name__ == "__main__":
    main()
