"""Times: from the texts of a file to microseconds since 1970, and the clock changes of time zones.

A text is read only if one format reads all of them in one way; a local hour that a clock change repeats or skips is
resolved by the order of the rows in a named zone, or refused.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast_cli import calendar
from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError, SettingsError

_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m", "%Y/%m",
    "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%m.%d.%Y",
    "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%m.%d.%y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d", "%y/%m/%d", "%y.%m.%d",
    "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%b %Y", "%B %Y", "%b-%Y", "%m/%Y", "%m-%Y",
)  # fmt: skip
_CLOCKS = ("", "%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p")
_ZONES = ("", "%z", " %z")
EPOCHS = {"epoch": calendar.SECOND, "epoch-ms": 1000}
NEVER = np.iinfo(np.int64).min  # what pandas calls NaT
UNITS = ("year", "month", "day", "hour", "minute", "second")
_DIGITS = {"%Y": 4, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2}  # parts of one width, and which
_YEAR_ONE = int(np.datetime64("0001-01-01", "us").astype(np.int64))
Stamps = NDArray[np.bytes_]
JOINED = ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
KNOWN_ZONES = (
    "Europe/Berlin", "Europe/London", "Europe/Helsinki", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "Australia/Sydney", "Pacific/Auckland", "America/Santiago", "Africa/Cairo", "Asia/Jerusalem",
)  # fmt: skip


def _shape(text: str) -> str:
    """What is a number, what a word, and what is between them: `2024-01-05 07:30` -> `9-9-9 9:9`."""
    text = re.sub(r"[^\W\d_]+", "a", re.sub(r"\s+", " ", text))
    return re.sub(r"\d+", "9", text)


@functools.cache
def _patterns() -> dict[str, list[str]]:
    """All patterns by the shapes of the texts that they read."""

    def shape(pattern: str) -> str:
        return re.sub(r"%[bBp]|T", "a", re.sub(r"%[YmdyHMSfI]", "9", pattern))

    clocks = [("", "")]
    for between, clock, zone in product(" T", _CLOCKS[1:], _ZONES):
        pattern = f"{between}{clock}{zone}"
        offsets = ("+9", "-9", "+9:9", "-9:9", "a") if zone else ("",)
        clocks += [(pattern, shape(pattern).replace("%z", offset)) for offset in offsets]
    found: dict[str, list[str]] = {}
    for date in _DATES:
        of_date = shape(date)
        for pattern, of_clock in clocks:
            found.setdefault(of_date + of_clock, []).append(date + pattern)
    return {of_text: list(dict.fromkeys(patterns)) for of_text, patterns in found.items()}


@functools.lru_cache(maxsize=64)
def formats(cell: str) -> tuple[str, ...]:
    """Every strptime format that reads this cell."""
    if len(cell) < 6 or not re.search(r"\D", cell) or not re.search(r"\d", cell):
        return ()
    found = []
    for pattern in _patterns().get(_shape(cell), ()):  # strptime is slow, and most patterns have another shape
        try:
            datetime.strptime(cell, pattern)
        except ValueError:
            continue
        found.append(pattern)
    return tuple(dict.fromkeys(found))


@dataclass(eq=False)
class Reading:
    """One format, and what it made of the texts so far: times (R,) in microseconds, NEVER where it does not fit."""

    pattern: str
    times: Ints
    bad: int = 0
    first_bad: tuple[int, str] = (0, "")  # row, text

    def add_stamps(self, stamps: Stamps, start: int) -> bool:
        """(n,) texts of the rows from `start`; False, and nothing added, if one is not in the format to the byte."""
        micro = parse_stamps(stamps, self.pattern)
        if micro is not None:
            self.times[start : start + len(micro)] = micro
        return micro is not None

    def add(self, codes: Ints, cells: list[str], start: int) -> None:
        """codes: (n,) positions in the distinct `cells`; start: the first row."""
        micro = parse(cells, self.pattern)
        wrong = np.flatnonzero(micro == NEVER)
        rows = micro[codes]
        if len(wrong):
            bad = np.flatnonzero(rows == NEVER)
            if len(bad) and not self.bad:
                self.first_bad = (start + int(bad[0]), cells[int(codes[bad[0]])])
            self.bad += len(bad)
        self.times[start : start + len(rows)] = rows


@dataclass(frozen=True, eq=False)
class Layout:
    """How the times of a format look, byte by byte, if all have one width; the byte after them is 0.

    iso: what they look like in ISO 8601, and which of their bytes its digits are; None if they are in it as they are.
    """

    least: bytes
    most: bytes
    iso: tuple[bytes, list[int], list[int]] | None


@functools.cache
def layout(pattern: str) -> Layout | None:
    """The layout of a format whose parts are years to seconds in digits, as far as they go; None for other formats."""
    parts = re.findall(r"%.|.", pattern, re.DOTALL)
    fields = [part for part in parts if part in _DIGITS]
    used = list(_DIGITS)[: len(fields)]
    if not fields or sorted(fields) != sorted(used) or any(len(part) == 2 for part in parts if part not in _DIGITS):
        return None
    least, most, places = b"", b"", {}
    for part in parts:
        count = _DIGITS.get(part, 0)
        places[part] = list(range(len(least), len(least) + count))
        least += b"0" * count or part.encode()
        most += b"9" * count or part.encode()
    least, most = least + b"\0", most + b"\0"
    iso = "%Y-%m-%d %H:%M:%S"[: 3 * len(fields) - 1]
    if pattern.replace("T", " ") == iso:
        return Layout(least, most, None)
    text = b"0000-00-00 00:00:00"[: 3 * len(fields) + 1]
    digits = [at for at, letter in enumerate(text) if letter == ord("0")]
    return Layout(least, most, (text, digits, [at for part in used for at in places[part]]))


def parse_stamps(stamps: Stamps, pattern: str) -> Ints | None:
    """Microseconds of (R,) texts of a byte more than the format's layout; None if not all of them are in this format.

    What it reads, `parse` reads alike; but here numpy reads the bytes of all rows, and no texts are made.
    """
    known = layout(pattern)
    if known is None or stamps.itemsize != len(known.least):
        return None
    letters = stamps.view(np.uint8)
    least, most = (np.frombuffer(text * len(stamps), np.uint8) for text in (known.least, known.most))
    if (letters < least).any() or (letters > most).any():
        return None
    if known.iso is not None:
        text, digits, places = known.iso
        written = np.tile(np.frombuffer(text, np.uint8), (len(stamps), 1))
        written[:, digits] = letters.reshape(len(stamps), -1)[:, places]
        stamps = written.view(f"S{len(text)}").ravel()
    try:
        micro = stamps.astype("datetime64[us]").view(np.int64)
    except ValueError:  # a 13th month
        return None
    return None if (micro < _YEAR_ONE).any() else micro


def parse(cells: list[str], pattern: str) -> Ints:
    """Microseconds, or NEVER where the pattern does not fit. Offsets are turned into UTC."""
    series = pd.Series(cells, dtype=object)
    if pattern in EPOCHS:
        numbers = pd.to_numeric(series, errors="coerce").to_numpy(np.float64)
        usable = np.isfinite(numbers) & (np.abs(numbers) * EPOCHS[pattern] < 2.5e17)
        return np.where(usable, np.round(np.where(usable, numbers, 0) * EPOCHS[pattern]), NEVER).astype(np.int64)
    try:
        stamps = pd.to_datetime(series, format=pattern, errors="coerce", utc="%z" in pattern)
    except ValueError as error:
        raise SettingsError(f"--date-format {pattern!r}: {error}", "write it like %Y-%m-%d %H:%M") from None
    return np.asarray(pd.DatetimeIndex(stamps).as_unit("us").asi8, np.int64)


def choose(readings: list[Reading], name: str, sample: str, place: Callable[[int], str], skip: bool) -> Reading:
    """The one reading of a column that all its texts allow."""
    good = [reading for reading in readings if not reading.bad]
    if not good:
        best = min(readings, key=lambda reading: reading.bad)
        if skip:
            return best
        row, cell = best.first_bad
        more = f" (and {best.bad - 1:,} more)" if best.bad > 1 else ""
        raise DataError(
            f"{place(row)}: column {name!r}: {cell!r} is not a date like the others ({best.pattern})" + more,
            "write all dates in one format, or name theirs with --date-format",
        )
    first = good[0]
    for other in good[1:]:
        if (first.times != other.times).any():
            raise DataError(
                f"column {name!r}: {sample!r} could be {first.pattern} or {other.pattern}, and so could every other row",
                f"say --date-format {first.pattern} or --date-format {other.pattern}",
            )
    return first


# -- a date over several columns --------------------------------------------------------------------------------------


def units(names: list[str]) -> dict[str, str]:
    """Which column is which part of the time: by their names if all are units, else in this order. Unit -> column."""
    lowered = [name.lower() for name in names]
    if set(lowered) <= set(UNITS):
        found = dict(zip(lowered, names, strict=True))
    elif not set(lowered) & set(UNITS) and len(names) <= len(UNITS):
        found = dict(zip(UNITS, names, strict=False))
    else:
        found = {}
    if len(found) != len(names) or [unit for unit in UNITS if unit in found] != list(UNITS[: len(found)]):
        raise SettingsError(
            f"--time {','.join(names)}: these columns do not make a time",
            f"name them in the order {','.join(UNITS)}, as far as they go",
        )
    return {unit: found[unit] for unit in UNITS if unit in found}


def join(parts: dict[str, NDArray[np.float64]]) -> Ints:
    """Microseconds of years, months, ...; NEVER where they are not a date that exists."""
    count = len(next(iter(parts.values())))
    bounds = {
        "year": (1, 9999),
        "month": (1, 12),
        "day": (1, 31),
        "hour": (0, 23),
        "minute": (0, 59),
        "second": (0, 59),
    }
    good = np.ones(count, bool)
    whole: dict[str, Ints] = {}
    for unit in UNITS:
        low, high = bounds[unit]
        given = parts.get(unit, np.full(count, float(low)))
        with np.errstate(invalid="ignore"):
            fits = (given >= low) & (given <= high) & (given == np.floor(given))
        good &= fits
        whole[unit] = np.where(fits, given, low).astype(np.int64)
    months = ((whole["year"] - 1970) * 12 + whole["month"] - 1).view("datetime64[M]")
    lengths = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
    good &= whole["day"] <= lengths
    days = months.astype("datetime64[D]").astype(np.int64) + whole["day"] - 1
    clock = (whole["hour"] * 60 + whole["minute"]) * 60 + whole["second"]
    return np.where(good, days * calendar.DAY + clock * calendar.SECOND, NEVER).astype(np.int64)


# -- time zones ------------------------------------------------------------------------------------------------------


def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise SettingsError(f"--timezone: {name!r} is not a time zone", "name one like Europe/Berlin, or UTC") from None


def to_wall(times: Ints, name: str) -> Ints:
    """UTC -> the local clock of a zone, in microseconds as if they were UTC."""
    stamps = pd.DatetimeIndex(np.asarray(times, np.int64).view("datetime64[us]"), tz="UTC")
    return np.asarray(stamps.tz_convert(zone(name)).tz_localize(None).as_unit("us").asi8, np.int64)


def to_utc(wall: Ints, codes: Ints, name: str, column: str, place: Callable[[int], str]) -> Ints:
    """Local clock times of rows in file order -> UTC. An hour that is there twice is resolved by the order of the rows.

    codes: (R,) the series of each row. Raises DataError for an hour that the zone skips, or that has no second one.
    """
    zoned = zone(name)
    naive = pd.DatetimeIndex(np.asarray(wall, np.int64).view("datetime64[us]"))
    first = naive.tz_localize(zoned, ambiguous=np.ones(len(wall), bool), nonexistent="NaT")
    skipped = np.flatnonzero(first.isna())
    if len(skipped):
        more = f" (and {len(skipped) - 1:,} more)" if len(skipped) > 1 else ""
        raise DataError(
            f"{place(int(skipped[0]))}: column {column!r}: {calendar.stamp(wall[skipped[0]])} does not exist in {name}: "
            f"the clocks skip it{more}",
            "correct the rows, or name the right --timezone; UTC has no clock changes",
        )
    early = np.asarray(first.as_unit("us").asi8, np.int64)
    late = np.asarray(naive.tz_localize(zoned, ambiguous=np.zeros(len(wall), bool)).as_unit("us").asi8, np.int64)
    result = early.copy()
    unsure = np.flatnonzero(early != late)
    for code in np.unique(codes[unsure]):
        rows = np.flatnonzero(codes == code)
        hits = np.flatnonzero(early[rows] != late[rows])
        runs = np.split(hits, np.flatnonzero(np.diff(hits) > 1) + 1)
        for run in runs:
            result[rows[run]] = _in_order(
                wall[rows], run, early[rows], late[rows], place(int(rows[run[0]])), name, column
            )
    return result


def _in_order(wall: Ints, run: Ints, early: Ints, late: Ints, place: str, name: str, column: str) -> Ints:
    """UTC of neighbouring rows in an hour that is there twice: ascending rows go back once, descending ones forth."""
    times = wall[run]
    around = [wall[at] for at in (run[0] - 1, run[-1] + 1) if 0 <= at < len(wall)]
    steps = np.diff(times)
    rising = (len(around) == 2 and around[0] < around[1]) or (
        len(around) == 1 and (around[0] < times[0]) == (run[0] > 0)
    )
    turns = np.flatnonzero(steps <= 0) if rising else np.flatnonzero(steps >= 0)
    if len(turns) != 1 or not around:
        raise DataError(
            f"{place}: column {column!r}: {calendar.stamp(times[0])} is there twice in {name}, and the order of the "
            "rows does not say which one this is",
            "write the times with their offset, e.g. +02:00",
        )
    later = np.arange(len(run)) > turns[0]
    return np.where(later == rising, late[run], early[run])


@functools.lru_cache(maxsize=512)
def _changes(name: str, year: int) -> tuple[tuple[int, bool], ...]:
    """The clock changes of a year: the local hour (microseconds) that is skipped (True) or there twice (False)."""
    try:
        zoned = ZoneInfo(name)
    except (KeyError, OSError):
        return ()
    found = []
    utc, hour = ZoneInfo("UTC"), timedelta(hours=1)
    day = datetime(year, 1, 1, tzinfo=utc)
    while day.year == year:
        after = day + timedelta(days=1)
        if day.astimezone(zoned).utcoffset() != after.astimezone(zoned).utcoffset():
            at = day
            while (at + hour).astimezone(zoned).utcoffset() == at.astimezone(zoned).utcoffset():
                at += hour
            before, later = at.astimezone(zoned).utcoffset(), (at + hour).astimezone(zoned).utcoffset()
            assert before is not None  # noqa: S101
            assert later is not None  # noqa: S101
            if abs(later - before) == hour:
                local = (at + hour).replace(tzinfo=None) + min(before, later)
                found.append((round((local - datetime(1970, 1, 1)) / timedelta(microseconds=1)), later > before))
        day = after
    return tuple(found)


def _years(times: Ints) -> range:
    low, high = (int(t.astype("datetime64[Y]").astype(int)) + 1970 for t in times[[0, -1]].view("datetime64[us]"))
    return range(max(low, 1900), min(high, 2100) + 1)


def repeated_hour(times: Ints) -> str:
    """A zone in which all of these (repeated, ascending) local times are in hours that are there twice, or nothing."""
    for name in KNOWN_ZONES:
        twice = [at for year in _years(times) for at, skipped in _changes(name, year) if not skipped]
        if twice and np.isin(times - times % calendar.HOUR, twice).all():
            return name
    return ""


def skipped_hour(times: Ints, size: int) -> tuple[str, int]:
    """A zone whose every skipped hour is missing between these distinct, ascending times, and the first of them.

    size: the step. Only files that are nearly complete can show it: an hour in a thousand is missing by itself.
    """
    if size > calendar.HOUR or calendar.HOUR % size or len(times) < 48:
        return "", 0
    steps = (times[-1] - times[0]) // size + 1
    if steps == len(times) or (steps - len(times)) * 100 > steps + 1000:
        return "", 0
    for name in KNOWN_ZONES:
        skipped = [at for year in _years(times) for at, forward in _changes(name, year) if forward]
        inside = [at for at in skipped if times[0] < at and at + calendar.HOUR <= times[-1]]
        at = np.array(inside, np.int64)
        if not len(at):
            continue
        low, high = np.searchsorted(times, at), np.searchsorted(times, at + calendar.HOUR)
        before, after = times[low - 1], times[np.minimum(high, len(times) - 1)]
        if ((low == high) & (before + size == at) & (after == at + calendar.HOUR)).all():
            return name, inside[0]
    return "", 0
