"""forecast print-schedule"""

from __future__ import annotations

import os
import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast_cli import console
from forecast_cli.commands import options
from forecast_cli.errors import DataError, NoRunError, SettingsError
from forecast_cli.settings import MonitorSettings, Settings
from forecast_cli.sources import CONFIG, STORE_NAME, SettingSources, variable_name

if TYPE_CHECKING:
    from forecast_cli.scheduling import Job

SCHEMA = "forecast/print-schedule/v1"
DEFAULT_TIME = "04:10"  # after the hours in which clocks change
DEFAULT_OUTPUT = "forecast.csv"
UNIT_FOLDER = "/etc/systemd/system"


class Scheduler(StrEnum):
    """What starts jobs."""

    cron = "cron"
    systemd = "systemd"


@options.with_settings("monitor")
def print_schedule(
    scheduler: Annotated[
        Scheduler, typer.Argument(metavar="cron|systemd", help="What starts the job.")
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="CSV or Parquet file that the job reads.",
            show_default="the file that the latest run was trained on",
        ),
    ] = None,
    *,
    settings: Settings,
    sources: SettingSources,
    output: Annotated[
        str, options.output("FILE", "File of the forecast.", DEFAULT_OUTPUT)
    ] = DEFAULT_OUTPUT,
    at: Annotated[
        str,
        options.value(
            "--at",
            metavar="TIME",
            text="Time of the day, e.g. 04:10, or '02:10 UTC' for systemd.",
            default=DEFAULT_TIME,
        ),
    ] = DEFAULT_TIME,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Print a schedule for one forecast a day: a line for cron, or two units for systemd.

    All paths become absolute. Nothing is installed. Write the settings of the job, such as horizon,
    into the file that --config names.

    Example: forecast print-schedule cron data.csv -o forecast.csv --at 04:10
    """
    from forecast_cli import scheduling

    job = _job(data, output, at, store, settings.monitor, sources)
    texts = _texts(job, scheduler)
    warnings = [*_about_paths(job), *_about_variables(sources)]
    changes = scheduling.clock_change_warning(job.at, job.zone)
    if changes:
        warnings.append(changes)

    for text in warnings:
        console.warning(text)
    if json:
        document = {"schema": SCHEMA, "exit_code": 0, "scheduler": scheduler.value}
        document |= {"command": list(job.words), "files": texts, "warnings": warnings}
        console.emit_json(document)
    else:
        console.emit(_shown(texts, scheduler, quiet=quiet).encode())
    return 0


# -- the job ---------------------------------------------------------------------------------------


def _job(
    data: str | None,
    output: str,
    at: str,
    store: str,
    monitor: MonitorSettings,
    sources: SettingSources,
) -> Job:
    """What is to run. Raises SettingsError, and what reading a run raises."""
    from forecast_cli import scheduling

    job = scheduling.Job(
        program=_program(),
        data=_absolute(_data(data, store)),
        output=_absolute(output),
        store=_absolute(store),
        config=_absolute(sources.file),
        metrics=_absolute(monitor.metrics or ""),
        ping_file=_absolute(monitor.ping_file or ""),
        at=scheduling.parse_time(at),
        zone=scheduling.local_zone(),
    )
    if os.path.realpath(job.output) == os.path.realpath(job.data):
        raise SettingsError(
            f"-o {output} is the data itself", "write the forecast to another file", option="output"
        )
    return job


def _absolute(path: str) -> str:
    """A path from the root of the file system; links in it stay as they are."""
    return os.path.abspath(path) if path else ""


def _data(data: str | None, store: str) -> str:
    """The data of the job. Raises SettingsError, DataError, and what reading a run raises."""
    if data == "-":
        raise SettingsError(
            "DATA is -, and a scheduled job has no standard input", "name a file in place of -"
        )
    if data:
        return data

    from forecast_cli import store as runs

    try:
        source = runs.load(Path(store)).config.source
    except NoRunError as error:
        error.hint = "name DATA: forecast print-schedule cron DATA"
        raise
    if source in ("", "-"):
        raise DataError("the latest run was not trained on a file", "name DATA")
    return source


def _program() -> tuple[str, ...]:
    """The words that start forecast, wherever the job is started: the script of this Python."""
    script = Path(sys.executable).with_name("forecast")
    if os.access(script, os.X_OK):
        return (str(script),)
    found = shutil.which("forecast")
    return (os.path.abspath(found),) if found else (sys.executable, "-m", "forecast_cli")


def _texts(job: Job, scheduler: Scheduler) -> dict[str, str]:
    """The texts of the files, by their names."""
    from forecast_cli import scheduling

    if scheduler is Scheduler.cron:
        return {"crontab": scheduling.crontab_line(job)}
    return scheduling.systemd_units(job, _user())


def _user() -> str:
    """The name of the user who runs this command; an empty text if it has none."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""


# -- what is printed -------------------------------------------------------------------------------


def _shown(texts: dict[str, str], scheduler: Scheduler, *, quiet: bool) -> str:
    """The texts as they are printed; with quiet without comments that are for people."""
    if scheduler is Scheduler.cron:
        lines = texts["crontab"].splitlines(keepends=True)
        return lines[-1] if quiet else "".join(lines)

    parts = [f"# {UNIT_FOLDER}/{name}\n{text}" for name, text in texts.items()]
    timer = next(name for name in texts if name.endswith(".timer"))
    if not quiet:
        parts.append(f"# systemctl daemon-reload && systemctl enable --now {timer}\n")
    return "\n".join(parts)


def _about_paths(job: Job) -> list[str]:
    """Warnings about what the job will not find."""
    warnings = []
    for name, path in (("DATA", job.data), ("--ping-file", job.ping_file)):
        if path and not os.path.isfile(path):
            warnings.append(f"{name}: there is no file {path} yet")

    folders = {"--store": job.store, "-o": os.path.dirname(job.output)}
    if job.metrics:
        folders["--metrics"] = os.path.dirname(job.metrics)
    for name, folder in folders.items():
        if not os.path.isdir(folder):
            warnings.append(f"{name}: make the folder {folder} before the first job")
    return warnings


def _about_variables(sources: SettingSources) -> list[str]:
    """Settings of this environment, which jobs do not see. Those of the job are in its command."""
    in_command = {STORE_NAME, CONFIG, *MonitorSettings.types}
    names = [
        name
        for name, origin in sources.origins.items()
        if origin == "environment" and name not in in_command
    ]
    return [
        f"{variable_name(name)} is set here, but not for the job; put {name} into the file of "
        "--config"
        for name in sorted(names)
    ]
