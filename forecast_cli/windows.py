"""Windows: where each begins, and gathering a batch of them. Memory is O(N): a window is a position, never a copy.

A window is `lookback` past steps and the `horizon` steps after them. Its origin is the first of those later steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast_cli.calendar import DAY, Ints
from forecast_cli.errors import TooLittleDataError
from forecast_cli.panel import Floats, Panel, times_of


@dataclass(frozen=True, eq=False)
class Windows:
    """W windows: (W,) the series of each, (W,) the flat position of its origin."""

    series: Ints
    origins: Ints
    lookback: int
    horizon: int

    def __len__(self) -> int:
        return len(self.origins)


@dataclass(frozen=True, eq=False)
class Split:
    """Where training and validation end in each series, (S,), in steps from its start. The test part is the rest."""

    training: Ints
    validation: Ints


def split(panel: Panel, validation: int, test: int) -> Split:
    """The last `test` steps of each series are the test part, the `validation` steps before them stop the training."""
    ends = np.maximum(panel.lengths - test, 0)
    return Split(np.maximum(ends - validation, 0), ends)


def between(panel: Panel, lookback: int, horizon: int, low: Ints, high: Ints) -> Windows:
    """Every window whose target steps lie in [low, high) of its series (S,), stride 1, without a hole.

    The past steps may lie before `low`: a validation window looks back on training rows, never the other way round.
    """
    begin = np.maximum(low, lookback)
    counts = np.maximum(high - horizon - begin + 1, 0)
    series = np.repeat(np.arange(len(panel)), counts)
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    origins = (panel.offsets[:-1] + begin)[series] + within
    chosen = Windows(series, origins.astype(np.int64), lookback, horizon)
    return selected(chosen, ~holes_between(panel, origins - lookback, origins + horizon))


def selected(chosen: Windows, keep: NDArray[np.bool_] | slice) -> Windows:
    """Some of the windows."""
    return replace(chosen, series=chosen.series[keep], origins=chosen.origins[keep])


def holes_between(panel: Panel, start: Ints, stop: Ints) -> NDArray[np.bool_]:
    """Whether a step without a value lies in [start, stop) of the flat values; (W,) for (W,) bounds."""
    holes = np.isnan(panel.values)
    if not holes.any():
        return np.zeros(len(start), bool)

    before = np.concatenate([[0], np.cumsum(holes)])
    crossed: NDArray[np.bool_] = before[stop] > before[start]
    return crossed


def longest_run(panel: Panel, ends: Ints) -> int:
    """The most steps in a row that have a value, in the first `ends` (S,) steps of any series."""
    longest = 0
    for start, end in zip(panel.offsets[:-1], ends, strict=True):
        holes = np.flatnonzero(np.isnan(panel.values[start : start + end]))
        edges = np.concatenate([[-1], holes, [int(end)]])
        longest = max(longest, int(np.diff(edges).max()) - 1)
    return longest


def require_complete(panel: Panel, lookback: int, horizon: int, ends: Ints) -> None:
    """Raise TooLittleDataError where no window of the first `ends` (S,) steps has a value at every step."""
    if len(between(panel, lookback, horizon, np.zeros(len(panel), np.int64), ends)):
        return

    fitting = int(np.maximum(ends - lookback - horizon + 1, 0).sum())
    longest = longest_run(panel, ends)
    raise TooLittleDataError(
        f"0 of {fitting:,} windows to train on are complete: "
        f"a window takes {lookback + horizon:,} steps in a row "
        f"({lookback:,} to look back on, {horizon:,} to forecast), "
        f"and the longest run of steps with a value has {longest:,}",
        _help_for_holes(panel, longest, horizon),
    )


def _help_for_holes(panel: Panel, longest: int, horizon: int) -> str:
    """What makes windows complete: another step for a file of weekdays, else shorter windows or filled gaps."""
    if has_weekdays_only(panel):
        return "no Saturday and no Sunday has a value: read the file as weekdays with --freq B"

    fill = "fill the gaps with --gaps interpolate, ffill or zero"
    if longest < 2:
        return fill
    if horizon == 1:
        return f"use --lookback {longest - 1:,} or less, or {fill}"
    return f"use a --lookback and a --horizon of at most {longest:,} steps together, or {fill}"


def has_weekdays_only(panel: Panel) -> bool:
    """Whether the steps are days, and no Saturday and no Sunday has a value."""
    frequency = panel.frequency
    if (frequency.kind, frequency.size) != ("fixed", DAY):
        return False

    for i in range(len(panel)):
        days = times_of(panel, i).view("datetime64[us]").astype("datetime64[D]")
        weekend = ~np.is_busday(days)
        values = panel.values[panel.offsets[i] : panel.offsets[i + 1]]
        if not weekend.any() or not np.isnan(values[weekend]).all():
            return False
    return True


def pasts(values: Floats, windows: Windows, index: Ints | slice = slice(None)) -> Floats:
    """The past steps of the windows at `index`: (N,) -> (B, lookback)."""
    view = np.lib.stride_tricks.sliding_window_view(values, windows.lookback)
    gathered: Floats = view[windows.origins[index] - windows.lookback]
    return gathered


def futures(values: Floats, windows: Windows, index: Ints | slice = slice(None)) -> Floats:
    """The target steps of the windows at `index`: (N,) -> (B, horizon)."""
    view = np.lib.stride_tricks.sliding_window_view(values, windows.horizon)
    gathered: Floats = view[windows.origins[index]]
    return gathered
