"""Frequencies: what step a series has, which time comes next, how long its seasons are.

A frequency maps times to whole numbers and back (`ordinals`, `times_at`), so that a series on its grid is a first
ordinal and a length, and the future index is the next ordinals. Times are int64 microseconds since 1970, in UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from forecast_cli.errors import DataError, SettingsError

Ints = NDArray[np.int64]
SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND
WEEK = 7 * DAY
EARLIEST = int(np.datetime64("0001-01-01", "us").astype(np.int64))  # of what can be written
LATEST = int(np.datetime64("9999-12-31T23:59:59.999999", "us").astype(np.int64))
KINDS = ("step", "fixed", "business", "months")


@dataclass(frozen=True)
class Frequency:
    """The grid that the times of a file lie on.

    kind `step`: rows without a time, 0, 1, 2, ...; `fixed`: every `size` microseconds, offset by `phase`;
    `business`: Monday to Friday; `months`: every `size` months, `phase` being the month modulo `size`,
    on day `day` (31: the last day of the month). `clock`: time of day in microseconds of the last two kinds.
    """

    kind: Literal["step", "fixed", "business", "months"]
    size: int = 1
    phase: int = 0
    day: int = 1
    clock: int = 0


STEPS = Frequency("step")


def _days(times: Ints) -> NDArray[np.datetime64]:
    return np.asarray(times, np.int64).view("datetime64[us]").astype("datetime64[D]")


def _months_and_days(times: Ints) -> tuple[Ints, Ints, Ints]:
    """Months since 1970, day of the month from 1, days in that month."""
    days = _days(times)
    months = days.astype("datetime64[M]")
    lengths = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(
        np.int64
    )
    return (
        months.astype(np.int64),
        (days - months.astype("datetime64[D]")).astype(np.int64) + 1,
        lengths,
    )


def stamp(time: int | np.int64) -> str:
    """A time in a message, without zeros at its end: `2024-03-31`, `2024-03-31T02:00:00`."""
    text = str(np.int64(time).view("datetime64[us]"))
    return text.removesuffix(".000000").removesuffix("T00:00:00")


def infer(times: Ints, starts: Ints) -> Frequency:
    """The frequency of sorted times.

    times: (N,) of all series, one after the other, ascending and without repetition inside each;
    starts: (S,) where each series begins. Raises DataError naming the first time that is off the grid.
    """
    inside = np.ones(len(times), bool)
    inside[starts] = False
    gaps = np.diff(times)[inside[1:]]
    if len(gaps) == 0:
        raise DataError(
            "no series has two rows, so the step between rows is unknown",
            "give at least two rows a series",
        )
    clock = times % DAY
    if (clock == clock[0]).all():
        monthly = _infer_months(times, inside, int(clock[0]))
        if monthly is not None:
            return monthly
    size = int(gaps[0])
    if (gaps != size).any():
        sizes, counts = np.unique(gaps, return_counts=True)
        size = int(sizes[np.argmax(counts)])
    if (
        size == DAY
        and (clock == clock[0]).all()
        and np.is_busday(_days(times)).all()
        and np.ptp(times) >= WEEK
    ):
        return Frequency("business", 1, clock=int(clock[0]))
    phase = int(times[0] % size)
    off = np.flatnonzero(times % size != phase)
    if len(off):
        bad = stamp(times[off[0]])
        raise DataError(
            f"the times are not on one grid: most are {describe(Frequency('fixed', size))} apart, {bad} is not on it",
            "correct or remove the odd rows, or bring the rows to one step first",
        )
    return Frequency("fixed", size, phase)


_UNITS = {"s": SECOND, "min": MINUTE, "h": HOUR, "D": DAY, "W": WEEK}
_MONTHS = {"M": 1, "Q": 3, "Y": 12}
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def named(alias: str, times: Ints, starts: Ints) -> Frequency:
    """The frequency that an alias like 30min, W-WED or QS-FEB names, placed where the first time lies.

    times, starts: as for `infer`. Raises DataError where they contradict the alias, SettingsError for no alias.
    """
    match = re.fullmatch(r"(\d*)(min|s|h|D|B|W|[MQY][SE])(?:-([A-Z]{3}))?", alias)
    count = int(match[1] or 1) if match else 0
    unit, anchor = (match[2], match[3] or "") if match else ("", "")
    anchors = {"W": _WEEKDAYS, "Q": _MONTH_NAMES, "Y": _MONTH_NAMES}.get(unit[:1], ())
    if (
        not 1 <= count <= 100_000
        or (anchor and anchor not in anchors)
        or (unit == "B" and count != 1)
    ):
        raise SettingsError(
            f"--freq: {alias!r} is not a step",
            "use e.g. --freq h, 30min, D, B, W-WED, MS, ME, QS or YE",
        )
    clock = int(times[0] % DAY)
    if unit == "B":
        frequency = Frequency("business", 1, clock=clock)
    elif unit in _UNITS:
        size = count * _UNITS[unit]
        # 1970-01-01 was a Thursday, the fourth day from Monday
        phase = (
            (_WEEKDAYS.index(anchor) - 3) % 7 * DAY + clock
            if anchor and count == 1
            else int(times[0] % size)
        )
        frequency = Frequency("fixed", size, phase)
    else:
        size = count * _MONTHS[unit[0]]
        month = (
            _MONTH_NAMES.index(anchor)
            if anchor and count == 1
            else int(_months_and_days(times[:1])[0][0])
        )
        frequency = Frequency("months", size, month % size, 1 if unit[1] == "S" else 31, clock)
    try:
        positions = ordinals(frequency, times)
    except DataError as error:
        raise DataError(
            f"--freq {alias}: {error.message}", "name the step that the times have"
        ) from None
    inside = np.ones(len(times), bool)
    inside[starts] = False
    steps = np.diff(positions, prepend=positions[:1])[inside]
    if len(steps) and steps.min() > 1:
        raise DataError(
            f"--freq {alias}: no two rows are one step apart, the nearest are {int(steps.min()):,}",
            "name the step that the times have",
        )
    return frequency


def _infer_months(times: Ints, inside: NDArray[np.bool_], clock: int) -> Frequency | None:
    months, day, length = _months_and_days(times)
    steps = np.diff(months, prepend=months[:1])[inside]
    if (steps < 1).any():
        return None
    largest = int(day.max())
    if not (day == np.minimum(largest, length)).all():
        return None
    if (day == length).all():
        largest = 31
    sizes, counts = np.unique(steps, return_counts=True)
    size = int(sizes[np.argmax(counts)])
    if (months % size != months[0] % size).any():
        size = int(np.gcd.reduce(np.append(steps, months - months[0])))
    return Frequency("months", size, int(months[0] % size), largest, clock)


def ordinals(frequency: Frequency, times: Ints) -> Ints:
    """Positions of times on the grid, (N,) -> (N,). Times off the grid raise DataError."""
    if frequency.kind == "step":
        return np.asarray(times, np.int64)
    if frequency.kind == "fixed":
        found = (times - frequency.phase) // frequency.size
    elif frequency.kind == "business":
        found = np.busday_count(np.datetime64("1970-01-01"), _days(times)).astype(np.int64)
    else:
        found = (_months_and_days(times)[0] - frequency.phase) // frequency.size
    off = np.flatnonzero(times_at(frequency, found) != times)
    if len(off):
        bad = stamp(times[off[0]])
        raise DataError(
            f"{bad} is not on the grid of the other times ({describe(frequency)})",
            "correct or remove the odd rows",
        )
    return found


def check_range(low: int, high: int) -> None:
    """Raise DataError for times, in microseconds, that no date can be written for: they end with the year 9999."""
    if low < EARLIEST or high > LATEST:
        raise DataError(
            "the times go beyond the years 1 to 9999",
            "correct the times, or forecast fewer steps with --horizon",
        )


def times_at(frequency: Frequency, positions: Ints) -> Ints:
    """Times at positions on the grid: the inverse of `ordinals`. Raises DataError for times after the year 9999."""
    positions = np.asarray(positions, np.int64)
    if frequency.kind == "step" or not len(positions):
        return positions
    low, high = int(positions.min()), int(positions.max())
    if frequency.kind == "fixed":
        check_range(low * frequency.size + frequency.phase, high * frequency.size + frequency.phase)
        return positions * frequency.size + frequency.phase

    shortest = 28 * DAY * frequency.size if frequency.kind == "months" else DAY
    check_range(
        low * shortest, high * shortest
    )  # first, as larger numbers would wrap around unseen
    if frequency.kind == "business":
        days = np.busday_offset(np.datetime64("1970-01-01"), positions, roll="forward")
    else:
        months = (positions * frequency.size + frequency.phase).view("datetime64[M]")
        begins, after = months.astype("datetime64[D]"), (months + 1).astype("datetime64[D]")
        days = begins + (np.minimum(frequency.day, (after - begins).astype(np.int64)) - 1)
    times: Ints = days.astype("datetime64[us]").astype(np.int64) + frequency.clock
    check_range(int(times.min()), int(times.max()))
    return times


def season_lengths(frequency: Frequency) -> tuple[int, ...]:
    """Season lengths in steps that this frequency usually has, shortest first: hourly 24 and 168, monthly 12."""
    if frequency.kind == "business":
        return (5,)
    if frequency.kind == "months":
        return (12 // frequency.size,) if 12 % frequency.size == 0 and frequency.size < 12 else ()
    if frequency.kind == "fixed":
        if frequency.size == WEEK:
            return (52,)
        periods = (HOUR, DAY) if frequency.size < MINUTE else (DAY, WEEK)
        return tuple(
            p // frequency.size
            for p in periods
            if p % frequency.size == 0 and p >= 2 * frequency.size
        )
    return ()


def default_horizon(frequency: Frequency) -> int:
    """One main season: hourly 24, daily 7, weekly 13, monthly 12, quarterly 4; 10 where there is none or a long one."""
    if frequency == Frequency("fixed", WEEK, frequency.phase):
        return 13
    lengths = season_lengths(frequency)
    return lengths[0] if lengths and lengths[0] <= 96 else 10


def describe(frequency: Frequency) -> str:
    """The frequency in words: `hourly`, `every 30 minutes`, `monthly`, `every 3 days`."""
    if frequency.kind == "step":
        return "steps without a time"
    if frequency.kind == "business":
        return "business days"
    if frequency.kind == "months":
        names = {1: "monthly", 3: "quarterly", 12: "yearly"}
        return names.get(frequency.size, f"every {frequency.size} months")
    for unit, name, one in (
        (WEEK, "weeks", "weekly"), (DAY, "days", "daily"), (HOUR, "hours", "hourly"),
        (MINUTE, "minutes", "every minute"), (SECOND, "seconds", "every second"),
    ):  # fmt: skip
        if frequency.size % unit == 0:
            count = frequency.size // unit
            return one if count == 1 else f"every {count} {name}"
    return f"every {frequency.size} microseconds"


def to_json(frequency: Frequency) -> dict[str, Any]:
    return {"kind": frequency.kind, "size": frequency.size, "phase": frequency.phase, "day": frequency.day, "clock": frequency.clock}  # fmt: skip


def features(frequency: Frequency, times: Ints) -> NDArray[np.float64]:
    """Where times (N,) stand in the day, the week and the year, as sines and cosines: (N, 0 to 6).

    Only cycles that are longer than a step are there; steps without a time have none.
    """
    if frequency.kind == "step":
        return np.empty((len(times), 0))
    phases = []
    if frequency.kind == "fixed" and frequency.size < DAY:
        phases.append(times % DAY / DAY)
    if frequency.kind == "business" or (frequency.kind == "fixed" and frequency.size < WEEK):
        phases.append(times % WEEK / WEEK)
    if frequency.kind != "months" or frequency.size < 12:
        year = (
            np.asarray(times, np.int64)
            .view("datetime64[us]")
            .astype("datetime64[Y]")
            .astype("datetime64[us]")
        )
        phases.append((np.asarray(times, np.int64) - year.astype(np.int64)) / (365.2425 * DAY))
    angles = 2 * np.pi * np.array(phases).T.reshape(len(times), len(phases))
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
