"""Dates to microseconds since 1970: texts by a format, and the bytes of texts in digits.

What is no date is NEVER, which is what pandas calls NaT. Hour 24 is hour 0 of the next day, as
in ISO 8601.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast_cli import calendar, directives
from forecast_cli.calendar import Ints
from forecast_cli.errors import SettingsError
from forecast_cli.reading import time_texts

NEVER = time_texts.NEVER
EPOCHS = {"epoch": calendar.SECOND, "epoch-ms": 1000}
STEP = "step"  # the format of whole numbers that count steps
UNITS = ("year", "month", "day", "hour", "minute", "second")

Stamps = NDArray[np.bytes_]

_DIGITS = {"%Y": 4, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2}  # parts of one width
_PARTS = dict(zip(_DIGITS, UNITS, strict=True))


# -- texts ------------------------------------------------------------------------------------


def parse(cells: list[str], pattern: str) -> Ints:
    """Microseconds of texts (n,), or NEVER where the pattern does not fit; times with an offset
    are turned into UTC.

    Raises SettingsError for what is not a pattern.
    """
    if pattern in EPOCHS:
        return _from_epochs(cells, pattern)
    if pattern == STEP:
        return _from_steps(cells)

    _check_weeks(pattern)
    pattern = directives.plain(pattern)
    if time_texts.is_own(pattern):
        return _in_range(time_texts.parse(cells, pattern))

    micro = _with_pandas(cells, pattern)
    if time_texts.has_words(pattern):
        _read_words(cells, micro, pattern)

    for word in ("now", "today"):
        # pandas takes these words for the time of the reading.
        if word in cells:
            micro[[cell == word for cell in cells]] = NEVER

    if "%H" in pattern:
        _read_midnights(cells, micro, pattern)

    micro[~np.array(time_texts.has_full_width(cells, pattern), bool)] = NEVER
    if "%S" in pattern:
        _refuse_leap_seconds(cells, micro, pattern)
    return _in_range(micro)


def _check_weeks(pattern: str) -> None:
    """Raise SettingsError for ISO weeks without their ISO year: around New Year, a week belongs to
    another year than some of its days.
    """
    for time in pattern.split(directives.INTERVAL):
        letters = {directives.letter(part) for part in directives.parts(time)}
        if "V" in letters and "G" not in letters:
            raise _week_of_no_year(pattern, letters)


def _week_of_no_year(pattern: str, letters: set[str]) -> SettingsError:
    what = f"--date-format {pattern!r}: %V is a week of the ISO year %G"
    years = sorted(letters & {"Y", "y"})
    if not years:
        hint = "write the year with each week, and use a format like --date-format '%G-W%V'"
        return SettingsError(f"{what}, which is missing", hint, option="date_format")

    hint = f"use --date-format {re.sub('%-?[Yy]', '%G', pattern)!r}"
    if "y" in years:
        hint = f"write the years with four digits, and {hint}"
    return SettingsError(f"{what}, not of %{years[0]}", hint, option="date_format")


def _from_epochs(cells: list[str], pattern: str) -> Ints:
    """Microseconds of seconds or milliseconds since 1970."""
    numbers = pd.to_numeric(pd.Series(cells, dtype=object), errors="coerce").to_numpy(np.float64)
    with np.errstate(over="ignore"):
        numbers = np.round(numbers * EPOCHS[pattern])
    usable = (numbers >= calendar.EARLIEST) & (numbers < calendar.LATEST)
    return np.where(usable, np.where(usable, numbers, 0).astype(np.int64), NEVER)


def _from_steps(cells: list[str]) -> Ints:
    """Whole numbers without zeros in front."""
    steps = [int(cell) if _WHOLE_NUMBER.fullmatch(cell) else NEVER for cell in cells]
    return np.array(steps, np.int64)


def _read_words(cells: list[str], micro: Ints, pattern: str) -> None:
    """Read, in place, months, halves of days and offsets that pandas does not know."""
    unread = np.flatnonzero(micro == NEVER)
    micro[unread] = time_texts.parse([cells[at] for at in unread.tolist()], pattern)


def _with_pandas(cells: list[str], pattern: str) -> Ints:
    """What pandas reads. Raises SettingsError for what is not a pattern."""
    try:
        series = pd.Series(cells, dtype=object)
        stamps = pd.DatetimeIndex(
            pd.to_datetime(series, format=pattern, errors="coerce", utc="%z" in pattern)
        )
    except (ValueError, re.error) as error:
        raise SettingsError(
            f"--date-format {pattern!r}: {error}",
            "write it like %Y-%m-%d %H:%M",
            option="date_format",
        ) from None
    return np.array(stamps.as_unit("us").asi8, np.int64)


_WHOLE_NUMBER = re.compile(r"0|[1-9]\d{0,14}", re.ASCII)
_WORD = r"[^\W\d_]+\.?"
_DIRECTIVES = {
    "Y": r"\d{4}",
    **dict.fromkeys("ymd", r"\d{1,2}"),
    "j": r"\d{1,3}",
    "H": r"(?P<hour>\d{1,2})",
    "M": r"(?P<minute>\d{1,2})",
    "S": r"(?P<second>\d{1,2})",
    "f": r"(?P<fraction>\d{1,9})",
    **dict.fromkeys("aAbB", _WORD),
    "z": r"(?:Z|[+-]\d\d:?\d\d)",
    "%": "%",
}


@functools.cache
def _expression(pattern: str) -> re.Pattern[str] | None:
    """A regular expression that finds hour, minute and second in texts of a format; None for
    formats it does not know.
    """
    text = ""
    for part in re.findall(r"%.|\s+|.", pattern, re.DOTALL):
        if part[0] != "%":
            text += r"\s+" if part.isspace() else re.escape(part)
        elif part[1:] in _DIRECTIVES:
            text += _DIRECTIVES[part[1:]]
        else:
            return None

    try:
        return re.compile(text, re.ASCII)
    except re.error:
        # The pattern has two hours, and so the expression two groups of that name.
        return None


def _read_midnights(cells: list[str], micro: Ints, pattern: str) -> None:
    """Read, in place, what is written as hour 24, which no library does: it is hour 0 of the
    next day.
    """
    expression = _expression(pattern)
    unread = [at for at in np.flatnonzero(micro == NEVER).tolist() if "24" in cells[at]]
    if expression is None or not unread:
        return

    places: list[int] = []
    texts: list[str] = []
    for at in unread:
        match = expression.fullmatch(cells[at])
        if match is None or match["hour"] != "24":
            continue

        # Only 24:00:00 is a time: nothing may come after the hour.
        after = [int(part or 0) for name, part in match.groupdict().items() if name != "hour"]
        low, high = match.span("hour")
        if not any(after):
            places.append(at)
            texts.append(f"{cells[at][:low]}00{cells[at][high:]}")

    if texts:
        read = _with_pandas(texts, pattern)
        micro[places] = np.where(read == NEVER, NEVER, read + calendar.DAY)


def _refuse_leap_seconds(cells: list[str], micro: Ints, pattern: str) -> None:
    """NEVER, in place, for second 60 and 61, which pandas takes for the next minute: two rows
    would be one time.
    """
    expression = _expression(pattern)
    if expression is None:
        return

    for at, cell in enumerate(cells):
        if "60" in cell or "61" in cell:
            match = expression.fullmatch(cell)
            if match is not None and int(match["second"]) > 59:
                micro[at] = NEVER


# -- bytes of texts ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Layout:
    """How the texts of a format look, byte by byte, if all have one width.

    width: their bytes, and one more, which is 0; places: where the digits of each unit are;
    fixed: all other bytes.
    """

    width: int
    places: dict[str, list[int]]
    fixed: dict[int, int]


@functools.cache
def layout(pattern: str) -> Layout | None:
    """The layout of a format whose parts are years to seconds in digits, as far as they go;
    None for other formats.
    """
    parts = re.findall(r"%.|.", directives.plain(pattern), re.DOTALL)
    fields = [part for part in parts if part in _DIGITS]
    used = list(_DIGITS)[: len(fields)]
    has_other_parts = any(len(part) == 2 for part in parts if part not in _DIGITS)
    if not fields or has_other_parts or sorted(fields) != sorted(used):
        return None

    places: dict[str, list[int]] = {}
    fixed: dict[int, int] = {}
    width = 0
    for part in parts:
        if part in _DIGITS:
            places[_PARTS[part]] = list(range(width, width + _DIGITS[part]))
            width += _DIGITS[part]
        else:
            letters = part.encode()
            fixed |= dict(enumerate(letters, width))
            width += len(letters)
    return Layout(width + 1, places, fixed | {width: 0})


def parse_stamps(stamps: Stamps, pattern: str) -> Ints:
    """Microseconds of (R,) texts, read from their bytes; NEVER where one is not in the format
    to the byte.

    What it reads, `parse` reads alike, but here no texts are made. The bytes are never given to
    numpy's own parser of dates, which crashes where one of more than 500 is no date. The format
    must have a layout that the texts have room for.
    """
    known = layout(pattern)
    assert known is not None  # noqa: S101
    assert stamps.itemsize >= known.width  # noqa: S101
    letters = np.ascontiguousarray(stamps.view(np.uint8).reshape(len(stamps), stamps.itemsize).T)

    good = np.ones(len(stamps), bool)
    for at, letter in known.fixed.items():
        good &= letters[at] == letter

    for rest in letters[known.width :]:
        good &= rest == 0

    # What is less than "0" wraps around to more than 9.
    digits = letters - np.uint8(ord("0"))
    for at in (at for places in known.places.values() for at in places):
        good &= digits[at] <= 9

    parts = {unit: _number(digits, places) for unit, places in known.places.items()}
    return _assembled(parts, good)


def _number(digits: NDArray[np.uint8], places: list[int]) -> NDArray[Any]:
    """The numbers that some rows of digits make: (W, R) -> (R,).

    What is no digit makes any number.
    """
    number: NDArray[Any] = digits[places[0]]
    if len(places) > 2:
        number = number.astype(np.uint16)

    for at in places[1:]:
        number = number * 10 + digits[at]
    return number


# -- years to seconds --------------------------------------------------------------------------


@functools.cache
def _months() -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Of every month from January of the year 0 to December 9999: its first day since 1970, and
    its length in days.
    """
    months = np.arange(-1970 * 12, (10_000 - 1970) * 12 + 1).view("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64)
    return days[:-1].astype(np.int32), np.diff(days).astype(np.uint8)


def _assembled(parts: dict[str, NDArray[Any]], good: NDArray[np.bool_]) -> Ints:
    """Microseconds of (R,) years to seconds, which are whole and at least 0; NEVER where they
    are no date, or not good.
    """
    none = np.zeros(len(good), np.uint8)
    year, month = parts["year"], parts.get("month", none + 1)
    day, hour = parts.get("day", none + 1), parts.get("hour", none)
    minute, second = parts.get("minute", none), parts.get("second", none)

    good = good & (year >= 1) & (year <= 9999) & (month >= 1) & (month <= 12)
    index = np.where(good, year.astype(np.int32) * 12 + month - 1, 12)
    first, lengths = _months()
    midnight = (hour == 24) & (minute == 0) & (second == 0)
    good &= (day >= 1) & (day <= lengths[index])
    good &= ((hour <= 23) | midnight) & (minute <= 59) & (second <= 59)

    days = first[index] + day.astype(np.int32) - 1
    seconds = (hour.astype(np.int32) * 60 + minute) * 60 + second
    micro = days.astype(np.int64) * calendar.DAY + seconds.astype(np.int64) * calendar.SECOND
    micro[~good] = NEVER
    return _in_range(micro)


def _in_range(micro: Ints) -> Ints:
    """NEVER for times that are not in the years 1 to 9999."""
    return np.where((micro >= calendar.EARLIEST) & (micro <= calendar.LATEST), micro, NEVER)
