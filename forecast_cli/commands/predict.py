"""forecast predict"""

from __future__ import annotations

import json as json_module
import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast_cli import config, console
from forecast_cli.commands import options
from forecast_cli.config import Given
from forecast_cli.errors import DEGRADED, SettingsError

if TYPE_CHECKING:
    from forecast_cli.forecasting import Forecast
    from forecast_cli.workflow import Predicted

SCHEMA = "forecast/predict/v1"
MANY = 3  # series beyond which a terminal gets one line a series


class Format(StrEnum):
    """The formats of a forecast."""

    csv = "csv"
    json = "json"
    parquet = "parquet"


@options.with_settings(rereading=True)
def predict(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="CSV or Parquet file with the newest rows.",
            show_default="the one trained on",
        ),
    ] = None,
    *,
    given: Given,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the forecast to a file.",
            show_default="stdout",
        ),
    ] = None,
    format_: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="Format of the forecast.",
            show_default="by the ending of -o FILE, else csv",
        ),
    ] = None,
    levels: Annotated[
        str | None,
        typer.Option(
            "--levels", help="Levels of the intervals, in percent.", show_default="those of the run"
        ),
    ] = None,
    horizon: Annotated[
        int | None,
        typer.Option(
            "--horizon",
            min=1,
            help="Steps to forecast; beyond those of the run, the network is fed its own forecasts.",
            show_default="that of the run",
        ),
    ] = None,
    digits: Annotated[
        str | None,
        typer.Option(
            "--digits",
            metavar="N|full",
            help="Decimals of the numbers in the forecast; full: all their digits.",
            show_default="those of the run",
        ),
    ] = None,
    future_values: Annotated[
        str | None,
        typer.Option(
            "--future-values",
            metavar="FILE",
            help="CSV with the known-future covariates past the last row.",
            show_default="rows of DATA",
        ),
    ] = None,
    run: options.Run = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Forecast past the last row with a saved run.

    CSV on stdout when piped, a table on a terminal, the same CSV in a file with -o; or JSON or Parquet by --format.
    Never trains, never writes in the store.

    Example: forecast predict -o forecast.csv
    """
    from forecast_cli import workflow
    from forecast_cli.store import replace_file

    kind = format_ or _by_ending(output)
    if kind is Format.parquet and not output and (json or console.stdout_is_terminal()):
        place = "goes with --json" if json else "goes to a terminal"
        raise SettingsError(
            f"--format parquet is binary, and {place} only into a file", "add -o FILE"
        )
    if json and format_ and not output:
        raise SettingsError(
            f"--json and --format {format_} both write to stdout", "add -o FILE, or leave one out"
        )
    chosen = None if levels is None else config.levels(levels)
    reading = {name: value for name, value in given.values.items() if name in config.rereading()}
    predicted = workflow.predict(
        data,
        store_folder=store,
        run=run,
        levels=chosen,
        future_values=future_values,
        horizon=horizon,
        digits=digits,
        **reading,
    )
    for note in predicted.notes:
        if note.level != "info":
            console.warning(note.text)
    if (
        output
        and Path(output).exists()
        and Path(predicted.panel.source).exists()
        and Path(output).samefile(predicted.panel.source)
    ):
        raise SettingsError(f"-o {output} is the data itself", "write the forecast to another file")
    reasons = [note.text for note in predicted.notes if note.level == "degraded"]
    code = DEGRADED if reasons else 0
    if output:
        replace_file(Path(output), _data(predicted.forecast, kind))
    if json:
        console.emit_json(_document(predicted, reasons, code))
    elif not output and not format_ and console.stdout_is_terminal():
        _show(predicted)
    elif not output:
        console.emit(_data(predicted.forecast, kind))
    elif not quiet:
        console.say(f"wrote {console.escape(output)}")
    return code


def _by_ending(output: str | None) -> Format:
    endings = {".json": Format.json, ".parquet": Format.parquet, ".pq": Format.parquet}
    return endings.get(Path(output or "").suffix.lower(), Format.csv)


def _data(found: Forecast, kind: Format) -> bytes:
    """The forecast in a format; the columns have the same names and numbers in all of them."""
    from forecast_cli import tables

    if kind is Format.csv:
        return tables.forecast_csv(found)
    columns: dict[str, Any] = tables.forecast_columns(found)
    if kind is Format.json:
        return (
            json_module.dumps(_rows(columns), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
        ).encode()
    from forecast_cli.reading import ZonedTimes, to_parquet

    times: Any = found.times.reshape(-1)
    if found.time_format.pattern:
        times = times.view("datetime64[us]")
        times = ZonedTimes(times) if found.time_format.offset else times
    return to_parquet(columns | {found.columns.time: times})


def _rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """One object for each row; null for a number that is not known."""
    cells = [[_finite(cell) for cell in column] for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True)]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _document(predicted: Predicted, reasons: list[str], code: int) -> dict[str, Any]:
    from forecast_cli import tables

    found = predicted.forecast
    return {
        "schema": SCHEMA,
        "exit_code": code,
        "run": predicted.run.name,
        "source": predicted.panel.source,
        "time": found.columns.time,
        "target": found.columns.target,
        "forecast": _rows(tables.forecast_columns(found, headings=False)),
        "warnings": [note.text for note in predicted.notes if note.level == "warning"],
        "reasons": reasons,
    }


def _show(predicted: Predicted) -> None:
    from forecast_cli import tables

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
    bounds = tables.bound_names(found.bounds)
    for i, name in enumerate(found.ids):
        rows = [
            [found.texts[i][step], number(float(found.values[i, step])),
             *(number(float(side[i, step])) for pair in found.bounds.values() for side in pair)]
            for step in range(found.values.shape[1])
        ]  # fmt: skip
        title = f"{name or found.columns.target}  {console.sparkline(list(found.values[i]))}"
        console.table(title, [found.columns.time, "forecast", *bounds], rows)
    console.say(
        f"run {predicted.run.name}, data {console.escape(predicted.panel.source or 'given')}"
    )
