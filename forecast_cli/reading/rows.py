"""Rows: what every layout of a file is turned into before it is put on a grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from forecast_cli import calendar
from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError, Remedy
from forecast_cli.panel import Floats, TimeFormat, write_times


@dataclass(frozen=True, eq=False)
class Rows:
    """R rows after reading, in the order of the file.

    place: where a row is, for messages; times: (R,) microseconds, or None for rows that are
    steps; codes: (R,) the series of each; ids: the names of those; targets, covariates: (R,)
    each, NaN where missing. A text covariate is the number of its level, -1 for an unknown
    level. telling_apart: a hint on columns
    that tell rows apart where times repeat, and what it names.
    """

    place: Callable[[int], str]
    times: Ints | None
    codes: Ints
    ids: list[str]
    targets: dict[str, Floats]
    covariates: dict[str, Floats] = field(default_factory=dict)
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    telling_apart: Callable[[], tuple[str, list[Remedy]]] = lambda: ("", [])

    @property
    def known_times(self) -> Ints:
        """The times of rows that have some."""
        assert self.times is not None  # noqa: S101
        return self.times


def take(rows: Rows, order: Ints) -> Rows:
    """The rows in another order, or some of them."""
    place = rows.place
    return replace(
        rows,
        place=lambda row: place(int(order[row])),
        times=None if rows.times is None else rows.times[order],
        codes=rows.codes[order],
        targets={name: values[order] for name, values in rows.targets.items()},
        covariates={name: values[order] for name, values in rows.covariates.items()},
    )


def written(time: int | np.int64, time_format: TimeFormat) -> str:
    """A time in a message, as the file writes it."""
    try:
        return write_times(time_format, np.array([time]))[0]
    except DataError:  # beyond the years 1 to 9999 in the zone of the file
        return calendar.stamp(time)


def of_series(label: str) -> str:
    """The beginning of a message about one series: `series 'a': `, or nothing for the only one."""
    if not label:
        return ""
    return f"series {label!r}: "
