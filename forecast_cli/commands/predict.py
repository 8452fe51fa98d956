"""forecast predict"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast_cli import console, formats
from forecast_cli.choices import BASE
from forecast_cli.commands import options, predict_parts
from forecast_cli.commands.predict_parts import Asked
from forecast_cli.errors import DEGRADED, SettingsError
from forecast_cli.fields import option_name
from forecast_cli.formats import Format, forecast_bytes, format_by_name
from forecast_cli.settings import OF_THE_ENGINE, Settings, reading_the_target, rereading
from forecast_cli.sources import SettingSources

if TYPE_CHECKING:
    from forecast_cli.forecasting import Forecast
    from forecast_cli.workflow import Predicted

OF_THE_READER = reading_the_target()
MANY = 3  # series beyond which a terminal gets one line per series
MOST_ROWS = 50  # of such lines


@options.with_settings(
    "engine",
    from_the_run=("horizon", "levels", "interval", "digits", *rereading()),
    of_base=[name for name in OF_THE_READER if name not in rereading()],
    without=("data_parallel",),
)
def predict(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="CSV or Parquet file with the newest rows, or a folder of such files.",
            show_default="the file that the run was trained on",
        ),
    ] = None,
    *,
    settings: Settings,
    sources: SettingSources,
    output: Annotated[
        str | None,
        options.output(
            "FILE", "Write the forecast to a file, or of many files to a folder.", "stdout"
        ),
    ] = None,
    format_: Annotated[
        Format | None,
        options.value(
            "--format",
            metavar="|".join(Format),
            text="Format of the forecast.",
            default="by FILE, else csv; in a folder parquet",
        ),
    ] = None,
    future_values: Annotated[
        str | None,
        options.value(
            "--future-values",
            metavar="FILE",
            text="CSV with the known-future covariates after the last row.",
            default="rows of DATA",
        ),
    ] = None,
    run: options.RunOrBase = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Forecast past the last row with a saved run. Nothing is trained or written to the store.

    The forecast is printed as CSV, or as a table if stdout is a terminal, unless -o or --format is
    given. Options that are not given are as in the run. For a --horizon beyond that of the run,
    the network is fed its own forecasts.

    The files of a folder, or of a pattern such as 'sales/*.csv', are forecast one by one, by
    several processes, or on a Ray cluster: --engine. Each series must be in one file.

    --run base is a network that comes with forecast, and forecasts any DATA without training.

    Example: forecast predict -o forecast.csv
    """
    from forecast_cli import workflow

    asked = Asked(output, format_, json=json, quiet=quiet)
    wanted: dict[str, Any] = {
        "store_folder": store,
        "run": run,
        "levels": settings.interval.levels if "levels" in sources.values else None,
        "interval": settings.interval.interval,
        "future_values": future_values,
        "horizon": settings.window.horizon,
        "digits": settings.output.digits,
        **_given(sources, run),
    }
    partitions = workflow.partitions_of(data)
    if partitions is not None:
        wanted |= {name: getattr(settings.engine, name) for name in OF_THE_ENGINE}
        return predict_parts.predict_parts(partitions, asked, wanted)

    _check_output(asked)
    _check_engine(settings, sources, quiet=quiet)
    predicted = workflow.predict(data, **wanted)
    check_not_the_data(output, predicted.panel.source)
    _tell(predicted, asked)
    return DEGRADED if _reasons(predicted) else 0


def _given(sources: SettingSources, run: str | None) -> dict[str, Any]:
    """The settings of the reader that were given: those that the run takes, and those that were
    typed although it does not take them, which is an error."""
    taken = OF_THE_READER if run == BASE else rereading()
    return {
        name: value
        for name, value in sources.values.items()
        if name in taken or (name in OF_THE_READER and sources.origins.get(name) == "command line")
    }


def _check_engine(settings: Settings, sources: SettingSources, *, quiet: bool) -> None:
    """Say that one file is forecast in this process, where an engine was asked for.

    Raises SettingsError where it cannot be what is asked for. Without such an option, nothing of
    an engine is loaded.
    """
    typed = [name for name in OF_THE_ENGINE if sources.origins.get(name) == "command line"]
    if not typed:
        return

    from forecast_cli import workflow

    workflow.check_engine(settings)
    if not quiet:
        console.say(f"one file is forecast in this process: {option_name(typed[0])} has no effect")


