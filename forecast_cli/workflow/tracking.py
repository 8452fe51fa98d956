"""The track: reading what was published before, and the record of what is published now."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from forecast_cli import store
from forecast_cli.calendar import Ints
from forecast_cli.errors import RunRejectedError
from forecast_cli.forecasting import Forecast
from forecast_cli.messages import Note
from forecast_cli.panel import Floats, Panel
from forecast_cli.store import PastForecast, TrackRecord

TRUTH_HORIZONS = 3  # of actual values that a record keeps, beside those that were new
LEAST_TRUTH = 50  # rows of them
HORIZONS_KEPT = 4  # back to which records are thinned out evenly where there are too many
MOST_NEW_TRUTH = 2_000  # new rows of a series that a record keeps
MOST_TRUTH = 1_000_000  # new rows of all series together

ATTEMPTS = 3  # to read the newest record, beside which a refresh may be writing


def read_track(
    root: Path,
) -> tuple[tuple[PastForecast, ...], tuple[int, ...], tuple[Note, ...]]:
    """The forecasts that were published, the numbers of damaged ones, and what to say of these."""
    track, damaged, about = [], [], []
    for number in store.forecast_numbers(root):
        try:
            track.append(store.read_forecast(root, number))
        except FileNotFoundError:
            continue  # pruned meanwhile: readers take no lock
        except RunRejectedError as error:
            damaged.append(number)
            text = f"{error.message}; it is set aside, and nothing is scored by it"
            about.append(Note("track_damaged", "warning", text))
    return tuple(track), tuple(damaged), tuple(about)


def last_refresh(root: Path) -> PastForecast | None:
    """What the last refresh published; None where there was none.

    Raises RunRejectedError where that record is damaged: an older one might say that all is well.
    """
    for _ in range(ATTEMPTS):
        numbers = store.forecast_numbers(root)
        newest = store.next_forecast_number(root) - 1
        if not newest:
            return None
        if newest in numbers:
            with contextlib.suppress(FileNotFoundError):  # a refresh set it aside meanwhile
                return store.read_forecast(root, newest)
    raise RunRejectedError(
        f"{root}: the record of the last refresh, number {newest}, was damaged and set aside",
        "run forecast refresh again: it adds a new one",
    )


def removal_order(track: Sequence[PastForecast]) -> list[int]:
    """The numbers of the records before the newest one, that which is needed least first.

    First go those that lie further back than live scores need, oldest first, as do those of another
    frequency. Of the others, that one goes whose neighbors are nearest to each other. So where the
    horizon is longer than the number of records that the store keeps, some are still there when
    their horizon has come true.

    track: oldest first.
    """
    if not track:
        return []
    newest = track[-1]
    end = int(newest.ends.max())
    earliest = end - HORIZONS_KEPT * newest.record.horizon
    old, places = [], {}
    for past in track[:-1]:
        at = int(past.ends.max())
        if past.record.frequency == newest.record.frequency and earliest <= at <= end:
            places[past.number] = at
        else:
            old.append(past.number)
    return old + _nearest_neighbors_first(places, end)


def _nearest_neighbors_first(places: dict[int, int], end: int) -> list[int]:
    """Thin out places on a line, which end at `end`, one by one, and the oldest one last."""
    left = list(places)
    order = []
    while len(left) > 1:
        ends = [*(places[number] for number in left), end]
        spans = [ends[i + 1] - ends[i - 1] for i in range(1, len(left))]
        order.append(left.pop(1 + int(np.argmin(spans))))
    return order + left


# -- what is published now -----------------------------------------------------------------------


def past_forecast(
    panel: Panel, forecast: Forecast, before: PastForecast | None, **record: Any
) -> PastForecast:
    """The record of a forecast, with the actual values that were new.

    before: the newest record that there is. record: the number, the time, the run, the settings and
    the event of a TrackRecord.
    """
    horizon = forecast.values.shape[1]
    lengths = _truth_lengths(panel, horizon, before)
    return PastForecast(
        record=TrackRecord(
            format="forecast-track",
            schema=1,
            columns=panel.columns,
            frequency=panel.frequency,
            ids=list(panel.ids),
            horizon=horizon,
            levels=[float(level) for level in forecast.bounds],
            rows=int(panel.offsets[-1]),
            **record,
        ),
        ends=panel.first + panel.lengths,
        values=_by_network(panel, forecast, forecast.values),
        bounds={
            level: (_by_network(panel, forecast, low), _by_network(panel, forecast, high))
            for level, (low, high) in forecast.bounds.items()
        },
        truth=_truth(panel, lengths),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    )


def _by_network(panel: Panel, forecast: Forecast, values: Floats) -> Floats:
    """(S, H) values of a forecast, for each series of the panel; NaN where no network made them."""
    rows = {name: row for row, name in enumerate(forecast.ids)}
    for name in forecast.fallback:
        rows.pop(name, None)

    position = np.array([rows.get(name, -1) for name in panel.ids], np.int64)
    every = np.full((len(panel), values.shape[1]), np.nan)
    every[position >= 0] = values[position[position >= 0]]
    return every


def _truth_lengths(panel: Panel, horizon: int, before: PastForecast | None) -> Ints:
    """(S,) how many actual values of each series a record keeps.

    They reach back to those of the record before it, so that the track has no gap, unless so many
    are new that the record would become large.
    """
    usual = max(TRUTH_HORIZONS * horizon, LEAST_TRUTH)
    most = max(usual, min(MOST_NEW_TRUTH, MOST_TRUTH // len(panel)))
    new = np.zeros(len(panel), np.int64)
    if before is not None and before.record.frequency == panel.frequency:
        ends = dict(zip(before.record.ids, before.ends.tolist(), strict=True))
        now = (panel.first + panel.lengths).tolist()
        new = np.array(
            [end - ends.get(name, end) for name, end in zip(panel.ids, now, strict=True)], np.int64
        )
    return np.minimum(panel.lengths, np.clip(new, usual, most))


def _truth(panel: Panel, lengths: Ints) -> Floats:
    """The last values of each series, so many; NaN where there was none in the file."""
    ends = panel.offsets[1:]
    steps = np.concatenate([np.arange(end - n, end) for end, n in zip(ends, lengths, strict=True)])
    truth = panel.values[steps]
    return np.where(panel.filled[steps], np.nan, truth) if len(panel.filled) else truth
