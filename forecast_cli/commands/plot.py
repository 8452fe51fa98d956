"""forecast plot"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from forecast_cli import console
from forecast_cli.commands import options
from forecast_cli.errors import SettingsError
from forecast_cli.plots import AFTER_TRAINING, OF_ONE_SERIES, Kind

if TYPE_CHECKING:
    pass

SCHEMA = "forecast/plot/v1"


@options.with_settings()
def plot(
    kind: Annotated[
        list[Kind] | None,
        options.value(
            "--kind",
            metavar="KIND",
            text=f"Plot to draw. Can be repeated. One of {', '.join(Kind)}.",
            default="loss and predictions",
        ),
    ] = None,
    series: Annotated[
        str | None,
        options.value(
            "--series",
            metavar="ID",
            text="Series whose gates or attention are drawn.",
            default="the first",
        ),
    ] = None,
    output: Annotated[
        str | None, options.output("DIR", "Folder for the plots.", "plots/ in the run")
    ] = None,
    run: options.Run = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Draw a run as PNG files: its losses and held-out predictions, or what its network does.

    Example: forecast plot --kind gates -o pictures
    """
    from forecast_cli.store import load, resolve
    from forecast_cli.workflow import draw_plots

    if series is not None and not set(OF_ONE_SERIES) & set(kind or ()):
        raise SettingsError("--series goes with --kind gates or attention", "add --kind gates")

    root = Path(store)
    loaded = load(root, resolve(root, run))
    drawn = draw_plots(loaded, Path(output) if output else None, kind or AFTER_TRAINING, series)
    for note in drawn.notes:
        console.warning(note.text)

    files = [str(path) for path in drawn.paths]
    if json:
        console.emit_json({"schema": SCHEMA, "exit_code": 0, "run": loaded.name, "files": files})
    elif not quiet:
        for name in files:
            console.say(f"wrote {console.escape(name)}")
    return 0
