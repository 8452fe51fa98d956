"""Whether the network can read the newest window of each series, and the errors where it cannot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forecast_cli import windows
from forecast_cli.calendar import Ints
from forecast_cli.errors import TooLittleDataError
from forecast_cli.panel import Floats, Panel, format_times, times_of, values_of
from forecast_cli.planning import Plan
from forecast_cli.windows import Windows

Flags = NDArray[np.bool_]

FEWEST_SEASONS = 2  # without which a network that reads seasons knows nothing


def has_full_window(panel: Panel, plan: Plan) -> Flags:
    """(S,) whether the network can read the newest window of each series."""
    long_enough = panel.lengths >= fewest_steps(plan)
    readable = long_enough.copy()
    ends = panel.offsets[1:][long_enough]
    readable[long_enough] = can_read(panel, plan, np.flatnonzero(long_enough), ends)
    return readable


def fewest_steps(plan: Plan) -> int:
    """How many steps a series must have before an origin, holes or not."""
    if plan.architecture.by_season is None:
        return plan.lookback
    return FEWEST_SEASONS * plan.architecture.season_steps


def windows_between(panel: Panel, plan: Plan, horizon: int, low: Ints, high: Ints) -> Windows:
    """Every window that the network can read, and whose target steps lie in [low, high) of its
    series (S,) and have a value."""
    if plan.architecture.by_season is None:
        return windows.between(panel, plan.lookback, horizon, low, high)
    fewest = fewest_steps(plan)
    return windows.between_with_gaps(panel, fewest, plan.lookback, horizon, low, high)


def can_read(panel: Panel, plan: Plan, series: Ints, origins: Ints) -> Flags:
    """(W,) whether the network can read the windows before flat origins (W,).

    They have no hole in them. A network that reads seasons must know two of them, holes or not.
    Origins have as many steps before them as `fewest_steps` says.
    """
    if plan.architecture.by_season is None:
        return ~windows.holes_between(panel, origins - plan.lookback, origins)

    before = windows.running_count(~np.isnan(panel.values))
    starts = np.maximum(origins - plan.lookback, panel.offsets[series])
    enough: Flags = before[origins] - before[starts] >= fewest_steps(plan)
    return enough


def has_hole(panel: Panel, plan: Plan) -> Flags:
    """(S,) whether a step without a value lies in the newest window of a series."""
    ends = panel.offsets[1:]
    starts = np.maximum(ends - plan.lookback, panel.offsets[:-1])
    return windows.holes_between(panel, starts, ends)


def require_full_window(panel: Panel, plan: Plan) -> None:
    """Raise TooLittleDataError where no series has a full window, and holes are the reason."""
    if plan.architecture.by_season is not None:  # which reads what there is
        return
    holes = np.flatnonzero(has_hole(panel, plan))
    if len(holes) and not has_full_window(panel, plan).any():
        raise _hole_in_newest_window(panel, plan, holes)


def unreadable(panel: Panel, plan: Plan, has_window: Flags) -> TooLittleDataError:
    """The error for series without a full window: it names the first, too short or with a hole."""
    short = np.flatnonzero(panel.lengths < plan.lookback)
    if not len(short):
        return _hole_in_newest_window(panel, plan, np.flatnonzero(~has_window))

    return TooLittleDataError(
        f"series {panel.ids[short[0]]!r} is shorter than the lookback of {plan.lookback:,} "
        f"({len(short):,} such series)",
        "give more rows, a smaller --lookback, or --short fallback or drop",
        option="short",
    )


def _hole_in_newest_window(panel: Panel, plan: Plan, series: Ints) -> TooLittleDataError:
    """The error for series (K,) whose newest window has a hole.

    It names the first of these series and its first step without a value.
    """
    first = int(series[0])
    lookback = min(plan.lookback, int(panel.lengths[first]))
    holes = np.flatnonzero(np.isnan(values_of(panel, first)[-lookback:]))
    step = int(panel.lengths[first]) - lookback + int(holes[0])
    when = format_times(panel, times_of(panel, first, step, step + 1))[0]

    name = f"series {panel.ids[first]!r}: " if panel.ids[first] else ""
    count = f"{len(holes):,} of the newest {lookback:,} steps, on which the network looks back, "
    count += "has no value" if len(holes) == 1 else "have no value"
    others = f" ({len(series) - 1:,} more such series)" if len(series) > 1 else ""

    hint = "fill the gaps with --gaps interpolate, ffill or zero"
    steps_after_holes = lookback - 1 - int(holes[-1])
    if steps_after_holes:
        hint += f", or train with --lookback {steps_after_holes:,} or less"
    if len(panel) > 1 and plan.short == "refuse":
        hint += ", or with --short fallback or drop"
    return TooLittleDataError(f"{name}{count}, the first at {when}{others}", hint, option="gaps")


def without_holes(history: Floats, season: int) -> Floats:
    """The values (n,) with their holes filled.

    A hole gets the value one season earlier, or else that of the step before or after.
    """
    if not np.isnan(history).any():
        return history

    filled = history.copy()
    for start in range(season, len(filled), season):
        part = filled[start : start + season]
        earlier = filled[start - season : start - season + len(part)]
        part[:] = np.where(np.isnan(part), earlier, part)

    known = np.flatnonzero(~np.isnan(filled))
    if len(known):  # the holes that are left lie in the first season
        before = np.searchsorted(known, np.arange(len(filled)), side="right") - 1
        filled = np.where(np.isnan(filled), filled[known[np.maximum(before, 0)]], filled)
    return filled
