"""Months with a short year, or without a century, such as `1-01`, `05-21` and `Jan-21`.

They could be days without a year as well, and are read only where the order of the rows shows
which they are: one step after the other in one reading, and in no other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError
from forecast_cli.reading import time_texts
from forecast_cli.reading.date_formats import as_options
from forecast_cli.reading.date_parsing import NEVER, parse
from forecast_cli.reading.remedies import read_as

_MONTHS = (
    *("%-Y-%m", "%-Y/%m", "%m-%y", "%m/%y", "%y-%m", "%y/%m"),
    *("%b-%y", "%b %y", "%b/%y", "%y-%b", "%y %b", "%B-%y", "%B %y", "%y-%B"),
)
_DAYS = (
    *("%m-%d", "%d-%m", "%m/%d", "%d/%m"),
    *("%b-%d", "%b %d", "%b/%d", "%d-%b", "%d %b", "%B-%d", "%B %d", "%d-%B"),
)
_USUAL_SHARE = 0.95  # of the steps of a reading that goes on; twelve months in one year have less


def may_be_short(cells: Sequence[str]) -> bool:
    """Whether the first cell is a month with a short year in some reading."""
    first = next((cell for cell in cells if cell), "")
    return any(time_texts.reads(pattern, first) for pattern in _MONTHS)


def short_formats(cells: Sequence[str], column: str) -> list[str]:
    """The format of months with short years; none where the texts are something else.

    Raises DataError where they can be read in several ways.
    """
    texts = list(dict.fromkeys(cells))
    readings = _readings(texts)
    if not readings:
        return []

    going = [pattern for pattern, times in readings.items() if _goes_on(_months(times))]
    days = [pattern for pattern in _DAYS if _are_days(texts, pattern)]
    if len(_distinct(going, readings)) == 1 and not days:
        return going[:1]
    raise _ambiguous(cells[0], column, months=going or list(readings), days=days)


def _readings(texts: list[str]) -> dict[str, Ints]:
    """The times of the texts in each format of months that reads all of them."""
    if not may_be_short(texts):
        return {}

    patterns: tuple[str, ...] = _MONTHS
    if not any(re.match(r"[1-9]\D", text) for text in texts):
        # A year of two digits is one of this century or the last one.
        patterns = tuple(pattern for pattern in _MONTHS if "%-Y" not in pattern)
    times = {pattern: parse(texts, pattern) for pattern in patterns}
    return {pattern: known for pattern, known in times.items() if (known != NEVER).all()}


def _ambiguous(cell: str, column: str, *, months: list[str], days: list[str]) -> DataError:
    """The error for texts that several formats of months, or of days, read."""
    could_be = " or ".join(dict.fromkeys([*months, *days]))
    without = " without a year" if days else ""
    options = " or ".join(as_options([pattern]) for pattern in months)
    return DataError(
        f"column {column!r}: {cell!r} could be {could_be}{without}, and so could every other row",
        f"use {options}, or write the times with all digits of their year",
        option="date_format",
        remedies=[read_as(pattern, cell) for pattern in months],
        column=column,
        value=cell,
    )


def _months(times: Ints) -> Ints:
    """Months since 1970."""
    return times.view("datetime64[us]").astype("datetime64[M]").astype(np.int64)


def _goes_on(positions: Ints) -> bool:
    """Whether nearly all rows are one step after the row before, or all before it."""
    steps, counts = np.unique(np.diff(positions), return_counts=True)
    return not len(steps) or bool(counts.max() >= _USUAL_SHARE * counts.sum())


def _are_days(texts: list[str], pattern: str) -> bool:
    """Whether the texts are days that go on in a format without a year."""
    # The year 2000 has a February 29th.
    times = parse([f"2000 {text}" for text in texts], f"%Y {pattern}")
    if (times == NEVER).any():
        return False
    return _goes_on(times.view("datetime64[us]").astype("datetime64[D]").astype(np.int64))


def _distinct(patterns: list[str], readings: dict[str, Ints]) -> list[str]:
    """One format for each set of times that the formats read."""
    distinct: list[str] = []
    for pattern in patterns:
        if not any((readings[one] == readings[pattern]).all() for one in distinct):
            distinct.append(pattern)
    return distinct
