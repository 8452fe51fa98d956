"""Reading the track: what was published before."""

from __future__ import annotations

import contextlib
from pathlib import Path

from forecast_cli import store
from forecast_cli.errors import RunRejectedError
from forecast_cli.messages import Note
from forecast_cli.store import PastForecast

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
