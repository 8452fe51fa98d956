"""Times of many series at once, as numbers and as text."""

from __future__ import annotations

import numpy as np

from forecast_cli import calendar
from forecast_cli.calendar import Ints
from forecast_cli.panel import Panel, format_times


def times_of_steps(panel: Panel, series: Ints, steps: Ints) -> Ints:
    """The times (K,) of steps (K,) of the series (K,), which may lie beyond their last rows.

    Raises DataError for times after the year 9999.
    """
    return calendar.times_at(panel.frequency, panel.first[series] + steps)


def written(panel: Panel, times: Ints) -> list[str]:
    """Times (K,) as the file writes them. A time that many series share is formatted once."""
    distinct, position = np.unique(times, return_inverse=True)
    texts = np.array(format_times(panel, distinct), object)
    return list(texts[position])
