"""Columns of whole numbers as times: years, dates in digits, or the numbers of steps."""

from __future__ import annotations

import re

import numpy as np

from forecast_cli.errors import DataError, Remedy
from forecast_cli.reading.date_formats import as_options
from forecast_cli.reading.date_parsing import NEVER, STEP, parse

YEARS = range(1700, 2200)  # in dates that are written in digits alone

# What numbers of so many digits may be, and what this is called.
_DATES = {
    5: {"%Y%q": "quarters"},
    6: {"%Y%m": "months", "%G%V": "weeks", "%y%m%d": "days"},
    7: {"%Y%j": "days"},
    8: {"%Y%m%d": "days", "%d%m%Y": "days", "%m%d%Y": "days"},
    9: {"epoch": "seconds since 1970"},
    10: {"%Y%m%d%H": "hours", "epoch": "seconds since 1970"},
    11: {"epoch-ms": "milliseconds since 1970"},
    12: {"%Y%m%d%H%M": "minutes", "epoch-ms": "milliseconds since 1970"},
    13: {"epoch-ms": "milliseconds since 1970"},
    14: {"%Y%m%d%H%M%S": "seconds"},
}
_WHOLE_NUMBER = re.compile(r"0|[1-9]\d{0,14}", re.ASCII)
_YEAR = re.compile(r"[12]\d{3}", re.ASCII)


def are_whole_numbers(cells: list[str]) -> bool:
    """Whether most cells are whole numbers, without signs and without zeros in front."""
    return 2 * len(_whole_numbers(cells)) > len(cells)


def format_of_whole_numbers(cells: list[str], column: str) -> str:
    """The format of a column most of whose first cells are whole numbers: years, or steps.

    Raises DataError for numbers that may be dates and may be steps.
    """
    numbers = _whole_numbers(cells)
    if all(_YEAR.fullmatch(cell) for cell in numbers):
        return "%Y"

    dates = _dates(numbers)
    if not dates:
        return STEP

    what = " or ".join(f"{words} ({pattern})" for pattern, words in dates.items())
    raise DataError(
        f"column {column!r}: {cells[0]!r} and the others could be {what}, or the numbers of steps",
        f"use {' or '.join(as_options([pattern]) for pattern in (*dates, STEP))}",
        option="date_format",
        remedies=[
            *(Remedy({"date_format": [one]}, f"reads {words}") for one, words in dates.items()),
            Remedy({"date_format": [STEP]}, "reads the numbers of steps"),
        ],
        column=column,
        value=cells[0],
    )


def is_date_in_digits(pattern: str, number: str) -> bool:
    """Whether a number is a date of a usual year in a format without anything but digits."""
    return _reads_all(pattern, [number])


def _whole_numbers(cells: list[str]) -> list[str]:
    return [cell for cell in cells if _WHOLE_NUMBER.fullmatch(cell)]


def _dates(numbers: list[str]) -> dict[str, str]:
    """The formats of dates that read all of these numbers, and what they are then."""
    digits = len(numbers[0])
    if any(len(number) != digits for number in numbers):
        return {}
    known = _DATES.get(digits, {})
    return {pattern: what for pattern, what in known.items() if _reads_all(pattern, numbers)}


def _reads_all(pattern: str, numbers: list[str]) -> bool:
    times = parse(numbers, pattern)
    if (times == NEVER).any():
        return False
    years = times.view("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
    return bool(((years >= YEARS.start) & (years < YEARS.stop)).all())
