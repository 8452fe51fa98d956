"""Rows by series and time, one for each time, with their frequency: what is done about order
and repeated times.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np

from forecast_cli import calendar
from forecast_cli.calendar import Frequency, Ints
from forecast_cli.errors import DataError, Remedy, TooLittleDataError
from forecast_cli.messages import Note, and_more
from forecast_cli.panel import Floats, TimeFormat
from forecast_cli.reading.rows import Rows, of_series, take, written
from forecast_cli.reading.time_zones import KNOWN_ZONES, repeated_hour, skipped_hour, to_wall
from forecast_cli.settings import DataSettings

SHOWN = 3  # names in one message
SEEN = 1000  # series whose own frequency is looked at
DENSE = 50  # steps for each row up to which distinct times are found by marking their positions
_HOW = {
    "first": "the first was kept",
    "last": "the last was kept",
    "mean": "their mean was taken",
    "sum": "they were added",
}
_MERGING = {
    "last": Remedy({"duplicates": "last"}, "keeps the last row of each time"),
    "sum": Remedy({"duplicates": "sum"}, "adds up the rows of each time"),
    "mean": Remedy({"duplicates": "mean"}, "takes the mean of the rows of each time"),
}


@dataclass(frozen=True, eq=False)
class OrderedRows:
    """Rows by series and time without repetition.

    positions: (R,) of the rows on the grid of the frequency; bounds: (S + 1,) of the series in
    the rows; time_format: how the file writes its times.
    """

    rows: Rows
    frequency: Frequency
    positions: Ints
    bounds: Ints
    time_format: TimeFormat

    def name_of(self, position: int) -> str:
        """A step of the grid in a message: `step 7`, or its time as the file writes it."""
        time = int(calendar.times_at(self.frequency, np.array([position]))[0])
        if self.frequency.kind == "step":
            return f"step {time}"
        return written(time, self.time_format)


def order_rows(
    rows: Rows, settings: DataSettings, time_format: TimeFormat, notes: list[Note]
) -> OrderedRows:
    """Sort the rows, and merge those of one time as `--duplicates` says.

    Raises DataError, TooLittleDataError.
    """
    if rows.times is None:
        return _as_steps(rows, settings)

    rows = _sorted(rows, notes)
    rows = _merged(rows, settings, time_format, notes)
    starts = np.searchsorted(rows.codes, np.arange(len(rows.ids)))
    if len(starts) == len(rows.codes) and not settings.freq:
        raise TooLittleDataError(
            "each series has one row; at least two are needed to see the step between rows",
            "give more rows, or name the step with --freq, e.g. --freq D",
            option="freq",
        )

    if not time_format.pattern:
        return _numbered(rows, starts, settings)

    frequency = _frequency(rows, starts, settings, time_format)
    positions = calendar.ordinals(frequency, rows.known_times)
    _check_steps(rows, starts, positions, frequency)
    has_zone = time_format.offset or time_format.timezone or settings.timezone
    if frequency.kind == "fixed" and not has_zone:
        _refuse_skipped_hour(rows, positions, frequency, time_format)
    bounds = np.append(starts, len(rows.codes))
    return OrderedRows(rows, frequency, positions, bounds, time_format)


def _as_steps(rows: Rows, settings: DataSettings) -> OrderedRows:
    """Rows without times: each is one step after the row before it."""
    if settings.freq:
        raise DataError(
            "--freq needs a time column, and no column was read as one",
            "name it with --time COLUMN",
            option="time",
        )

    count = len(rows.codes)
    rows = take(rows, np.argsort(rows.codes, kind="stable"))
    bounds = np.append(np.searchsorted(rows.codes, np.arange(len(rows.ids))), count)
    positions = np.arange(count) - np.repeat(bounds[:-1], np.diff(bounds))
    return OrderedRows(rows, calendar.STEPS, positions, bounds, TimeFormat())


def _numbered(rows: Rows, starts: Ints, settings: DataSettings) -> OrderedRows:
    """Rows whose times are the numbers of steps."""
    if settings.freq:
        raise DataError(
            "--freq needs times, and these are the numbers of steps",
            "leave it out",
            option="freq",
        )
    frequency = calendar.infer_steps(rows.known_times, starts)
    positions = calendar.ordinals(frequency, rows.known_times)
    return OrderedRows(rows, frequency, positions, np.append(starts, len(rows.codes)), TimeFormat())


def _sorted(rows: Rows, notes: list[Note]) -> Rows:
    """The rows by series and time."""
    if not (np.diff(rows.codes) >= 0).all():
        rows = take(rows, np.argsort(rows.codes, kind="stable"))

    is_backwards = (np.diff(rows.known_times) < 0) & (np.diff(rows.codes) == 0)
    if not is_backwards.any():
        return rows

    words = "the rows were not in order of time; they were sorted"
    notes.append(Note("dates_sorted", "info", words))
    return take(rows, np.lexsort((rows.known_times, rows.codes)))


# -- repeated times ----------------------------------------------------------------------------


def _merged(rows: Rows, settings: DataSettings, time_format: TimeFormat, notes: list[Note]) -> Rows:
    """One row for each time of a series, as `--duplicates` says.

    The rows are in order of series and time.
    """
    is_repeated = (np.diff(rows.known_times) == 0) & (np.diff(rows.codes) == 0)
    repeated = np.flatnonzero(is_repeated)
    if not len(repeated):
        return rows

    message = _repeated_message(rows, repeated, time_format)
    has_zone = time_format.offset or settings.timezone
    if time_format.pattern and not has_zone:
        _refuse_repeated_hour(rows, repeated, message, is_refused=settings.duplicates == "error")

    if settings.duplicates == "error":
        hint, remedies = rows.telling_apart()
        merging = list(_MERGING.values())
        if remedies:  # rows that can be told apart do not correct each other
            merging = [_MERGING["sum"], _MERGING["mean"]]
        raise DataError(
            message,
            f"keep one row for each time, or use --duplicates first, last, mean or sum{hint}",
            option="duplicates",
            remedies=[*remedies, *merging],
        )

    how = _HOW[settings.duplicates]
    rows_repeat = "1 row repeats" if len(repeated) == 1 else f"{len(repeated):,} rows repeat"
    words = f"{rows_repeat} the time of another; {how}"
    notes.append(Note("duplicates", "info", words, {"rows": len(repeated)}))
    begins = np.flatnonzero(np.concatenate([[True], ~is_repeated]))
    if settings.duplicates == "last":
        return take(rows, np.append(begins[1:], len(rows.codes)) - 1)

    kept = take(rows, begins)
    if settings.duplicates == "first":
        return kept
    return _reduced_rows(rows, kept, begins, is_sum=settings.duplicates == "sum")


def _repeated_message(rows: Rows, repeated: Ints, time_format: TimeFormat) -> str:
    """What is said of the first time that is there twice. repeated: the rows whose next one has
    the same time.
    """
    row = int(repeated[0])
    places = sorted((rows.place(row), rows.place(row + 1)), key=lambda text: (len(text), text))
    series = of_series(rows.ids[rows.codes[row]])
    time = written(rows.known_times[row], time_format)
    return (
        f"{places[0]} and {places[1].rpartition(':')[2]}: {series}the time {time} is there twice"
        + and_more(len(repeated))
    )


def _refuse_repeated_hour(rows: Rows, repeated: Ints, message: str, *, is_refused: bool) -> None:
    """Raise DataError if the clocks of some zone have all these hours twice.

    is_refused: whether repeated times are refused in any case.
    """
    steps = np.diff(rows.known_times)
    inside = steps[(steps > 0) & (np.diff(rows.codes) == 0)]
    if not len(inside) or np.median(inside) > calendar.HOUR:
        return

    times = np.unique(rows.known_times[repeated])
    name = repeated_hour(times)
    if name:
        raise DataError(
            f"{message}, as the clocks of {name} have it",
            _zone_hint(name),
            option="timezone",
            remedies=_zones(name)[:1],
        )

    name = repeated_hour(times - calendar.HOUR)
    if name and is_refused:
        raise DataError(
            f"{message}, as the clocks of {name} have it where a time is the end of an hour",
            f"write the beginnings of the hours and use --timezone {name}, write the times with "
            "their offset, or use --duplicates first, last or mean",
            option="duplicates",
            remedies=[_MERGING["last"], _MERGING["mean"]],
        )


def _refuse_skipped_hour(
    rows: Rows, positions: Ints, frequency: Frequency, time_format: TimeFormat
) -> None:
    """Raise DataError if the only hours that are missing are those that the clocks of some zone
    skip.
    """
    times = _distinct_times(rows.known_times, positions, frequency)
    name, hour = skipped_hour(times, frequency.size)
    if name:
        time = written(hour, time_format)
        raise DataError(
            f"no row is in the hour from {time}, which the clocks of {name} skip",
            _zone_hint(name),
            option="timezone",
            remedies=_zones(name),
        )


def _zone_hint(name: str) -> str:
    return f"use --timezone {name} (or another), or --timezone UTC if the clocks never change"


def _zones(name: str) -> list[Remedy]:
    return [
        Remedy({"timezone": name}, f"reads the times as those of the clocks in {name}"),
        Remedy({"timezone": "UTC"}, "reads the times as those of clocks that never change"),
    ]


def _zones_of_days(times: Ints) -> list[Remedy]:
    """The zones in which all of these times are midnight."""
    names = [name for name in KNOWN_ZONES if not (to_wall(times, name) % calendar.DAY).any()]
    return [_zones(name)[0] for name in names]


def _distinct_times(times: Ints, positions: Ints, frequency: Frequency) -> Ints:
    """The distinct times, ascending; by marking their positions, which needs no sorting."""
    low = int(positions.min())
    span = int(positions.max()) - low + 1
    if span > DENSE * len(times):
        return np.unique(times)
    is_there = np.zeros(span, bool)
    is_there[positions - low] = True
    return calendar.times_at(frequency, low + np.flatnonzero(is_there))


def _reduced_rows(rows: Rows, kept: Rows, begins: Ints, *, is_sum: bool) -> Rows:
    """The kept rows with the sums or means of their groups.

    Covariates are never summed, and texts not changed.
    """
    targets = {
        name: _reduced(values, begins, is_sum=is_sum) for name, values in rows.targets.items()
    }
    covariates = dict(kept.covariates)
    for name, values in rows.covariates.items():
        if name not in rows.levels:
            covariates[name] = _reduced(values, begins, is_sum=False)
    return replace(kept, targets=targets, covariates=covariates)


def _reduced(values: Floats, begins: Ints, *, is_sum: bool) -> Floats:
    """The sum or mean of the values of each group; NaN only where all are missing."""
    is_known = ~np.isnan(values)
    counts = np.add.reduceat(is_known.astype(np.int64), begins)
    sums = np.add.reduceat(np.where(is_known, values, 0.0), begins)
    reduced: Floats = sums if is_sum else sums / np.maximum(counts, 1)
    reduced[counts == 0] = np.nan
    return reduced


# -- frequency ---------------------------------------------------------------------------------


def _frequency(
    rows: Rows, starts: Ints, settings: DataSettings, time_format: TimeFormat
) -> Frequency:
    """The frequency that the user named, else that of the times."""
    times = rows.known_times
    name_of = functools.partial(written, time_format=time_format)
    if settings.freq:
        return calendar.named(settings.freq, times, starts, name_of)

    try:
        return calendar.infer(times, starts, name_of)
    except DataError as error:
        if time_format.offset and not time_format.timezone:
            # Days whose offset changes are not all of one length.
            error.hint = (
                "name the zone of local days with --timezone, or bring the rows to one step first"
            )
            error.option = "timezone"
            error.remedies = tuple(_zones_of_days(times))
        examples = _examples_of_steps(rows, starts)
        if len(examples) < 2:
            raise

    shown = [f"{label!r} is {words}" for words, label in list(examples.items())[:SHOWN]]
    raise DataError(
        f"the series have different steps: {', '.join(shown)}",
        "give series of one step, or name it with --freq",
        option="freq",
    )


def _examples_of_steps(rows: Rows, starts: Ints) -> dict[str, str]:
    """The steps of the single series, in words, and the first series of each."""
    examples: dict[str, str] = {}
    bounds = np.append(starts, len(rows.codes))
    for number in range(min(len(starts), SEEN)):
        times = rows.known_times[bounds[number] : bounds[number + 1]]
        try:
            frequency = calendar.infer(times, np.zeros(1, np.int64))
        except DataError:
            continue
        examples.setdefault(calendar.describe(frequency), rows.ids[number])
    return examples


def _check_steps(rows: Rows, starts: Ints, positions: Ints, frequency: Frequency) -> None:
    """Refuse a series whose rows are never one step apart: it has another step than the file."""
    if len(starts) < 2:
        return

    steps = np.diff(positions, append=positions[-1:] + 1)
    ends = np.append(starts[1:], len(positions))
    steps[ends - 1] = np.iinfo(np.int64).max
    nearest = np.minimum.reduceat(steps, starts)
    wrong = np.flatnonzero((nearest > 1) & (ends - starts >= 3))
    if len(wrong):
        label, step = rows.ids[wrong[0]], int(nearest[wrong[0]])
        raise DataError(
            f"series {label!r} has a row every {step:,} steps at most, "
            f"but the file is {calendar.describe(frequency)}{and_more(len(wrong))}",
            "give series of one step, or bring this one to the step of the others",
        )
