"""The HTML page of a run: its data read again if they are still there, and a file written."""

from __future__ import annotations

import os
from pathlib import Path

from forecast_cli import checks, forecasting, held_out, report, store
from forecast_cli.errors import ForecastError, StoppedError
from forecast_cli.messages import Note
from forecast_cli.panel import Panel
from forecast_cli.store import Run
from forecast_cli.workflow.drawing import Drawn
from forecast_cli.workflow.predicting import read_for

PAGE = "report.html"
STORED = "These findings are on the rows that are stored with the run"


def write_page(run: Run, path: Path | None = None, panel: Panel | None = None) -> Drawn:
    """Write the page of a run, by default beside its plots.

    panel: the data of the training; by default they are read again, if they have not changed.
    Raises RunRejectedError for a run whose tables are damaged, StorageError.
    """
    store.check_tables(run)
    why = ""
    if panel is None:
        panel, why = training_data(run)

    try:
        rows = held_out.windows_of(run, panel)
    except ValueError as error:
        raise store.rejected(run.folder / "predictions.csv", str(error)) from None

    needed = forecasting.fewest_steps(run.config.plan)
    found = checks.check(run.tail if panel is None else panel, run.config.data.season, needed)
    made = report.make(report.Subject(run, rows, tuple(found), why))

    path = path or run.folder / "plots" / PAGE
    if path.parent == run.folder / "plots":
        store.make_folder(path.parent)
    store.replace_file(path, made.html)
    notes = (Note("letters_not_drawn", "warning", made.note),) if made.note else ()
    return Drawn((path,), notes)


def training_data(run: Run) -> tuple[Panel | None, str]:
    """The data of the training as they were, or None and why they are not at hand."""
    source = run.config.source
    if source in ("", "-"):
        return None, f"{STORED}: the data of the training did not come from a file."
    if not os.path.isfile(source):  # a device or a pipe might never end
        return None, f"{STORED}: the file of the training, {source}, is gone."

    try:
        panel = read_for(run, source)
    except ForecastError as error:
        return None, f"{STORED}: the file of the training can no longer be read: {error.message}."
    if panel.fingerprint != run.manifest.input.sha256:
        return None, f"{STORED}: the file of the training, {source}, has changed since."
    return panel, ""


def write_page_after_training(run: Run, panel: Panel) -> tuple[Note, ...]:
    """Write the page of a run that is published already, so that a failure only degrades.

    Raises StoppedError.
    """
    try:
        return write_page(run, panel=panel).notes
    except StoppedError as error:
        raise StoppedError(
            error.signal_number,
            "the run is published, but its page is not written",
            "forecast report writes it",
        ) from None
    except ForecastError as error:
        text = f"the run is published, but its page is not: {error.message}"
        return (Note("page_missing", "degraded", text),)
