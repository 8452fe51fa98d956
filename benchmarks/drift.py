"""A week of daily data at a time, refreshed every week, whose season changes: `python benchmarks/drift.py`.

Prints one JSON line a week: the live error, the alarm, whether a new run was promoted; then counts. 50 quiet weeks count
false alarms, then the season comes three days late. `-o DIR` draws the track of the whole time into a folder.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from forecast_cli import store, tables, workflow
from forecast_cli.forecasting import Forecast
from forecast_cli.settings import Settings
from forecast_cli.sources import settings_from

WEEK = 7
BEFORE = 20 * WEEK  # rows of the first training
START = datetime(2024, 1, 1, tzinfo=UTC)


def values(weeks: int, drift_at: int, seed: int) -> np.ndarray:
    """Days with a weekly season, which comes three days late from the week `drift_at` on."""
    days = np.arange(BEFORE + weeks * WEEK)
    late = days >= BEFORE + drift_at * WEEK
    noise = np.random.default_rng(seed).normal(0, 2, len(days))
    return np.asarray(100 + 10 * np.sin(2 * np.pi * (days + 3 * late) / WEEK) + noise)


def write(path: Path, series: np.ndarray) -> None:
    days = np.datetime64(START.date(), "D") + np.arange(len(series))
    rows = (f"{day},{value:.3f}\n" for day, value in zip(days, series, strict=True))
    path.write_text("day,y\n" + "".join(rows))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quiet-weeks", type=int, default=50)
    parser.add_argument("--drift-weeks", type=int, default=10)
    parser.add_argument("--retrain-after", default="70d")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", help="folder for track.png")
    asked = parser.parse_args()

    weeks = asked.quiet_weeks + asked.drift_weeks
    series = values(weeks, asked.quiet_weeks, asked.seed)
    settings = settings_from(
        epochs=4, units="6", members=1, lookback=28, season="7", horizon=7,
        retrain_after=asked.retrain_after, threads=1,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder), series, settings, asked)


def _time_after(rows: int) -> datetime:
    """When the row after so many days is still to come."""
    return START + timedelta(days=rows)


def run(folder: Path, series: np.ndarray, settings: Settings, asked: argparse.Namespace) -> int:
    data, root = folder / "data.csv", folder / "store"
    alarms: list[int] = []
    promoted: list[int] = []

    def deliver(forecast: Forecast) -> None:
        store.replace_file(folder / "out.csv", tables.forecast_csv(forecast))

    started = time.monotonic()
    for week in range(asked.quiet_weeks + asked.drift_weeks + 1):
        rows = BEFORE + week * WEEK
        write(data, series[:rows])
        clock = functools.partial(_time_after, rows)
        done = workflow.refresh(data, settings, deliver, store_folder=root, clock=clock)
        alarms += [week] * done.state.alarm.is_on
        promoted += [week] * (done.promoted and week > 0)
        live = done.state.live
        line = {
            "week": week,
            "action": done.state.decision.action,
            "due": done.state.decision.kinds,
            "live_mase": None if live is None or live.mase is None else round(live.mase, 3),
            "ratio": None if done.state.alarm.ratio is None else round(done.state.alarm.ratio, 2),
            "alarm": done.state.alarm.is_on,
            "promoted": done.promoted,
        }
        print(json.dumps(line), flush=True)

    # A season that changes at week N is in the data from week N + 1 on.
    false = [week for week in alarms if week <= asked.quiet_weeks]
    true = [week for week in alarms if week > asked.quiet_weeks]
    after = [week for week in promoted if week > asked.quiet_weeks]
    summary = {
        "what": "drift",
        "quiet_weeks": asked.quiet_weeks,
        "false_alarms": len(false),
        "first_alarm_weeks_after": true[0] - asked.quiet_weeks if true else None,
        "alarms": len(true),
        "promoted_weeks_after": [week - asked.quiet_weeks for week in after],
        "seconds": round(time.monotonic() - started, 1),
    }
    print(json.dumps(summary), flush=True)
    if asked.output:
        workflow.draw_plots(store.load(root), Path(asked.output), ["track"])
    return int(not true or not after)


if __name__ == "__main__":
    sys.exit(main())
