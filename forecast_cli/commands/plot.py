"""forecast plot"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast_cli import console
from forecast_cli.choices import BASE
from forecast_cli.commands import options
from forecast_cli.errors import SettingsError
from forecast_cli.fields import option_name
from forecast_cli.plots import AFTER_TRAINING, OF_ONE_SERIES, Kind
from forecast_cli.settings import Settings, reading_the_target
from forecast_cli.sources import SettingSources

if TYPE_CHECKING:
    from forecast_cli.store import Run
    from forecast_cli.workflow import Drawn

SCHEMA = "forecast/plot/v1"
OF_THE_READER = reading_the_target()
OF_BASE = ("horizon", "levels", "digits", *OF_THE_READER)


@options.with_settings(of_base=OF_BASE)
def plot(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA", help="CSV or Parquet file, for --run base alone.", show_default=False
        ),
    ] = None,
    *,
    settings: Settings,
    sources: SettingSources,
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
            text="Series whose gates, attention or track are drawn.",
            default="the first",
        ),
    ] = None,
    output: Annotated[
        str | None,
        options.output("DIR", "Folder for the plots.", "plots/ in the run, or . with --run base"),
    ] = None,
    run: options.RunOrBase = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Draw a run as PNG files: its losses and held-out predictions, or what its network does.

    With --run base, the network that comes with forecast, it draws the forecasts of the newest rows
    of DATA and those past the last row.

    Example: forecast plot --kind gates -o pictures
    """
    from forecast_cli.workflow import draw_plots

    if series is not None and not set(OF_ONE_SERIES) & set(kind or ()):
        raise SettingsError(
            "--series goes with --kind gates, attention or track", "add --kind gates"
        )

    folder = Path(output) if output else None
    if run == BASE:
        name, drawn = BASE, _draw_base(data, folder or Path(), kind, sources)
    else:
        _refuse_data(data, sources)
        saved = _load(Path(store), run)
        name, drawn = saved.name, draw_plots(saved, folder, kind or AFTER_TRAINING, series)

    for note in drawn.notes:
        console.warning(note.text)

    files = [str(path) for path in drawn.paths]
    if json:
        console.emit_json({"schema": SCHEMA, "exit_code": 0, "run": name, "files": files})
    elif not quiet:
        _say_written(files)
    return 0


def _draw_base(
    data: str | None, folder: Path, kinds: list[Kind] | None, sources: SettingSources
) -> Drawn:
    from forecast_cli.workflow import draw_base

    named = {key: sources.values[key] for key in OF_BASE if key in sources.values}
    return draw_base(data, folder, kinds or [Kind.predictions], **named)


def _load(root: Path, run: str | None) -> Run:
    from forecast_cli.store import load, resolve

    return load(root, resolve(root, run))


def _say_written(files: list[str]) -> None:
    for name in files:
        console.say(f"wrote {console.escape(name)}")


def _refuse_data(data: str | None, sources: SettingSources) -> None:
    """A saved run is drawn from what is stored in it. Raises SettingsError."""
    if data is not None:
        raise SettingsError(
            "a saved run is drawn from what is stored in it, without DATA",
            "leave out DATA, or use --run base",
        )
    for name in OF_BASE:
        if sources.origins.get(name) == "command line":
            option = option_name(name)
            raise SettingsError(
                f"{option} has no effect on a saved run, which is drawn as it was trained",
                f"leave out {option}, or use --run base",
                option=name,
            )
