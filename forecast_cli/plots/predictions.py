"""The held-out rows against their prediction, between the history and the forecast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast_cli import tables
from forecast_cli.calendar import Ints
from forecast_cli.messages import plural
from forecast_cli.panel import Floats, format_times, times_of, values_of
from forecast_cli.plots import style
from forecast_cli.plots.axes import positions, time_axis, value_axis
from forecast_cli.plots.fonts import NARROW, Labels
from forecast_cli.plots.style import BLUE, GREY, ORANGE
from forecast_cli.store import Run
from forecast_cli.tables import Rows

SHOWN = 6  # series in one picture
FEW = 3  # steps of a forecast up to which each has a dot


@dataclass(frozen=True, eq=False)
class Interval:
    """A prediction interval: its name, and its bounds (H,) at the steps of the forecast."""

    name: str
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class Story:
    """One series as it is drawn, in the units of the file.

    at, predicted_at and forecast_at are positions on the axis of time.

    values (N,): the stored rows; held_out: the first and the last position among them that was
    predicted, plus one, or twice the end where nothing was; predicted (P,) and forecast (H,):
    empty where there is none; prefix: what stands before the name.
    """

    name: str
    at: Any
    values: Floats
    held_out: tuple[int, int]
    predicted_at: Any
    predicted: Floats
    forecast_at: Any
    forecast: Floats
    intervals: list[Interval]
    prefix: str = ""


def figure(run: Run, label: Labels, chosen: dict[int, str] | None = None) -> Figure:
    """History, held-out rows with their prediction, and the forecast with its intervals.

    Of many series, those that were predicted best and worst.

    chosen: the numbers of the series to draw instead, each with what stands before its name.
    """
    stories, left_out = stories_of(run, chosen)
    columns = 1 if len(stories) <= 2 or chosen is not None else 2
    rows = -(-len(stories) // columns)
    height = style.HEIGHT if rows == 1 else 1.2 + 2.3 * rows
    picture = Figure(figsize=(style.WIDTH, height), layout="constrained")
    grid = picture.subplots(rows, columns, squeeze=False).ravel()

    for axes, story in zip(grid, stories, strict=False):
        _draw(axes, story)
        value_axis(axes)
        time_axis(axes, run, story.at, narrow=columns > 1)
        if len(stories) > 1 or chosen is not None:
            axes.set_title(f"{story.prefix}{label(story.name, NARROW)}", loc="left", fontsize=10)
    for axes in grid[len(stories) :]:
        axes.set_visible(False)

    if len(stories) == 1 and chosen is None:
        grid[0].set_ylabel(label(run.config.columns.target, NARROW))
        grid[0].set_xlabel(label(run.config.columns.time))
    if chosen is None:
        style.title(picture, *_title(run, label, len(stories), left_out))
    style.legend(picture, *grid[0].get_legend_handles_labels())
    return picture


def _title(run: Run, label: Labels, shown: int, left_out: int) -> list[str]:
    columns, plan = run.config.columns, run.config.plan
    target = label(columns.target)
    if columns.id and columns.target == "value":
        # The series are columns of a wide file, and their target has no name of its own.
        target = "all targets"
    ahead = f"{plural(plan.horizon, 'step')} ahead"
    if plan.test:
        ahead += f", tested on the last {plural(plan.test, 'row')}"
    if left_out:
        best = shown // 2
        of = f"{shown} of {shown + left_out:,} series"
        ahead += f"\n{of}: the {best} predicted best and the {shown - best} predicted worst"
    return [f"{target}:", ahead]


def _draw(axes: Axes, story: Story) -> None:
    start, stop = story.held_out
    # The history ends with the first row that was held out, so that the lines touch.
    history = slice(0, start + 1)
    axes.plot(story.at[history], story.values[history], color=GREY, linewidth=1.2, label="history")
    if stop > start:
        _draw_held_out(axes, story)
    if len(story.forecast):
        _draw_intervals(axes, story)
        _draw_forecast(axes, story)
    axes.margins(x=0.01)


def _draw_held_out(axes: Axes, story: Story) -> None:
    rows = slice(*story.held_out)
    axes.plot(
        story.at[rows],
        story.values[rows],
        color="black",
        linewidth=1.6,
        label="held out: actual",
    )
    axes.plot(
        story.predicted_at,
        story.predicted,
        color=ORANGE,
        linestyle="--",
        linewidth=1.6,
        label="held out: predicted",
    )


def _draw_intervals(axes: Axes, story: Story) -> None:
    # The widest interval comes first, so that the narrower ones lie upon it.
    for number, interval in enumerate(reversed(story.intervals)):
        look: dict[str, Any] = {
            "color": BLUE,
            "alpha": 0.15 + 0.12 * number,
            "label": interval.name,
        }
        if len(story.forecast) == 1:
            # The area between two curves would have no width.
            axes.vlines(story.forecast_at, interval.low, interval.high, linewidth=9, **look)
        else:
            axes.fill_between(story.forecast_at, interval.low, interval.high, linewidth=0, **look)


def _draw_forecast(axes: Axes, story: Story) -> None:
    axes.plot(
        story.forecast_at,
        story.forecast,
        color=BLUE,
        linewidth=1.8,
        marker="o" if len(story.forecast) <= FEW else "",
        label="forecast",
    )


# -- what to draw ------------------------------------------------------------------------------


def stories_of(run: Run, chosen: dict[int, str] | None = None) -> tuple[list[Story], int]:
    """The chosen series of a run, or up to SHOWN, and how many more there are."""
    columns, levels = run.config.columns, run.config.plan.levels
    held_out = tables.read_predictions(run.texts["predictions.csv"], columns, levels)
    ahead = tables.read_forecast(run.texts["forecast.csv"], columns, levels)
    held_out_rows, ahead_rows = held_out.by_series(), ahead.by_series()

    series = list(chosen) if chosen else _series_to_show(run, held_out, held_out_rows)
    none = np.empty(0, np.int64)
    stories = []
    for index in series:
        name = run.tail.ids[index]
        rows = held_out_rows.get(name, none), ahead_rows.get(name, none)
        story = _story(run, index, held_out, rows[0], ahead, rows[1])
        stories.append(replace(story, prefix=chosen[index]) if chosen else story)
    return stories, len(run.tail) - len(series)


def _series_to_show(run: Run, held_out: Rows, rows: dict[str, Ints]) -> list[int]:
    """All series; of more than SHOWN the best predicted ones and then the worst predicted ones."""
    tail = run.tail
    if len(tail) <= SHOWN:
        return list(range(len(tail)))

    actual, predicted = held_out.numbers["actual"], held_out.numbers["forecast"]
    none = np.empty(0, np.int64)
    errors = []
    for index, name in enumerate(tail.ids):
        mine = rows.get(name, none)
        errors.append((relative_error(actual[mine], predicted[mine]), index))

    ranked = [index for error, index in sorted(errors) if np.isfinite(error)]
    if not ranked:
        # Nothing was held out, so that there is no best and no worst.
        ranked = list(range(len(tail)))
    if len(ranked) <= SHOWN:
        return ranked

    half = SHOWN // 2
    return [*ranked[:half], *ranked[-half:]]


def relative_error(actual: Floats, predicted: Floats) -> float:
    """The sum of absolute errors divided by the sum of absolute values; infinite if that is 0."""
    known = ~np.isnan(actual)
    size = float(np.abs(actual[known]).sum())
    if not size:
        return float("inf")
    return float(np.abs(actual - predicted)[known].sum()) / size


def _story(
    run: Run, index: int, held_out: Rows, held_out_rows: Ints, ahead: Rows, ahead_rows: Ints
) -> Story:
    tail = run.tail
    values = values_of(tail, index)
    count, steps = len(values), len(ahead_rows)
    at = positions(run, times_of(tail, index, 0, count + steps))

    # Of a run with a long test part, the first rows may not be among those that are stored.
    stored_times = format_times(tail, times_of(tail, index))
    position_of = {time: position for position, time in enumerate(stored_times)}
    times = held_out.texts[tables.TIME]
    rows = np.array([row for row in held_out_rows if times[row] in position_of], np.int64)
    where = np.array([position_of[times[row]] for row in rows], np.int64)
    first, end = (int(where.min()), int(where.max()) + 1) if len(where) else (count, count)

    intervals = []
    for level in run.config.plan.levels:
        lower, upper = (tables.bound_name(side, level) for side in tables.SIDES)
        low, high = ahead.numbers[lower][ahead_rows], ahead.numbers[upper][ahead_rows]
        intervals.append(Interval(f"{level:.10g} % interval", low, high))

    return Story(
        name=tail.ids[index],
        at=at[:count],
        values=values,
        held_out=(first, end),
        predicted_at=at[where],
        predicted=held_out.numbers["forecast"][rows],
        forecast_at=at[count:],
        forecast=ahead.numbers["forecast"][ahead_rows],
        intervals=intervals,
    )
