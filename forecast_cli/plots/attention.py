"""Where attention looks in the newest window of a series."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forecast_cli import covariates, network
from forecast_cli.errors import DataError, SettingsError
from forecast_cli.messages import plural
from forecast_cli.panel import Floats, select
from forecast_cli.plots import style
from forecast_cli.plots.fonts import Labels
from forecast_cli.plots.style import BLUE, GREY
from forecast_cli.plots.window import Window, draw_notes, draw_title, draw_values, newest
from forecast_cli.store import Run


def figure(run: Run, label: Labels, series: str | None = None) -> Figure:
    """Where the first member looks for each step ahead, or once for all of them."""
    shape = run.config.plan.architecture
    if shape.attention == "none":
        raise SettingsError(
            f"the run {run.name} has no attention",
            "train with --attention bahdanau, or --preset seq2seq",
        )
    window = newest(run, series)
    if shape.decoder == "seq2seq":
        _check_known(run, window)

    shares = network.attention_weights(shape, run.model.members[0], *window.inputs)
    edges = window.edges[:: shape.segment]
    looks = len(shares)
    height = 0.5 if looks == 1 else min(0.8 + 0.1 * looks, 4.0)
    picture = Figure(figsize=(style.WIDTH, 4.3 + height), layout="constrained")
    top, middle, bottom = picture.subplots(3, 1, sharex=True, height_ratios=[1.6, 1.0, height])

    draw_values(top, run, window, label)
    marker = "." if len(window.forecast) <= 3 else ""
    top.plot(window.forecast_at, window.forecast, color=BLUE, linewidth=1.6, marker=marker)
    last = window.forecast_at[-1] if len(window.forecast) else window.edges[-1]
    top.set_xlim(window.edges[0], last)

    _draw_mean(middle, edges, shares)
    if looks == 1:
        _draw_one_look(bottom, edges, shares)
    else:
        _draw_looks(bottom, edges, shares, window)
    bottom.set_xlabel(label(run.config.columns.time))

    draw_title(picture, run, window, label, "Where the network looks")
    draw_notes(top, run, _notes(run, window))
    return picture


def _check_known(run: Run, window: Window) -> None:
    """Raise DataError if covariates that the decoder needs are not known for the steps ahead."""
    series = select(run.tail, np.array([window.index]))
    try:
        covariates.check_known(series, run.config.plan.horizon)
    except DataError as error:
        error.hint = "train on data with rows for these steps, whose target is empty"
        raise


def _notes(run: Run, window: Window) -> list[str]:
    plan = run.config.plan
    steps = f"{plural(plan.horizon, 'step')} ahead"
    every = f"all {steps}" if plan.horizon > 1 else steps
    how = {
        "direct": f"a direct network looks back once for {every}",
        "seq2seq": f"it looks back for each of {steps}",
        "recursive": "rolled forward, it looks back again for each step ahead; this is for the first",
    }

    notes = [how[plan.architecture.decoder]]
    if len(window.forecast):
        notes.append("blue: the forecast")
    return notes


def _draw_mean(axes: Axes, edges: Any, shares: Floats) -> None:
    """The mean of the looks (L, T), and what it would be if all steps counted the same."""
    axes.stairs(shares.mean(axis=0), edges, fill=True, color=BLUE, alpha=0.35)
    axes.axhline(1 / shares.shape[1], color=GREY, linewidth=0.9, linestyle=":")

    axes.set_ylim(0)
    axes.yaxis.set_major_formatter(_percent)
    axes.yaxis.set_major_locator(MaxNLocator(3))
    what = "the weights" if len(shares) == 1 else "mean over the steps ahead"
    axes.set_title(f"{what}; dotted: equal weights", loc="left", fontsize=style.SMALL, pad=3)


def _draw_one_look(axes: Axes, edges: Any, shares: Floats) -> None:
    _heat_map(axes, edges, shares, ticks=2)
    axes.set_title(
        "the same as colors; they add up to 100 %", loc="left", fontsize=style.SMALL, pad=3
    )
    axes.set_yticks([])


def _draw_looks(axes: Axes, edges: Any, shares: Floats, window: Window) -> None:
    _heat_map(axes, edges, shares, ticks=5)
    words = "each step ahead: its row adds up to 100 %; a dot is its own time"
    axes.set_title(words, loc="left", fontsize=style.SMALL, pad=3)

    # The rows are numbered from 1, and so are the steps ahead.
    steps = np.arange(len(window.forecast)) + 1
    axes.plot(window.forecast_at, steps, color=BLUE, marker=".", markersize=4, linestyle="")
    axes.set_ylabel("steps ahead", fontsize=style.SMALL)
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.invert_yaxis()


def _heat_map(axes: Axes, edges: Any, shares: Floats, ticks: int) -> None:
    """(L, T) as colors, time to the right, and their scale beside it."""
    looks = len(shares)
    rows = np.arange(looks + 1) + 0.5
    mesh = axes.pcolormesh(edges, rows, shares, cmap="viridis", vmin=0)

    aspect = 4 if looks == 1 else 15
    bar = axes.figure.colorbar(mesh, ax=axes, pad=0.01, format=_percent, aspect=aspect)
    bar.ax.tick_params(labelsize=8)
    bar.ax.yaxis.set_major_locator(MaxNLocator(ticks))


def _percent(share: float, _: float | None = None) -> str:
    return f"{100 * share:.3g} %"
