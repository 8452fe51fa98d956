"""forecast plot"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forecast_cli import console
from forecast_cli.commands import options
from forecast_cli.errors import SettingsError
from forecast_cli.plots import AFTER_TRAINING, OF_ONE_SERIES, Kind

SCHEMA = "forecast/plot/v1"


@options.with_settings()
def plot(
    kind: Annotated[
        list[Kind] | None,
        typer.Option(
            "--kind",
            help="Picture to draw; repeat it for several.",
            show_default="loss and predictions",
        ),
    ] = None,
    series: Annotated[
        str | None,
        typer.Option(
            "--series",
            metavar="ID",
            help="Series whose gates or attention to draw.",
            show_default="the first",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder for the pictures.",
            show_default="plots/ of the run",
        ),
    ] = None,
    run: options.Run = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Draw pictures of a run as PNG: losses and predictions, or what its network does by --kind gates, attention.

    Example: forecast plot --kind gates -o pictures
    """
    from forecast_cli.store import load, resolve
    from forecast_cli.workflow import draw_plots

    if series is not None and not set(OF_ONE_SERIES) & set(kind or ()):
        raise SettingsError("--series goes with --kind gates or attention", "add --kind gates")
    root = Path(store)
    chosen = load(root, resolve(root, run))
    drawn = draw_plots(chosen, Path(output) if output else None, kind or AFTER_TRAINING, series)
    for note in drawn.notes:
        console.warning(note.text)
    if json:
        console.emit_json(
            {
                "schema": SCHEMA,
                "exit_code": 0,
                "run": chosen.name,
                "files": [str(path) for path in drawn.paths],
            }
        )
    elif not quiet:
        for path in drawn.paths:
            console.say(f"wrote {console.escape(str(path))}")
    return 0
