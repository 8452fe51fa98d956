"""Reports as JSON: of a training, which is kept in last_run.json, too, and of a backtest."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from forecast_cli import evaluation, store
from forecast_cli.errors import (
    ForecastError,
    LockedError,
    LowSkillError,
    failure_document,
    failure_of,
)
from forecast_cli.messages import Note
from forecast_cli.panel import Floats, format_times, times_of
from forecast_cli.store import Lock
from forecast_cli.workflow.results import Trained
from forecast_cli.workflow.rolled import Backtested

SCHEMA = "forecast/train/v1"
BACKTEST_SCHEMA = "forecast/backtest/v1"


def training_document(trained: Trained) -> dict[str, Any]:
    """The report of a training as JSON.

    published: whether the run has become the latest. One that was refused is kept, and named.
    """
    metrics = trained.metrics.as_dict()
    targets = trained.panel.reading.target or [trained.panel.columns.target]
    return {
        "schema": SCHEMA,
        "exit_code": trained.exit_code,
        "published": trained.refusal is None,
        "run": trained.run.name,
        "folder": str(trained.run.folder),
        "target": targets if len(targets) > 1 else targets[0],
        "series": len(trained.panel),
        "rows": int(trained.panel.offsets[-1]),
        "verdict": trained.metrics.verdict,
        "metrics": {key: metrics[key] for key in ("training", "test", "members", "intervals")},
        "plan": dataclasses.asdict(trained.run.config.plan),
        "warnings": [note.text for note in trained.notes if note.level == "warning"],
        "reasons": trained.reasons,
        **_refusal(trained.refusal),
    }


def _refusal(error: LowSkillError | None) -> dict[str, Any]:
    """What a document says of a network that is not as good as was asked for."""
    return {} if error is None else {"error": error.message, "hint": error.hint}


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


def keep_failure(root: Path, error: BaseException, schema: str = SCHEMA) -> None:
    """Keep the report of a training, or of a tuning, that failed.

    Not where there is no store yet, or where another command is writing in it. The failure itself
    is what the user must hear of, so one of the report is not raised.
    """
    with contextlib.suppress(ForecastError):
        if isinstance(error, LockedError) or not store.exists(root):
            return
        with store.lock(root) as lock:
            store.write_report(lock, failure_document(schema, failure_of(error)))


# -- a backtest --------------------------------------------------------------------------------


def backtest_document(backtested: Backtested) -> dict[str, Any]:
    """The report of a backtest as JSON: every score, null where it is not defined."""
    result, origins, panel = backtested.result, backtested.origins, backtested.panel
    comparison = backtested.comparison
    return {
        "schema": BACKTEST_SCHEMA,
        "exit_code": backtested.exit_code,
        "source": panel.source,
        "target": panel.columns.target,
        "run": backtested.run,
        "series": len(panel),
        "origins": origins.count,
        "step": origins.step,
        "horizon": origins.horizon,
        "season": backtested.season,
        "trainings": backtested.trainings,
        "forecasts": len(backtested.windows),
        "scores": _known(evaluation.summary(result)),
        "intervals": [
            {"level": level, **_known(scores)}
            for level, scores in evaluation.interval_summary(result).items()
        ],
        "comparison": None if comparison is None else _known(dataclasses.asdict(comparison)),
        "sentence": backtested.sentence,
        "per_origin": _entries(backtested, "origin", _origin_names(backtested)),
        "per_step": _entries(
            backtested, "step", [{"step": step + 1} for step in range(origins.horizon)]
        ),
        "per_series": _entries(backtested, "series", [{"id": name} for name in panel.ids]),
        "warnings": [note.text for note in backtested.notes if note.level == "warning"],
        **_refusal(backtested.refusal),
    }


def _origin_names(backtested: Backtested) -> list[dict[str, Any]]:
    """The number of each origin, from 1, and the time of the last row before it.

    The time is null where series end at different times.
    """
    names: list[dict[str, Any]] = []
    panel, result, chosen = backtested.panel, backtested.result, backtested.windows
    local = chosen.origins - panel.offsets[chosen.series] - 1
    ordinals = panel.first[chosen.series] + local
    for number in range(result.origins):
        rows = np.flatnonzero(result.origin == number)
        cutoff = None
        if len(rows) and (ordinals[rows] == ordinals[rows[0]]).all():
            series, step = int(chosen.series[rows[0]]), int(local[rows[0]])
            cutoff = format_times(panel, times_of(panel, series, step, step + 1))[0]
        names.append({"origin": number + 1, "cutoff": cutoff, "forecasts": len(rows)})
    return names


def _entries(
    backtested: Backtested, by: evaluation.By, names: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The scores of every method and of every interval, for each of the names."""
    result = backtested.result
    methods = {method: evaluation.scores_by(result, method, by) for method in result.forecasts}
    levels = {level: evaluation.interval_scores_by(result, level, by) for level in result.bounds}
    entries = []
    for position, name in enumerate(names):
        scores = {method: _at(scores, position) for method, scores in methods.items()}
        intervals = [{"level": level, **_at(found, position)} for level, found in levels.items()]
        entries.append({**name, "scores": scores, "intervals": intervals})
    return entries


def _at(scores: dict[str, Floats], position: int) -> dict[str, Any]:
    return {metric: _known(float(values[position])) for metric, values in scores.items()}


def _known(value: Any) -> Any:
    """None instead of numbers that are not finite, also inside of dicts."""
    if isinstance(value, dict):
        return {name: _known(inner) for name, inner in value.items()}
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
