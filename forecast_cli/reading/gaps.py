"""Missing steps: how many of a series may be made up, and how they are filled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast_cli import calendar
from forecast_cli.calendar import Frequency, Ints
from forecast_cli.errors import DataError, Remedy
from forecast_cli.messages import plural
from forecast_cli.panel import Floats
from forecast_cli.reading.ordering import OrderedRows
from forecast_cli.reading.rows import of_series
from forecast_cli.settings import DataSettings

MOST_FILLED = 1 / 3  # of the steps of a series that are made up unless --max-filled says otherwise
FILLING = ("auto", "interpolate", "ffill")  # ways of --gaps that make up values

WEEKDAYS = "use --freq B, as no row is on a weekend; or "  # the beginning of a hint
EMPTY_STEPS = (
    Remedy({"gaps": "zero"}, "reads a step without a row as 0"),
    Remedy({"gaps": "drop"}, "leaves steps without a row empty"),
)


def sums_to_zero(settings: DataSettings) -> bool:
    """Whether a step without rows is a sum of nothing: data like any other, not a gap."""
    return settings.duplicates == "sum" and settings.gaps in ("auto", "zero")


def fill_gaps(
    values: Floats, gaps: str, limit: int, *, label: str, name_of: Callable[[int], str]
) -> int:
    """Fill runs of NaN in place, as `--gaps` says; return how many steps there were.

    Raises DataError.

    limit: steps of the longest gap that `auto` fills; label: the series; name_of: what a step of
    the values is called in a message.
    """
    is_hole = np.isnan(values)
    if not is_hole.any():
        return 0

    if gaps in ("error", "auto"):
        begin, length = _longest_run(is_hole)
        if gaps == "error" or length > limit:
            raise _long_gap(label, name_of(begin), length, gaps, limit)

    if gaps == "zero":
        values[is_hole] = 0.0
    elif gaps == "ffill":
        values[is_hole] = values[_last_known(is_hole)][is_hole]
    elif gaps != "drop":
        holes, known = np.flatnonzero(is_hole), np.flatnonzero(~is_hole)
        values[is_hole] = np.interp(holes, known, values[known])
    return int(is_hole.sum())


def carry_forward(values: Floats, name: str, label: str) -> int:
    """Fill missing values of a covariate with the one before (the first: after), in place;
    return how many.
    """
    is_hole = np.isnan(values)
    if not is_hole.any():
        return 0

    if is_hole.all():
        raise DataError(
            f"{of_series(label)}covariate {name!r} has no value",
            "leave the covariate or the series out",
            column=name,
        )

    values[:] = values[_last_known(is_hole)]
    return int(is_hole.sum())


def _longest_run(is_hole: NDArray[np.bool_]) -> tuple[int, int]:
    """Where the longest run begins, and its length."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_hole.view(np.int8), [0]])))
    begins, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - begins))
    return int(begins[longest]), int(ends[longest] - begins[longest])


def _long_gap(label: str, at: str, length: int, gaps: str, limit: int) -> DataError:
    allowed = f"gaps of up to {limit:,} (one season) are interpolated"
    if gaps == "error":
        allowed = "none is allowed"
    return DataError(
        f"{of_series(label)}a gap of {plural(length, 'step')} begins at {at}; {allowed}",
        "fill it in the file, start after it, or use --gaps interpolate, ffill, zero or drop",
        option="gaps",
        remedies=[
            Remedy({"gaps": "interpolate"}, "draws a straight line across each gap"),
            *EMPTY_STEPS,
        ],
    )


def _last_known(is_hole: NDArray[np.bool_]) -> Ints:
    """Of every step, the last one up to it that is no hole, else the first that is none."""
    last = np.maximum.accumulate(np.where(is_hole, -1, np.arange(len(is_hole))))
    return np.where(last < 0, int(np.argmin(is_hole)), last).astype(np.int64)


# -- how much of a series may be made up -------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Extent:
    """Of the S series that have a value, one array element each: where they lie and how much of
    them is missing.

    owners: numbers of the series; first, last: the rows of the first and of the last value;
    steps: from the one to the other; missing: those of the steps that would have to be made up.
    """

    owners: Ints
    first: Ints
    last: Ints
    steps: Ints
    missing: Ints

    @property
    def shares(self) -> Floats:
        return self.missing / self.steps


