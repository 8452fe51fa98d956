"""A network that reads whole seasons: each is resampled to the same number of points.

A season is one step of the recurrence, so that months, days and quarters of hours look alike, and
one network forecasts them all. The base network is of this kind. Further abbreviations here: K
seasons of the past, F seasons ahead, M steps of a season, P points that stand for them.

Segments as steps of the recurrence are those of Lin et al., SegRNN, 2023; values on the scale of
each window are those of Salinas et al., DeepAR, 2020.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast_cli.calendar import Ints
from forecast_cli.panel import Floats

Flags = NDArray[np.bool_]

POINTS = 24  # that stand for one season
SCALARS = 9  # numbers that describe the whole window
INPUTS = 3 * POINTS + SCALARS  # of one step of the recurrence
REFERENCES = 5  # simple forecasts that the network weighs
NEWEST = 4  # seasons that count as the newest
SMALLEST_CHANGE, LARGEST_CHANGE = 0.02, 3.0  # of the units in which the network answers
SUSPECT = 4.0  # deviations from the mean, below which nothing is an outlier
FAR_OUTSIDE, RARE = 10.0, 100  # see `without_outliers`
FARTHEST = 8.0  # seasons ahead, and also the scale of their number


@dataclass(frozen=True)
class Seasons:
    """How a network reads seasons.

    - steps: of a season, M
    - read: how many seasons the recurrence reads at most, K
    - cycle: how many seasons make a longer one, as 7 days a week; 0 if none is known
    """

    steps: int
    read: int
    cycle: int = 0


@dataclass(frozen=True, eq=False)
class Framed:
    """Windows as the network reads them.

    - inputs: (B, K + F - 1, INPUTS); the output at step t is about season t + 1
    - references: (B, F, REFERENCES, P), simple forecasts in units of the spread
    - change: (B,) how much a season usually differs from the one before, in the same units; the
      network answers in multiples of it
    - level, spread: (B,) in the units of the values
    - detail: (B, M) what the points leave out of a season with more steps than points
    """

    inputs: Floats
    references: Floats
    change: Floats
    level: Floats
    spread: Floats
    detail: Floats


# -- seasons and points ------------------------------------------------------------------------


def to_points(values: Floats) -> Floats:
    """Seasons as points: (..., M) -> (..., P).

    Of a short season, a step stands for several points; of a long one, a point is the mean of
    several steps, those that are NaN left out.
    """
    steps = values.shape[-1]
    if steps <= POINTS:
        return values[..., _nearest(steps, POINTS)]

    known = ~np.isnan(values)
    first = _first_of_each(_nearest(POINTS, steps))
    total = np.add.reduceat(np.where(known, values, 0), first, axis=-1)
    count = np.add.reduceat(known, first, axis=-1, dtype=np.int64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(values.dtype)


def to_steps(points: Floats, steps: int) -> Floats:
    """Points as seasons of so many steps: (..., P) -> (..., M). It undoes `to_points`, where the
    seasons have no more steps than points."""
    if steps > POINTS:
        return points[..., _nearest(POINTS, steps)]
    nearest = _nearest(steps, POINTS)
    total = np.add.reduceat(points, _first_of_each(nearest), axis=-1)
    return total / np.bincount(nearest).astype(points.dtype)


def _nearest(few: int, many: int) -> Ints:
    """(many,) for each of many cells, which of few cells of the same length it lies in."""
    cells: Ints = ((2 * np.arange(many, dtype=np.int64) + 1) * few) // (2 * many)
    return cells


def _first_of_each(cells: Ints) -> Ints:
    """Where each value begins in a rising array that has all of them."""
    return np.flatnonzero(np.diff(cells, prepend=-1))


# -- windows -----------------------------------------------------------------------------------


def known_seasons(history: Floats, most: int) -> Ints:
    """(B,) how many of the newest seasons begin with the first of which something is known.

    history: (B, N, M), NaN where nothing is known. At least 2, as many as the network needs to
    see a change, and at most `most`.
    """
    _, known = _means(history, axis=2)
    count = np.where(known.any(axis=1), known.shape[1] - np.argmax(known, axis=1), 0)
    return np.clip(count, min(2, most), most).astype(np.int64)


def frame(history: Floats, seasons: int, ahead: int, cycle: int = 0) -> Framed:
    """What the network reads to forecast seasons ahead.

    history: (B, N, M) the newest N seasons, NaN where nothing is known; the network reads the
    last `seasons` of them, K. ahead: F. cycle: how many seasons make a longer one, as 7 days a
    week; 0 if none is known. What is before the K seasons counts for the longer season alone.
    """
    native = history[:, -seasons:]
    points = to_points(history)
    level = _level(points[:, -seasons:])
    spread = _spread(points[:, -seasons:])

    divisor = np.where(spread > 0, spread, 1.0)[:, None, None]
    x = (points - level[:, None, None]) / divisor
    past = x[:, -seasons:]

    change, scalars = _describe(past, native.shape[2], cycle)
    cycles = _a_cycle_ago(x, seasons, ahead, cycle)
    inputs = _inputs(past, cycles, scalars, ahead)
    references = _references(past, cycles[:, -ahead:])
    return Framed(inputs, references, change, level, spread, _detail(native))


def _level(points: Floats) -> Floats:
    """(B,) the mean of the newest season of which something is known; 0 if nothing is."""
    means, known = _means(points, axis=2)
    return np.where(known.any(axis=1), _newest(means, known), 0.0).astype(points.dtype)


def _spread(points: Floats) -> Floats:
    """(B,) the standard deviation of all known points."""
    flat = points.reshape(len(points), -1)
    known = ~np.isnan(flat)
    count = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known, flat, 0).sum(axis=1) / count
    squares = np.where(known, (flat - mean[:, None]) ** 2, 0).sum(axis=1)
    deviation: Floats = np.sqrt(squares / count).astype(points.dtype)
    return deviation


def _means(values: Floats, axis: int) -> tuple[Floats, Flags]:
    """Means along an axis without what is NaN, 0 where nothing is known; and where it is."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0).sum(axis=axis)
    return (total / np.maximum(count, 1)).astype(values.dtype), count > 0


