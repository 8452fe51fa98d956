"""Tables written as CSV, or as columns for other formats."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from forecast_cli.errors import SettingsError
from forecast_cli.fields import Digits
from forecast_cli.forecasting import Forecast, HeldOut
from forecast_cli.panel import Panel
from forecast_cli.tables.cells import cells_of, numbers_of
from forecast_cli.tables.columns import Kind, Source, Table
from forecast_cli.tables.declarations import (
    HISTORY,
    EpochOf,
    HeldOutOf,
    OriginForecasts,
    backtest_table,
    forecast_table,
    predictions_table,
)

if TYPE_CHECKING:  # torch is for training alone
    from forecast_cli.training import Fitted


def forecast_csv(result: Forecast) -> bytes:
    """forecast.csv, and what `forecast predict` writes: the same bytes wherever they go."""
    return _write(forecast_table(result.columns, result.bounds), result, result.digits)


def forecast_header(result: Forecast) -> bytes:
    """The first line of forecast.csv, with its end."""
    return _lines([_names(forecast_table(result.columns, result.bounds))])


def predictions_csv(panel: Panel, rows: HeldOut, digits: Digits) -> bytes:
    """predictions.csv, of the held-out rows of a panel."""
    table = predictions_table(panel.columns, rows.bounds)
    return _write(table, HeldOutOf(panel.ids, rows, panel.time_format), digits)


def history_csv(fitted: tuple[Fitted, ...]) -> bytes:
    """history.csv, of all members.

    Losses keep all their digits, so that trainings can be compared to the bit.
    """
    rows = []
    for member, network in enumerate(fitted, 1):
        rows += [EpochOf(member, epoch) for epoch in network.history]
    return _write(HISTORY, rows, "full")


def backtest_csv(forecasts: OriginForecasts, digits: Digits) -> bytes:
    """The forecasts of every origin of a backtest."""
    table = backtest_table(forecasts.panel.columns, forecasts.bounds)
    return _write(table, forecasts, digits)


def forecast_columns(result: Forecast, *, headings: bool = True) -> dict[str, list[Any]]:
    """The columns of forecast.csv for other formats.

    They hold texts, and the very numbers that the CSV shows, NaN for unknown.

    headings: by the names that they have in the CSV, else `id` and `time` for those that the
    user's file names. Raises SettingsError where two columns have the same heading.
    """
    columns: dict[str, list[Any]] = {}
    names = result.columns if headings else replace(result.columns, times=())
    for column in forecast_table(names, result.bounds):
        name = column.name if headings else column.key or column.name
        if name in columns:
            raise SettingsError(
                f"two columns of the forecast would be called {name!r}",
                "write it as CSV, or rename that column of the data and train again",
            )
        cells = cells_of(column, result, result.digits)
        columns[name] = cells if column.kind is Kind.TEXT else numbers_of(column, cells).tolist()
    return columns


def _write(table: Table[Source], source: Source, digits: Digits) -> bytes:
    cells = [cells_of(column, source, digits) for column in table]
    return _lines(chain([_names(table)], zip(*cells, strict=True)))


def _names(table: Table[Source]) -> list[str]:
    return [column.name for column in table]


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
