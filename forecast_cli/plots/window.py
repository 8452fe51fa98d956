"""The newest window of one series, as the first member of a run sees it.

Gates and attention are drawn over it.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast_cli import forecasting, tables
from forecast_cli.errors import SettingsError
from forecast_cli.messages import nearest, plural
from forecast_cli.panel import Floats, times_of, values_of
from forecast_cli.plots import fonts, style
from forecast_cli.plots.axes import positions, time_axis, value_axis
from forecast_cli.plots.fonts import Labels
from forecast_cli.plots.style import GREY
from forecast_cli.store import Run

BESIDE = 1.0  # inches that a name may take up beside the low top panel; the title has it, too
LINE = 120  # letters in a line of small print


@dataclass(frozen=True, eq=False)
class Window:
    """The newest window of one series, and its forecast.

    at, values: (lookback,), in the units of the file; edges: (lookback + 1,), where the place
    of a step on the axis begins and ends; forecast_at, forecast: (H,), empty where the forecast
    is still to come; inputs: what the network gets, as `network.forward` takes it.
    """

    index: int
    name: str
    at: Any
    edges: Any
    values: Floats
    forecast_at: Any
    forecast: Floats
    inputs: tuple[Floats, ...]


def newest(run: Run, series: str | None) -> Window:
    """The window of a series by its name, or of the first that the network can read.

    Raises SettingsError for a name that is not there, TooLittleDataError for a series that the
    network cannot read.
    """
    tail, plan, columns = run.tail, run.config.plan, run.config.columns
    index = _index(run, series)
    lookback = plan.architecture.lookback
    inputs = forecasting.newest_inputs(tail, run.model, index)

    ahead = tables.read_forecast(run.texts["forecast.csv"], columns, plan.levels)
    rows = ahead.by_series().get(tail.ids[index], np.empty(0, np.int64))

    # One step more on each side, so that all have neighbors to be halfway from.
    end = int(tail.lengths[index])
    at = positions(run, times_of(tail, index, end - lookback - 1, end + max(len(rows), 1)))
    edges = at[:-1] + (at[1:] - at[:-1]) / 2
    return Window(
        index=index,
        name=tail.ids[index],
        at=at[1 : lookback + 1],
        edges=edges[: lookback + 1],
        values=values_of(tail, index)[-lookback:],
        forecast_at=at[lookback + 1 :][: len(rows)],
        forecast=ahead.numbers["forecast"][rows],
        inputs=inputs,
    )


def _index(run: Run, series: str | None) -> int:
    ids = run.tail.ids
    if series is None:
        return int(np.argmax(forecasting.has_full_window(run.tail, run.config.plan)))
    if series in ids:
        return ids.index(series)
    if ids == ("",):
        raise SettingsError(
            f"no series {series!r}: the run has one series, without a name",
            "leave --series out",
        )

    # Names may be of any length, and a hint should stay readable.
    hint = textwrap.shorten(nearest(series, list(ids)), 200, placeholder=" ...")
    raise SettingsError(f"no series {series!r} in the run", hint)


def draw_values(axes: Axes, run: Run, window: Window, label: Labels) -> None:
    """The series over the window, in the units of the file."""
    axes.plot(window.at, window.values, color="black", linewidth=1.2, label="series")

    target = label(run.config.columns.target)
    if fonts.width(target, style.SMALL) <= BESIDE:
        axes.set_ylabel(target, fontsize=style.SMALL)

    axes.margins(x=0)
    value_axis(axes, ticks=4)
    time_axis(axes, run, window.at)


def draw_title(figure: Figure, run: Run, window: Window, label: Labels, title: str) -> None:
    """A title over the figure: what is drawn, and of which rows."""
    rows = plural(run.config.plan.architecture.lookback, "row")
    style.title(figure, f"{title}: the newest {rows} of", *_subject(run, window, label))


def draw_notes(top: Axes, run: Run, notes: list[str]) -> None:
    """Small print over the top panel: what exactly is drawn."""
    segment, members = run.config.plan.architecture.segment, len(run.model.members)
    if segment > 1:
        notes = [f"a column is a segment of {segment} rows", *notes]
    if members > 1:
        notes = [f"member 1 of {members}", *notes]

    text = "; ".join(notes)
    small_print = "\n".join(textwrap.wrap(text[:1].upper() + text[1:], LINE))
    top.set_title(small_print, loc="left", fontsize=style.SMALLER, color=GREY)


def _subject(run: Run, window: Window, label: Labels) -> list[str]:
    """What the window is of: the target, and the series where there are several."""
    target = run.config.columns.target
    if not window.name:
        return [label(target)]
    if target == "value":  # of several columns of a wide file, which have no name of their own
        return [label(window.name)]
    return [label(window.name), f"({label(target)})"]
