"""Pictures as PNG: losses, predictions, gates and attention of a run, and errors of a backtest.

Some of them are drawn for the page of a run, too, as SVG.

This package alone imports matplotlib.

What stands in this file is all that the others may use. It is read by `forecast --help`, so it
imports nothing heavy: matplotlib is loaded when something is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from forecast_cli.evaluation import Autocorrelation, Backtest
    from forecast_cli.panel import Floats
    from forecast_cli.store import PastForecast, Run

__all__ = [
    "AFTER_TRAINING",
    "OF_ONE_SERIES",
    "BySeason",
    "Kind",
    "Pictures",
    "ToDraw",
    "draw",
    "draw_backtest",
    "draw_for_page",
    "missing_letters",
]


class Kind(StrEnum):
    """The pictures. Each is drawn by the module of its name."""

    loss = "loss"
    predictions = "predictions"
    gates = "gates"
    attention = "attention"
    track = "track"


# Drawn after every training; the others are drawn on request.
AFTER_TRAINING = (Kind.loss, Kind.predictions)
# Drawn of one series, which a user may name.
OF_ONE_SERIES = (Kind.gates, Kind.attention, Kind.track)


@dataclass(frozen=True, eq=False)
class BySeason:
    """Residuals by their place in the season.

    title: what the places are, such as `hour of the day`; names: of the M places; means, sizes:
    (M,) the mean residual at each and the mean absolute one, NaN where there is none.
    """

    title: str
    names: tuple[str, ...]
    means: Floats
    sizes: Floats


@dataclass(frozen=True, eq=False)
class ToDraw:
    """What the figures of a page show beside the run itself.

    result: the held-out rows; metric: `mase` or `mae`; series: the numbers of the series whose
    forecasts are drawn, each with what stands before its name, or None for the usual ones; scaled:
    whether residuals are in units of MASE, and not in those of the data.
    """

    result: Backtest
    metric: str
    series: dict[int, str] | None
    autocorrelation: Autocorrelation
    by_season: BySeason | None
    scaled: bool


@dataclass(frozen=True, eq=False)
class Pictures:
    """The bytes of PNG files, or of SVG elements, by name.

    note: what to tell the user if no font of the system has all the letters.
    """

    files: dict[str, bytes]
    note: str = ""


def draw(
    run: Run,
    kinds: Iterable[str] = AFTER_TRAINING,
    series: str | None = None,
    track: Sequence[PastForecast] = (),
) -> Pictures:
    """Draw pictures of a run, from what is stored in it.

    The tables of the run must have been checked.

    track: what `refresh` published, oldest first, for that kind; it must not be empty then.

    series: whose gates and attention to draw, those of the first that the network can read by
    default. Raises SettingsError for a series that is not there and a network without
    attention, TooLittleDataError for a series that the network cannot read.
    """
    _hush()
    from forecast_cli.plots import attention, fonts, gates, loss, predictions, style
    from forecast_cli.plots import track as track_plot

    label = fonts.labels_for(run)
    figures: dict[Kind, Callable[[], Figure]] = {
        Kind.loss: lambda: loss.figure(run, label),
        Kind.predictions: lambda: predictions.figure(run, label),
        Kind.gates: lambda: gates.figure(run, label, series),
        Kind.attention: lambda: attention.figure(run, label, series),
        Kind.track: lambda: track_plot.figure(run, label, track, series),
    }
    with style.applied(label.families):
        files = {f"{kind}.png": style.png(figures[kind]()) for kind in map(Kind, kinds)}
    return Pictures(files, label.note)


def draw_backtest(result: Backtest, target: str) -> Pictures:
    """Draw the errors of a backtest, by step ahead and by origin, into `backtest.png`.

    target: the name of the column that was forecast.
    """
    _hush()
    from forecast_cli.plots import backtest, fonts, style

    label = fonts.labels_of([target])
    with style.applied(label.families):
        files = {"backtest.png": style.png(backtest.figure(result, label(target)))}
    return Pictures(files, label.note)


def draw_for_page(run: Run, rows: ToDraw | None) -> Pictures:
    """The figures of the page of a run as SVG, by name; without held-out rows only some of them.

    `predictions`, `loss`, `errors`, `series` and `residuals`. The tables of the run must have been
    checked.
    """
    _hush()
    from forecast_cli.plots import fonts, loss, predictions, style
    from forecast_cli.plots.svg import svg

    label = fonts.labels_for(run)
    figures: dict[str, Callable[[], Figure]] = {
        "predictions": lambda: predictions.figure(run, label, rows.series if rows else None),
        "loss": lambda: loss.figure(run, label),
    }
    if rows is not None:
        figures |= _of_held_out_rows(rows, label(run.config.columns.target))
    with style.applied(label.families, powers=False):
        files = {name: svg(draw(), name) for name, draw in figures.items()}
    return Pictures(files, label.note)


def _of_held_out_rows(rows: ToDraw, target: str) -> dict[str, Callable[[], Figure]]:
    """The figures that show errors on held-out rows, by name. target: as it is drawn."""
    from forecast_cli.plots import backtest, residuals, series_errors

    has_origins = rows.result.origins > 1
    unit = f"error, in units of {'MASE' if rows.scaled else target}"
    figures: dict[str, Callable[[], Figure]] = {
        "errors": lambda: backtest.figure(rows.result, target, by_origin=has_origins),
    }
    if len(rows.result.scales) >= series_errors.FEWEST:
        figures["series"] = lambda: series_errors.figure(rows.result, rows.metric)
    if len(rows.autocorrelation.lags):
        figures["residuals"] = lambda: residuals.figure(rows.autocorrelation, rows.by_season, unit)
    return figures


def missing_letters(names: Iterable[str]) -> str:
    """The letters of some names that no font of this machine can draw, in order."""
    _hush()
    from forecast_cli.plots import fonts

    return "".join(map(chr, sorted(fonts.labels_of(names).missing)))


def _hush() -> None:
    """Matplotlib warns when it starts without a HOME. From cron that would be a mail each time."""
    import logging

    logging.getLogger("matplotlib").setLevel(logging.ERROR)
