"""forecast status"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from forecast_cli import console
from forecast_cli.commands import options
from forecast_cli.settings import Settings

if TYPE_CHECKING:
    from forecast_cli.workflow import HealthReport

SCHEMA = "forecast/status/v1"
STATES = {0: "ok", 4: "alarm", 5: "stale", 10: "no_run"}


@options.with_settings("refresh", without=("retrain_after", "alert_ratio", "start"))
def status(
    settings: Settings,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Print one line for Nagios: how old the run and its data are, and whether the alarm is on.

    Exits with 0 if all is well, 4 if the last refresh raised the alarm, 5 if the newest row is
    older than --data-max-age, and 10 if there is no run. Only what the store has recorded is read;
    nothing is changed, and no lock is taken. With --quiet, nothing is printed if all is well.

    Example: forecast status --store /srv/sales/runs --data-max-age 2d
    """
    from forecast_cli import monitoring, workflow

    report = workflow.health_of(store, data_max_age=settings.refresh.data_max_age)
    code, line = monitoring.status_of(report.health)

    for text in report.warnings:
        console.warning(text)
    if json:
        console.emit_json(_document(report, code, line))
    elif code or not quiet:
        console.lines([line])
    return code


def _document(report: HealthReport, code: int, line: str) -> dict[str, Any]:
    health = report.health
    return {
        "schema": SCHEMA,
        "exit_code": code,
        "status": STATES[code],
        "line": line,
        "run": health.run or None,
        "trained": _text(report.trained),
        "run_age_seconds": health.run_age,
        "newest_row": _text(report.newest_row),
        "data_age_seconds": health.data_age,
        "data_max_age_seconds": health.data_max_age,
        "refreshed": _text(report.refreshed),
        "refresh_age_seconds": health.refresh_age,
        "alarm": health.alarm,
        "live_mase": health.live_mase,
        "held_out_mase": health.held_out_mase,
        "ratio": health.ratio,
        "is_of_another_run": health.is_of_another_run,
        "warnings": list(report.warnings),
    }


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