def check_filled(ordered: OrderedRows, settings: DataSettings, limit: int) -> None:
    """Refuse to make up more of a series than --max-filled allows, naming the worst one.

    This comes before the grid, which may be larger than memory. Raises DataError.
    """
    if settings.gaps not in FILLING:
        return

    allowed = MOST_FILLED if settings.max_filled is None else settings.max_filled
    is_summed = sums_to_zero(settings)
    extents = {
        target: _extent(values, ordered, is_summed=is_summed)
        for target, values in ordered.rows.targets.items()
    }
    over = sum(int((extent.shares > allowed + 1e-9).sum()) for extent in extents.values())
    if not over:
        return

    target = max(extents, key=lambda name: float(extents[name].shares.max(initial=0)))
    extent = extents[target]
    worst = int(np.argmax(extent.shares))
    known = _known_rows(ordered, target, extent, worst)
    longest = int(np.diff(ordered.positions[known]).max())
    if settings.gaps == "auto" and not is_summed and longest > limit + 1:
        # A single long gap says more: `fill_gaps` names where it begins.
        return

    label = ordered.rows.ids[extent.owners[worst]]
    if len(ordered.rows.targets) > 1:
        label = target

    missing, steps = int(extent.missing[worst]), int(extent.steps[worst])
    other_step = _other_step(ordered, settings, known, allowed)
    raise _too_much_missing(label, missing, steps, over, settings.max_filled, other_step)


def _extent(values: Floats, ordered: OrderedRows, *, is_summed: bool) -> _Extent:
    """values: (R,) of one target; is_summed: whether steps without rows are no gaps."""
    known = np.flatnonzero(~np.isnan(values))
    begins = np.searchsorted(known, ordered.bounds)
    counts = np.diff(begins)
    owners = np.flatnonzero(counts)

    first, last = known[begins[owners]], known[begins[owners + 1] - 1]
    steps = ordered.positions[last] - ordered.positions[first] + 1
    needed = last - first + 1 if is_summed else steps
    return _Extent(owners, first, last, steps, needed - counts[owners])


def _known_rows(ordered: OrderedRows, target: str, extent: _Extent, series: int) -> Ints:
    """The rows of one series that have a value."""
    first, last = int(extent.first[series]), int(extent.last[series])
    values = ordered.rows.targets[target][first : last + 1]
    return first + np.flatnonzero(~np.isnan(values))


def _too_much_missing(
    label: str, missing: int, steps: int, over: int, max_filled: float | None, other_step: str
) -> DataError:
    """The error for series of which too much would be made up."""
    share = "a third" if max_filled is None else f"a share of {max_filled:g}"
    more = ""
    if over > 1:
        more = f" (and {over - 1:,} more series like it)"
    enough = np.ceil(10 * missing / steps) / 10
    remedies = [
        Remedy({"max_filled": float(enough)}, "allows it to interpolate so many steps"),
        *EMPTY_STEPS,
    ]
    if other_step == WEEKDAYS:
        remedies.insert(0, Remedy({"freq": "B"}, "counts weekdays only"))
    return DataError(
        f"{of_series(label)}{missing:,} of {steps:,} steps are missing, more than {share}{more}",
        f"{other_step}use --max-filled {enough:g} to have so many filled, or --gaps zero or drop",
        option="max_filled",
        remedies=remedies,
    )


def _other_step(ordered: OrderedRows, settings: DataSettings, known: Ints, allowed: float) -> str:
    """What other step the rows may have, as the beginning of a hint. known: the rows of one
    series that have a value.
    """
    if ordered.rows.times is None:
        return ""

    if _is_business(ordered.rows.times, ordered.frequency, known, allowed):
        return WEEKDAYS

    if settings.freq:
        return "name a coarser step with --freq; or "
    return "bring the rows to one step first; or "


def _is_business(times: Ints, frequency: Frequency, known: Ints, allowed: float) -> bool:
    """Whether the rows of a daily file are all on weekdays, and few enough weekdays are
    missing.
    """
    if frequency.kind != "fixed" or frequency.size != calendar.DAY:
        return False

    weekdays = Frequency("business", clock=int(times[0] % calendar.DAY))
    try:
        positions = calendar.ordinals(weekdays, times)[known]
    except DataError:
        return False

    steps = int(positions[-1] - positions[0]) + 1
    return 1 - len(known) / steps <= allowed
