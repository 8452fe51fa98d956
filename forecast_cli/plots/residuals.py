"""Checks of the residuals on held-out rows: their autocorrelation, and their means by season."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forecast_cli.evaluation import Autocorrelation
from forecast_cli.plots import BySeason, style
from forecast_cli.plots.style import BLUE, GREY, ORANGE

ROOM = 36  # letters on the axis of a season


def figure(found: Autocorrelation, by_season: BySeason | None, unit: str) -> Figure:
    """Autocorrelation at the left, and what is left of the season at the right, if there is one."""
    picture = Figure(figsize=(style.WIDTH, 3.4), layout="constrained")
    count = 2 if by_season is not None else 1
    panels = picture.subplots(1, count, squeeze=False).ravel()

    _draw_autocorrelation(panels[0], found)
    if by_season is not None:
        _draw_season(panels[1], by_season, unit)
        style.legend(picture, *panels[1].get_legend_handles_labels())
    return picture


def _draw_autocorrelation(axes: Axes, found: Autocorrelation) -> None:
    axes.set_title("Autocorrelation", loc="left", fontsize=10)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.vlines(found.lags, 0, found.values, color=BLUE, linewidth=2)
    axes.plot(found.lags, found.values, color=BLUE, marker="o", markersize=3, linestyle="")
    for sign in (-1, 1):
        axes.plot(found.lags, sign * found.limits, color=ORANGE, linestyle="--", linewidth=1)

    highest = max([0.3, *np.abs(found.values), *found.limits])
    axes.set_ylim(-1.1 * highest, 1.1 * highest)
    axes.set_xlabel("rows apart")
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.grid(alpha=0.25)


def _draw_season(axes: Axes, by_season: BySeason, unit: str) -> None:
    axes.set_title(f"Mean error by {by_season.title}", loc="left", fontsize=10)
    at = np.arange(len(by_season.names))
    axes.bar(at, np.nan_to_num(by_season.sizes), color=GREY, alpha=0.3, label="mean size")
    axes.bar(at, np.nan_to_num(by_season.means), color=BLUE, width=0.45, label="mean")
    axes.axhline(0, color=GREY, linewidth=0.8)

    letters = max(len(name) for name in by_season.names)
    every = -(-len(at) * max(letters, 3) // ROOM)
    axes.set_xticks(at[::every], by_season.names[::every], fontsize=style.SMALLER)
    axes.set_ylabel(unit)
    axes.grid(alpha=0.25, axis="y")
