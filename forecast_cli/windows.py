"""Windows: where each begins, and gathering a batch of them. Memory is O(N): a window is a position, never a copy.

A window is `lookback` past steps and the `horizon` steps after them. Its origin is the first of those later steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.panel import Floats, Panel


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
    holes = np.isnan(panel.values)
    if holes.any():
        seen = np.concatenate([[0], np.cumsum(holes)])
        whole = seen[origins + horizon] == seen[origins - lookback]
        series, origins = series[whole], origins[whole]
    return Windows(series, origins.astype(np.int64), lookback, horizon)


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
