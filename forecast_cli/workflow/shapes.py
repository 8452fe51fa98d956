"""Whether data have the shape that a run was trained on: the step between rows, and the columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from forecast_cli import calendar
from forecast_cli.calendar import DAY, WEEK, Frequency
from forecast_cli.errors import RunMismatchError
from forecast_cli.panel import Columns, Panel
from forecast_cli.store import Run

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FIRST_WEEKDAY = WEEKDAYS.index("Thursday")  # that of 1970-01-01, from which phases are counted
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
LAST_DAY = 31  # stands for the last day of every month


def require_shape(run: Run, panel: Panel, source: str) -> None:
    """Raise RunMismatchError where a panel has other columns or times than the run was trained on.

    source: the name of the panel in the message.
    """
    trained = run.config
    if (trained.frequency, trained.columns) == (panel.frequency, panel.columns):
        return

    difference = f"it has {_shape(panel.frequency, panel.columns)}, "
    difference += f"the run {_shape(trained.frequency, trained.columns)}"
    if trained.columns == panel.columns and _have_one_step(trained.frequency, panel.frequency):
        difference = f"its rows are {_start(panel.frequency, trained.frequency)}"
    raise RunMismatchError(
        f"{source} does not fit the run {run.name}: {difference}",
        "give data of the same shape, or train on this data",
        path=source,
    )


def _shape(frequency: Frequency, columns: Columns) -> str:
    rows = f"{calendar.describe(frequency)} rows"
    return f"{rows}, time {columns.time!r}, target {columns.target!r}"


def _have_one_step(one: Frequency, other: Frequency) -> bool:
    return (one.kind, one.size) == (other.kind, other.size)


# -- the same step, from another time on -----------------------------------------------------------


@dataclass(frozen=True)
class _Where:
    """Where rows stand in a day, a week, a month or a year, in words: `on` and `a Monday`."""

    preposition: str
    words: str


def _start(ours: Frequency, trained: Frequency) -> str:
    """`weekly, on a Friday and not a Monday`: the first place in which the grids differ."""
    step = calendar.describe(ours)
    for here, there in zip(_places(ours), _places(trained), strict=True):
        if here != there:
            return f"{step}, {here.preposition} {here.words} and not {there.words}"
    return f"{step}, at other times"


def _places(frequency: Frequency) -> Iterator[_Where]:
    """Where the rows of a grid stand; grids of one kind and step have as many places."""
    size, phase = frequency.size, frequency.phase
    if frequency.kind == "step":
        yield _Where("at numbers such as", f"{phase:,}")
    elif frequency.kind == "months":
        preposition = "in" if size == len(MONTHS) else "in months such as"
        yield _Where(preposition, MONTHS[phase % len(MONTHS)])
        is_last = frequency.day == LAST_DAY
        yield _Where("on", "the last day" if is_last else f"day {frequency.day}")
        yield _Where("at", _clock(frequency.clock))
    elif frequency.kind == "business":
        yield _Where("at", _clock(frequency.clock))
    elif size % DAY:
        yield _Where("at times such as", _clock(phase))
    else:
        yield _day(size, phase)
        yield _Where("at", _clock(phase % DAY))


def _day(size: int, phase: int) -> _Where:
    """The day of rows that are whole days apart."""
    if size == WEEK:
        weekday = WEEKDAYS[(FIRST_WEEKDAY + phase // DAY) % len(WEEKDAYS)]
        return _Where("on", f"a {weekday}")
    return _Where("on days such as", calendar.stamp(phase - phase % DAY))


def _clock(time: int) -> str:
    """The time of day in microseconds, as `06:00`."""
    return (datetime.min + timedelta(microseconds=time)).time().isoformat().removesuffix(":00")
