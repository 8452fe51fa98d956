"""forecast report"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from forecast_cli import console
from forecast_cli.commands import options

SCHEMA = "forecast/report/v1"


@options.with_settings()
def report(
    run: options.Run = None,
    output: Annotated[
        str | None,
        options.output("FILE", "File for the page.", "plots/report.html in the run"),
    ] = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Write one HTML page about a run: its forecast, how good it is, its data and its settings.

    The page needs no network and no other file. The data of the training are read again, if they
    are still as they were.

    Example: forecast report -o report.html
    """
    from forecast_cli.store import load, resolve
    from forecast_cli.workflow import write_page

    root = Path(store)
    loaded = load(root, resolve(root, run))
    written = write_page(loaded, Path(output) if output else None)
    for note in written.notes:
        console.warning(note.text)

    file = str(written.paths[0])
    if json:
        console.emit_json({"schema": SCHEMA, "exit_code": 0, "run": loaded.name, "file": file})
    elif not quiet:
        console.say(f"wrote {console.escape(file)}")
    return 0
