"""Axes that several pictures have: time, and the values of a series."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import MaxNLocator

from forecast_cli import calendar
from forecast_cli.calendar import Ints
from forecast_cli.panel import TimeFormat, offset_microseconds
from forecast_cli.store import Run

# For ticks that lie years, months, days, hours, minutes and seconds apart: how a tick is written,
# how one at the beginning of the next larger unit, and what stands once below the end of the axis.
TICKS = ("%Y", "%b", "%b %-d", "%H:%M", "%H:%M", "%S.%f")
BEGINNINGS = ("", "%Y", "%b %-d", "%b %-d", "%H:%M", "%H:%M")
BELOW = ("", "%Y", "%Y", "%b %-d, %Y", "%b %-d, %Y", "%b %-d, %Y %H:%M")


def positions(run: Run, times: Ints) -> Any:
    """Times in microseconds as positions on an axis.

    They are dates where the rows have one, and else the numbers of the steps.
    """
    has_pattern = run.config.time_format.pattern != ""
    is_dated = has_pattern and run.config.frequency.kind != calendar.STEPS.kind
    return times.view("datetime64[us]") if is_dated else times


def time_axis(axes: Axes, run: Run, at: Any, *, narrow: bool = False) -> None:
    """Ticks for positions on a time axis, in the time zone of the file."""
    if not np.issubdtype(at.dtype, np.datetime64):
        axes.xaxis.set_major_locator(MaxNLocator(5 if narrow else 9, integer=True))
        return

    zone = _zone(run.config.time_format)
    fewest, most = (3, 5) if narrow else (4, 8)
    locator = _SpacedDates(tz=zone, minticks=fewest, maxticks=most)  # type: ignore[no-untyped-call]
    formatter = ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator,
        tz=zone,
        formats=list(TICKS),
        zero_formats=list(BEGINNINGS),
        offset_formats=list(BELOW),
    )
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(formatter)


def value_axis(axes: Axes, ticks: int = 5) -> None:
    """A grid, and at most so many ticks for the values of a series."""
    axes.grid(alpha=0.25)
    axes.yaxis.set_major_locator(MaxNLocator(ticks))


class _SpacedDates(AutoDateLocator):
    """Ticks at round dates, without those too near to the next one: a 31st before a 1st."""

    def __call__(self) -> Any:
        ticks = np.asarray(super().__call__())  # type: ignore[no-untyped-call]
        if len(ticks) < 3:
            return ticks
        gaps = np.diff(ticks)
        is_near = np.append(gaps < 0.8 * np.median(gaps), False)
        return ticks[~is_near]


def _zone(how: TimeFormat) -> tzinfo:
    """The zone in which the file writes its times."""
    if how.wall:
        return UTC
    if how.timezone:
        return ZoneInfo(how.timezone)
    return timezone(timedelta(microseconds=offset_microseconds(how.offset)))
