"""The rows before an origin: all that a training may see that is to forecast from there."""

from __future__ import annotations

import numpy as np

from forecast_cli import forecasting
from forecast_cli.calendar import Ints
from forecast_cli.errors import TooLittleDataError
from forecast_cli.panel import Panel, head, select
from forecast_cli.workflow.rolled import Origins

FEWEST = 2  # rows before the first origin, without which there is nothing to look at


def training_rows(panel: Panel, origins: Origins, wanted: range) -> tuple[Panel, Ints]:
    """The rows before the first of the wanted origins; and (S,) the first origin that is allowed,
    which no origin is for a series that is not among these rows."""
    cuts = origins.cuts(panel)[:, wanted[0]]
    training = rows_before(panel, cuts)
    is_known = np.isin(panel.ids, training.ids)
    return training, np.where(is_known, cuts, panel.lengths)


def rows_before(panel: Panel, cuts: Ints) -> Panel:
    """The rows before a cut (S,), without those at the end that were interpolated: the values after
    the cut are in them. Series with fewer than two rows are left out.

    Raises TooLittleDataError where none is left.
    """
    interpolated = forecasting.knows_later_rows(panel)
    ends = np.maximum(cuts, 0)
    for index in range(len(panel)):
        start = int(panel.offsets[index])
        while ends[index] and interpolated[start + ends[index] - 1]:
            ends[index] -= 1

    keep = np.flatnonzero(ends >= FEWEST)
    if not len(keep):
        raise TooLittleDataError(
            "no series has rows before the first origin",
            "give more rows, or use fewer --origins",
            option="origins",
        )
    return head(select(panel, keep), ends[keep])
