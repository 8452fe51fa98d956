"""Drawing pictures of a run into a folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecast_cli import plots, store
from forecast_cli.errors import ForecastError, NoRunError, SettingsError, StoppedError
from forecast_cli.messages import Note, nearest
from forecast_cli.store import PastForecast, Run
from forecast_cli.workflow.base_run import base_panel, base_settings, drawn_base
from forecast_cli.workflow.data import Data
from forecast_cli.workflow.rolled import Backtested
from forecast_cli.workflow.tracking import read_track


@dataclass(frozen=True)
class Drawn:
    """Pictures that were written, and what to tell the user about them."""

    paths: tuple[Path, ...]
    notes: tuple[Note, ...]


def draw_plots(
    run: Run,
    folder: Path | None = None,
    kinds: Iterable[str] = plots.AFTER_TRAINING,
    series: str | None = None,
) -> Drawn:
    """Draw pictures of a run into a folder, by default `plots/` of the run.

    Raises RunRejectedError for a run whose tables are damaged, SettingsError and
    TooLittleDataError for a series that cannot be drawn, StorageError.
    """
    store.check_tables(run)
    kinds = list(kinds)
    track: tuple[PastForecast, ...] = ()
    about: tuple[Note, ...] = ()
    if plots.Kind.track in kinds:
        track, about = _track(run, series)
    pictures = plots.draw(run, kinds, series, track)

    folder = folder or run.folder / "plots"
    drawn = _write(pictures, folder)
    return Drawn(drawn.paths, (*about, *drawn.notes))


def _track(run: Run, series: str | None) -> tuple[tuple[PastForecast, ...], tuple[Note, ...]]:
    """The forecasts that were published of data like those of the run, and what to say of others.

    Raises NoRunError where there are none, SettingsError for a series that is not among them.
    """
    root = run.folder.parent.parent
    track, _, about = read_track(root)
    shape = (run.config.columns, run.config.frequency)
    track = tuple(past for past in track if (past.record.columns, past.record.frequency) == shape)
    if not track:
        raise NoRunError(
            f"no forecast was recorded in {root} yet", "publish one: forecast refresh DATA -o FILE"
        )
    if series is not None and series not in track[-1].record.ids:
        raise SettingsError(
            f"--series: no series {series!r} in the track",
            nearest(series, track[-1].record.ids),
            option="series",
        )
    return track, about


def _write(pictures: plots.Pictures, folder: Path) -> Drawn:
    store.make_folder(folder)
    for name, content in pictures.files.items():
        store.replace_file(folder / name, content)

    paths = tuple(folder / name for name in pictures.files)
    notes = (Note("letters_not_drawn", "warning", pictures.note),) if pictures.note else ()
    return Drawn(paths, notes)


def draw_base(data: Data | None, folder: Path, kinds: Iterable[str], **named: Any) -> Drawn:
    """Draw the base network on data: its forecast of the newest rows, and past them.

    Raises SettingsError for kinds of plots that need a trained network, StorageError.
    """
    for kind in kinds:
        if kind != plots.Kind.predictions:
            raise SettingsError(
                f"--kind {kind} does not go with --run base: it has no such plot",
                "use --kind predictions",
                option="kind",
            )
    settings = base_settings(named)
    pictures = plots.draw(drawn_base(base_panel(data, settings), settings), kinds)
    return _write(pictures, folder)


def draw_backtest(backtested: Backtested, path: Path) -> tuple[Note, ...]:
    """Draw the errors of a backtest into a PNG file. Raises StorageError."""
    pictures = plots.draw_backtest(backtested.result, backtested.panel.columns.target)
    store.replace_file(path, pictures.files["backtest.png"])
    return (Note("letters_not_drawn", "warning", pictures.note),) if pictures.note else ()


def draw_after_training(run: Run) -> tuple[Note, ...]:
    """Draw the pictures of a run that is published already, so that a failure only degrades.

    Raises StoppedError.
    """
    try:
        return draw_plots(run).notes
    except StoppedError as error:
        raise StoppedError(
            error.signal_number,
            "the run is published, but its plots are not",
            "forecast plot draws them",
        ) from None
    except ForecastError as error:
        text = f"the run is published, but its plots are not: {error.message}"
        return (Note("plots_missing", "degraded", text),)
