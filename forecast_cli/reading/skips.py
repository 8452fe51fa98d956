"""Rows that `--bad-rows skip` leaves out: how many may be, and what is said where there are too
many.

A few bad rows are noise. Where a twentieth of a file is bad, or its newest row, the file is
more likely read wrongly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError, Remedy

SHARE = 0.05  # of the rows that may be left out without being asked
FEW = 10  # rows: fewer than these may be left out of any file


@dataclass(frozen=True, eq=False)
class Skipped:
    """Rows that are left out for one reason.

    lines: (n,) where each begins; what_they_have: what is said of all of them, `have dates like
    '05.01.2021'`; problem: what is wrong with the first; remedy: what is better than to leave
    them out, where that is known.
    """

    lines: Ints
    what_they_have: str
    problem: str
    remedy: str = ""


def too_many(count: int, total: int, allowed: float | None) -> bool:
    """Whether so many of the rows must not be left out. allowed: the share that was asked for,
    if one was.
    """
    if allowed is None:
        return count >= FEW and count > SHARE * total
    # Rounding must not decide: 0.58 * 100 is less than 58.
    return count > allowed * total * (1 + 1e-9)


def refuse_many(groups: list[Skipped], total: int) -> DataError:
    """The error for too many rows; the most common reason stands for all."""
    count = sum(len(group.lines) for group in groups)
    most = max(groups, key=lambda group: len(group.lines))
    share = "all" if len(most.lines) == count else f"{len(most.lines):,}"
    return DataError(
        f"{count:,} of {total:,} rows would be skipped; {share} of them {most.what_they_have}",
        f"{most.remedy or 'correct these rows'}, or allow it with --max-skipped {_enough(count, total)}",
        option="max_skipped",
        remedies=[_allowing(count, total)],
    )


def refuse_newest(newest: Skipped, place: str, series: int, count: int, total: int) -> DataError:
    """The error for the newest row of the file, or of some series; count: all rows that would
    be left out.
    """
    more = f" (and those of {series - 1:,} more series)" if series > 1 else ""
    return DataError(
        f"{place}the newest row would be skipped{more}: {newest.problem}",
        f"{newest.remedy or 'correct the row'}, or allow it with --max-skipped {_enough(count, total)}",
        option="max_skipped",
        remedies=[_allowing(count, total)],
    )


def _allowing(count: int, total: int) -> Remedy:
    rows = "1 row" if count == 1 else f"{count:,} rows"
    return Remedy(
        {"max_skipped": float(_enough(count, total))}, f"allows it to leave out {rows} of {total:,}"
    )


def _enough(count: int, total: int) -> str:
    """A share that allows so many rows, in whole percent, and at least the usual one."""
    return f"{max(math.ceil(100 * count / total) / 100, SHARE):g}"


def newest(
    rows: Ints, good: NDArray[np.bool_], times: Ints | None, codes: Ints, newest_first: bool
) -> Ints:
    """Which of these rows are, or may be, newer than all the good ones of their series.

    good: (R,); times: (R,), the least int64 where a row has none that can be read, or None for
    rows without times; codes: (R,) the series of each row. A row without a time is where it
    stands in the file.
    """
    none = np.iinfo(np.int64).min
    kept = np.flatnonzero(good)
    at = np.arange(len(good))
    if is_backwards(good, times, codes, newest_first):
        at = -at

    last = np.full(int(codes.max()) + 1, none)
    np.maximum.at(last, codes[kept], at[kept])
    newer = at[rows] > last[codes[rows]]

    if times is not None:
        latest = np.full(len(last), none)
        np.maximum.at(latest, codes[kept], times[kept])
        newer = np.where(times[rows] != none, times[rows] > latest[codes[rows]], newer)
    return rows[newer]


def is_backwards(
    good: NDArray[np.bool_], times: Ints | None, codes: Ints, newest_first: bool
) -> bool:
    """Whether the newest rows come first: as was said, or because most times of the good rows
    descend.
    """
    if newest_first or times is None:
        return newest_first

    rows = np.flatnonzero(good)
    rows = rows[np.argsort(codes[rows], kind="stable")]
    inside = np.diff(codes[rows]) == 0
    steps = np.sign(np.diff(times[rows]))[inside]
    return bool(steps.sum() < 0)
