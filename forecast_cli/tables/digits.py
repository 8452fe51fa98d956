"""Numbers as text, and how many decimals a forecast is written with."""

from __future__ import annotations

import numpy as np

from forecast_cli.fields import MOST_DECIMALS, Digits
from forecast_cli.panel import Floats, Panel

EXTRA_DECIMALS = 3  # beyond those of the data
SIGNIFICANT = 7  # digits that the smallest value has at least
SMALLEST = 1e-13  # a series smaller than this would need more than MOST_DECIMALS
NOISE = 1e-12  # of sums of float64, as a part of the largest value
NOISE_OF_FLOAT32 = 6e-8  # half a unit in the last place of the largest value


def decimals(panel: Panel) -> Digits:
    """How many decimals a forecast of these data is written with.

    As many as the data have and three more, and so many that the smallest value of the data has
    seven significant digits. `full` where a series is so small that this would take more than
    MOST_DECIMALS.

    The data have as many decimals as any of their values, other than those that were filled in.
    What sums leave behind in the last digits of a float64 (0.30000000000000004) counts as
    nothing, and neither does what a float32 adds to a decimal number (0.10000000149011612).
    """
    values, largest = _sizes(panel)
    if not values.any():
        return EXTRA_DECIMALS
    if largest[largest > 0].min() < SMALLEST:
        return "full"

    with np.errstate(over="ignore"):
        is_float32 = bool((values == values.astype(np.float32)).all())
    noise = np.repeat(largest, panel.lengths) * (NOISE_OF_FLOAT32 if is_float32 else NOISE)
    of_data = _decimals_of(values, noise)

    # In units of the last decimal all values are whole, with as many significant digits as before.
    units = np.rint(values * 10.0**of_data)
    smallest = int(units[units > 0].min()) if units.any() else 1
    missing = SIGNIFICANT - len(str(smallest))
    return min(of_data + max(EXTRA_DECIMALS, missing), MOST_DECIMALS)


def vanishing(panel: Panel, digits: Digits) -> tuple[str, ...]:
    """The series whose values are all so small that they would be written as 0."""
    if digits == "full":
        return ()
    largest = _sizes(panel)[1]
    lost = np.flatnonzero((largest > 0) & (largest < 0.5 * 10.0**-digits))
    return tuple(panel.ids[number] for number in lost)


def rounded(values: Floats, digits: Digits) -> list[str]:
    """Numbers (R,) as text with so many decimals, or in shortest round-trip form.

    Texts are empty where a number is NaN.

    Equal decimals keep the order of the numbers, so bounds stay on their sides of the forecast.
    """
    numbers = values.tolist()
    if digits == "full":
        texts = [repr(number) for number in numbers]
    else:
        style = f"%.{digits}f"
        texts = [style % number for number in numbers]
        # What rounds to zero is zero, without a sign.
        negative_zero = style % -0.0
        for position in np.flatnonzero(np.abs(values) < 10.0**-digits).tolist():
            if texts[position] == negative_zero:
                texts[position] = negative_zero[1:]
    return _empty_where_missing(texts, values)


def plain(values: Floats) -> list[str]:
    """Numbers (R,) with all their digits, as they may have stood in the data.

    They have no exponent, and whole ones no `.0`.
    """
    texts = [repr(number).removesuffix(".0") for number in values.tolist()]
    for position, text in enumerate(texts):
        if "e" in text:
            texts[position] = np.format_float_positional(values[position], trim="-")
    return _empty_where_missing(texts, values)


def _empty_where_missing(texts: list[str], values: Floats) -> list[str]:
    for position in np.flatnonzero(np.isnan(values)).tolist():
        texts[position] = ""
    return texts


def _sizes(panel: Panel) -> tuple[Floats, Floats]:
    """(N,) absolute values, 0 where missing or filled in; (S,) the largest of each series."""
    values = np.abs(panel.values)
    values[np.isnan(values)] = 0
    if len(panel.filled):
        values[panel.filled] = 0
    has_values = panel.lengths > 0
    largest = np.zeros(len(panel))
    if has_values.any():
        largest[has_values] = np.maximum.reduceat(values, panel.offsets[:-1][has_values])
    return values, largest


def _decimals_of(values: Floats, noise: Floats) -> int:
    """The decimals that values (N,) have, where a difference of up to `noise` (N,) is none."""
    for count in range(MOST_DECIMALS):
        scale = 10.0**count
        scaled = values * scale
        has_more = np.abs(scaled - np.rint(scaled)) > noise * scale
        values, noise = values[has_more], noise[has_more]
        if not len(values):
            return count
    return MOST_DECIMALS
