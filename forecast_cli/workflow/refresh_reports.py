"""The report of a refresh as JSON, which is kept in last_run.json, too."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

from forecast_cli import store
from forecast_cli.errors import ForecastError, LockedError, failure_document, failure_of
from forecast_cli.messages import Note
from forecast_cli.store import Lock
from forecast_cli.workflow.refresh_state import RefreshState
from forecast_cli.workflow.refreshing import Refreshed

REFRESH_SCHEMA = "forecast/refresh/v1"


def decision_document(state: RefreshState) -> dict[str, Any]:
    """What a refresh would do, and why: what `--dry-run` prints."""
    live = state.live
    return {
        "action": state.decision.action,
        "due": list(state.decision.kinds),
        "decision": list(state.decision.reasons),
        "run": None if state.run is None else state.run.name,
        "alarm": state.alarm.is_on,
        "alarm_reason": state.alarm.reason,
        "ratio": state.alarm.ratio,
        "held_out_mase": state.held_out_mase,
        "live": None if live is None else _live(state),
        "run_age_seconds": state.run_age,
        "data_age_seconds": state.data_age,
        "new_rows": None if state.changes is None else state.changes.new,
        "revised_values": None if state.changes is None else state.changes.revised,
    }


def _live(state: RefreshState) -> dict[str, Any] | None:
    live = state.live
    if live is None:
        return None
    coverage = [{"level": level, "share": share} for level, share in live.coverage.items()]
    return {
        "by": live.by,
        "rows": live.rows,
        "forecasts": live.forecasts,
        "mase": live.mase,
        "naive_mase": live.naive_mase,
        "skill": live.skill,
        "coverage": coverage,
    }


def dry_run_document(state: RefreshState) -> dict[str, Any]:
    """The document of `--dry-run`."""
    return {
        "schema": REFRESH_SCHEMA,
        "exit_code": 0,
        "dry_run": True,
        **decision_document(state),
        "warnings": _warnings(state.notes),
    }


def refresh_document(refreshed: Refreshed) -> dict[str, Any]:
    """The document of a refresh. before: of what there was before; run: what made the forecast.

    coverage: of the intervals of that run, as measured on the held-out rows in its training.
    """
    before = decision_document(refreshed.state)
    measured = refreshed.run.metrics.intervals.coverage or []
    used = {"train": "trained", "reuse": "reused"}[refreshed.state.decision.action]
    return {
        "schema": REFRESH_SCHEMA,
        "exit_code": refreshed.exit_code,
        "dry_run": False,
        **before,
        "action": used,
        "previous_run": before["run"],
        "run": refreshed.run.name,
        "promoted": refreshed.promoted,
        "candidate": _candidate(refreshed),
        "series": len(refreshed.panel),
        "rows": int(refreshed.panel.offsets[-1]),
        "coverage": [one.as_dict() for one in measured],
        "warnings": _warnings(refreshed.notes),
        "reasons": refreshed.reasons,
    }


def _candidate(refreshed: Refreshed) -> dict[str, Any] | None:
    """The run that was trained, and how it was judged; None where there is none."""
    if refreshed.trained is None:
        return None
    errors, verdict, refusal = refreshed.errors, refreshed.verdict, refreshed.trained.refusal
    reason = ""
    if verdict is not None:
        reason = verdict.reason
    elif refusal is not None:
        reason = refusal.message
    return {
        "run": refreshed.trained.run.name,
        "promoted": refreshed.promoted,
        "verdict": reason,
        "compared": None if errors is None else dataclasses.asdict(errors),
    }


def _warnings(notes: tuple[Note, ...]) -> list[str]:
    return [note.text for note in notes if note.level == "warning"]


def keep_refresh(lock: Lock, refreshed: Refreshed) -> tuple[Note, ...]:
    """Keep the report. The forecast is published already, so that a failure only degrades."""
    try:
        store.write_report(lock, refresh_document(refreshed))
    except ForecastError as error:
        text = f"the forecast is published, but its report is not: last_run.json: {error.message}"
        return (Note("report_missing", "degraded", text),)
    return ()


def keep_refresh_failure(root: Path, error: BaseException) -> None:
    """Keep the report of a refresh that failed, unless another command is writing in the store."""
    with contextlib.suppress(ForecastError):
        if isinstance(error, LockedError) or not store.exists(root):
            return
        with store.lock(root) as lock:
            store.write_report(lock, failure_document(REFRESH_SCHEMA, failure_of(error)))
