from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

import matplotlib.dates
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from forecast_cli import store, train
from forecast_cli.calendar import HOUR, Frequency
from forecast_cli.panel import Columns, TimeFormat, from_series
from forecast_cli.plots import axes, gates, style
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
        run = train(panel, draw=False, store_folder=tmp_path, lookback=12, horizon=6, **QUICK).run
        values = gates.figure(run, Labels()).axes[-1 - 5]
        shown.append([matplotlib.dates.num2date(t).strftime("%H:%M") for t in values.get_xticks()])
    assert all(text.endswith(":00") for text in shown[0])
    assert all(text.endswith(":30") for text in shown[1])


@pytest.mark.parametrize("days", [14, 21, 25, 31, 45, 60, 100])
@pytest.mark.parametrize("start", ["2024-01-20", "2024-02-10", "2024-12-20"])
@pytest.mark.parametrize("narrow", [False, True])
def test_dates_on_an_axis_never_touch_each_other(
    airline_store: Path, start: str, days: int, narrow: bool
) -> None:
    at = (np.datetime64(start) + np.arange(days)).astype("datetime64[us]")
    figure = Figure(figsize=(style.WIDTH / 2 if narrow else style.WIDTH, 2), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    drawn = figure.subplots()
    drawn.plot(at, at.astype(float))
    axes.time_axis(drawn, store.load(airline_store), at, narrow=narrow)
    figure.draw_without_rendering()
    boxes = [
        tick.label1.get_window_extent(canvas.get_renderer())
        for tick in drawn.xaxis.get_major_ticks()
        if tick.label1.get_text()
    ]
    assert len(boxes) >= 2
    assert all(one.x1 + 3 < other.x0 for one, other in itertools.pairwise(boxes))


def test_the_years_of_dates_are_said_once() -> None:
    assert len(axes.TICKS) == len(axes.BEGINNINGS) == len(axes.BELOW) == 6
    at = np.arange("2024-03-01", "2024-05-01", dtype="datetime64[D]").astype("datetime64[us]")
    figure = Figure(layout="constrained")
    FigureCanvasAgg(figure)
    drawn = figure.subplots()
    drawn.plot(at, at.astype(float))
    run = SimpleNamespace(config=SimpleNamespace(time_format=TimeFormat("%Y-%m-%d")))
    axes.time_axis(drawn, run, at)  # type: ignore[arg-type]
    figure.draw_without_rendering()
    words = [tick.label1.get_text() for tick in drawn.xaxis.get_major_ticks()]
    assert words == ["Mar 1", "Mar 15", "Apr 1", "Apr 15", "May 1"]
    assert drawn.xaxis.get_offset_text().get_text() == "2024"


def test_steps_without_dates_have_whole_numbers() -> None:
    figure = Figure()
    drawn = figure.subplots()
    drawn.plot(np.arange(7), np.arange(7))
    axes.time_axis(drawn, SimpleNamespace(), np.arange(7))  # type: ignore[arg-type]
    assert all(tick == round(tick) for tick in drawn.get_xticks())
