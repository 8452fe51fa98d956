"""Remedies that several errors name: settings with which a refused file can be read."""

from __future__ import annotations

from forecast_cli import calendar
from forecast_cli.errors import Remedy
from forecast_cli.reading.date_parsing import parse

SKIPPING = Remedy({"bad_rows": "skip"}, "leaves out rows that cannot be read; train exits with 3")
NO_HEADER = Remedy({"header": False}, "reads line 1 as data, and calls the columns 1, 2, ...")


def without_footer(count: int) -> Remedy:
    """For lines after the data."""
    lines = "the last line" if count == 1 else f"the last {count} lines"
    return Remedy({"footer": count}, f"leaves out {lines}")


def read_as(pattern: str, cell: str) -> Remedy:
    """For times that several formats read."""
    stamp = calendar.stamp(int(parse([cell], pattern)[0]))
    return Remedy({"date_format": [pattern]}, f"reads {cell!r} as {stamp}")
