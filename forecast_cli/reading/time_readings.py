"""Which format a column of times is written in: all texts are read in every format that may be
theirs.

A column is read only if one format, or one set of formats that the user named, reads all of its
texts in one way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice, product

import numpy as np
from numpy.typing import NDArray

from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError, Remedy
from forecast_cli.messages import and_more
from forecast_cli.reading.date_formats import as_options, form, formats, mixed_steps, steps
from forecast_cli.reading.date_parsing import NEVER, STEP, Stamps, parse, parse_stamps
from forecast_cli.reading.records import Table
from forecast_cli.reading.remedies import SKIPPING, read_as, without_footer

MOST_WAYS = 8  # combinations of formats that are tried
SHOWN_WAYS = 2

Formats = NDArray[np.uint16]


@dataclass(eq=False)
class FormatReading:
    """What one format, or several, made of the texts of a column so far.

    times: (R,) microseconds, NEVER where no format fits; which: (R,) the format of each row,
    empty for a single one; bad: how many rows no format fits, the first of them being
    first_bad; unclear: the first row that two formats read as different times.
    """

    patterns: tuple[str, ...]
    times: Ints
    which: Formats
    bad: int = 0
    first_bad: tuple[int, str] = (0, "")  # row, text
    unclear: tuple[int, str, str, str] | None = None  # row, text, one format, the other

    @property
    def pattern(self) -> str:
        """The formats in words."""
        return " or ".join(self.patterns)

    def add_stamps(self, stamps: Stamps, start: int) -> bool:
        """Read the bytes (n,) of the rows from `start`; False, and nothing added, if one of
        them needs a closer look.
        """
        read = read_with(self.patterns, lambda pattern: parse_stamps(stamps, pattern))
        if read.differing is not None or (read.times == NEVER).any():
            return False
        self._put(start, read.times, read.which)
        return True

    def add(self, codes: Ints, cells: list[str], start: int) -> None:
        """Read the rows from `start`. codes: (n,) positions in the distinct `cells`."""
        read = read_with(self.patterns, lambda pattern: parse(cells, pattern))
        times = read.times[codes]
        if (read.times == NEVER).any():
            self._count_bad(times, codes, cells, start)

        if read.differing is not None and self.unclear is None:
            at, one, other = read.differing
            row = start + int(np.flatnonzero(codes == at)[0])
            self.unclear = (row, cells[at], one, other)

        self._put(start, times, read.which[codes] if len(read.which) else read.which)

    def newest_pattern(self, good: NDArray[np.bool_]) -> str:
        """The format of the newest of the good rows (R,)."""
        if len(self.patterns) == 1:
            return self.patterns[0]
        rows = np.flatnonzero(good)
        times = self.times[rows]
        newest = int(rows[np.flatnonzero(times == times.max())[-1]])
        return self.patterns[int(self.which[newest])]

    def _count_bad(self, times: Ints, codes: Ints, cells: list[str], start: int) -> None:
        bad = np.flatnonzero(times == NEVER)
        if len(bad) and not self.bad:
            self.first_bad = (start + int(bad[0]), cells[int(codes[bad[0]])])
        self.bad += len(bad)

    def _put(self, start: int, times: Ints, which: Formats) -> None:
        rows = slice(start, start + len(times))
        self.times[rows] = times
        if len(which):
            self.which[rows] = which


def nothing_read(patterns: Iterable[str], rows: int) -> FormatReading:
    """The reading in some formats before the first text is added. rows: how many there will be."""
    distinct = tuple(dict.fromkeys(patterns))
    which = np.empty(rows if len(distinct) > 1 else 0, np.uint16)
    return FormatReading(distinct, np.empty(rows, np.int64), which)


@dataclass(frozen=True, eq=False)
class ReadTexts:
    """What formats make of n texts.

    times: (n,), NEVER where no format fits; which: (n,) the format of each, empty for a single
    one; differing: the first text that two formats read differently, and those formats.
    """

    times: Ints
    which: Formats
    differing: tuple[int, str, str] | None


def read_with(patterns: tuple[str, ...], parsed: Callable[[str], Ints]) -> ReadTexts:
    """Read each text by the first format that fits it. parsed: (n,) times of all texts in one
    format.
    """
    times = parsed(patterns[0])
    which = np.zeros(len(times) if len(patterns) > 1 else 0, np.uint16)
    differing: tuple[int, str, str] | None = None

    for number, pattern in enumerate(patterns[1:], 1):
        other = parsed(pattern)
        apart = np.flatnonzero((times != NEVER) & (other != NEVER) & (times != other))
        if len(apart) and (differing is None or apart[0] < differing[0]):
            at = int(apart[0])
            differing = at, patterns[which[at]], pattern
        new = (times == NEVER) & (other != NEVER)
        times = np.where(new, other, times)
        which[new] = number
    return ReadTexts(times, which, differing)


# -- the one reading of a column ---------------------------------------------------------------


def choose_reading(
    readings: list[FormatReading],
    table: Table,
    column: str,
    example: str,
    distinct: Callable[[], list[str]],
    *,
    skip: bool,
) -> FormatReading:
    """The one reading of a column that all its texts allow. Raises DataError.

    example: a text of the column; distinct: returns its distinct texts, and is called only if
    some are not read; skip: whether rows that are not read are left out.
    """
    fewest = min(reading.bad for reading in readings)
    best = [reading for reading in readings if reading.bad == fewest]
    if fewest and not skip:
        raise _not_like_the_others(best, table, column, distinct())

    first = best[0]
    if first.unclear is not None:
        row, cell, one, other = first.unclear
        raise table.error(
            row,
            f"{cell!r} could be {one} or {other}",
            "bring these rows to one format, or name only one of the two with --date-format",
            column=column,
            value=cell,
            option="date_format",
        )

    for reading in best[1:]:
        if (first.times != reading.times).any():
            one, other = first.pattern, reading.pattern
            raise DataError(
                f"column {column!r}: {example!r} could be {one} or {other}, "
                "and so could every other row",
                f"use {as_options([one])} or {as_options([other])}",
                option="date_format",
                remedies=[read_as(one, example), read_as(other, example)],
                column=column,
                value=example,
            )
    return first


def _not_like_the_others(
    best: list[FormatReading], table: Table, column: str, distinct: list[str]
) -> DataError:
    """What is wrong with the first text that is not read, and how to have it read."""
    reading = best[0]
    row, cell = reading.first_bad
    more = and_more(reading.bad)
    patterns = [one.patterns for one in best]
    hint = remedy(patterns, distinct)
    remedies = _remedies(patterns, distinct, cell) or [SKIPPING]
    is_at_end = row == table.rows - reading.bad
    if is_at_end and not hint and not re.search(r"\d", cell):
        hint = (
            f"use --footer {reading.bad} if the data end before it, correct the row, or use "
            "--bad-rows skip"
        )
        remedies = [without_footer(reading.bad), SKIPPING]

    if reading.patterns == (STEP,):
        return table.error(
            row,
            f"{cell!r} is not a whole number like the others{more}",
            "correct the row, or use --bad-rows skip",
            column=column,
            value=cell,
            option="bad_rows",
            remedies=[SKIPPING],
        )

    if _is_hour_25(cell, reading.pattern):
        hint = (
            "hour 25 is the hour that is there twice when the clocks go back: write the times of "
            "this day with their offset, e.g. 02:00+01:00, or use --bad-rows skip to leave it out"
        )
        remedies = [SKIPPING]

    if _is_no_day(cell, reading.patterns, distinct):
        return table.error(
            row,
            f"{cell!r} is not a date that exists ({reading.pattern}){more}",
            hint or "correct the row, or use --bad-rows skip",
            column=column,
            value=cell,
            option="bad_rows",
            remedies=remedies,
        )
    return table.error(
        row,
        f"{cell!r} is not a date like the others ({reading.pattern}){more}",
        hint or "write all dates in one format, or name theirs with --date-format",
        column=column,
        value=cell,
        option="date_format",
        remedies=remedies,
    )


def _is_no_day(cell: str, patterns: tuple[str, ...], distinct: list[str]) -> bool:
    """Whether a text is written like others that are dates: it is a day such as February 30th."""
    alike = [text for text in distinct if form(text) == form(cell)]
    read = read_with(patterns, lambda pattern: parse(alike, pattern))
    return bool((read.times != NEVER).any())


def _is_hour_25(cell: str, pattern: str) -> bool:
    return "H" in pattern and bool(re.search(r"(^|\s|HE)25(:00){0,2}$", cell))


# -- rows that are written in another way ------------------------------------------------------


def remedy(ways: list[tuple[str, ...]], distinct: list[str]) -> str:
    """What to do about texts that none of these (sets of) formats reads whole; empty where that
    is not known.
    """
    examples = steps(distinct)
    if len(examples) > 1:
        return mixed_steps(examples)

    wider = _wider(ways, distinct)
    if not 1 <= len(wider) <= SHOWN_WAYS:
        return ""
    return f"use {' or '.join(map(as_options, wider))}"


def _remedies(ways: list[tuple[str, ...]], distinct: list[str], cell: str) -> list[Remedy]:
    """The same as remedies; none where that is not known. cell: the first text that is not read."""
    wider = [] if len(steps(distinct)) > 1 else _wider(ways, distinct)
    if len(wider) > SHOWN_WAYS:
        return []

    remedies = []
    for way in wider:
        own = next((one for one in way if _reads_all(one, [cell])), way[-1])
        remedies.append(Remedy({"date_format": list(way)}, read_as(own, cell).effect))
    return remedies


def _wider(ways: list[tuple[str, ...]], distinct: list[str]) -> list[tuple[str, ...]]:
    """Each of these sets of formats with others that read more of the texts, each text in one
    way only.
    """
    wider: list[tuple[str, ...]] = []
    known: list[Ints] = []
    tried = [(*way, *added) for way in ways for added in _missing_formats(way, distinct)]
    for way in tried[:MOST_WAYS]:
        together = tuple(dict.fromkeys(way))
        read = read_with(together, lambda pattern: parse(distinct, pattern))
        is_known = any((read.times == times).all() for times in known)
        if read.differing is None and not is_known:
            wider.append(together)
            known.append(read.times)
    return wider


def _missing_formats(way: tuple[str, ...], distinct: list[str]) -> list[tuple[str, ...]]:
    """The formats that read what these do not: one for each form of text, in every combination."""
    times = read_with(way, lambda pattern: parse(distinct, pattern)).times
    groups: dict[str, list[str]] = {}
    for at in np.flatnonzero(times == NEVER).tolist():
        groups.setdefault(form(distinct[at]), []).append(distinct[at])

    choices = []
    for group in groups.values():
        fitting = [pattern for pattern in formats(group[0]) if _reads_all(pattern, group)]
        if fitting:
            choices.append(fitting)
    if not choices:
        return []
    return list(islice(product(*choices), MOST_WAYS))


def _reads_all(pattern: str, texts: list[str]) -> bool:
    return bool((parse(texts, pattern) != NEVER).all())
