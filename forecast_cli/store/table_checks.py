"""The CSV tables of a run, from which pictures are drawn: are they what they should be?

Their hashes were checked already when the run was read; this looks for tables that were sealed
with wrong content, which nothing else would notice.
"""

from __future__ import annotations

from collections.abc import Callable

from forecast_cli import tables
from forecast_cli.store.contents import Run
from forecast_cli.store.rejection import rejected


def check_tables(run: Run) -> None:
    """Raise RunRejectedError, naming the file, where a table is not what it should be."""
    for name, check in _CHECKS.items():
        if name not in run.texts:
            continue
        try:
            check(run, run.texts[name])
        except ValueError:
            raise rejected(run.folder / name, "it is not the table that it should be") from None


def _check_history(run: Run, data: bytes) -> None:
    tables.check_history(data, run.metrics.training.best_epoch)


def _check_predictions(run: Run, data: bytes) -> None:
    tables.read_predictions(data, run.config.columns, run.config.plan.levels)


def _check_forecast(run: Run, data: bytes) -> None:
    plan = run.config.plan
    tables.check_forecast(data, run.config.columns, plan.levels, plan.horizon)


_CHECKS: dict[str, Callable[[Run, bytes], None]] = {
    "history.csv": _check_history,
    "predictions.csv": _check_predictions,
    "forecast.csv": _check_forecast,
}
