"""The errors of a backtest: of the network and of forecasts that need no training."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forecast_cli.evaluation import METRICS, NETWORK, Backtest, By, scores_by, summary
from forecast_cli.forecasting import BASELINES
from forecast_cli.panel import Floats
from forecast_cli.plots import style
from forecast_cli.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE

LOOKS = {
    NETWORK: (BLUE, "-"),
    "naive": (GREY, ":"),
    "seasonal_naive": (ORANGE, "--"),
    "drift": (PURPLE, "-."),
    "seasonal_mean": (GREEN, (0, (5, 1, 1, 1, 1, 1))),
}
FEW = 40  # points, up to which each has a dot
SHORT = 8  # points, up to which all have a tick
ROOM = 1.5  # how far above the other errors the axis ends where some methods are far worse


def figure(result: Backtest, target: str, *, by_origin: bool = True) -> Figure:
    """Error by step ahead and by origin, of all methods, as means over series.

    The error is MASE, or MAE where no series has a scale. by_origin: without it, there is no more
    than the error by step ahead.
    """
    metric = "mase" if np.isfinite(summary(result)[NETWORK]["mase"]) else "mae"
    picture = Figure(figsize=(style.WIDTH, style.HEIGHT), layout="constrained")
    left, *others = picture.subplots(1, 2 if by_origin else 1, sharey=True, squeeze=False)[0]

    _draw(left, result, "step", metric)
    left.set_xlabel("steps ahead")
    unit = f" (in units of {target})" if metric == "mae" else ""
    left.set_ylabel(f"{METRICS[metric].title}{unit}")
    for right in others:
        _draw(right, result, "origin", metric)
        right.set_xlabel("origin (1 is the earliest)")
    left.set_ylim(0, _top(result, metric))

    style.title(picture, "Errors of forecasts of", target)
    style.legend(picture, *left.get_legend_handles_labels())
    return picture


def _draw(axes: Axes, result: Backtest, by: By, metric: str) -> None:
    """A line for each method; the network above the others."""
    for method in result.forecasts:
        errors = scores_by(result, method, by)[metric]
        color, line = LOOKS[method]
        axes.plot(
            np.arange(1, len(errors) + 1),
            errors,
            color=color,
            linestyle=line,
            linewidth=2.0 if method == NETWORK else 1.3,
            marker="o" if len(errors) <= FEW else "",
            markersize=4 if method == NETWORK else 3,
            zorder=3 if method == NETWORK else 2,
            label=BASELINES.get(method, "this network"),
        )
    count = len(scores_by(result, NETWORK, by)[metric])
    axes.grid(alpha=0.25)
    if count <= SHORT:
        axes.set_xticks(range(1, count + 1))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(SHORT, integer=True))


def _top(result: Backtest, metric: str) -> float:
    """Where the axis ends: above all errors, but those of methods that are far worse are cut off.

    The network is always seen whole.
    """
    largest = {}
    for method in result.forecasts:
        errors = [scores_by(result, method, by)[metric] for by in _BOTH]
        largest[method] = _largest(np.concatenate(errors))

    usual = max(largest[NETWORK], float(np.median(list(largest.values()))))
    shown = [size for size in largest.values() if size <= 2 * ROOM * usual]
    return 1.05 * max(shown, default=1.0) or 1.0


_BOTH: tuple[By, By] = ("step", "origin")


def _largest(errors: Floats) -> float:
    known = errors[np.isfinite(errors)]
    return float(known.max()) if len(known) else 0.0
