"""Pictures as PNG: losses, predictions, gates and attention of a run, and errors of a backtest.

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

    from forecast_cli.evaluation import Backtest
    from forecast_cli.store import PastForecast, Run

__all__ = [
    "AFTER_TRAINING",
    "OF_ONE_SERIES",
    "Kind",
    "Pictures",
    "draw",
    "draw_backtest",
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
class Pictures:
    """PNG bytes by file name.

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


def missing_letters(names: Iterable[str]) -> str:
    """The letters of some names that no font of this machine can draw, in order."""
    _hush()
    from forecast_cli.plots import fonts

    return "".join(map(chr, sorted(fonts.labels_of(names).missing)))


def _hush() -> None:
    """Matplotlib warns when it starts without a HOME. From cron that would be a mail each time."""
    import logging

    logging.getLogger("matplotlib").setLevel(logging.ERROR)
