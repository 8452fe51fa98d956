"""The weights of rows: read as a covariate is, and then kept apart, because the network must
not see them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecast_cli.errors import DataError
from forecast_cli.panel import Panel, format_times, times_of
from forecast_cli.settings import DataSettings


def as_covariate(settings: DataSettings) -> DataSettings:
    """The settings with the column of weights as the last past-only covariate."""
    if settings.weight is None:
        return settings
    return replace(settings, weight=None, past=[*(settings.past or []), settings.weight])


def with_weights(panel: Panel, settings: DataSettings) -> Panel:
    """The panel with its last past-only covariate as weights.

    Raises DataError for what is not a weight.

    settings: those that name the column of weights.
    """
    column = settings.weight
    if column is None:
        return panel

    if column in panel.levels:
        raise DataError(
            f"column {column!r}: weights are numbers, not texts",
            "give --weight a column of numbers",
            option="weight",
            column=column,
        )

    weights = panel.past[:, -1].copy()
    bad = np.flatnonzero(~(weights >= 0))
    if len(bad):
        raise _negative(panel, int(bad[0]), float(weights[bad[0]]), column)

    if not weights.any():
        raise DataError(
            f"column {column!r}: all weights are 0",
            "give some rows a weight above 0",
            column=column,
        )
    return replace(
        panel,
        weights=weights,
        past=panel.past[:, :-1],
        past_names=panel.past_names[:-1],
        reading=replace(panel.reading, past=settings.past, weight=column),
    )


def _negative(panel: Panel, at: int, weight: float, column: str) -> DataError:
    """The error for a weight below 0. at: its position in the flat arrays of the panel."""
    number = int(np.searchsorted(panel.offsets, at, side="right")) - 1
    step = at - int(panel.offsets[number])
    time = format_times(panel, times_of(panel, number, step, step + 1))[0]
    series = f"series {panel.ids[number]!r}, " if panel.ids[number] else ""
    return DataError(
        f"column {column!r}: {series}{time}: a weight of {weight!r}; a weight is at least 0",
        "correct the column, or leave out --weight",
        option="weight",
        column=column,
        value=repr(weight),
    )
