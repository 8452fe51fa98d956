"""forecast refresh"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast_cli import console
from forecast_cli.commands import options
from forecast_cli.commands.locked import skip
from forecast_cli.commands.predict import check_not_the_data, forecast_bytes, format_by_name
from forecast_cli.commands.train import MOST_USED
from forecast_cli.errors import LockedError, LowSkillError, SettingsError
from forecast_cli.settings import Settings

if TYPE_CHECKING:
    from forecast_cli.forecasting import Forecast
    from forecast_cli.workflow import Refreshed

SCHEMA = "forecast/refresh/v1"


@options.with_settings(
    "refresh",
    "data",
    "window",
    "network",
    "training",
    "ensemble",
    "interval",
    "accuracy",
    "output",
    "lock",
    "prune",
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

    What came true since the last time is scored. A new run becomes the latest only if it is better
    than naive forecasts and than the run before it. If live forecasts are much worse than the
    held-out ones were, the exit code is 4.

    Example: forecast refresh sample_data/airline.csv -o forecast.csv
    """
    _check_data(data)
    if dry_run:
        from forecast_cli import workflow

        state = workflow.look(data, settings, store_folder=store)
        console.emit_json(workflow.dry_run_document(state))
        return 0

    path = _output(output, data)
    hidden = quiet or json
    with console.progress(quiet=hidden) as report:
        from forecast_cli import workflow

        def deliver(forecast: Forecast) -> None:
            from forecast_cli.store import replace_file

            replace_file(path, forecast_bytes(forecast, format_by_name(str(path))))

        try:
            refreshed = workflow.refresh(data, settings, deliver, store_folder=store, report=report)
        except LockedError as error:
            if settings.lock.if_locked == "skip":
                return skip(error, SCHEMA, json=json, published=False)
            raise

    _tell(refreshed, path, quiet=hidden)
    if json:
        document = workflow.refresh_document(refreshed) | {"output": str(path)}
        console.emit_json(document)
    return refreshed.exit_code


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
