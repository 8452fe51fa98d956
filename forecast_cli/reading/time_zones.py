"""Clocks of time zones: local times to UTC and back, and the hours that clock changes skip or
repeat.

A local hour that is there twice is resolved by the order of the rows in a named zone, or
refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast_cli import calendar
from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError, SettingsError
from forecast_cli.messages import and_more
from forecast_cli.panel import TimeFormat
from forecast_cli.reading.rows import written

# Zones that are looked at where a file seems to have local times and none was named.
KNOWN_ZONES = (
    *("Europe/Berlin", "Europe/London", "Europe/Helsinki"),
    *("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"),
    *("Australia/Sydney", "Pacific/Auckland", "America/Santiago", "Africa/Cairo", "Asia/Jerusalem"),
)
COMPLETE_ROWS = 48  # fewer rows do not show that an hour is missing by the clock


def zone(name: str) -> ZoneInfo:
    """The zone of a name. Raises SettingsError."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise SettingsError(
            f"--timezone: {name!r} is not a time zone",
            "name one like Europe/Berlin, or UTC",
            option="timezone",
        ) from None


def to_wall(times: Ints, name: str) -> Ints:
    """UTC -> the local clock of a zone, in microseconds as if they were UTC."""
    stamps = pd.DatetimeIndex(np.asarray(times, np.int64).view("datetime64[us]"), tz="UTC")
    return _microseconds(stamps.tz_convert(zone(name)).tz_localize(None))


@dataclass(frozen=True)
class ZonedColumn:
    """A column of local times: its name, where a row is, and how it writes its times, for
    messages.
    """

    name: str
    place: Callable[[int], str]
    time_format: TimeFormat

    def cell(self, row: int, time: np.int64) -> tuple[str, str]:
        """The beginning of a message about a cell, and its text."""
        text = written(time, self.time_format)
        return f"{self.place(row)}: column {self.name!r}: {text}", text


def to_utc(wall: Ints, codes: Ints, name: str, column: ZonedColumn) -> Ints:
    """Local clock times of rows in file order -> UTC.

    An hour that is there twice is resolved by the order of the rows.

    codes: (R,) the series of each row. Raises DataError for an hour that the zone skips, or that
    has no second one.
    """
    zoned = zone(name)
    naive = pd.DatetimeIndex(np.asarray(wall, np.int64).view("datetime64[us]"))
    early_stamps = naive.tz_localize(zoned, ambiguous=np.ones(len(wall), bool), nonexistent="NaT")
    skipped = np.flatnonzero(early_stamps.isna())
    if len(skipped):
        row = int(skipped[0])
        cell, text = column.cell(row, wall[row])
        raise DataError(
            f"{cell} does not exist in {name}: the clocks skip it{and_more(len(skipped))}",
            "correct the rows, or name the right --timezone; UTC has no clock changes",
            option="timezone",
            column=column.name,
            value=text,
        )

    early = _microseconds(early_stamps)
    late = _microseconds(naive.tz_localize(zoned, ambiguous=np.zeros(len(wall), bool)))
    result = early.copy()
    unsure = np.flatnonzero(early != late)
    for code in np.unique(codes[unsure]):
        rows = np.flatnonzero(codes == code)
        for run in _runs(np.flatnonzero(early[rows] != late[rows])):
            turn = _turn(wall[rows], run)
            if turn is None:
                first = int(rows[run[0]])
                raise _without_order(first, wall[first], name, column)
            result[rows[run]] = np.where(turn, late[rows[run]], early[rows[run]])
    return result


def _microseconds(stamps: pd.DatetimeIndex) -> Ints:
    return np.asarray(stamps.as_unit("us").asi8, np.int64)


def _runs(positions: Ints) -> list[Ints]:
    """Ascending positions, those that follow one another in one piece."""
    return np.split(positions, np.flatnonzero(np.diff(positions) > 1) + 1)


def _turn(wall: Ints, run: Ints) -> NDArray[np.bool_] | None:
    """Which rows of a run, whose hours are there twice, are in the later of the two; None where
    that is not known.

    wall: (n,) times of one series in the order of the file; run: neighboring rows. Ascending
    rows go back once, descending ones forth.
    """
    times = wall[run]
    around = [wall[at] for at in (run[0] - 1, run[-1] + 1) if 0 <= at < len(wall)]
    if not around:
        return None

    rising = around[0] < around[-1]
    if len(around) == 1:
        rising = (around[0] < times[0]) == (run[0] > 0)

    steps = np.diff(times)
    turns = np.flatnonzero(steps <= 0) if rising else np.flatnonzero(steps >= 0)
    if len(turns) != 1:
        return None

    is_after: NDArray[np.bool_] = np.arange(len(run)) > turns[0]
    return is_after if rising else ~is_after


