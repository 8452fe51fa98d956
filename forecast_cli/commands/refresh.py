"""forecast refresh"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast_cli import console, progress
from forecast_cli.commands import options
from forecast_cli.commands.locked import skip
from forecast_cli.commands.predict import check_not_the_data
from forecast_cli.commands.train import MOST_USED
from forecast_cli.commands.watched import watched
from forecast_cli.errors import LockedError, LowSkillError, SettingsError
from forecast_cli.formats import forecast_bytes, format_by_name
from forecast_cli.settings import Settings

if TYPE_CHECKING:
    from forecast_cli.forecasting import Forecast
    from forecast_cli.monitoring import JobFacts
    from forecast_cli.workflow import Refreshed

SCHEMA = "forecast/refresh/v1"


@options.with_settings(
    "refresh",
    *options.TRAINING,
    "monitor",
    most_used=MOST_USED,
)
def refresh(
    data: Annotated[str, typer.Argument(metavar="DATA", help="CSV or Parquet file.")],
    settings: Settings,
    output: Annotated[
        str | None, options.output("FILE", "Write the forecast to a file, in one step.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print what would be done, and why, as JSON. Nothing is changed.",
            rich_help_panel="Refresh",
        ),
    ] = False,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Publish a fresh forecast, and train again when that is due: one line for cron.

    Earlier forecasts are scored on the rows that have come since. A new run becomes the latest only
    if it is better than naive forecasts and the run before it. If live forecasts are much worse
    than the held-out ones were, the exit code is 4.

    Example: forecast refresh sample_data/airline.csv -o forecast.csv
    """
    _check_data(data)
    if dry_run:
        from forecast_cli import workflow

        state = workflow.look(data, settings, store_folder=store)
        console.emit_json(workflow.dry_run_document(state))
        return 0

    with watched(settings.monitor) as watch:
        path = _output(output, data)
        refreshed = _refresh(data, settings, path, store, quiet=quiet or json)
        if isinstance(refreshed, LockedError):
            watch.was_skipped = True
            return skip(refreshed, SCHEMA, json=json, published=False)
        watch.exit_code = refreshed.exit_code
        if settings.monitor.metrics is not None:
            watch.facts = _facts(refreshed, data, store)

    _tell(refreshed, path, quiet=quiet or json)
    if json:
        from forecast_cli.workflow import refresh_document

        console.emit_json(refresh_document(refreshed) | {"output": str(path)})
    return refreshed.exit_code


def _refresh(
    data: str, settings: Settings, path: Path, store: str, *, quiet: bool
) -> Refreshed | LockedError:
    """The refresh; or that the store is locked, where it is to be skipped then."""
    with console.progress(quiet=quiet) as report:
        report(progress.reading(data))  # before the imports below, which take their time
        from forecast_cli import workflow

        def deliver(forecast: Forecast) -> None:
            from forecast_cli.store import replace_file

            replace_file(path, forecast_bytes(forecast, format_by_name(str(path))))

        try:
            return workflow.refresh(data, settings, deliver, store_folder=store, report=report)
        except LockedError as error:
            if settings.lock.if_locked == "skip":
                return error
            raise


def _facts(refreshed: Refreshed, data: str, store: str) -> JobFacts:
    """What metrics say of a refresh. Both errors are of the run that there was before."""
    from forecast_cli.monitoring import JobFacts

    state = refreshed.state
    return JobFacts(
        data=str(Path(data).absolute()),
        store=str(Path(store).absolute()),
        data_age=state.data_age,
        run_age=0.0 if refreshed.promoted else state.run_age,
        live_mase=None if state.live is None else state.live.mase,
        held_out_mase=state.held_out_mase,
        rows=int(refreshed.panel.offsets[-1]),
        series=len(refreshed.panel),
        promoted=refreshed.promoted,
    )


def _check_data(data: str) -> None:
    if data == "-":
        raise SettingsError(
            "refresh may read its data twice, which standard input does not allow",
            "write the data to a file",
        )


def _output(output: str | None, data: str) -> Path:
    """Where the forecast goes. What makes that impossible is known before anything is trained.

    Raises SettingsError, StorageError.
    """
    if not output:
        raise SettingsError("refresh needs a file for the forecast", "add -o FILE")
    check_not_the_data(output, data)
    path = Path(output)
    if not path.exists() or path.is_file():
        from forecast_cli.store import check_writable

        check_writable(path.resolve().parent)
    return path


def _tell(refreshed: Refreshed, path: Path, *, quiet: bool) -> None:
    """Say what was done; with quiet only what is wrong."""
    state = refreshed.state
    for note in refreshed.notes:
        if note.level != "info":
            console.warning(note.text)
        elif not quiet:
            console.say(console.escape(note.text))
    if not quiet:
        done = "trained" if state.decision.action == "train" else "reused the run"
        console.say(console.escape(f"{done}: {'; '.join(state.decision.reasons)}"))
        console.say(console.escape(f"run {refreshed.run.name}"))
        console.say(f"wrote {console.escape(str(path))}")
    if state.alarm.is_on:
        what = "the new run is used" if refreshed.promoted else "the forecast is published"
        console.error(
            LowSkillError(
                f"alarm: {state.alarm.reason}; {what}",
                "see `forecast plot --kind track`, and whether the data are right",
                option="alert_ratio",
            )
        )
