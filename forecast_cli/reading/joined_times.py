"""Times that are spread over several columns, such as a date and an hour.

The texts of a row are joined with spaces and read as one text, in a format that is joined alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

import numpy as np
import pandas as pd

from forecast_cli import directives
from forecast_cli.calendar import Ints
from forecast_cli.directives import letter
from forecast_cli.errors import DataError, SettingsError
from forecast_cli.reading import time_texts
from forecast_cli.reading.date_formats import formats
from forecast_cli.reading.date_parsing import NEVER, parse
from forecast_cli.reading.parsing import MISSING, Sample, Wanted, factorized, read_frames
from forecast_cli.reading.records import Table
from forecast_cli.reading.whole_numbers import is_date_in_digits

UNITS = ("year", "month", "day", "hour", "minute", "second")
MOST_WAYS = 32  # combinations of formats that are tried
SEEN = 1000  # cells of a column that are looked at

_NAMES = {
    **{name: name for name in UNITS},
    "yr": "year",
    "yyyy": "year",
    "jahr": "year",
    "annee": "year",
    "année": "year",
    "mon": "month",
    "mo": "month",
    "mm": "month",
    "monat": "month",
    "mois": "month",
    "dd": "day",
    "tag": "day",
    "jour": "day",
    "dom": "day",
    "hr": "hour",
    "hh": "hour",
    "he": "hour",
    "hour ending": "hour",
    "hourending": "hour",
    "hour_ending": "hour",
    "stunde": "hour",
    "heure": "hour",
    "hora": "hour",
    "min": "minute",
    "mi": "minute",
    "sec": "second",
    "doy": "day of year",
    "yday": "day of year",
    "dayofyear": "day of year",
    "day_of_year": "day of year",
    "day of year": "day of year",
    "quarter": "quarter",
    "qtr": "quarter",
}
_OF_UNITS = {
    "year": ("%Y", "%y"),
    "month": ("%m", "%b", "%B"),
    "day": ("%d",),
    "hour": ("%H", "HE%H", "HE %H", "H%H", "%Hh", "%H h", "%H%>-%H", "%H%> - %H"),
    "minute": ("%M",),
    "second": ("%S",),
    "day of year": ("%j",),
    "quarter": ("%q", "Q%q"),
}
_CLOCKS = (
    *("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I %p", "%I%p"),
    *("%Hh%M", "%H%M", "%H%M%S"),
)
_CLOCK_NAMES = ("time", "clock", "uhrzeit", "zeit", "horaire")
_USUAL_SHARE = 0.9  # of the rows have times of their own, one step apart
_BETWEEN = ("-", " - ", " \N{EN DASH} ")  # of the two ends of an interval
_DATES_IN_DIGITS = ("%Y%m%d", "%d%m%Y", "%m%d%Y")
_LETTERS = {
    **dict.fromkeys("Yy", "year"),
    **dict.fromkeys("mbB", "month"),
    "q": "quarter",
    "j": "day of year",
    "d": "day",
    **dict.fromkeys("HI", "hour"),
    "M": "minute",
    "S": "second",
}
_WIDTHS = {"Y": 4, "H": 2, "M": 2, "S": 2, "y": 2, "m": 2, "d": 2}
_ORDERS = (
    UNITS,
    ("year", "quarter"),
    ("year", "day of year", *UNITS[3:]),
)


# -- texts -------------------------------------------------------------------------------------


def join_columns(frame: pd.DataFrame, names: Sequence[str]) -> tuple[Ints, list[str]]:
    """The number of each row's joined text, and the distinct texts; one that lacks a part is
    empty.
    """
    codes, distinct = np.zeros(len(frame), np.int64), [""]
    for number, name in enumerate(names):
        own, cells = factorized(frame[name])
        parts = [_as_part(cell) for cell in cells]
        pairs, places = np.unique(codes * len(parts) + own, return_inverse=True)
        codes = places.astype(np.int64, copy=False)
        before = [distinct[pair // len(parts)] for pair in pairs.tolist()]
        added = [parts[pair % len(parts)] for pair in pairs.tolist()]
        distinct = [
            _joined(one, other, is_first=not number)
            for one, other in zip(before, added, strict=True)
        ]
    return _in_order(codes, distinct)


def distinct_joined(table: Table, names: Sequence[str]) -> list[str]:
    """The distinct joined texts of some columns, by reading them again."""
    distinct: dict[str, None] = {}
    for frame in read_frames(table, Wanted(list(names))):
        distinct |= dict.fromkeys(join_columns(frame, names)[1])
    return list(distinct)


def joined_at(table: Table, names: Sequence[str], rows: Ints) -> list[str]:
    """The joined texts of some rows, which ascend."""
    texts: list[str] = []
    seen = 0
    for frame in read_frames(table, Wanted(list(names))):
        low, high = np.searchsorted(rows, [seen, seen + len(frame)])
        codes, distinct = join_columns(frame.iloc[rows[low:high] - seen], names)
        texts += [distinct[code] for code in codes.tolist()]
        seen += len(frame)
    return texts


def joined_sample(sample: Sample, names: Sequence[str]) -> list[str]:
    """The joined texts of the first rows."""
    rows = zip(*(sample[name] for name in names), strict=True)
    return [_of_parts([_as_part(cell) for cell in row]) for row in rows]


def _in_order(codes: Ints, distinct: list[str]) -> tuple[Ints, list[str]]:
    """The texts in order of appearance."""
    numbers, found = pd.factorize(codes)
    return numbers.astype(np.int64, copy=False), [distinct[at] for at in found.tolist()]


def _as_part(cell: str) -> str:
    """A cell without spaces around it, and a whole number without decimals."""
    return re.sub(r"^(\d+)\.0+$", r"\1", " ".join(cell.split()))


def _joined(before: str, part: str, *, is_first: bool) -> str:
    if part in MISSING or (not before and not is_first):
        return ""
    return part if is_first else f"{before} {part}"


def _of_parts(parts: list[str]) -> str:
    return "" if any(part in MISSING for part in parts) else " ".join(parts)


# -- formats -----------------------------------------------------------------------------------


def joined_formats(names: Sequence[str], sample: Sample) -> list[str]:
    """The formats that the joined texts of some columns may be in, by the first rows.

    Raises DataError for a column that is no part of a time, SettingsError for columns that do not
    make one.
    """
    units = [_unit_of(name) for name in names]
    ways: list[tuple[str, ...]] = [()]
    for name, unit in zip(names, units, strict=True):
        cells = _parts_of(sample[name][:SEEN])
        longer = []
        for way in ways:
            formats_of_part = _formats_of_part(cells, unit or _next_unit(way, units), way)
            longer += [(*way, part) for part in formats_of_part]
        if not longer:
            raise _no_part(name, cells)
        ways = longer

    complete = [way for way in ways if _is_time(way)]
    if not complete:
        raise no_time(names)
    return [" ".join(way) for way in islice(complete, MOST_WAYS)]


def _parts_of(cells: Sequence[str]) -> list[str]:
    """The different cells that are not empty, in order of appearance."""
    filled = [_as_part(cell) for cell in cells if cell not in MISSING]
    return list(dict.fromkeys(filled))


def with_columns(pattern: str, names: Sequence[str], sample: Sample) -> str:
    """A format of joined texts with marks where the next column begins; the format itself where
    its columns cannot be told apart.
    """
    words = pattern.split(" ")
    columns = []
    for name in names:
        cell = next((cell for cell in sample[name] if cell.strip() not in MISSING), "")
        count = len(cell.split())
        columns.append(" ".join(words[:count]))
        words = words[count:]
    if words or not all(columns):
        return pattern
    return directives.NEXT_COLUMN.join(columns)


def with_units(year: str, sample: Sample) -> list[str]:
    """A column of years, and the columns that are named for the units after it."""
    columns = [year]
    for unit in UNITS[1:]:
        fitting = [name for name in sample if _unit_of(name) == unit]
        if len(fitting) != 1 or not makes_time([*columns, fitting[0]], sample):
            break
        columns.append(fitting[0])
    return columns


def beside_date(date: str, names: Sequence[str], sample: Sample, identity: str | None) -> str:
    """The one column of hours or clocks without which the rows of a column of dates repeat;
    empty if there is none.

    identity: the column that names the series.
    """
    if _has_clock(sample[date]):
        return ""

    others = [name for name in names if name != date]
    clocks = [name for name in others if _is_clock(name) and makes_time([date, name], sample)]
    if len(clocks) != 1 or "," in date + clocks[0]:
        return ""

    of_series = [sample[identity]] if identity else []
    days = list(zip(sample[date], *of_series, strict=True))
    if not _tells_apart(sample[clocks[0]], days):
        return ""
    return clocks[0] if _are_regular([date, clocks[0]], sample) else ""


def _has_clock(cells: list[str]) -> bool:
    """Whether the first date has a time of day."""
    first = next((cell for cell in cells if cell), "")
    units = {unit for pattern in formats(first) for unit in _units((pattern,))}
    return not units.isdisjoint(("hour", "minute"))


def _tells_apart(hours: list[str], days: list[tuple[str, ...]]) -> bool:
    """Whether the days of the rows repeat, and hardly any of them with the same hour."""
    times = list(zip(days, hours, strict=True))
    # An hour may be there twice where the clocks change.
    are_apart = len(set(times)) >= _USUAL_SHARE * len(times)
    return 2 * len(set(days)) <= len(days) and are_apart


def _are_regular(names: list[str], sample: Sample) -> bool:
    """Whether the times of some columns are nearly all one step apart."""
    texts = [text for text in joined_sample(sample, names) if text]
    for pattern in joined_formats(names, sample):
        times = parse(texts, pattern)
        steps = np.diff(np.unique(times[times != NEVER]))
        counts = np.unique(steps, return_counts=True)[1]
        if len(counts) and counts.max() >= _USUAL_SHARE * counts.sum():
            return True
    return False


def _is_clock(name: str) -> bool:
    return _unit_of(name) == "hour" or name.strip().lower() in _CLOCK_NAMES


def makes_time(names: list[str], sample: Sample) -> bool:
    """Whether some columns make a time together."""
    try:
        joined_formats(names, sample)
    except (DataError, SettingsError):
        return False
    return True


def no_time(names: Sequence[str]) -> SettingsError:
    """The error for columns that do not make a time together."""
    return SettingsError(
        f"--time {','.join(names)}: these columns do not make a time",
        f"name them in the order {','.join(UNITS)}, as far as they go, or a date and then an hour",
        option="time",
    )


def _no_part(name: str, cells: list[str]) -> DataError:
    shown = repr(cells[0]) if cells else "an empty column"
    return DataError(
        f"column {name!r}: no known format reads {shown} as a part of a time",
        "say how the joined columns are written with --date-format, e.g. '%d/%m/%Y %H:%M'",
        option="date_format",
        column=name,
        value=cells[0] if cells else "",
    )


def _unit_of(name: str) -> str:
    return _NAMES.get(name.strip().lower(), "")


def _next_unit(way: tuple[str, ...], known: list[str]) -> str:
    """The unit after those that the columns before have, where no column is named for it."""
    units = _units(way)
    following = next((unit for unit in UNITS if unit not in units), "")
    return "" if following in known else following


def _units(way: tuple[str, ...]) -> list[str]:
    """The units of the beginning of a time, by the directives of its formats."""
    units = []
    for pattern in way:
        begin = pattern.partition(directives.INTERVAL)[0]
        letters = [letter(part) for part in directives.parts(begin)]
        units += [_LETTERS[one] for one in letters if one in _LETTERS]
    return units


def _is_time(way: tuple[str, ...]) -> bool:
    """Whether some formats have every unit from the year down to their smallest, and each once."""
    units = _units(way)
    return len(set(units)) == len(units) and any(
        set(units) == set(order[: len(units)]) for order in _ORDERS
    )


def _formats_of_part(cells: list[str], unit: str, way: tuple[str, ...]) -> list[str]:
    """The formats that read all cells of a column as a part of a time."""
    if not cells:
        return []

    tried = list(_OF_UNITS.get(unit, ()))
    has_date = "day" in _units(way) or "day of year" in _units(way)
    if has_date:
        tried += _CLOCKS
        tried += [f"{one}%>{mark}{one}" for one in _CLOCKS[:2] for mark in _BETWEEN]
    elif not way or not _units(way):
        tried += [*formats(cells[0]), *_DATES_IN_DIGITS, *_CLOCKS]
    else:
        tried += formats(cells[0])
    counts = {}
    for pattern in dict.fromkeys(tried):
        counts[pattern] = sum(_reads_part(pattern, cell) for cell in cells)
    most = max(counts.values(), default=0)
    # A cell that is no time is named later, with its row.
    return [pattern for pattern, count in counts.items() if count == most > len(cells) // 2]


def _reads_part(pattern: str, cell: str) -> bool:
    """Whether a format reads a cell, beside a year where it has none."""
    if not _has_width(pattern, cell):
        return False
    if pattern in _DATES_IN_DIGITS:
        return is_date_in_digits(pattern, cell)
    if "year" in _units((pattern,)):
        return time_texts.reads(pattern, cell)
    # The year 2000 has a day 366, and a February 29th.
    return time_texts.reads(f"%Y {pattern}", f"2000 {cell}")


def _has_width(pattern: str, cell: str) -> bool:
    """Whether a cell has all the digits of a format of several parts without anything between
    them: 730 could be 7:30 or 73:0.
    """
    letters = [letter(part) for part in directives.parts(pattern)]
    if len(letters) == 1 or not all(letters):
        return True
    return len(cell) == sum(_WIDTHS.get(one, len(cell)) for one in letters)
