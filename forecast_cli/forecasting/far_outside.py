"""Values among the newest ones that are far outside of all others, as a slip of the pen leaves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.forecasting.newest import Flags
from forecast_cli.panel import Floats, Panel

FAR = 20.0  # times the range of the other values, beyond which a value is far outside of it
FEWEST = 30  # other values without which their range says nothing


@dataclass(frozen=True, eq=False)
class FarOutside:
    """K values that are far outside of the others of their series, in the order of the panel.

    - positions: (K,) in the flat arrays of the panel
    - low, high: (K,) the range of the other values of the series
    """

    positions: Ints
    low: Floats
    high: Floats


def values_far_outside(panel: Panel, newest: int) -> FarOutside:
    """The values among the `newest` steps of each series that are far outside of the others.

    A value is far outside if it is farther from the range of the other values than FAR times the
    width of this range. The others are the values before the newest steps, and those of the newest
    steps that are not far outside themselves, so that two such values do not hide each other. Where
    fewer than FEWEST values are known before the newest steps, the others are all but the value
    itself. Values that were filled in are left out of both. Where the others are equal or fewer
    than FEWEST, nothing is known of how far they vary, and no value is far outside.
    """
    values = panel.values
    if len(panel.filled):
        values = np.where(panel.filled, np.nan, values)

    ends = panel.offsets[1:]
    starts = np.maximum(ends - newest, panel.offsets[:-1])
    is_newest = np.arange(len(values)) >= np.repeat(starts, panel.lengths)
    before = np.where(is_newest, np.nan, values)
    has_enough_before = _counts(before, panel.offsets) >= FEWEST

    low, high = _ranges(before, panel.offsets)
    with np.errstate(over="ignore"):  # beyond the largest number, no value is far outside
        near = _near(values, low, high, panel.lengths)
        low, high = _ranges(np.where(near, values, np.nan), panel.offsets)
        is_far = ~_near(values, low, high, panel.lengths) & np.isfinite(values)
        is_far &= np.repeat(has_enough_before & (high > low), panel.lengths)

        rest = ~np.repeat(has_enough_before, panel.lengths)
        if rest.any():
            alone, low_of_rest, high_of_rest = _far_alone(
                values[rest], panel.lengths[~has_enough_before]
            )
            is_far[rest] = alone
            low[~has_enough_before] = low_of_rest
            high[~has_enough_before] = high_of_rest

    positions = np.flatnonzero(is_far & is_newest)
    owners = np.searchsorted(panel.offsets, positions, side="right") - 1
    return FarOutside(positions, low[owners], high[owners])


def _near(values: Floats, low: Floats, high: Floats, lengths: Ints) -> Flags:
    """(N,) whether a value is at most FAR times the width of a range (S,) away from it."""
    reach = FAR * (high - low)
    is_near: Flags = values >= np.repeat(low - reach, lengths)
    is_near &= values <= np.repeat(high + reach, lengths)
    return is_near


def _far_alone(values: Floats, lengths: Ints) -> tuple[Flags, Floats, Floats]:
    """(N,) whether a value is far outside of all others of its series, and their range, (S,) each.

    Only the highest and the lowest value of a series can be. Where neither is, the range is that
    of all values.
    """
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    low, high = _ranges(values, offsets)
    has_enough = _counts(values, offsets) > FEWEST

    is_far = np.zeros(len(values), bool)
    for extreme in (high, low):
        # Where two values are the extreme one, each is among the others of the other one.
        is_extreme = values == np.repeat(extreme, lengths)
        is_single = np.add.reduceat(is_extreme, offsets[:-1], dtype=np.int64) == 1
        others_low, others_high = _ranges(np.where(is_extreme, np.nan, values), offsets)
        away = np.maximum(others_low - extreme, extreme - others_high)
        far = is_single & has_enough & (others_high > others_low)
        far &= away > FAR * (others_high - others_low)

        is_far |= is_extreme & np.repeat(far, lengths)
        low, high = np.where(far, others_low, low), np.where(far, others_high, high)
    return is_far, low, high


def _ranges(values: Floats, offsets: Ints) -> tuple[Floats, Floats]:
    """The lowest and the highest known value of each series, (S,) each; NaN where none is known."""
    starts = offsets[:-1]
    return np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)


def _counts(values: Floats, offsets: Ints) -> Ints:
    """How many values of each series are known, (S,)."""
    counts: Ints = np.add.reduceat(~np.isnan(values), offsets[:-1], dtype=np.int64)
    return counts
