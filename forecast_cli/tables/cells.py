"""The cells of a column: numbers as text, and text as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from forecast_cli.fields import Digits
from forecast_cli.panel import Floats
from forecast_cli.tables.columns import MOST_COUNT, Column, Kind, Source
from forecast_cli.tables.digits import plain, rounded


def cells_of(column: Column[Source], source: Source, digits: Digits) -> list[str]:
    """The cells of a column as text."""
    values = column.values(source)
    if column.kind is Kind.TEXT:
        return list(values)
    if column.kind is Kind.COUNT:
        return [str(value) for value in values]
    numbers = np.asarray(values, np.float64)
    if column.kind is Kind.MEASURED:
        return plain(numbers)
    return rounded(numbers, digits if column.kind is Kind.ROUNDED else "full")


def numbers_of(column: Column[Any], cells: Sequence[str]) -> Floats:
    """The numbers (R,) in the cells of a column, NaN where empty. Raises ValueError."""
    if column.kind is Kind.COUNT:
        counts = [int(cell) for cell in cells]
        if not all(0 <= count < MOST_COUNT for count in counts):
            raise ValueError(f"a number of {column.name} is out of bounds")
        return np.array(counts, np.float64)
    numbers = np.array([float(cell) if cell else np.nan for cell in cells], np.float64)
    if column.known and not np.isfinite(numbers).all():
        raise ValueError(f"a number of {column.name} is not finite")
    return numbers
