"""forecast predict"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast_cli import config, console
from forecast_cli.commands import options
from forecast_cli.errors import DEGRADED

if TYPE_CHECKING:
    from forecast_cli.workflow import Predicted

SCHEMA = "forecast/predict/v1"
MANY = 3  # series beyond which a terminal gets one line a series


@options.with_settings()
def predict(
    data: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help="CSV file with the newest rows.", show_default="the one trained on"),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the CSV to a file.", show_default="stdout"),
    ] = None,
    levels: Annotated[
        str | None,
        typer.Option("--levels", help="Levels of the intervals, in percent.", show_default="those of the run"),
    ] = None,
    run: options.Run = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Forecast past the last row with a saved run.

    CSV on stdout when piped, a table on a terminal, the same CSV in a file with -o. Never trains, never writes in the store.

    Example: forecast predict -o forecast.csv
    """
    from forecast_cli import files, forecasting, workflow

    chosen = None if levels is None else config.levels(levels)
    predicted = workflow.predict(data, store_folder=store, run=run, levels=chosen)
    for note in predicted.notes:
        if note.level != "info":
            console.warning(note.text)
    reasons = [note.text for note in predicted.notes if note.level == "degraded"]
    code = DEGRADED if reasons else 0
    if output:
        files.replace(Path(output), forecasting.to_csv(predicted.forecast))
    if json:
        console.emit_json(_document(predicted, reasons, code))
    elif not output and console.stdout_is_terminal():
        _show(predicted)
    elif not output:
        console.emit(forecasting.to_csv(predicted.forecast))
    elif not quiet:
        console.say(f"wrote {console.escape(output)}")
    return code


def _document(predicted: Predicted, reasons: list[str], code: int) -> dict[str, Any]:
    found = predicted.forecast
    rows = [
        {
            **({"id": name} if found.columns.id else {}),
            "time": found.texts[i][step],
            "forecast": float(found.values[i, step]),
            **{f"{side}-{level:g}": float(pair[n][i, step]) for level, pair in found.bounds.items() for n, side in enumerate(("lo", "hi"))},
        }
        for i, name in enumerate(found.ids)
        for step in range(found.values.shape[1])
    ]  # fmt: skip
    return {
        "schema": SCHEMA,
        "exit_code": code,
        "run": predicted.run.name,
        "source": predicted.panel.source,
        "time": found.columns.time,
        "target": found.columns.target,
        "forecast": rows,
        "warnings": [note.text for note in predicted.notes if note.level == "warning"],
        "reasons": reasons,
    }


def _show(predicted: Predicted) -> None:
    found, number = predicted.forecast, console.number
    if len(found.ids) > MANY:
        rows = [
            [name, console.sparkline(list(found.values[i])), number(float(found.values[i, 0])), number(float(found.values[i, -1]))]
            for i, name in enumerate(found.ids[:50])
        ]  # fmt: skip
        first, last = found.texts[0][0], found.texts[0][-1]
        console.table(
            f"{found.columns.target} from {first} to {last}",
            [found.columns.id, "", "first", "last"],
            rows,
            text_columns=2,
        )
        if len(found.ids) > len(rows):
            console.say(f"and {len(found.ids) - len(rows):,} more series; -o FILE writes them all")
        return
    bounds = [f"{side}-{level:g}" for level in found.bounds for side in ("lo", "hi")]
    for i, name in enumerate(found.ids):
        rows = [
            [found.texts[i][step], number(float(found.values[i, step])),
             *(number(float(side[i, step])) for pair in found.bounds.values() for side in pair)]
            for step in range(found.values.shape[1])
        ]  # fmt: skip
        title = f"{name or found.columns.target}  {console.sparkline(list(found.values[i]))}"
        console.table(title, [found.columns.time, "forecast", *bounds], rows)
    console.say(f"run {predicted.run.name}, data {console.escape(predicted.panel.source or 'given')}")
