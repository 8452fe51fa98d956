"""Times: from the texts of a file to microseconds since 1970, and the clock changes of time zones.

A text is read only if one format reads all of them in one way; a local hour that a clock change repeats or skips is
resolved by the order of the rows in a named zone, or refused.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, product
from typing import Any
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
    "%Y %b", "%Y %B",
)  # fmt: skip
_CLOCKS = ("", "%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p")
_ZONES = ("", "%z", " %z")
EPOCHS = {"epoch": calendar.SECOND, "epoch-ms": 1000}
NEVER = np.iinfo(np.int64).min  # what pandas calls NaT
UNITS = ("year", "month", "day", "hour", "minute", "second")
_DIGITS = {"%Y": 4, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2}  # parts of one width, and which
_PARTS = dict(zip(_DIGITS, UNITS, strict=True))
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


_MIDNIGHT = re.compile(r"(?<=[ T])24(?=:00(?::00(?:\.0+)?)?(?![\d:.]))")


@functools.lru_cache(maxsize=4096)
def formats(cell: str) -> tuple[str, ...]:
    """Every strptime format that reads this cell, 24:00 being the next day's 00:00."""
    if len(cell) < 6 or not re.search(r"\D", cell) or not re.search(r"\d", cell):
        return ()
    cell = _MIDNIGHT.sub("00", cell)
    found = []
    for pattern in _patterns().get(
        _shape(cell), ()
    ):  # strptime is slow, and most patterns have another shape
        try:
            datetime.strptime(cell, pattern)
        except ValueError:
            continue
        found.append(pattern)
    return tuple(dict.fromkeys(found))


@dataclass(eq=False)
class Reading:
    """One format or several, and what they made of the texts so far.

    times: (R,) microseconds, NEVER where no format fits; which: (R,) the format of each row, empty for a single one;
    bad: rows that no format fits, the first of them being first_bad; unclear: the first row that two formats read as
    different times.
    """

    patterns: tuple[str, ...]
    times: Ints
    which: NDArray[np.uint16]
    bad: int = 0
    first_bad: tuple[int, str] = (0, "")  # row, text
    unclear: tuple[int, str, str, str] | None = None  # row, text, one format, the other

    @property
    def pattern(self) -> str:
        """The formats in words."""
        return " or ".join(self.patterns)

    def add_stamps(self, stamps: Stamps, start: int) -> bool:
        """(n,) texts of the rows from `start`; False, and nothing added, if one of them needs a closer look."""
        micro, which, differing = _by_patterns(
            self.patterns, lambda pattern: parse_stamps(stamps, pattern)
        )
        if differing is not None or (micro == NEVER).any():
            return False
        self._put(start, micro, which)
        return True

    def add(self, codes: Ints, cells: list[str], start: int) -> None:
        """codes: (n,) positions in the distinct `cells`; start: the first row."""
        micro, which, differing = _by_patterns(self.patterns, lambda pattern: parse(cells, pattern))
        rows = micro[codes]
        if (micro == NEVER).any():
            bad = np.flatnonzero(rows == NEVER)
            if len(bad) and not self.bad:
                self.first_bad = (start + int(bad[0]), cells[int(codes[bad[0]])])
            self.bad += len(bad)
        if differing is not None and self.unclear is None:
            at, one, other = differing
            row = start + int(np.flatnonzero(codes == at)[0])
            self.unclear = (row, cells[at], one, other)
        self._put(start, rows, which[codes] if len(which) else which)

    def _put(self, start: int, micro: Ints, which: NDArray[np.uint16]) -> None:
        rows = slice(start, start + len(micro))
        self.times[rows] = micro
        if len(which):
            self.which[rows] = which

    def newest_pattern(self, good: NDArray[np.bool_]) -> str:
        """The format of the newest of the good rows (R,)."""
        if len(self.patterns) == 1:
            return self.patterns[0]
        rows = np.flatnonzero(good)
        times = self.times[rows]
        newest = int(rows[np.flatnonzero(times == times.max())[-1]])
        return self.patterns[int(self.which[newest])]


