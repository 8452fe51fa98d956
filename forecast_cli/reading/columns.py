"""The cells of a table: every column that has a role, read as what it is.

Numbers are read as numbers and times from their bytes, in one pass over the text. Only where
that fails, a second, textual pass finds out what is there and names the cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast_cli import calendar
from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError, Remedy, SettingsError
from forecast_cli.messages import and_more
from forecast_cli.panel import Floats, TimeFormat
from forecast_cli.reading import joined_times
from forecast_cli.reading.date_formats import check_together, formats, is_date, mixed_steps, steps
from forecast_cli.reading.date_parsing import EPOCHS, NEVER, STEP, layout
from forecast_cli.reading.number_columns import number_format_of, read_number_texts
from forecast_cli.reading.number_formats import PLAIN, describe
from forecast_cli.reading.parsing import (
    MISSING,
    Sample,
    Wanted,
    distinct_texts,
    factorized,
    is_cut,
    missing_words,
    read_frames,
    texts_at,
)
from forecast_cli.reading.records import Table
from forecast_cli.reading.remedies import SKIPPING
from forecast_cli.reading.roles import Roles
from forecast_cli.reading.short_dates import short_formats
from forecast_cli.reading.time_readings import FormatReading, choose_reading, nothing_read
from forecast_cli.reading.time_styles import examples_of, written_like
from forecast_cli.reading.whole_numbers import are_whole_numbers, format_of_whole_numbers
from forecast_cli.settings import DataSettings

LARGEST = 1e150  # of a number
SEEN_MIDNIGHTS = 5000  # rows at the beginning of a chunk that are searched for a midnight
LEVELS = 50  # distinct texts of a covariate
MANY_LEVELS = 100 * LEVELS  # distinct texts, with those of missing values, that end the reading
ROOM = 16  # bytes, rounded to words, by which an id may be longer than those of the first rows
SEEN = 100  # cells that are searched for a date, where bad rows are left out


class TextColumn(NamedTuple):
    """A column of texts: codes (R,) are positions in the distinct texts."""

    codes: Ints
    distinct: list[str]


@dataclass(frozen=True, eq=False)
class Cells:
    """The columns of a table, read: (R,) each.

    times: microseconds, NEVER where there is none, or the numbers of steps; reading: how they
    were read; examples: some of their texts; bad: rows with something that cannot be read, which are refused, or left out; written:
    how the numbers of a column are written, in words, where they are not plain.
    """

    times: Ints | None
    reading: FormatReading | None
    examples: list[str]
    texts: dict[str, TextColumn]
    numbers: dict[str, Floats]
    bad: NDArray[np.bool_]
    written: dict[str, str]


def read_cells(table: Table, sample: Sample, roles: Roles, settings: DataSettings) -> Cells:
    """Read the columns that have a role.

    Raises DataError for cells that are not what they should be.

    With `--bad-rows skip` their rows are marked as bad instead.
    """
    parsed = _parse(table, sample, roles, settings)
    skip = settings.bad_rows == "skip"
    bad = parsed.bad
    for name, values in parsed.numbers.items():
        bad |= _too_large(table, name, values, skip=skip)

    times: Ints | None = None
    reading: FormatReading | None = None
    if roles.time:
        reading = choose_reading(
            parsed.readings,
            table,
            ",".join(roles.time),
            sample_of_times(sample, roles.time)[0],
            lambda: distinct_times(table, roles.time),
            skip=skip,
        )
        times = reading.times
    elif settings.date_format:
        raise SettingsError(
            "--date-format without a time column",
            "name the column with --time COLUMN",
            option="time",
        )

    if times is not None:
        bad |= times == NEVER

    if roles.id:
        bad |= _without_id(table, roles.id, parsed.texts[roles.id], bad, skip=skip)

    numbers = {name: parsed.numbers[name] for name in roles.numeric}
    return Cells(times, reading, parsed.examples, parsed.texts, numbers, bad, parsed.written)


def sample_of_times(sample: Sample, columns: Sequence[str]) -> list[str]:
    """The texts of the time in the first rows; those of several columns, joined."""
    if len(columns) == 1:
        return sample[columns[0]]
    return joined_times.joined_sample(sample, columns)


def distinct_times(table: Table, columns: Sequence[str]) -> list[str]:
    """The distinct texts of the time, by reading them again."""
    if len(columns) == 1:
        return distinct_texts(table, columns[0])
    return joined_times.distinct_joined(table, columns)


def times_at(table: Table, columns: Sequence[str], rows: Ints) -> list[str]:
    """The texts of the time in some rows, which ascend."""
    if len(columns) == 1:
        return texts_at(table, columns[0], rows)
    return joined_times.joined_at(table, columns, rows)


def time_format_of(table: Table, sample: Sample, roles: Roles, cells: Cells) -> TimeFormat:
    """How the newest times are written; some row must be good."""
    if cells.reading is None:
        return TimeFormat("")

    pattern = cells.reading.newest_pattern(~cells.bad)
    if pattern in EPOCHS:
        return TimeFormat(pattern, offset="Z")
    if pattern == STEP:
        return TimeFormat("")

    examples = list(cells.examples)
    if "%z" in pattern or "%Z" in pattern:
        last = np.flatnonzero(~cells.bad)[-1:]
        examples += times_at(table, roles.time, last)

    if len(roles.time) > 1:
        pattern = joined_times.with_columns(pattern, roles.time, sample)
    time_format = written_like(pattern, examples)
    if "%z" in pattern and not time_format.offset:
        return replace(time_format, offset="Z")
    return time_format


def too_many_levels(name: str) -> DataError:
    """The error for a text covariate with more different values than a network can use."""
    return DataError(
        f"text covariate {name!r} has more than {LEVELS} different values",
        "leave it out, or group its values",
        column=name,
    )


# -- cells that are not what they should be ----------------------------------------------------


def _too_large(table: Table, name: str, values: Floats, *, skip: bool) -> NDArray[np.bool_]:
    """Which values are infinite or huge. Raises DataError unless they are to be left out."""
    is_large = np.abs(values) > LARGEST
    if skip or not is_large.any():
        return is_large

    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise table.error(
            int(infinite[0]),
            f"column {name!r} is infinite or overflows{and_more(len(infinite))}",
            "correct these cells, or leave them empty",
        )

    row = int(np.argmax(is_large))
    text = repr(float(values[row]))
    raise table.error(row, f"{text} is too large", "scale the column", column=name, value=text)


def _without_id(
    table: Table, name: str, ids: TextColumn, bad: NDArray[np.bool_], *, skip: bool
) -> NDArray[np.bool_]:
    """Which rows have no id. Raises DataError unless they are to be left out."""
    is_empty = np.array([not text for text in ids.distinct])[ids.codes]
    rows = np.flatnonzero(is_empty & ~bad)
    if len(rows) and not skip:
        raise table.error(
            int(rows[0]),
            f"column {name!r} is empty",
            "give every row an id, or use --bad-rows skip",
            option="bad_rows",
            remedies=[SKIPPING],
        )
    return is_empty


# -- parsing -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Parsed:
    """Columns after parsing. readings: of the time, in every format that may be its own; examples:
    some of its texts.
    """

    readings: list[FormatReading]
    texts: dict[str, TextColumn]
    numbers: dict[str, Floats]
    bad: NDArray[np.bool_]
    written: dict[str, str]
    examples: list[str]


def _parse(table: Table, sample: Sample, roles: Roles, settings: DataSettings) -> _Parsed:
    """Numbers as pandas reads them, if it can; else in the number format that all cells
    together show.
    """
    request = _Request(table, sample, roles, settings, roles.numeric)
    plain_settings = (settings.decimal, settings.thousands) in ((None, None), (".", None))
    if table.delimiter != ";" and plain_settings:
        parsed = _with_numbers(request)
        if parsed is not None:
            return parsed

    number_format = number_format_of(table, settings, roles.numeric)
    style = describe(number_format)
    if not number_format.thousands:
        parsed = _with_numbers(replace(request, decimal=number_format.decimal))
        if parsed is not None:
            return replace(parsed, written=_styles(roles.numeric, {}, style))

    parsed = _times_and_texts(replace(request, numbers=[]))
    columns = read_number_texts(table, settings, roles.numeric, number_format)
    written = _styles(roles.numeric, columns.styles, style)
    return replace(parsed, numbers=columns.values, bad=columns.bad, written=written)


def _styles(names: list[str], beside: dict[str, str], number_format: str) -> dict[str, str]:
    """How the numbers of columns are written, in words; without those that are plain."""
    styles = {}
    for name in names:
        words = [text for text in (beside.get(name, ""), number_format) if text]
        if words:
            styles[name] = ", ".join(words)
    return styles


@dataclass(frozen=True)
class _Request:
    """What to read of a table in one pass. numbers: the columns that pandas reads; decimal:
    their decimal mark.
    """

    table: Table
    sample: Sample
    roles: Roles
    settings: DataSettings
    numbers: list[str]
    decimal: str = PLAIN.decimal

    @property
    def time(self) -> str:
        """The column of times; several, joined with commas; or nothing."""
        return ",".join(self.roles.time)

    @property
    def texts(self) -> list[str]:
        return list(dict.fromkeys(self.roles.textual))


def _with_numbers(request: _Request) -> _Parsed | None:
    """One pass over the text; None where a column of numbers has something else in it."""
    try:
        return _times_and_texts(request)
    except ValueError:
        # This is how pandas says so; our own errors are no ValueErrors.
        return None


def _times_and_texts(request: _Request) -> _Parsed:
    """One pass over the text, which reads bytes where those may be enough, and a second one
    where they are not.
    """
    candidates = _candidates(request) if request.time else []
    sizes = _sizes(request, candidates)
    if sizes:
        one_pass = _OnePass(request, candidates, sizes)
        if one_pass.read():
            return one_pass.result()

    one_pass = _OnePass(request, candidates, {})
    one_pass.read()
    return one_pass.result()


def _sizes(request: _Request, candidates: list[list[str]]) -> dict[str, int]:
    """How many bytes to read of times of one width, and of texts that come in runs, as the ids
    of a long file do.
    """
    sizes: dict[str, int] = {}
    layouts = [layout(pattern) for patterns in candidates for pattern in patterns]
    widths = [one.width for one in layouts if one is not None]
    if widths and len(widths) == len(layouts) and len(request.roles.time) == 1:
        sizes[request.time] = max(widths)

    for name in request.texts:
        cells = request.sample[name]
        runs = sum(text != before for text, before in pairwise(cells))
        if 8 * runs < len(cells):
            longest = max(len(text.encode()) for text in cells)
            sizes[name] = (longest + ROOM) // 8 * 8
    return sizes


class _OnePass:
    """One pass over the text of a table: times by every format that may be theirs, texts as
    codes, numbers typed.

    sizes: how many bytes to read of a column; all others are read as texts.
    """

    def __init__(
        self, request: _Request, candidates: list[list[str]], sizes: dict[str, int]
    ) -> None:
        rows = request.table.rows
        self.request = request
        self.sizes = sizes
        self.readings = [nothing_read(patterns, rows) for patterns in candidates]
        self.known: dict[str, dict[str, int]] = {name: {} for name in request.texts}
        self.codes = {name: np.empty(rows, np.int64) for name in request.texts}
        self.numbers = {name: np.empty(rows) for name in request.numbers}
        self.examples: list[str] = []

    def read(self) -> bool:
        """Read all rows; False where the bytes of some column are not enough.

        Raises DataError, ValueError.
        """
        request = self.request
        texts = list(dict.fromkeys([*request.roles.time, *request.texts]))
        missing = missing_words(request.settings)
        wanted = Wanted(texts, request.numbers, self.sizes, missing, request.decimal)
        if not texts and not request.numbers:
            return True

        start = 0
        for frame in read_frames(request.table, wanted):
            if not self._add_times(frame, start) or self._has_cut_texts(frame):
                return False
            self._add_texts(frame, start)
            for name in request.numbers:
                self.numbers[name][start : start + len(frame)] = frame[name]
            start += len(frame)
        return True

    def result(self) -> _Parsed:
        texts = {
            name: TextColumn(codes, list(self.known[name])) for name, codes in self.codes.items()
        }
        bad = np.zeros(self.request.table.rows, bool)
        return _Parsed(self.readings, texts, self.numbers, bad, {}, self.examples)

    def _add_times(self, frame: pd.DataFrame, start: int) -> bool:
        """Read the times of the next rows; False where their bytes are in none of the formats."""
        name = self.request.time
        if not name:
            return True

        if name in self.sizes:
            stamps: Any = frame[name].to_numpy()
            self.readings = [one for one in self.readings if one.add_stamps(stamps, start)]
            if self.readings:
                self._add_midnight(stamps, start)
            return bool(self.readings)

        codes, cells = self._time_texts(frame)
        self.examples += examples_of(cells)
        self.examples.append(cells[int(codes[-1])])
        if self.request.settings.bad_rows != "skip":
            self._refuse_missing_times(codes, cells, start)

        for reading in self.readings:
            reading.add(codes, cells, start)
        return True

    def _time_texts(self, frame: pd.DataFrame) -> tuple[Ints, list[str]]:
        """The number of each row's text, and the distinct texts without spaces around them."""
        columns = self.request.roles.time
        if len(columns) > 1:
            return joined_times.join_columns(frame, columns)
        codes, distinct = factorized(frame[columns[0]])
        return codes, [cell.strip() for cell in distinct]

    def _add_midnight(self, stamps: Any, start: int) -> None:
        """Keep the first text of a midnight, which may be an hour 24."""
        reading = self.readings[0]
        if "%H" not in reading.pattern:
            return
        times = reading.times[start : start + len(stamps)][:SEEN_MIDNIGHTS]
        midnights = np.flatnonzero(times % calendar.DAY == 0)
        self.examples += [stamps[at].decode() for at in midnights[:1].tolist()]

    def _refuse_missing_times(self, codes: Ints, cells: list[str], start: int) -> None:
        is_missing = np.array([cell in MISSING for cell in cells])
        if is_missing.any():
            row = start + int(np.flatnonzero(is_missing[codes])[0])
            column = self.request.time
            raise self.request.table.error(
                row,
                "the time is empty",
                "give every row a time, or use --bad-rows skip",
                column=column,
                option="bad_rows",
                remedies=[SKIPPING],
            )

    def _has_cut_texts(self, frame: pd.DataFrame) -> bool:
        return any(is_cut(frame[name]) for name in self.request.texts if name in self.sizes)

    def _add_texts(self, frame: pd.DataFrame, start: int) -> None:
        for name in self.request.texts:
            codes, cells = factorized(frame[name])
            numbers = self.known[name]
            if name in self.request.roles.covariates:
                cells = [cell.strip() for cell in cells]
                if len(numbers) > MANY_LEVELS:
                    raise too_many_levels(name)
            own = np.array([numbers.setdefault(cell, len(numbers)) for cell in cells], np.int64)
            self.codes[name][start : start + len(frame)] = own[codes]


