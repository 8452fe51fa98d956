"""Tables read and checked: each as its columns say, also those of older releases."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.panel import Columns, Floats
from forecast_cli.tables.cells import numbers_of
from forecast_cli.tables.columns import ID, TIME, Kind, Table
from forecast_cli.tables.declarations import HISTORY, forecast_table, predictions_table


@dataclass(frozen=True, eq=False)
class Rows:
    """A table that was read: cells of its text columns, and numbers (R,) of the others, by key.

    A number is NaN where its cell is empty. The keys are the headings, but for ID and TIME; a
    file without an id has empty ids.
    """

    texts: dict[str, list[str]]
    numbers: dict[str, Floats]

    def by_series(self) -> dict[str, Ints]:
        """The numbers of the rows of each series, in the order of the file."""
        found: dict[str, list[int]] = {}
        for number, name in enumerate(self.texts[ID]):
            found.setdefault(name, []).append(number)
        return {name: np.array(numbers) for name, numbers in found.items()}


def read_forecast(data: bytes, columns: Columns, levels: Iterable[float]) -> Rows:
    """Read forecast.csv. Raises ValueError where it is not the table that it should be."""
    return _read(forecast_table(columns, levels), data)


def read_predictions(data: bytes, columns: Columns, levels: Iterable[float]) -> Rows:
    """Read predictions.csv, which is empty where nothing was held out.

    Raises ValueError as `read_forecast` does.
    """
    return _read(predictions_table(columns, levels), data)


def read_history(data: bytes) -> Rows:
    """Read history.csv, also of a release that wrote fewer columns.

    Raises ValueError as `read_forecast` does.
    """
    return _read(HISTORY, data)


def check_forecast(data: bytes, columns: Columns, levels: Iterable[float], horizon: int) -> None:
    """Raise ValueError unless this is a forecast.csv of at most `horizon` steps a series."""
    steps = Counter(read_forecast(data, columns, levels).texts[ID])
    if max(steps.values(), default=np.nan) > horizon:
        raise ValueError("more steps than the horizon")


def check_history(data: bytes, best_epoch: int) -> None:
    """Raise ValueError unless this is a history.csv with the best epoch in it.

    best_epoch: 0 if no epoch was kept.
    """
    epochs = read_history(data).numbers["epoch"]
    if not 0 <= best_epoch <= len(epochs):
        raise ValueError("the best epoch is not in the history")


def _read(table: Table[Any], data: bytes) -> Rows:
    header, rows = _parse(table, data)
    present = _columns_in(table, header)
    if any(len(row) != len(header) for row in rows):
        raise ValueError("a row has more or fewer cells than the header")

    texts = {ID: [""] * len(rows)}
    numbers = _defaults(table, header, len(rows))
    # By position, as the user's own headings may be those of other columns of ours.
    for position, column in enumerate(present):
        key = column.key or column.name
        cells = [row[position] for row in rows]
        if column.kind is Kind.TEXT:
            texts[key] = cells
        else:
            numbers[key] = numbers_of(column, cells)

    parts = [texts.pop(key) for key in list(texts) if key.startswith(f"{TIME} ")]
    if parts:
        texts[TIME] = [" ".join(of_row) for of_row in zip(*parts, strict=True)]
    return Rows(texts, numbers)


def _parse(table: Table[Any], data: bytes) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a file; an empty file is a table without rows."""
    try:
        lines = list(csv.reader(io.StringIO(data.decode())))
    except csv.Error as error:
        raise ValueError(str(error)) from None
    if not lines:
        return [column.name for column in table], []
    return lines[0], lines[1:]


def _columns_in(table: Table[Any], header: list[str]) -> Table[Any]:
    """The columns of a file. Only those with a default may be missing. Raises ValueError."""
    present = []
    for column in table:
        if column.default is None or column.name in header:
            present.append(column)
    if [column.name for column in present] != header:
        raise ValueError("the columns are not those of this table")
    return tuple(present)


def _defaults(table: Table[Any], header: list[str], count: int) -> dict[str, Floats]:
    """What the rows of a file stand for that lacks some columns, by key."""
    numbers = {}
    for column in table:
        if column.default is not None and column.name not in header:
            numbers[column.key or column.name] = np.full(count, column.default, np.float64)
    return numbers
