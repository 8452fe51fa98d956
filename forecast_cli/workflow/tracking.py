"""Reading the track: what was published before."""

from __future__ import annotations

from pathlib import Path

from forecast_cli import store
from forecast_cli.errors import RunRejectedError
from forecast_cli.messages import Note
from forecast_cli.store import PastForecast


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