def reading(patterns: Iterable[str], rows: int) -> Reading:
    """What formats make of texts, before the first one is added. rows: how many there will be."""
    distinct = tuple(dict.fromkeys(patterns))
    which = np.empty(rows if len(distinct) > 1 else 0, np.uint16)
    return Reading(distinct, np.empty(rows, np.int64), which)


def _by_patterns(
    patterns: tuple[str, ...], parsed: Callable[[str], Ints]
) -> tuple[Ints, NDArray[np.uint16], tuple[int, str, str] | None]:
    """The times of texts by the format that fits each, which one that is, and the first text that fits two differently."""
    micro = parsed(patterns[0])
    which = np.zeros(len(micro) if len(patterns) > 1 else 0, np.uint16)
    differing: tuple[int, str, str] | None = None

    for number, pattern in enumerate(patterns[1:], 1):
        other = parsed(pattern)
        apart = np.flatnonzero((micro != NEVER) & (other != NEVER) & (micro != other))
        if len(apart) and (differing is None or apart[0] < differing[0]):
            at = int(apart[0])
            differing = at, patterns[which[at]], pattern
        new = (micro == NEVER) & (other != NEVER)
        micro = np.where(new, other, micro)
        which[new] = number
    return micro, which, differing


@dataclass(frozen=True, eq=False)
class Layout:
    """How the texts of a format look, byte by byte, if all have one width.

    width: their bytes, and one more, which is 0; places: where the digits of each unit are; fixed: all other bytes.
    """

    width: int
    places: dict[str, list[int]]
    fixed: dict[int, int]