def _newest(values: Floats, known: Flags) -> Floats:
    """The last value along axis 1 that is known: (B, K, ...) -> (B, ...)."""
    count = values.shape[1]
    position = count - 1 - np.argmax(known[:, ::-1], axis=1)
    found: Floats = np.take_along_axis(values, position[:, None], axis=1)[:, 0]
    return found


def _describe(past: Floats, steps: int, cycle: int) -> tuple[Floats, Floats]:
    """The usual change (B,) from season to season, and SCALARS numbers about each window."""
    seasons = past.shape[1]
    shape = _shape(past)
    levels, has_level = _means(past, axis=2)
    change = _mean_size(past[:, 1:] - past[:, :-1])
    irregular = _mean_size(past - levels[:, :, None] - shape[:, None])
    moves = _mean_size((levels[:, 1:] - levels[:, :-1])[:, :, None])
    changed = np.clip(change, SMALLEST_CHANGE, LARGEST_CHANGE)

    count = len(past)
    scalars = np.stack(
        [
            np.log(changed),
            np.log(irregular + 0.01),
            np.log(moves + 0.01),
            np.log(_mean_size(shape[:, None]) + 0.01),
            (~np.isnan(past)).mean(axis=(1, 2)),
            has_level.sum(axis=1) / 10,
            np.full(count, np.log(steps) / 4),
            np.full(count, seasons / 10),
            np.full(count, np.log1p(cycle) / 4),
        ],
        axis=1,
    )
    return changed.astype(past.dtype), scalars.astype(past.dtype)


def _mean_size(values: Floats) -> Floats:
    """(B,) the mean of the absolute values that are known; 0 where nothing is."""
    sizes, _ = _means(np.abs(values).reshape(len(values), -1), axis=1)
    return sizes


def _shape(past: Floats) -> Floats:
    """(B, P) the mean season, without the level of each."""
    levels, _ = _means(past, axis=2)
    shape, _ = _means(past - levels[:, :, None], axis=1)
    return shape


