"""The track: forecasts that were published, actual values that came since, alarms, promotions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast_cli import calendar
from forecast_cli.panel import Floats
from forecast_cli.plots import axes as time_axes
from forecast_cli.plots import style
from forecast_cli.plots.fonts import NARROW, Labels
from forecast_cli.plots.style import BLUE, GREEN, GREY, ORANGE
from forecast_cli.store import PastForecast, Run

SHOWN = 60  # the newest forecasts


def figure(run: Run, label: Labels, track: Sequence[PastForecast], series: str | None) -> Figure:
    """One series: what was forecast each time, what came true, and below the live errors.

    track: oldest first, at least one; series: by default the first of the newest forecast.
    """
    name = track[-1].record.ids[0] if series is None else series
    ours = [past for past in track[-SHOWN:] if name in past.record.ids]
    picture = Figure(figsize=(style.WIDTH, 1.3 * style.HEIGHT), layout="constrained")
    top, bottom = picture.subplots(2, 1, sharex=True, height_ratios=(2, 1))

    _draw_values(top, run, ours, name)
    _draw_ratios(bottom, run, ours, name)
    target = run.config.columns.target
    top.set_ylabel(label(target, NARROW))
    time_axes.value_axis(top)
    at = _positions(run, _ends(ours, name))
    time_axes.time_axis(bottom, run, at)

    title = [label(target)] if not name else [label(target), "of", label(name)]
    style.title(picture, "Published forecasts and what came true:", *title)
    handles, labels = top.get_legend_handles_labels()
    more, more_labels = bottom.get_legend_handles_labels()
    style.legend(picture, [*handles, *more], [*labels, *more_labels])
    return picture


def _row(past: PastForecast, name: str) -> int:
    return past.record.ids.index(name)


def _ends(track: Sequence[PastForecast], name: str) -> Any:
    """The ordinal after the last row of a series, at each forecast."""
    return np.array([past.ends[_row(past, name)] for past in track], np.int64)


def _positions(run: Run, ordinals: Any) -> Any:
    times = calendar.times_at(run.config.frequency, np.asarray(ordinals, np.int64))
    return time_axes.positions(run, times)


def _draw_values(axes: Axes, run: Run, track: Sequence[PastForecast], name: str) -> None:
    truth: dict[int, float] = {}
    for past in track:
        truth |= _truth(past, name)
    # A step that no record holds is a gap in the line.
    steps = np.arange(min(truth, default=0), max(truth, default=-1) + 1)
    axes.plot(
        _positions(run, steps),
        [truth.get(int(step), np.nan) for step in steps],
        color=GREY,
        linewidth=1.4,
        label="what came true",
    )
    for number, past in enumerate(track):
        row = _row(past, name)
        steps = past.ends[row] + np.arange(past.record.horizon)
        axes.plot(
            _positions(run, steps),
            past.values[row],
            color=BLUE,
            linewidth=1.2,
            marker="o" if past.record.horizon == 1 else "",
            markersize=3,
            alpha=0.8,
            label="" if number else "forecasts",
        )


def _truth(past: PastForecast, name: str) -> dict[int, float]:
    """The actual values of a series that a record holds, by the ordinal of the step."""
    row = _row(past, name)
    values: Floats = past.truth[past.offsets[row] : past.offsets[row + 1]]
    first = int(past.ends[row]) - len(values)
    return {first + at: float(value) for at, value in enumerate(values)}


def _draw_ratios(axes: Axes, run: Run, track: Sequence[PastForecast], name: str) -> None:
    """The live error as a multiple of the held-out one, with alarms and promotions."""
    ends = _ends(track, name)
    ratios = np.array([np.nan if r is None else r for r in (p.record.event.ratio for p in track)])
    axes.plot(_positions(run, ends), ratios, color=BLUE, marker="o", markersize=3, linewidth=1)
    axes.axhline(1, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_ylim(0, max(2.0, 1.15 * float(np.nanmax(ratios, initial=0.0))))
    axes.set_ylabel("live error /\nheld-out error")
    axes.grid(alpha=0.25)

    alarms = np.array([past.record.event.alarm for past in track])
    promotions = np.array([past.record.event.promoted for past in track])
    if alarms.any():
        axes.plot(
            _positions(run, ends[alarms]),
            ratios[alarms],
            color=ORANGE,
            linestyle="",
            marker="X",
            markersize=9,
            label="alarm",
        )
    for number, at in enumerate(_positions(run, ends[promotions])):
        axes.axvline(
            at,
            color=GREEN,
            linestyle="--",
            linewidth=1.3,
            label="" if number else "new run promoted",
        )