def _without_order(row: int, time: np.int64, name: str, column: ZonedColumn) -> DataError:
    cell, text = column.cell(row, time)
    return DataError(
        f"{cell} is there twice in {name}, and the order of the rows does not say which one this is",
        "write the times with their offset, e.g. +02:00",
        column=column.name,
        value=text,
    )


# -- files without a zone ----------------------------------------------------------------------


def repeated_hour(times: Ints) -> str:
    """A zone in which all of these (repeated, ascending) local times are in hours that are
    there twice; else empty.
    """
    for name in KNOWN_ZONES:
        changes = _changes_during(times, name)
        twice = [change.time for change in changes if not change.is_skipped]
        if twice and np.isin(times - times % calendar.HOUR, twice).all():
            return name
    return ""


def skipped_hour(times: Ints, size: int) -> tuple[str, int]:
    """A zone whose every skipped hour is missing between these distinct, ascending times, and
    the first of them.

    size: the step. Only files that are nearly complete can show it: one hour in a thousand is
    missing by chance.
    """
    if not _is_nearly_complete(times, size):
        return "", 0

    for name in KNOWN_ZONES:
        hours = _hours_skipped_within(times, name)
        if len(hours) and _are_missing(hours, times, size):
            return name, int(hours[0])
    return "", 0


def _is_nearly_complete(times: Ints, size: int) -> bool:
    """Whether hours are whole steps, and few steps are missing, but some."""
    divides_hour = size <= calendar.HOUR and calendar.HOUR % size == 0
    if not divides_hour or len(times) < COMPLETE_ROWS:
        return False

    steps = (times[-1] - times[0]) // size + 1
    missing = steps - len(times)
    return bool(missing != 0 and missing * 100 <= steps + 1000)


def _hours_skipped_within(times: Ints, name: str) -> Ints:
    """The local hours (S,) between the first and the last time that a zone skips, ascending."""
    changes = _changes_during(times, name)
    skipped = np.array([change.time for change in changes if change.is_skipped], np.int64)
    begins_inside = times[0] < skipped
    ends_inside = skipped + calendar.HOUR <= times[-1]
    inside: Ints = skipped[begins_inside & ends_inside]
    return inside


def _are_missing(hours: Ints, times: Ints, size: int) -> bool:
    """Whether these hours are missing from the times, and the steps right before and after each
    are there.
    """
    low, high = np.searchsorted(times, hours), np.searchsorted(times, hours + calendar.HOUR)
    before, after = times[low - 1], times[np.minimum(high, len(times) - 1)]
    are_there = (before + size == hours) & (after == hours + calendar.HOUR)
    return bool(((low == high) & are_there).all())


@dataclass(frozen=True)
class _Change:
    """A clock change: the local hour (microseconds) that it skips or repeats."""

    time: int
    is_skipped: bool


def _changes_during(times: Ints, name: str) -> list[_Change]:
    """The clock changes of a zone in the years of these ascending times."""
    return [change for year in _years(times) for change in _changes(name, year)]


@functools.lru_cache(maxsize=512)
def _changes(name: str, year: int) -> tuple[_Change, ...]:
    """The clock changes by one hour in a year of a zone."""
    try:
        zoned = ZoneInfo(name)
    except (KeyError, OSError):
        return ()

    changes = []
    day = datetime(year, 1, 1, tzinfo=ZoneInfo("UTC"))
    while day.year == year:
        tomorrow = day + timedelta(days=1)
        if _offset(day, zoned) != _offset(tomorrow, zoned):
            changes.append(_change_after(day, zoned))
        day = tomorrow
    return tuple(change for change in changes if change is not None)


def _change_after(day: datetime, zoned: ZoneInfo) -> _Change | None:
    """The change within the 24 hours after a time, if it is one by an hour."""
    hour = timedelta(hours=1)
    at = day
    while _offset(at + hour, zoned) == _offset(at, zoned):
        at += hour

    before, after = _offset(at, zoned), _offset(at + hour, zoned)
    if abs(after - before) != hour:
        return None

    local = (at + hour).replace(tzinfo=None) + min(before, after)
    time = round((local - datetime(1970, 1, 1)) / timedelta(microseconds=1))
    return _Change(time, is_skipped=after > before)


def _offset(time: datetime, zoned: ZoneInfo) -> timedelta:
    offset = time.astimezone(zoned).utcoffset()
    assert offset is not None  # noqa: S101
    return offset


def _years(times: Ints) -> range:
    ends = times[[0, -1]].view("datetime64[us]").astype("datetime64[Y]").astype(int) + 1970
    return range(max(int(ends[0]), 1900), min(int(ends[1]), 2100) + 1)
