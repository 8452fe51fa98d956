"""Numbers that stand for "missing": -999, -200, -1, 9999 among values that otherwise lie
elsewhere.

A placeholder stands at least three times in a column, is never zero, and

- is the only negative value, and a whole number or one that begins with two nines; or
- is farther from the nearest other value than the central 98 % span of the others. It then also

- looks like a code (99, 9999, -999.9, 888, 32767), or
- is negative and below the others, or a hundred times their range away, or
- stands more often than every other value but zero, in places that are not one level and not at equal distances.

The last condition spares what is far away for other reasons: a level that is held for some
time, the peak of every season, a large order of the usual size. Of several such values none
hides another. In a panel all series are one column, but a value must also be far from the other
values of the series in which it stands: a large one is no mistake.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from forecast_cli.calendar import Ints
from forecast_cli.panel import Floats

LEAST = 3  # times that a placeholder stands in its column, and places that are enough to see equal distances
OUTER = 16  # rows, and distinct values, at either end of a column among which placeholders are looked for
SEVERAL = 4  # placeholders at one end
BLOCK = 2048  # rows
CENTRAL = 0.98  # of the other values, whose span is the measure of far
VARIED = 10  # distinct other values; flags, ratings and price levels have fewer, and
TEN = 10  # there a code must be as many ranges of these away
HUNDRED = 100  # ranges of the others, which no order and no peak is away
EQUAL = 0.15  # by which distances between the peaks of seasons differ from their median
LIMITS = (
    255.0,
    32767.0,
    65535.0,
    2147483647.0,
    4294967295.0,
)  # the greatest whole numbers of some bits


@dataclass(frozen=True)
class Placeholder:
    """A value that may stand for "missing": how often it is there, its first row, and what is
    odd about it.
    """

    value: float
    count: int
    row: int
    reason: str


@dataclass(frozen=True, eq=False)
class _Counts:
    """The distinct values of a column, ascending, and how often each is there."""

    values: Floats
    times: Ints

    def __len__(self) -> int:
        return len(self.values)

    def without(self, some: Floats) -> _Counts:
        rest = ~np.isin(self.values, some)
        return _Counts(self.values[rest], self.times[rest])


def find(values: Floats, series: Ints | None = None) -> list[Placeholder]:
    """The placeholders in a column, lowest first.

    values: (R,), NaN where missing; series: (R,) the number of the series of each row, None
    where there is one.
    """
    if len(values) <= LEAST or not _may_hold_some(values):
        return []

    counts = _count(values)
    reasons: dict[float, str] = {}
    while new := _lone_negatives(counts) or _far_values(counts, values, series):
        reasons |= new
        counts = counts.without(np.array(list(new)))

    found = []
    for value in sorted(reasons):
        rows = np.flatnonzero(values == value)
        found.append(Placeholder(value, len(rows), int(rows[0]), reasons[value]))
    return found


def is_code(value: float) -> bool:
    """Whether a number is written as codes for "missing" are: 99, 998, -99.9, 8888, 32767, but
    not 9.99.
    """
    size = abs(value)
    if size < 99:
        return False

    digits = np.format_float_positional(size, trim="-").replace(".", "")
    is_repeated = len(digits) > 2 and digits in ("7" * len(digits), "8" * len(digits))
    return digits.startswith("99") or is_repeated or size in LIMITS


def _may_hold_some(values: Floats) -> bool:
    """A look at the rows with the least and the greatest values, which is all that most columns
    cost.
    """
    for signed in (values, -values):
        distinct, times = np.unique(_least(signed), return_counts=True)
        if (times[np.abs(distinct) > 0] >= LEAST).any():  # neither 0 nor NaN
            return True
    return False


def _least(values: Floats) -> Floats:
    """The rows with the least values, OUTER of them.

    In a long column only those are sorted that may be among them.
    """
    number = len(values) // BLOCK
    if number > OUTER:
        blocks = values[: number * BLOCK].reshape(number, BLOCK)
        least = np.sort(np.fmin.reduce(blocks, axis=1))[:OUTER]
        if least[0] == least[-1]:
            return least
        if not np.isnan(least[-1]):
            values = values[values <= least[-1]]
    return np.sort(values)[:OUTER]  # NaN come last


def _may_be_one(value: float, times: int) -> bool:
    return value != 0 and (times >= LEAST or is_code(value))


def _count(values: Floats) -> _Counts:
    ordered = np.sort(values)  # NaN come last
    ordered = ordered[: len(ordered) - int(np.count_nonzero(np.isnan(values)))]
    begins = np.flatnonzero(np.diff(ordered, prepend=-np.inf))
    return _Counts(ordered[begins], np.diff(begins, append=len(ordered)).astype(np.int64))


# -- the only negative values -----------------------------------------------------------------


def _lone_negatives(counts: _Counts) -> dict[float, str]:
    """The only negative value, if it is a whole number or a code; codes beside it do not count."""
    number = int(np.searchsorted(counts.values, 0.0))
    negatives, others = counts.values[:number].tolist(), counts.values[number:]
    times = counts.times[:number].tolist()
    if not 0 < number <= SEVERAL or not len(others):
        return {}

    if not all(map(_may_be_one, negatives, times)):
        return {}

    if not _are_codes_but_one(negatives) or _are_signs(negatives, others):
        return {}

    reason = "no other value is negative" if number == 1 else "only such values are negative"
    often = [value for value, count in zip(negatives, times, strict=True) if count >= LEAST]
    return dict.fromkeys(often, reason)


def _are_codes_but_one(values: list[float]) -> bool:
    """Whether at most one value is no code, and that one is a whole number."""
    plain = [value for value in values if not is_code(value)]
    return not plain or (len(plain) == 1 and plain[0].is_integer())


def _are_signs(negatives: list[float], others: Floats) -> bool:
    """Whether a column has two values: opposite directions, or true and false as -1 and 0."""
    if len(negatives) != 1 or len(others) != 1:
        return False
    one, other = negatives[0], float(others[0])
    return other == -one or (one, other) == (-1, 0)


# -- values far from the others ---------------------------------------------------------------


def _far_values(counts: _Counts, values: Floats, series: Ints | None) -> dict[float, str]:
    """The fewest values at the ends of a column that are placeholders beside all others."""
    from_low, from_high = _candidates(counts, 1), _candidates(counts, -1)
    sizes = sorted(product(range(len(from_low) + 1), range(len(from_high) + 1)), key=sum)
    for low, high in sizes[1:]:  # the first is (0, 0)
        outer = np.unique([*from_low[:low], *from_high[:high]])
        others = counts.without(outer)
        if not _are_far(outer, others):
            continue

        others = _of_their_series(outer, others, values, series)
        often = [value for value in outer.tolist() if np.count_nonzero(values == value) >= LEAST]
        if often and _are_no_measurements(outer, others, values, series):
            first, last = _central(others)
            return dict.fromkeys(often, f"98 % of the others are from {first:.10g} to {last:.10g}")
    return {}


def _are_no_measurements(
    outer: Floats, others: _Counts, values: Floats, series: Ints | None
) -> bool:
    if not _are_far(outer, others):
        return False
    return all(_is_no_measurement(value, others, values, series) for value in outer.tolist())


def _candidates(counts: _Counts, step: int) -> list[float]:
    """Values near one end (step -1: the high end) that may be placeholders, outermost first."""
    ends = zip(
        counts.values[::step][:OUTER].tolist(), counts.times[::step][:OUTER].tolist(), strict=True
    )
    return [value for value, times in ends if _may_be_one(value, times)][:SEVERAL]


def _are_far(outer: Floats, others: _Counts) -> bool:
    """Whether all outer values are farther from the nearest other one than the central span of
    the others.
    """
    if len(others) < 2:
        return False

    usual = others.values[np.argmax(others.times)]
    span = max(
        _span(others), _span(others.without(usual))
    )  # where nearly all values are 0, the first one is 0
    return all(_distance(value, others) > span for value in outer.tolist())


def _distance(value: float, others: _Counts) -> float:
    """From a value to the nearest other one."""
    at = int(np.searchsorted(others.values, value))
    return float(np.abs(others.values[max(at - 1, 0) : at + 1] - value).min())


def _span(counts: _Counts) -> float:
    first, last = _central(counts)
    return last - first


def _central(counts: _Counts) -> tuple[float, float]:
    """The 1st and the 99th percentile, each taken outwards to a value that is there."""
    upto = np.cumsum(counts.times)
    last = int(upto[-1]) - 1
    tail = (1 - CENTRAL) / 2 * last
    low, high = np.searchsorted(upto, [math.floor(tail), math.ceil(last - tail)], side="right")
    return float(counts.values[low]), float(counts.values[high])


def _of_their_series(
    outer: Floats, others: _Counts, values: Floats, series: Ints | None
) -> _Counts:
    """The other values of those series in which the outer ones stand."""
    if series is None:
        return others

    is_outer = np.isin(values, outer)
    is_theirs = np.zeros(int(series.max()) + 1, bool)
    is_theirs[series[is_outer]] = True
    if is_theirs.all():
        return others
    return _count(values[is_theirs[series] & ~is_outer])


def _is_no_measurement(value: float, others: _Counts, values: Floats, series: Ints | None) -> bool:
    """Whether a value that is far from the others is more than a level, a peak or a large
    order.
    """
    away = _distance(value, others) / (others.values[-1] - others.values[0])
    if len(others) < VARIED:
        return is_code(value) and away > TEN

    is_low = value < min(0, others.values[0])
    if is_code(value) or is_low or away > HUNDRED:
        return True

    is_value = values == value
    is_most_frequent = np.count_nonzero(is_value) > others.times[others.values != 0].max()
    return bool(is_most_frequent) and _is_scattered(is_value, series)


def _is_scattered(is_value: NDArray[np.bool_], series: Ints | None) -> bool:
    """Whether a value stands in several places of a series that are not at equal distances."""
    order = np.arange(len(is_value)) if series is None else np.argsort(series, kind="stable")
    rows = np.flatnonzero(is_value[order])
    owners = np.zeros(len(rows)) if series is None else series[order[rows]]
    begins = np.concatenate([[True], (np.diff(rows) > 1) | (np.diff(owners) != 0)])
    places, owners = rows[begins], owners[begins]
    distances = np.diff(places)[np.diff(owners) == 0]
    if len(distances) < LEAST - 1:
        return False

    middle = np.median(distances)
    return bool((np.abs(distances - middle) > EQUAL * middle).any())