# -- formats that may be those of the times ----------------------------------------------------


def _candidates(request: _Request) -> list[list[str]]:
    """The formats, or sets of formats, that may be those of the time column, by its first
    cells.
    """
    settings, name = request.settings, request.time
    if settings.date_format:
        check_together(settings.date_format)
        return [settings.date_format]

    if len(request.roles.time) > 1:
        return [[one] for one in joined_times.joined_formats(request.roles.time, request.sample)]

    cells = [cell for cell in request.sample[name] if cell not in MISSING] or [""]
    if are_whole_numbers(cells):
        return [[format_of_whole_numbers(cells, name)]]

    # Where bad rows may be dropped, the first may be one.
    seen = cells[:1] if settings.bad_rows == "error" else cells[:SEEN]
    dates = filter(is_date, seen)
    first_date = next(dates, None)
    if first_date is not None:
        return [[pattern] for pattern in formats(first_date)]

    patterns = short_formats(cells, name)
    if not patterns:
        raise _no_format(request.table, cells, name)
    return [patterns]


def _no_format(table: Table, cells: list[str], name: str) -> DataError:
    """The error for a time column whose first cells are in no format that is known."""
    hint, option = "say what it is with --date-format, e.g. %d/%m/%Y", "date_format"
    remedies: list[Remedy] = []
    examples = steps(cells)
    if len(examples) > 1:
        hint, option = mixed_steps(examples), ""
    elif any(map(is_date, cells[:SEEN])):
        hint, option = "correct the row, or use --bad-rows skip", "bad_rows"
        remedies = [SKIPPING]
    return table.error(
        0,
        f"no known date format reads {cells[0]!r}",
        hint,
        column=name,
        value=cells[0],
        option=option,
        remedies=remedies,
    )
