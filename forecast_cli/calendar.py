"""Frequencies: what step a series has, which time comes next, how long its seasons are.

A frequency maps times to whole numbers and back (`ordinals`, `times_at`), so that a series on
its grid is a first ordinal and a length, and the future index is the next ordinals. Times are
int64 microseconds since 1970, in UTC.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from forecast_cli.errors import DataError, SettingsError

Ints = NDArray[np.int64]
NameOf = Callable[[np.int64], str]  # what a time is called in a message
Kind = Literal["step", "fixed", "business", "months"]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

# The first and the last time that can be written.
EARLIEST = int(np.datetime64("0001-01-01", "us").astype(np.int64))
LATEST = int(np.datetime64("9999-12-31T23:59:59.999999", "us").astype(np.int64))

_UNITS = {"s": SECOND, "min": MINUTE, "h": HOUR, "D": DAY, "W": WEEK}
_MONTHS = {"M": 1, "Q": 3, "Y": 12}
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_THURSDAY = 3  # 1970-01-01 was a Thursday
MOST_UNITS = 100_000  # in one step
_LAST_DAY = 31  # as the day of a month: its last one
_EPOCH = np.datetime64("1970-01-01")

_NAMES = (
    (WEEK, "weekly", "weeks"),
    (DAY, "daily", "days"),
    (HOUR, "hourly", "hours"),
    (MINUTE, "every minute", "minutes"),
    (SECOND, "every second", "seconds"),
)
_NAMES_OF_MONTHS = {1: "monthly", 3: "quarterly", 12: "yearly"}

MOST_DEFAULT_STEPS = 96  # seasons longer than this are not the default horizon


@dataclass(frozen=True)
class Frequency:
    """The grid that the times of a file lie on.

    kind: `step` for rows without a time, 0, 1, 2, ..., or with numbers that are `size` apart;
    `fixed` for every `size` microseconds,
    offset by `phase`; `business` for Monday to Friday; `months` for every `size` months, where
    `phase` is the month modulo `size`, on day `day` (31: the last day of the month). clock: the
    time of day in microseconds, of the last two kinds.
    """

    kind: Kind
    size: int = 1
    phase: int = 0
    day: int = 1
    clock: int = 0


STEPS = Frequency("step")


# -- find the frequency ------------------------------------------------------------------------


def infer(times: Ints, starts: Ints, name_of: NameOf | None = None) -> Frequency:
    """The frequency of sorted times.

    times: (N,) of all series, one after the other, ascending and without repetition inside
    each; starts: (S,) where each series begins; name_of: what a time is called in a message,
    else `stamp`. Raises DataError for a time that is off the grid, or without two rows in any
    series.
    """
    has_predecessor = _has_predecessor(times, starts)
    gaps = np.diff(times)[has_predecessor[1:]]
    if len(gaps) == 0:
        raise DataError(
            "no series has two rows, so the step between rows is unknown",
            "give each series at least two rows",
        )

    clock = times % DAY
    has_one_clock = bool((clock == clock[0]).all())
    if has_one_clock:
        monthly = _infer_months(times, has_predecessor, int(clock[0]))
        if monthly is not None:
            return monthly

    size = _most_frequent(gaps)
    if size == DAY and has_one_clock and _skips_weekends(times):
        return Frequency("business", 1, clock=int(clock[0]))
    return _fixed(times, size, name_of or stamp)


def infer_steps(numbers: Ints, starts: Ints) -> Frequency:
    """The frequency of numbers of steps, which must be the same distance apart.

    numbers, starts: as for `infer`. Raises DataError for a number that is missing.
    """
    steps = np.diff(numbers)[_has_predecessor(numbers, starts)[1:]]
    size = _most_frequent(steps)
    odd = np.flatnonzero((np.diff(numbers) != size) & _has_predecessor(numbers, starts)[1:])
    if len(odd):
        before, after = numbers[odd[0]], numbers[odd[0] + 1]
        raise DataError(
            f"the numbers of the steps are not all {size:,} apart: {after} follows {before}",
            "add the rows that are missing, or remove the column, so that each row is a step",
        )

    phase = int(numbers[0] % size)
    off_grid = np.flatnonzero(numbers % size != phase)
    if len(off_grid):
        raise DataError(
            f"the numbers of the steps are {size:,} apart, but {numbers[off_grid[0]]} is not on "
            f"the grid of {numbers[0]}",
            "number the steps of all series alike",
        )
    return Frequency("step", size, phase)


def named(alias: str, times: Ints, starts: Ints, name_of: NameOf | None = None) -> Frequency:
    """The frequency of an alias like 30min, W-WED or QS-FEB, placed where the first time lies.

    times, starts, name_of: as for `infer`. Raises DataError for times that contradict the alias, and
    SettingsError for what is no alias.
    """
    frequency = _parse(alias, times)
    try:
        positions = ordinals(frequency, times, name_of)
    except DataError as error:
        raise DataError(
            f"--freq {alias}: {error.message}", "name the step that the times have"
        ) from None

    steps = np.diff(positions, prepend=positions[:1])[_has_predecessor(times, starts)]
    if len(steps) and steps.min() > 1:
        raise DataError(
            f"--freq {alias}: no two rows are one step apart, the nearest are {int(steps.min()):,}",
            "name the step that the times have",
        )
    return frequency


def _has_predecessor(times: Ints, starts: Ints) -> NDArray[np.bool_]:
    """(N,): whether a row before this one belongs to the same series."""
    result = np.ones(len(times), bool)
    result[starts] = False
    return result


def _most_frequent(sizes: Ints) -> int:
    if (sizes == sizes[0]).all():
        return int(sizes[0])
    values, counts = np.unique(sizes, return_counts=True)
    return int(values[np.argmax(counts)])


def _skips_weekends(times: Ints) -> bool:
    """Whether daily times go on for a week or more without a Saturday or a Sunday."""
    return bool(np.is_busday(_days(times)).all() and np.ptp(times) >= WEEK)


def _fixed(times: Ints, size: int, name_of: NameOf) -> Frequency:
    """Steps of `size` microseconds, placed where the first time lies."""
    phase = int(times[0] % size)
    off_grid = np.flatnonzero(times % size != phase)
    if len(off_grid):
        raise DataError(
            f"the times are not on one grid: most are {_distance(size)} apart, "
            f"{name_of(times[off_grid[0]])} is not on it",
            "correct or remove the odd rows, or bring the rows to one step first",
        )
    return Frequency("fixed", size, phase)


def _infer_months(times: Ints, has_predecessor: NDArray[np.bool_], clock: int) -> Frequency | None:
    """The frequency of times that lie on the same day of their months; None if these do not."""
    months, day, length = _months_and_days(times)
    steps = np.diff(months, prepend=months[:1])[has_predecessor]
    if (steps < 1).any():
        return None

    # A 31st becomes the last day of a shorter month.
    largest = int(day.max())
    if not (day == np.minimum(largest, length)).all():
        return None
    if (day == length).all():
        largest = _LAST_DAY

    size = _most_frequent(steps)
    if (months % size != months[0] % size).any():
        size = int(np.gcd.reduce(np.append(steps, months - months[0])))
    return Frequency("months", size, int(months[0] % size), largest, clock)


def _parse(alias: str, times: Ints) -> Frequency:
    """The frequency of an alias, placed where the first time lies.

    Raises SettingsError for a text that is no alias.
    """
    count, unit, anchor = _parts_of_alias(alias)
    if count > 1:
        anchor = ""  # it places one week, quarter or year; the first time places longer steps

    if unit == "B":
        return Frequency("business", 1, clock=int(times[0] % DAY))
    if unit in _UNITS:
        return _of_fixed_steps(count * _UNITS[unit], anchor, times)
    return _of_months(count * _MONTHS[unit[0]], unit, anchor, times)


def _parts_of_alias(alias: str) -> tuple[int, str, str]:
    """The number, the unit and the anchor of an alias. Raises SettingsError."""
    match = re.fullmatch(r"(\d*)(min|s|h|D|B|W|[MQY][SE])(?:-([A-Z]{3}))?", alias)
    if match is None:
        raise _no_step(alias)

    count, unit, anchor = int(match[1] or 1), match[2], match[3] or ""
    if not 1 <= count <= (1 if unit == "B" else MOST_UNITS):
        raise _no_step(alias)

    anchors = {"W": _WEEKDAYS, "Q": _MONTH_NAMES, "Y": _MONTH_NAMES}.get(unit[0], ())
    if anchor and anchor not in anchors:
        raise _no_step(alias)
    return count, unit, anchor


def _of_fixed_steps(size: int, weekday: str, times: Ints) -> Frequency:
    """Steps of `size` microseconds from the first time on, or from a day of the week."""
    if not weekday:
        return Frequency("fixed", size, int(times[0] % size))
    day = (_WEEKDAYS.index(weekday) - _THURSDAY) % 7
    return Frequency("fixed", size, day * DAY + int(times[0] % DAY))


def _of_months(size: int, unit: str, anchor: str, times: Ints) -> Frequency:
    """Steps of `size` months from the first time on, or from a month of the year; at the first or
    the last day of the month, as the unit says."""
    month = int(_months_and_days(times[:1])[0][0])
    if anchor:
        month = _MONTH_NAMES.index(anchor)
    day = 1 if unit[1] == "S" else _LAST_DAY
    return Frequency("months", size, month % size, day, int(times[0] % DAY))


def _no_step(alias: str) -> SettingsError:
    return SettingsError(
        f"--freq: {alias!r} is not a step",
        "use e.g. --freq h, 30min, D, B, W-WED, MS, ME, QS or YE",
    )


# -- times and positions -----------------------------------------------------------------------


def ordinals(frequency: Frequency, times: Ints, name_of: NameOf | None = None) -> Ints:
    """Positions of times on the grid, (N,) -> (N,).

    Raises DataError for a time off the grid.
    """
    if frequency.kind in ("step", "fixed"):
        positions = (times - frequency.phase) // frequency.size
    elif frequency.kind == "business":
        positions = np.busday_count(_EPOCH, _days(times)).astype(np.int64)
    else:
        positions = (_months_and_days(times)[0] - frequency.phase) // frequency.size

    off_grid = np.flatnonzero(times_at(frequency, positions) != times)
    if len(off_grid):
        time = times[off_grid[0]]
        shown = str(time) if frequency.kind == "step" else (name_of or stamp)(time)
        raise DataError(
            f"{shown} is not on the grid of the other times ({describe(frequency)})",
            "correct or remove the odd rows",
        )
    return positions


def check_range(low: int, high: int) -> None:
    """Raise DataError unless times, in microseconds, lie in the years 1 to 9999."""
    if low < EARLIEST or high > LATEST:
        raise DataError(
            "the times go beyond the years 1 to 9999",
            "correct the times, or forecast fewer steps with --horizon",
        )


def times_at(frequency: Frequency, positions: Ints) -> Ints:
    """Times at positions on the grid: the inverse of `ordinals`.

    Raises DataError for times after the year 9999.
    """
    positions = np.asarray(positions, np.int64)
    size, phase = frequency.size, frequency.phase
    if frequency.kind == "step":
        return positions * size + phase
    if not len(positions):
        return positions

    low, high = int(positions.min()), int(positions.max())
    if frequency.kind == "fixed":
        check_range(low * size + phase, high * size + phase)
        return positions * size + phase

    # A rough check comes first: larger numbers would silently wrap around in what follows.
    shortest = 28 * DAY * size if frequency.kind == "months" else DAY
    check_range(low * shortest, high * shortest)

    if frequency.kind == "business":
        days = np.busday_offset(_EPOCH, positions, roll="forward")
    else:
        days = _days_of_months(positions * size + phase, frequency.day)
    times: Ints = days.astype("datetime64[us]").astype(np.int64) + frequency.clock
    check_range(int(times.min()), int(times.max()))
    return times


def stamp(time: int | np.int64) -> str:
    """A time in a message, without zeros at its end: `2024-03-31`, `2024-03-31T02:00:00`."""
    text = str(np.int64(time).view("datetime64[us]"))
    return text.removesuffix(".000000").removesuffix("T00:00:00")


def _days(times: Ints) -> NDArray[np.datetime64]:
    return np.asarray(times, np.int64).view("datetime64[us]").astype("datetime64[D]")


def _months_and_days(times: Ints) -> tuple[Ints, Ints, Ints]:
    """Months since 1970, day of the month from 1, days in that month."""
    days = _days(times)
    months = days.astype("datetime64[M]")
    begin = months.astype("datetime64[D]")
    end = (months + 1).astype("datetime64[D]")
    day = (days - begin).astype(np.int64) + 1
    return months.astype(np.int64), day, (end - begin).astype(np.int64)


def _days_of_months(months: Ints, day: int) -> NDArray[np.datetime64]:
    """That day of each month (months since 1970), or the last one of a shorter month."""
    dated = months.view("datetime64[M]")
    begin = dated.astype("datetime64[D]")
    length = ((dated + 1).astype("datetime64[D]") - begin).astype(np.int64)
    days: NDArray[np.datetime64] = begin + (np.minimum(day, length) - 1)
    return days


# -- what a frequency says about a series ------------------------------------------------------


def season_lengths(frequency: Frequency) -> tuple[int, ...]:
    """Season lengths in steps that are usual for this frequency, shortest first.

    Hourly rows have 24 and 168, monthly ones 12.
    """
    size = frequency.size
    if frequency.kind == "business":
        return (5,)
    if frequency.kind == "months":
        return (12 // size,) if size < 12 and 12 % size == 0 else ()
    if frequency.kind == "step":
        return ()
    if size == WEEK:
        return (52,)

    periods = (HOUR, DAY) if size < MINUTE else (DAY, WEEK)
    lengths = []
    for period in periods:
        if period % size == 0 and period >= 2 * size:
            lengths.append(period // size)
    return tuple(lengths)


def default_horizon(frequency: Frequency) -> int:
    """One main season, or 10 where it is unknown or long.

    Hourly 24, daily 7, weekly 13, monthly 12, quarterly 4.
    """
    if frequency.kind == "fixed" and frequency.size == WEEK:
        return 13
    lengths = season_lengths(frequency)
    if lengths and lengths[0] <= MOST_DEFAULT_STEPS:
        return lengths[0]
    return 10


def describe(frequency: Frequency) -> str:
    """The frequency in words: `hourly`, `every 30 minutes`, `monthly`, `every 3 days`."""
    size = frequency.size
    if frequency.kind == "step":
        return "steps without a time" if size == 1 else f"steps of {size:,}"
    if frequency.kind == "business":
        return "business days"
    if frequency.kind == "months":
        return _NAMES_OF_MONTHS.get(size, f"every {size} months")

    for unit, single, several in _NAMES:
        if size == unit:
            return single
        if size % unit == 0:
            return f"every {size // unit} {several}"
    return f"every {size} microseconds"


def _distance(size: int) -> str:
    """Microseconds in words: `1 day`, `29 days`, `90 minutes`."""
    for unit, _, several in _NAMES:
        if size % unit == 0:
            count = size // unit
            return f"1 {several.removesuffix('s')}" if count == 1 else f"{count:,} {several}"
    return f"{size:,} microseconds"


def to_json(frequency: Frequency) -> dict[str, Any]:
    """The frequency as it stands in JSON documents."""
    return dataclasses.asdict(frequency)


def features(frequency: Frequency, times: Ints) -> NDArray[np.float64]:
    """Where times (N,) stand in the day, week and year, as sines and cosines: (N, 0 to 6).

    A cycle is there only if it is longer than a step. Steps without a time have none.
    """
    if frequency.kind == "step":
        return np.empty((len(times), 0))

    times = np.asarray(times, np.int64)
    is_fixed = frequency.kind == "fixed"
    phases = []
    if is_fixed and frequency.size < DAY:
        phases.append(times % DAY / DAY)
    if frequency.kind == "business" or (is_fixed and frequency.size < WEEK):
        phases.append(times % WEEK / WEEK)
    if frequency.kind != "months" or frequency.size < 12:
        year = times.view("datetime64[us]").astype("datetime64[Y]").astype("datetime64[us]")
        phases.append((times - year.astype(np.int64)) / (365.2425 * DAY))

    angles = 2 * np.pi * np.array(phases).T.reshape(len(times), len(phases))
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
