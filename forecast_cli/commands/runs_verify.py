"""forecast runs verify"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forecast_cli import console
from forecast_cli.commands import options
from forecast_cli.errors import (
    ForecastError,
    NoRunError,
    RunRejectedError,
    failure_document,
)

SCHEMA = "forecast/runs-verify/v1"


@dataclass
class _Report:
    """What was verified, in rows, and what failed."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    failures: list[ForecastError] = field(default_factory=list)

    def add(self, name: str, failure: ForecastError | None = None) -> None:
        message = failure.message if failure else ""
        self.rows.append({"run": name, "ok": failure is None, "error": message})
        if failure is not None:
            self.failures.append(failure)


@options.with_settings()
def verify(
    run: options.RunOrAll = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Check the runs: the hash of every file, their content, and that they can forecast.

    Exits with 12 if a run is damaged. With --quiet, runs that are sound are not listed.

    Example: forecast runs verify
    """
    from forecast_cli import store as runs

    root, report = Path(store), _Report()
    name = runs.resolve(root, run)
    names = runs.names(root) if name is None else [name]
    if name is None:
        _verify_pointer(root, names, report)
    for each in names:
        _verify_run(root, each, report)

    failure = _summary(report)
    if json:
        console.emit_json(_document(report, failure))
    else:
        _show(report, quiet=quiet)
    if failure is None:
        return 0
    console.error(failure)
    return failure.exit_code


def _verify_pointer(root: Path, names: list[str], report: _Report) -> None:
    """Check that latest.json names a run that is there. Raises NoRunError for an empty store."""
    from forecast_cli import store as runs

    try:
        latest = runs.latest(root)
        if latest not in names:
            message = f"{root / 'latest.json'}: the run {latest} that it names is gone"
            raise RunRejectedError(message)
    except NoRunError:
        if not names:
            raise
        command = "`forecast runs rollback --run ID`"
        console.warning(f"no latest.json in {root}; {command} makes a run the latest")
    except ForecastError as error:
        report.add("latest.json", error)


def _verify_run(root: Path, name: str, report: _Report) -> None:
    from forecast_cli import store as runs

    try:
        strangers = runs.verify(root, name)
    except ForecastError as error:
        report.add(name, error)
        return

    report.add(name)
    if strangers:
        files = ", ".join(strangers)
        console.warning(f"{name} holds files that are not of the run; nothing reads them: {files}")


def _summary(report: _Report) -> ForecastError | None:
    """One failure that stands for all: damage comes before anything else."""
    if not report.failures:
        return None
    damages = [error for error in report.failures if isinstance(error, RunRejectedError)]
    worst = (damages or report.failures)[0]
    if len(report.rows) > 1:
        counts = f"{len(report.failures):,} of {len(report.rows):,} runs cannot be used"
        worst.message = f"{counts}: {worst.message}"
    return worst


def _document(report: _Report, failure: ForecastError | None) -> dict[str, Any]:
    document: dict[str, Any] = {"schema": SCHEMA, "exit_code": 0}
    if failure:
        document = failure_document(SCHEMA, failure)
    return document | {"runs": report.rows}


def _show(report: _Report, *, quiet: bool) -> None:
    """A line for each run; with --quiet only for those that failed."""
    rows = [row for row in report.rows if not (quiet and row["ok"])]
    cells = [[row["run"], row["error"] or "ok"] for row in rows]
    if cells:
        console.table("", ["run", "verified"], cells, text_columns=2)