@functools.cache
def layout(pattern: str) -> Layout | None:
    """The layout of a format whose parts are years to seconds in digits, as far as they go; None for other formats."""
    parts = re.findall(r"%.|.", pattern, re.DOTALL)
    fields = [part for part in parts if part in _DIGITS]
    used = list(_DIGITS)[: len(fields)]
    if (
        not fields
        or sorted(fields) != sorted(used)
        or any(len(part) == 2 for part in parts if part not in _DIGITS)
    ):
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
    """Microseconds of (R,) texts, read from their bytes; NEVER where one is not in the format to the byte.

    What it reads, `parse` reads alike, but here no texts are made. The bytes are never given to numpy's own parser of
    dates, which crashes where one of more than 500 is no date. The format must have a layout that the texts have room for.
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

    digits = letters - np.uint8(ord("0"))  # what is less wraps around to more than 9
    for at in (at for places in known.places.values() for at in places):
        good &= digits[at] <= 9

    parts = {unit: _number(digits, places) for unit, places in known.places.items()}
    return _assembled(parts, good)


def _number(digits: NDArray[np.uint8], places: list[int]) -> NDArray[Any]:
    """The numbers that some rows of digits make: (W, R) -> (R,). What is no digit makes any number."""
    number: NDArray[Any] = digits[places[0]]
    if len(places) > 2:
        number = number.astype(np.uint16)
    for at in places[1:]:
        number = number * 10 + digits[at]
    return number


@functools.cache
def _months() -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Of every month from January of the year 0 to December 9999: its first day since 1970, and its length in days."""
    months = np.arange(-1970 * 12, (10_000 - 1970) * 12 + 1).view("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64)
    return days[:-1].astype(np.int32), np.diff(days).astype(np.uint8)


def _assembled(parts: dict[str, NDArray[Any]], good: NDArray[np.bool_]) -> Ints:
    """Microseconds of (R,) years to seconds, which are whole and at least 0; NEVER where they are no date, or not good.

    24:00 is 00:00 of the next day, as it is in ISO 8601.
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


def parse(cells: list[str], pattern: str) -> Ints:
    """Microseconds, or NEVER where the pattern does not fit. Offsets are turned into UTC, 24:00 into the next day's 00:00.

    Raises SettingsError for a pattern that is none.
    """
    if pattern in EPOCHS:
        return _from_epochs(cells, pattern)

    micro = _with_pandas(cells, pattern)
    for word in ("now", "today"):  # words that pandas reads
        if word in cells:
            micro[[cell == word for cell in cells]] = NEVER
    if "%H" in pattern:
        _read_midnights(cells, micro, pattern)
    if "%S" in pattern:
        _refuse_leap_seconds(cells, micro, pattern)
    return _in_range(micro)


def _from_epochs(cells: list[str], pattern: str) -> Ints:
    """Microseconds of seconds or milliseconds since 1970."""
    numbers = pd.to_numeric(pd.Series(cells, dtype=object), errors="coerce").to_numpy(np.float64)
    with np.errstate(over="ignore"):
        numbers = np.round(numbers * EPOCHS[pattern])
    usable = (numbers >= calendar.EARLIEST) & (numbers < calendar.LATEST)
    return np.where(usable, np.where(usable, numbers, 0).astype(np.int64), NEVER)


def _with_pandas(cells: list[str], pattern: str) -> Ints:
    try:
        series = pd.Series(cells, dtype=object)
        stamps = pd.DatetimeIndex(
            pd.to_datetime(series, format=pattern, errors="coerce", utc="%z" in pattern)
        )
    except (ValueError, re.error) as error:
        raise SettingsError(
            f"--date-format {pattern!r}: {error}", "write it like %Y-%m-%d %H:%M"
        ) from None
    return np.array(stamps.as_unit("us").asi8, np.int64)


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
    """A regular expression that finds hour, minute and second in texts of a format; None for formats it does not know."""
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
    except re.error:  # an hour is there twice
        return None


def _read_midnights(cells: list[str], micro: Ints, pattern: str) -> None:
    """Read, in place, what is written as hour 24, which no library does: it is hour 0 of the next day."""
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
        after = [int(part or 0) for name, part in match.groupdict().items() if name != "hour"]
        low, high = match.span("hour")
        if not any(after):
            places.append(at)
            texts.append(f"{cells[at][:low]}00{cells[at][high:]}")
    if texts:
        read = _with_pandas(texts, pattern)
        micro[places] = np.where(read == NEVER, NEVER, read + calendar.DAY)


def _refuse_leap_seconds(cells: list[str], micro: Ints, pattern: str) -> None:
    """NEVER, in place, for second 60 and 61, which pandas takes for the next minute: two rows would be one time."""
    expression = _expression(pattern)
    if expression is None:
        return
    for at, cell in enumerate(cells):
        if "60" in cell or "61" in cell:
            match = expression.fullmatch(cell)
            if match is not None and int(match["second"]) > 59:
                micro[at] = NEVER


def choose(
    readings: list[Reading],
    name: str,
    sample: str,
    place: Callable[[int], str],
    skip: bool,
    distinct: Callable[[], list[str]],
) -> Reading:
    """The one reading of a column that all its texts allow.

    distinct: the distinct texts of the column, which are asked for only if some are not read. Raises DataError.
    """
    least = min(reading.bad for reading in readings)
    best = [reading for reading in readings if reading.bad == least]
    if least and not skip:
        raise _not_like_the_others(best, name, place, distinct())

    first = best[0]
    if first.unclear is not None:
        row, cell, one, other = first.unclear
        raise DataError(
            f"{place(row)}: column {name!r}: {cell!r} could be {one} or {other}",
            "bring these rows to one format, or name only one of the two with --date-format",
            option="date_format",
        )
    for other_reading in best[1:]:
        if (first.times != other_reading.times).any():
            one, other = first.pattern, other_reading.pattern
            raise DataError(
                f"column {name!r}: {sample!r} could be {one} or {other}, and so could every other row",
                f"say --date-format {quoted(one)} or --date-format {quoted(other)}",
                option="date_format",
            )
    return first


def _not_like_the_others(
    best: list[Reading], name: str, place: Callable[[int], str], distinct: list[str]
) -> DataError:
    """What is wrong with the first text that is not read, and how to have it read."""
    reading = best[0]
    row, cell = reading.first_bad
    more = f" (and {reading.bad - 1:,} more)" if reading.bad > 1 else ""
    said = f"{place(row)}: column {name!r}: {cell!r}"

    hint = remedy([one.patterns for one in best], distinct)
    alike = [text for text in distinct if form(text) == form(cell)]
    read = _by_patterns(reading.patterns, lambda pattern: parse(alike, pattern))[0]
    if (read != NEVER).any():
        message = f"{said} is not a date that exists ({reading.pattern}){more}"
        return DataError(message, hint or "correct the row, or --bad-rows skip", option="bad_rows")
    message = f"{said} is not a date like the others ({reading.pattern}){more}"
    usual = "write all dates in one format, or name theirs with --date-format"
    return DataError(message, hint or usual, option="date_format")


def quoted(pattern: str) -> str:
    """A format as it is typed in a shell."""
    return pattern if re.fullmatch(r"[\w%.:/+-]+", pattern) else f"'{pattern}'"


# -- rows that are written in another way ------------------------------------------------------------------------------

MOST_WAYS = 8  # combinations of formats that are tried
SHOWN_WAYS = 2
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_STEPS = {
    "years": re.compile(r"[12]\d{3}"),
    "quarters": re.compile(r"[12]\d{3}[ /-]?q[1-4]|q[1-4][ /-]?[12]\d{3}", re.IGNORECASE),
    "months": re.compile(
        rf"[12]\d{{3}}(?:[ /.-]?{_MONTH}|[/.-](?:0[1-9]|1[0-2])|m(?:0[1-9]|1[0-2]))|{_MONTH}[ /.-]?[12]\d{{3}}",
        re.IGNORECASE,
    ),
}


def form(text: str) -> str:
    """What texts that are written alike have in common: `05.01.2021` -> `9.9.9999`, `2020 Q1` -> `9999 a9`."""
    text = re.sub(r"[^\W\d_]+", "a", re.sub(r"\s+", " ", text))
    return re.sub(r"\d+", lambda digits: "9" * len(digits[0]) if len(digits[0]) > 2 else "9", text)


def steps(cells: Iterable[str]) -> dict[str, str]:
    """Which of years, quarters and months these texts are, and the first text of each."""
    found: dict[str, str] = {}
    for cell in cells:
        for step, expression in _STEPS.items():
            if step not in found and expression.fullmatch(cell):
                found[step] = cell
    return found


def mixed_steps(found: dict[str, str]) -> str:
    """What to do about years, quarters and months in one column."""
    last = list(found.values())[-1]
    return f"{_listed(list(found))} are not one series: keep the rows of one step, e.g. those like {last!r}"


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]])


def remedy(ways: list[tuple[str, ...]], distinct: list[str]) -> str:
    """What to do about texts that none of these (sets of) formats reads whole; nothing where that is not known."""
    found = steps(distinct)
    if len(found) > 1:
        return mixed_steps(found)

    said = [
        " ".join(f"--date-format {quoted(pattern)}" for pattern in way)
        for way in _wider(ways, distinct)
    ]
    if not 1 <= len(said) <= SHOWN_WAYS:
        return ""
    return f"say {' or '.join(said)}"


def _wider(ways: list[tuple[str, ...]], distinct: list[str]) -> list[tuple[str, ...]]:
    """Each of these sets of formats with others beside it that read more of the texts, each text in one way only."""
    found: list[tuple[str, ...]] = []
    known: list[Ints] = []
    tried = [(*way, *added) for way in ways for added in _beside(way, distinct)]
    for way in tried[:MOST_WAYS]:
        together = tuple(dict.fromkeys(way))
        times, _, differing = _by_patterns(together, lambda pattern: parse(distinct, pattern))
        if differing is None and not any((times == other).all() for other in known):
            found.append(together)
            known.append(times)
    return found


def _beside(way: tuple[str, ...], distinct: list[str]) -> list[tuple[str, ...]]:
    """The formats that read what these do not: one for each form of text, in every combination."""
    micro = _by_patterns(way, lambda pattern: parse(distinct, pattern))[0]
    groups: dict[str, list[str]] = {}
    for at in np.flatnonzero(micro == NEVER).tolist():
        groups.setdefault(form(distinct[at]), []).append(distinct[at])

    choices = []
    for group in groups.values():
        fitting = [
            pattern for pattern in formats(group[0]) if (parse(group, pattern) != NEVER).all()
        ]
        if fitting:
            choices.append(fitting)
    return list(islice(product(*choices), MOST_WAYS)) if choices else []


def check_together(patterns: Iterable[str]) -> None:
    """Raise SettingsError for formats whose rows cannot be one series: years beside months, offsets beside none."""
    given = list(patterns)
    yearly = [pattern for pattern in given if not re.search("%[mbBjUWcx]|epoch", pattern)]
    finer = [pattern for pattern in given if pattern not in yearly]
    if yearly and finer:
        raise SettingsError(
            f"--date-format {quoted(yearly[0])} and --date-format {quoted(finer[0])}: "
            "years and shorter steps are not one series",
            "keep the rows of one step",
        )
    zoned = [pattern for pattern in given if "%z" in pattern]
    local = [pattern for pattern in given if pattern not in zoned]
    if zoned and local:
        raise SettingsError(
            f"--date-format {quoted(zoned[0])} and --date-format {quoted(local[0])}: "
            "times with an offset and times without one are not on one clock",
            "write all times with their offset, or all without",
        )


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
    if len(found) != len(names) or [unit for unit in UNITS if unit in found] != list(
        UNITS[: len(found)]
    ):
        raise SettingsError(
            f"--time {','.join(names)}: these columns do not make a time",
            f"name them in the order {','.join(UNITS)}, as far as they go",
        )
    return {unit: found[unit] for unit in UNITS if unit in found}


def join(parts: dict[str, NDArray[np.float64]]) -> Ints:
    """Microseconds of years, months, ...; NEVER where they are not a date that exists."""
    good = np.ones(len(next(iter(parts.values()))), bool)
    whole: dict[str, NDArray[Any]] = {}
    for unit, numbers in parts.items():
        with np.errstate(invalid="ignore"):
            fits = (numbers >= 0) & (numbers <= 9999) & (numbers == np.floor(numbers))
        good &= fits
        whole[unit] = np.where(fits, numbers, 0).astype(np.int64)
    return _assembled(whole, good)


# -- time zones ------------------------------------------------------------------------------------------------------


def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise SettingsError(
            f"--timezone: {name!r} is not a time zone", "name one like Europe/Berlin, or UTC"
        ) from None


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
    late = np.asarray(
        naive.tz_localize(zoned, ambiguous=np.zeros(len(wall), bool)).as_unit("us").asi8, np.int64
    )
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


def _in_order(
    wall: Ints, run: Ints, early: Ints, late: Ints, place: str, name: str, column: str
) -> Ints:
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
            before, later = (
                at.astimezone(zoned).utcoffset(),
                (at + hour).astimezone(zoned).utcoffset(),
            )
            assert before is not None  # noqa: S101
            assert later is not None  # noqa: S101
            if abs(later - before) == hour:
                local = (at + hour).replace(tzinfo=None) + min(before, later)
                found.append(
                    (
                        round((local - datetime(1970, 1, 1)) / timedelta(microseconds=1)),
                        later > before,
                    )
                )
        day = after
    return tuple(found)


def _years(times: Ints) -> range:
    low, high = (
        int(t.astype("datetime64[Y]").astype(int)) + 1970
        for t in times[[0, -1]].view("datetime64[us]")
    )
    return range(max(low, 1900), min(high, 2100) + 1)


def repeated_hour(times: Ints) -> str:
    """A zone in which all of these (repeated, ascending) local times are in hours that are there twice, or nothing."""
    for name in KNOWN_ZONES:
        twice = [
            at for year in _years(times) for at, skipped in _changes(name, year) if not skipped
        ]
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
