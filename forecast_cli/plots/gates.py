"""What the cells of a network do, step by step, over the newest window of a series."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from forecast_cli import network
from forecast_cli.messages import plural
from forecast_cli.panel import Floats
from forecast_cli.plots import style
from forecast_cli.plots.fonts import Labels
from forecast_cli.plots.window import draw_notes, draw_title, draw_values, newest
from forecast_cli.store import Run


def figure(run: Run, label: Labels, series: str | None = None) -> Figure:
    """Gates, memory and state in the last layer of the first member, step by step."""
    shape, window = run.config.plan.architecture, newest(run, series)
    cell = network.CELLS[shape.cell]
    parts = cell.captions
    last_layer = len(shape.units) - 1
    values = network.layer_trace(shape, run.model.members[0], window.inputs[0], last_layer)

    picture = Figure(figsize=(style.WIDTH, 2.9 + 1.25 * len(parts)), layout="constrained")
    heights = [1.3] + [1.0] * len(parts)
    panels = picture.subplots(1 + len(parts), 1, sharex=True, height_ratios=heights)

    draw_values(panels[0], run, window, label)

    # One order for all panels, so that a row is the same unit everywhere.
    order = np.argsort(values["state"].mean(axis=0), kind="stable")
    edges = window.edges[:: shape.segment]
    for axes, (part, words) in zip(panels[1:], parts.items(), strict=True):
        _heat_map(axes, edges, values[part][:, order], is_share=part in cell.gates)
        axes.set_title(words, loc="left", fontsize=style.SMALL, pad=3)
        axes.set_ylabel(plural(len(order), "unit"), fontsize=style.SMALL)
    panels[-1].set_xlabel(label(run.config.columns.time))

    draw_title(picture, run, window, label, f"Inside the {cell.title}")
    draw_notes(panels[0], run, _notes(shape))
    return picture


def _notes(shape: network.Architecture) -> list[str]:
    notes = []
    if not network.CELLS[shape.cell].gates:
        notes.append("this cell has no gates, only a state")
    if len(shape.units) > 1:
        notes.append(f"layer {len(shape.units)} of {len(shape.units)}")
    if shape.bidirectional:
        notes.append("its forward direction")
    notes.append("a row is a unit, the same in every panel, in the order of their mean state")
    notes.append("the line is the mean over units, on the scale of the color bar")
    return notes


def _heat_map(axes: Axes, edges: Any, values: Floats, *, is_share: bool) -> None:
    """Values (T, U) as colors, time to the right.

    A line shows the mean over units, on the scale of the color bar.
    """
    units = values.shape[1]
    if is_share:
        low, high = 0.0, 1.0
        colors, line, around = "viridis", "white", "black"
    else:
        high = float(np.abs(values).max()) or 1.0
        low = -high
        colors, line, around = "RdBu_r", "black", "white"
    rows = np.arange(units + 1)
    mesh = axes.pcolormesh(edges, rows, values.T, cmap=colors, vmin=low, vmax=high)

    means = (values.mean(axis=1) - low) / (high - low) * units
    outline = [withStroke(linewidth=3, foreground=around)]
    axes.stairs(means, edges, baseline=None, color=line, linewidth=1.3, path_effects=outline)
    axes.set_yticks([])

    ticks = [low, (low + high) / 2, high]
    bar = axes.figure.colorbar(mesh, ax=axes, pad=0.01, aspect=8, ticks=ticks, format="%.2g")
    bar.ax.tick_params(labelsize=8)