def _a_cycle_ago(x: Floats, seasons: int, ahead: int, cycle: int) -> Floats:
    """(B, K + F - 1, P) for each step, the season after it as it was a longer season ago.

    NaN where it is not known. What lies ahead is taken from the newest longer season before.
    """
    total = x.shape[1]
    targets = np.arange(total - seasons + 1, total + ahead)
    found = np.full((len(x), len(targets), POINTS), np.nan, x.dtype)
    if not cycle:
        return found

    back = np.where(targets < total, 1, (targets - total) // cycle + 1)
    sources = targets - back * cycle
    exists = sources >= 0
    found[:, exists] = x[:, sources[exists]]
    return found


def _inputs(past: Floats, cycles: Floats, scalars: Floats, ahead: int) -> Floats:
    """(B, K + F - 1, INPUTS); nothing is known of the seasons ahead but their number."""
    count, seasons, _ = past.shape
    steps = seasons + ahead - 1
    inputs = np.zeros((count, steps, INPUTS), past.dtype)
    known = ~np.isnan(past)
    inputs[:, :seasons, :POINTS] = np.arcsinh(np.where(known, past, 0))
    inputs[:, :seasons, POINTS : 2 * POINTS] = known
    inputs[:, :, 2 * POINTS : 3 * POINTS] = np.arcsinh(np.nan_to_num(cycles))
    inputs[:, :, 3 * POINTS :] = scalars[:, None]

    # One of the scalars is about the step: how far ahead it is, and whether a cycle is known.
    inputs[:, seasons:, -2] = 1 + np.minimum(np.arange(1, ahead), FARTHEST) / FARTHEST
    inputs[:, :, -1] *= ~np.isnan(cycles).all(axis=2)
    return inputs


def _references(past: Floats, cycles: Floats) -> Floats:
    """(B, F, REFERENCES, P) simple forecasts of the seasons ahead.

    The last season; the newest seasons and all of them, each without its level; the season a
    longer season ago; the level alone.
    """
    ahead = cycles.shape[1]
    known = ~np.isnan(past)
    shape = _shape(past)
    newest = _shape(past[:, -NEWEST:])
    last = np.where(known.any(axis=1), _newest(past, known), newest)

    count = len(past)
    references = np.zeros((count, ahead, REFERENCES, POINTS), past.dtype)
    references[:, :, 0] = last[:, None]
    references[:, :, 1] = newest[:, None]
    references[:, :, 2] = shape[:, None]
    references[:, :, 3] = np.where(np.isnan(cycles), last[:, None], cycles)

    # A longer season ago, the level may have been anywhere: what was read sets the limit.
    limit = 1 + np.abs(np.where(known, past, 0)).max(axis=(1, 2))[:, None, None, None]
    return np.clip(references, -limit, limit)


def _detail(native: Floats) -> Floats:
    """(B, M) the mean of what the points leave out; zero where they leave nothing out."""
    steps = native.shape[2]
    if steps <= POINTS:
        return np.zeros((len(native), steps), native.dtype)
    detail, _ = _means(native - to_steps(to_points(native), steps), axis=1)
    return detail


# -- outliers ----------------------------------------------------------------------------------


def without_outliers(past: Floats, newest: int) -> Floats:
    """Windows (B, T) in which single values beyond all others are NaN, so that they hide nothing.

    A value counts as one that is farther from the middle four fifths of its window than
    FAR_OUTSIDE times their range. They stay where there are more of them than one in RARE, as
    of peaks that come back, and among the `newest` steps, which may be a new level.
    """
    deviation = _spread(past)
    level, known = _means(past, axis=1)
    farthest = np.fmax.reduce(np.abs(past - level[:, None]), axis=1)
    rows = np.flatnonzero(known & (farthest > SUSPECT * deviation))
    if not len(rows):
        return past

    suspected = past[rows]
    low, high = np.nanquantile(suspected, [0.1, 0.9], axis=1)[:, :, None]
    away = np.maximum(low - suspected, suspected - high)
    is_outlier = (away > FAR_OUTSIDE * (high - low)) & (high > low)
    is_outlier[:, max(past.shape[1] - newest, 0) :] = False
    most = np.maximum((~np.isnan(suspected)).sum(axis=1) // RARE, 1)
    is_outlier &= (is_outlier.sum(axis=1) <= most)[:, None]

    cleaned = past.copy()
    cleaned[rows] = np.where(is_outlier, np.nan, suspected)
    return cleaned


# -- answers -----------------------------------------------------------------------------------


def mixed(framed: Framed, outputs: Floats, quantiles: int) -> Floats:
    """The network's outputs (B, F, P * Q + REFERENCES) as quantiles (B, F, Q, P) in spreads.

    Each is the weighted mean of the references, plus an answer in multiples of the usual change.
    """
    weights = _softmax(outputs[..., POINTS * quantiles :])
    offsets = outputs[..., : POINTS * quantiles].reshape(*outputs.shape[:2], quantiles, POINTS)
    reference = np.einsum("bfr,bfrp->bfp", weights, framed.references)
    answers: Floats = reference[:, :, None] + framed.change[:, None, None, None] * offsets
    return answers


def restored(framed: Framed, answers: Floats) -> Floats:
    """Answers (B, F, Q, P) in the units of the values: (B, F * M, Q), each step in order."""
    count, ahead, quantiles, _ = answers.shape
    steps = framed.detail.shape[1]
    values = to_steps(answers, steps) * framed.spread[:, None, None, None]
    values = values + framed.level[:, None, None, None] + framed.detail[:, None, None]
    return np.sort(values.transpose(0, 1, 3, 2).reshape(count, ahead * steps, quantiles), axis=2)


def _softmax(values: Floats) -> Floats:
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return shares
