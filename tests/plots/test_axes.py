from __future__ import annotations

from pathlib import Path

import matplotlib.dates
import numpy as np

from forecast_cli import train
from forecast_cli.calendar import HOUR, Frequency
from forecast_cli.panel import Columns, TimeFormat, from_series
from forecast_cli.plots import gates
from forecast_cli.plots.fonts import Labels
from tests.plots.helpers import QUICK


def test_times_are_those_of_the_file(tmp_path: Path) -> None:
    """The same instants, written five and a half hours apart: the axis says what the file says."""
    shown = []
    for offset in ("Z", "+05:30"):
        panel = from_series(
            [50 + np.sin(np.arange(100) / 24 * 2 * np.pi)], Frequency("fixed", HOUR), first=[480_000],
            columns=Columns("time"), time_format=TimeFormat("%Y-%m-%dT%H:%M%z", offset),
        )  # fmt: skip
        run = train(panel, store_folder=tmp_path, lookback=12, horizon=6, **QUICK).run
        axes = gates.figure(run, Labels()).axes[-1 - 5]
        shown.append([matplotlib.dates.num2date(t).strftime("%H:%M") for t in axes.get_xticks()])
    assert all(text.endswith(":00") for text in shown[0])
    assert all(text.endswith(":30") for text in shown[1])
