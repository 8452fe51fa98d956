"""forecast plot"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast_cli import console
from forecast_cli.commands import options

if TYPE_CHECKING:
    from forecast_cli.store import Run

SCHEMA = "forecast/plot/v1"


class Kind(StrEnum):
    """The pictures; the same words as in plots.KINDS, which would cost matplotlib's import to read here."""

    loss = "loss"
    predictions = "predictions"


@options.with_settings()
def plot(
    kind: Annotated[
        list[Kind] | None, typer.Option("--kind", help="Picture to draw; repeat it for several.", show_default="all")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Folder for the pictures.", show_default="plots/ of the run"
        ),
    ] = None,
    run: options.Run = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Draw losses and predictions of a run as PNG.

    Example: forecast plot -o pictures
    """
    from forecast_cli.store import load, resolve

    root = Path(store)
    chosen = load(root, resolve(root, run))
    written = draw_into(chosen, Path(output) if output else chosen.folder / "plots", kind)
    if json:
        console.emit_json(
            {"schema": SCHEMA, "exit_code": 0, "run": chosen.name, "files": [str(path) for path in written]}
        )
    elif not quiet:
        for path in written:
            console.say(f"wrote {console.escape(str(path))}")
    return 0


def draw_into(run: Run, folder: Path, kinds: list[Kind] | None = None) -> list[Path]:
    """Draw pictures of a run into a folder; returns their paths."""
    from forecast_cli import files, plots

    pictures = plots.draw(run, [kind.value for kind in kinds or Kind])
    if pictures.note:
        console.warning(pictures.note)
    files.make_folder(folder)
    for name, data in pictures.files.items():
        files.replace(folder / name, data)
    return [folder / name for name in pictures.files]
