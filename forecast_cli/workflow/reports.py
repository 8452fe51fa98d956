"""The report of a training: what `train --json` prints, and what is kept in last_run.json."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

from forecast_cli import store
from forecast_cli.errors import ForecastError, LockedError, failure_document, failure_of
from forecast_cli.messages import Note
from forecast_cli.store import Lock
from forecast_cli.workflow.results import Trained

SCHEMA = "forecast/train/v1"


def training_document(trained: Trained) -> dict[str, Any]:
    """The report of a training as JSON."""
    metrics = trained.metrics.as_dict()
    targets = trained.panel.reading.target or [trained.panel.columns.target]
    return {
        "schema": SCHEMA,
        "exit_code": trained.exit_code,
        "published": True,
        "run": trained.run.name,
        "folder": str(trained.run.folder),
        "target": targets if len(targets) > 1 else targets[0],
        "series": len(trained.panel),
        "rows": int(trained.panel.offsets[-1]),
        "verdict": trained.metrics.verdict,
        "metrics": {key: metrics[key] for key in ("training", "test", "members")},
        "plan": dataclasses.asdict(trained.run.config.plan),
        "warnings": [note.text for note in trained.notes if note.level == "warning"],
        "reasons": trained.reasons,
    }


def keep_report(lock: Lock, trained: Trained) -> tuple[Note, ...]:
    """Keep the report of a training.

    The run is published already, so a failure here only degrades.
    """
    try:
        store.write_report(lock, training_document(trained))
    except ForecastError as error:
        text = f"the run is published, but its report is not: last_run.json: {error.message}"
        return (Note("report_missing", "degraded", text),)
    return ()


def keep_failure(root: Path, error: BaseException) -> None:
    """Keep the report of a training that failed.

    Not where there is no store yet, or where another command is writing in it. The failure itself
    is what the user must hear of, so one of the report is not raised.
    """
    with contextlib.suppress(ForecastError):
        if isinstance(error, LockedError) or not store.exists(root):
            return
        with store.lock(root) as lock:
            store.write_report(lock, failure_document(SCHEMA, failure_of(error)))
