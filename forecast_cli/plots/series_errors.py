"""The errors of many series: how many series have which error."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forecast_cli.evaluation import METRICS, NETWORK, Backtest, scores_by
from forecast_cli.forecasting import BASELINES
from forecast_cli.panel import Floats
from forecast_cli.plots import style
from forecast_cli.plots.backtest import LOOKS

FEWEST = 20  # series, below which this is no picture
BINS = 30
SHARE_SHOWN = 99.0  # percent of the series are inside of the axis


def figure(result: Backtest, metric: str) -> Figure:
    """For each method, the number of series by their error. metric: `mase` or `mae`."""
    errors = {name: scores_by(result, name, "series")[metric] for name in result.forecasts}
    known = {name: values[np.isfinite(values)] for name, values in errors.items()}
    edges = _edges(list(known.values()))

    picture = Figure(figsize=(style.WIDTH, 3.2), layout="constrained")
    axes = picture.subplots()
    for name, values in known.items():
        color, line = LOOKS[name]
        counts, _ = np.histogram(np.minimum(values, edges[-1]), edges)
        is_network = name == NETWORK
        axes.stairs(
            counts,
            edges,
            color=color,
            linestyle=line,
            linewidth=2.0 if is_network else 1.3,
            zorder=3 if is_network else 2,
            label=BASELINES.get(name, "this network"),
        )
        if is_network:
            axes.stairs(counts, edges, fill=True, color=color, alpha=0.15)

    axes.set_xlabel(f"{METRICS[metric].title} of a series")
    axes.set_ylabel("series")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.grid(alpha=0.25)
    style.legend(picture, *axes.get_legend_handles_labels())
    return picture


def _edges(errors: list[Floats]) -> Floats:
    """The edges of the bins; a few series with large errors are in the last one."""
    every = np.concatenate(errors)
    top = float(np.percentile(every, SHARE_SHOWN)) if len(every) else 1.0
    return np.linspace(0, top if top > 0 else 1.0, BINS + 1)
