"""The CSV tables of a run, from which pictures are drawn: are they what they should be?

Their hashes were checked already when the run was read; this looks for tables that were sealed
with wrong content, which nothing else would notice.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable

from forecast_cli.store.bounds import MAX_NUMBER
from forecast_cli.store.contents import Run
from forecast_cli.store.rejection import rejected

Rows = list[dict[str, str]]


def check_tables(run: Run) -> None:
    """Raise RunRejectedError, naming the file, where a table is not what it should be."""
    for name, check in _CHECKS.items():
        if name not in run.texts:
            continue
        try:
            check(run, run.texts[name])
        except (ValueError, LookupError, TypeError, csv.Error):
            raise rejected(run.folder / name, "it is not the table that it should be") from None


def _check_history(run: Run, data: bytes) -> None:
    """history.csv: one row for each epoch of each member."""
    rows = _rows(data, ["epoch", "training_loss", "validation_loss"])
    _check_numbers(rows, ["training_loss", "validation_loss"])

    for row in rows:
        if not 0 <= int(row["epoch"]) < MAX_NUMBER:
            raise ValueError("an epoch is out of bounds")
    if run.metrics.training.best_epoch > len(rows):
        raise ValueError("the best epoch is not in the history")


def _check_predictions(run: Run, data: bytes) -> None:
    """predictions.csv: one row for each held-out step; empty where nothing was held out."""
    numbers = ["actual", "forecast", "seasonal_naive", *_bounds(run)]
    rows = _rows(data, [*_key_columns(run), "cutoff", *numbers])
    _check_numbers(rows, numbers)
    _check_forecasts(rows)


def _check_forecast(run: Run, data: bytes) -> None:
    """forecast.csv: one row for each step past the last row of each series."""
    numbers = ["forecast", *_bounds(run)]
    rows = _rows(data, [*_key_columns(run), *numbers])
    _check_numbers(rows, numbers)
    _check_forecasts(rows)

    id_column = run.config.columns.id
    steps = Counter(row[id_column] if id_column else "" for row in rows)
    if steps and max(steps.values()) > run.config.plan.horizon:
        raise ValueError("there are more steps than the horizon")


_CHECKS: dict[str, Callable[[Run, bytes], None]] = {
    "history.csv": _check_history,
    "predictions.csv": _check_predictions,
    "forecast.csv": _check_forecast,
}


def _key_columns(run: Run) -> list[str]:
    """The columns that say which series and which time a row is of."""
    columns = run.config.columns
    return [columns.id, columns.time] if columns.id else [columns.time]


def _bounds(run: Run) -> list[str]:
    """The columns of the intervals, such as lo-80 and hi-80."""
    return [f"{side}-{level:.10g}" for level in run.config.plan.levels for side in ("lo", "hi")]


def _rows(data: bytes, columns: list[str]) -> Rows:
    """The rows of a CSV that has at least these columns. Raises ValueError."""
    reader = csv.DictReader(io.StringIO(data.decode()))
    if data and not set(columns) <= set(reader.fieldnames or ()):
        raise ValueError("a column is missing")

    rows = list(reader)
    for row in rows:
        # DictReader puts cells that are too many under None, and None where there are too few.
        if None in row or None in row.values():
            raise ValueError("a row has another width")
    return rows


def _check_numbers(rows: Rows, columns: list[str]) -> None:
    for row in rows:
        for column in columns:
            float(row[column] or "nan")


def _check_forecasts(rows: Rows) -> None:
    for row in rows:
        if not math.isfinite(float(row["forecast"])):
            raise ValueError("a forecast is not finite")
