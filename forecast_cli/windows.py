"""Windows: where each begins, and gathering a batch of them. A window is a position, never a copy.

A window is `lookback` past steps and the `horizon` steps after them. Its origin is the first of
those later steps. Windows are kept as runs of neighbors, so that all windows of a long series take
no memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast_cli.calendar import DAY, Ints
from forecast_cli.errors import TooLittleDataError
from forecast_cli.panel import Floats, Panel, times_of

Flags = NDArray[np.bool_]

AT_ONCE = 1 << 16  # windows that are looked at at once


@dataclass(frozen=True, eq=False)
class Windows:
    """W windows in R runs. A run is of one series, and its origins follow one another.

    - runs: (R,) the series of each run
    - starts: (R,) the flat position of its first origin
    - before: (R,) the number of windows before it
    - count: W
    """

    runs: Ints
    starts: Ints
    before: Ints
    count: int
    lookback: int
    horizon: int

    def __len__(self) -> int:
        return self.count

    def at(self, index: Ints | slice) -> tuple[Ints, Ints]:
        """The series and the flat origins of the windows at `index`."""
        if isinstance(index, slice):
            index = np.arange(*index.indices(self.count))
        run = np.searchsorted(self.before, index, side="right") - 1
        return self.runs[run], self.starts[run] + (index - self.before[run])

    @property
    def series(self) -> Ints:
        """(W,) the series of all windows: where they are few, as this takes memory."""
        return self.at(slice(None))[0]

    @property
    def origins(self) -> Ints:
        """(W,) the flat origins of all windows: where they are few, as this takes memory."""
        return self.at(slice(None))[1]


@dataclass(frozen=True, eq=False)
class Split:
    """Where training and validation end in each series, (S,), in steps from its start. The test part is the rest."""

    training: Ints
    validation: Ints


def split(panel: Panel, validation: int, test: int) -> Split:
    """The last `test` steps of each series are the test part, the `validation` steps before them stop the training."""
    ends = np.maximum(panel.lengths - test, 0)
    return Split(np.maximum(ends - validation, 0), ends)


def of_origins(series: Ints, origins: Ints, lookback: int, horizon: int) -> Windows:
    """Windows from the series (W,) and the flat origin (W,) of each."""
    joins = (np.diff(series) == 0) & (np.diff(origins) == 1)
    before = np.flatnonzero(np.concatenate([np.ones(min(len(series), 1), bool), ~joins]))
    count = len(series)
    return Windows(series[before], origins[before], before, count, lookback, horizon)


def between(panel: Panel, lookback: int, horizon: int, low: Ints, high: Ints) -> Windows:
    """Every window whose target steps lie in [low, high) of its series (S,), stride 1, without a hole.

    The past steps may lie before `low`: a validation window looks back on training rows, never the other way round.
    """
    begin = np.maximum(low, lookback)
    counts = np.maximum(high - horizon - begin + 1, 0)
    every = _of_runs(np.arange(len(panel)), panel.offsets[:-1] + begin, counts, lookback, horizon)
    holes = np.isnan(panel.values)
    if not holes.any():
        return every

    def is_complete(origins: Ints) -> Flags:
        first = origins[0] - lookback
        before = running_count(holes[first : origins[-1] + horizon])
        begin = origins - first
        complete: Flags = before[begin + horizon] == before[begin - lookback]
        return complete

    return where(every, is_complete)


def between_with_gaps(
    panel: Panel, fewest: int, lookback: int, horizon: int, low: Ints, high: Ints
) -> Windows:
    """Every window whose target steps lie in [low, high) of its series (S,) and have a value, and
    of whose past at least `fewest` steps have one.

    The past of a window may begin before its series.
    """
    begin = np.maximum(low, fewest)
    counts = np.maximum(high - horizon - begin + 1, 0)
    every = _of_runs(np.arange(len(panel)), panel.offsets[:-1] + begin, counts, lookback, horizon)
    if not np.isnan(panel.values).any():
        return every

    before = running_count(~np.isnan(panel.values))
    flags = np.empty(len(every), bool)
    for start in range(0, len(every), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        series, origins = every.at(part)
        first = np.maximum(origins - lookback, panel.offsets[series])
        knows_enough = before[origins] - before[first] >= fewest
        flags[part] = knows_enough & (before[origins + horizon] - before[origins] == horizon)
    return flagged(every, flags)


def _of_runs(series: Ints, starts: Ints, counts: Ints, lookback: int, horizon: int) -> Windows:
    """Windows of runs (R,) of so many neighbors each; runs of none are left out."""
    before = np.cumsum(counts) - counts
    used = counts > 0
    total = int(counts.sum())
    return Windows(series[used], starts[used], before[used], total, lookback, horizon)


def selected(chosen: Windows, index: Ints | slice) -> Windows:
    """The windows of these numbers."""
    series, origins = chosen.at(index)
    return of_origins(series, origins, chosen.lookback, chosen.horizon)


def flagged(chosen: Windows, flags: Flags) -> Windows:
    """The windows with a flag (W,). What it takes beside the flags is a number for each new run."""
    changes = np.flatnonzero(flags[1:] != flags[:-1]) + 1
    edges = np.union1d(chosen.before, changes)
    counts = np.diff(np.append(edges, len(chosen)))
    series, starts = chosen.at(edges)
    counts = np.where(flags[edges], counts, 0)
    return _of_runs(series, starts, counts, chosen.lookback, chosen.horizon)


def where(chosen: Windows, is_wanted: Callable[[Ints], Flags]) -> Windows:
    """The windows of whose origins something holds; it is asked of neighbors, some at a time."""
    flags = np.empty(len(chosen), bool)
    for start in range(0, len(chosen), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        _, origins = chosen.at(part)
        flags[part] = is_wanted(origins)
    return flagged(chosen, flags)


def running_count(flags: Flags) -> Ints:
    """How many flags (N,) are set before each position, (N + 1,)."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(flags)])


def holes_between(panel: Panel, start: Ints, stop: Ints) -> Flags:
    """Whether a step without a value lies in [start, stop) of the flat values; (W,) for (W,) bounds."""
    holes = np.isnan(panel.values)
    if not holes.any():
        return np.zeros(len(start), bool)

    before = running_count(holes)
    crossed: Flags = before[stop] > before[start]
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


def pasts(values: Floats, chosen: Windows, index: Ints | slice = slice(None)) -> Floats:
    """The past steps of the windows at `index`: (N,) -> (B, lookback)."""
    view = np.lib.stride_tricks.sliding_window_view(values, chosen.lookback)
    _, origins = chosen.at(index)
    gathered: Floats = view[origins - chosen.lookback]
    return gathered


def pasts_with_gaps(
    values: Floats, offsets: Ints, chosen: Windows, index: Ints | slice = slice(None)
) -> Floats:
    """The past steps of the windows at `index`: (N,) -> (B, lookback), NaN before their series.

    offsets: (S + 1,) where each series begins and ends.
    """
    series, origins = chosen.at(index)
    positions = origins[:, None] + np.arange(-chosen.lookback, 0)
    is_own = positions >= offsets[series][:, None]
    return np.where(is_own, values[np.where(is_own, positions, 0)], np.nan)


def futures(values: Floats, chosen: Windows, index: Ints | slice = slice(None)) -> Floats:
    """The target steps of the windows at `index`: (N,) -> (B, horizon)."""
    view = np.lib.stride_tricks.sliding_window_view(values, chosen.horizon)
    _, origins = chosen.at(index)
    gathered: Floats = view[origins]
    return gathered