def _check_output(asked: Asked) -> None:
    """Refuse what cannot go to stdout. Raises SettingsError."""
    if asked.output:
        return
    if asked.format is Format.parquet and (asked.json or console.stdout_is_terminal()):
        place = "goes with --json" if asked.json else "goes to a terminal"
        message = f"--format parquet is binary, and {place} only into a file"
        raise SettingsError(message, "add -o FILE")
    if asked.json and asked.format is not None:
        message = f"--json and --format {asked.format} both write to stdout"
        raise SettingsError(message, "add -o FILE, or leave one out")


def check_not_the_data(output: str | None, source: str) -> None:
    """Never write the forecast over the data. Raises SettingsError."""
    if not output or not Path(output).exists() or not Path(source).exists():
        return
    if Path(output).samefile(source):
        raise SettingsError(f"-o {output} is the data itself", "write the forecast to another file")


def _reasons(predicted: Predicted) -> list[str]:
    """Why the forecast is degraded."""
    return [note.text for note in predicted.notes if note.level == "degraded"]


# -- what is told ------------------------------------------------------------------------------


def _tell(predicted: Predicted, asked: Asked) -> None:
    """Warn, hand out the forecast as it was asked for, and say how good the intervals are."""
    for note in predicted.notes:
        if note.level != "info":
            console.warning(note.text)
        elif note.kind == "base_network" and not asked.quiet:
            console.say(note.text)

    _emit(predicted, asked)
    for note in predicted.notes:
        if note.kind == "coverage" and not asked.quiet:
            console.say(note.text)


def _emit(predicted: Predicted, asked: Asked) -> None:
    """Write the forecast to a file, print it, or show it on a terminal."""
    kind = asked.format or format_by_name(asked.output)
    if asked.output:
        from forecast_cli.store import replace_file

        replace_file(Path(asked.output), forecast_bytes(predicted.forecast, kind))
    if asked.json:
        console.emit_json(_document(predicted))
    elif asked.output:
        if not asked.quiet:
            console.say(f"wrote {console.escape(asked.output)}")
    elif asked.format is None and console.stdout_is_terminal():
        _show(predicted, quiet=asked.quiet)
    else:
        console.emit(forecast_bytes(predicted.forecast, kind))


def _document(predicted: Predicted) -> dict[str, Any]:
    forecast, reasons = predicted.forecast, _reasons(predicted)
    return {
        "schema": predict_parts.SCHEMA,
        "exit_code": DEGRADED if reasons else 0,
        "run": predicted.run,
        "source": predicted.panel.source,
        "time": forecast.columns.time,
        "target": forecast.columns.target,
        "forecast": formats.forecast_rows(predicted.forecast, headings=False),
        "coverage": [one.as_dict() for one in predicted.coverage],
        "warnings": [note.text for note in predicted.notes if note.level == "warning"],
        "reasons": reasons,
    }


# -- a terminal --------------------------------------------------------------------------------


def _show(predicted: Predicted, *, quiet: bool) -> None:
    """Tables of the forecast; with quiet nothing is said about where it comes from."""
    forecast = predicted.forecast
    if len(forecast.ids) > MANY:
        _show_many(forecast)
    else:
        for index in range(len(forecast.ids)):
            _show_series(forecast, index)
        if not quiet:
            source = console.escape(predicted.panel.source or "given")
            console.say(f"run {predicted.run}, data {source}")


def _show_many(forecast: Forecast) -> None:
    """One line for each of many series."""
    rows = []
    for index, name in enumerate(forecast.ids[:MOST_ROWS]):
        values = [float(value) for value in forecast.values[index]]
        ends = [console.number(values[0]), console.number(values[-1])]
        rows.append([name, console.sparkline(values), *ends])

    first, last = forecast.texts[0][0], forecast.texts[0][-1]
    title = f"{forecast.columns.target} from {first} to {last}"
    console.table(title, [forecast.columns.id, "", "first", "last"], rows, text_columns=2)

    more = len(forecast.ids) - len(rows)
    if more:
        console.say(f"and {more:,} more series; -o FILE writes them all")


def _show_series(forecast: Forecast, index: int) -> None:
    """One line for each step of a series."""
    from forecast_cli import tables

    sides = [side for bounds in forecast.bounds.values() for side in bounds]
    rows = []
    for step, time in enumerate(forecast.texts[index]):
        numbers = [forecast.values[index, step], *(side[index, step] for side in sides)]
        rows.append([time, *(console.number(float(number)) for number in numbers)])

    name = forecast.ids[index] or forecast.columns.target
    title = f"{name}  {console.sparkline(list(forecast.values[index]))}"
    header = [forecast.columns.time, "forecast", *tables.bound_names(forecast.bounds)]
    console.table(title, header, rows)
