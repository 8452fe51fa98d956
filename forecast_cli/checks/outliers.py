"""Values that stick out from their own season: isolated outliers, but no changes of level."""

from __future__ import annotations

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.panel import Floats

LIMIT = 6.0  # robust standard deviations beyond which a seasonal difference is unusual

# Factors from a median and from a mean of absolute deviations to a standard deviation (normal).
FROM_MEDIAN = 1.4826
FROM_MEAN = 1.2533


def find_outliers(values: Floats, season: int) -> tuple[Ints, Floats]:
    """Positions of outliers, (K,), and by how many standard deviations each sticks out, (K,).

    values: (N,) of one series, NaN where there is none; season: the season length in steps, 1
    for none.

    A value is an outlier if its differences to the values one season before and one season
    after both lie beyond `LIMIT` standard deviations of all such differences, in opposite
    directions. In the first and in the last season there is only one such difference, and it
    decides alone. After a lasting change of level only one of the two differences is large, so
    that it is no outlier.
    """
    if len(values) < season + 3:
        return _nothing()

    changes = values[season:] - values[:-season]
    center, spread = _center_and_spread(changes)
    if not spread:
        return _nothing()

    # An outlier goes one way and comes back, so the way back is counted with the opposite sign.
    scores = np.nan_to_num((changes - center) / spread)
    unknown = np.zeros(season)
    since_before = np.concatenate([unknown, scores])
    until_after = np.concatenate([-scores, unknown])

    smaller = np.minimum(np.abs(since_before), np.abs(until_after))
    deviations = np.where(since_before * until_after > 0, smaller, 0.0)
    deviations = _with_ends(deviations, np.abs(since_before), np.abs(until_after), season)

    positions = np.flatnonzero(deviations > LIMIT).astype(np.int64)
    return positions, deviations[positions]


def _nothing() -> tuple[Ints, Floats]:
    return np.empty(0, np.int64), np.empty(0)


def _center_and_spread(changes: Floats) -> tuple[float, float]:
    """The median and a robust standard deviation, which is 0 if all are equal or unknown."""
    known = changes[~np.isnan(changes)]
    if not len(known):
        return 0.0, 0.0

    center = np.median(known)
    distances = np.abs(known - center)
    spread = FROM_MEDIAN * np.median(distances)
    if not spread:
        # More than half of the changes are equal: the median says nothing about the others.
        spread = FROM_MEAN * np.mean(distances)
    return float(center), float(spread)


def _with_ends(
    deviations: Floats, since_before: Floats, until_after: Floats, season: int
) -> Floats:
    """The deviations (N,), with those of the first and the last season filled in."""
    count = len(deviations)
    result = deviations.copy()
    has_before = np.arange(count) >= season
    has_after = np.arange(count) < count - season

    if count <= 2 * season:
        # Nothing tells which of the two values sticks out, so it is the newer one.
        newest = has_before & (since_before > LIMIT)
        result[newest] = since_before[newest]
        return result

    # A value next to an outlier is not one itself.
    is_outlier = deviations > LIMIT
    outside = np.zeros(season, bool)
    before_is_outlier = np.concatenate([outside, is_outlier[:-season]])
    after_is_outlier = np.concatenate([is_outlier[season:], outside])

    first = ~has_before & (until_after > LIMIT) & ~after_is_outlier
    last = ~has_after & (since_before > LIMIT) & ~before_is_outlier
    result[first] = until_after[first]
    result[last] = since_before[last]
    return result
