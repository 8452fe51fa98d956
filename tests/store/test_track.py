"""The track: written once, verified when read, bounded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import calendar, store
from forecast_cli.errors import RunRejectedError
from forecast_cli.panel import Columns
from forecast_cli.store import PastForecast, RefreshEvent, TrackRecord, checkpoints, track

RUN = "20261122T030000Z-000001-0123456789ab"


def past(number: int, horizon: int = 2) -> PastForecast:
    record = TrackRecord(
        format="forecast-track",
        schema=1,
        number=number,
        created="20261122T030000Z",
        run=RUN,
        columns=Columns(id="shop"),
        frequency=calendar.STEPS,
        ids=["a", "b"],
        horizon=horizon,
        levels=[80.0],
        rows=10,
        settings={"units": "[8]"},
        event=RefreshEvent(action="reuse", reasons=["nothing is due"], alarm=False, ratio=1.2),
    )
    values = np.arange(2.0 * horizon).reshape(2, horizon)
    values[1, 0] = np.nan
    return PastForecast(
        record=record,
        ends=np.array([5, 6]),
        values=values,
        bounds={80.0: (values - 1, values + 1)},
        truth=np.array([1.0, np.nan, 3.0]),
        offsets=np.array([0, 1, 3]),
    )


def written(root: Path, *numbers: int) -> Path:
    with store.lock(root) as lock:
        for number in numbers:
            store.write_forecast(lock, past(number))
    return root / "forecasts" / f"{numbers[-1]:06d}.forecast"


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    written(tmp_path, 1)
    again, before = store.read_forecast(tmp_path, 1), past(1)
    assert again.record == before.record
    for name in ("ends", "values", "truth", "offsets"):
        np.testing.assert_array_equal(getattr(again, name), getattr(before, name))
    np.testing.assert_array_equal(again.bounds[80.0][1], before.bounds[80.0][1])


def test_no_truncation_and_no_flipped_bit_is_accepted(tmp_path: Path) -> None:
    path = written(tmp_path, 1)
    good = path.read_bytes()
    for length in range(0, len(good), 37):
        path.write_bytes(good[:length])
        with pytest.raises(RunRejectedError):
            store.read_forecast(tmp_path, 1)
    for place in range(0, len(good), 41):
        bad = bytearray(good)
        bad[place] ^= 4
        path.write_bytes(bad)
        with pytest.raises(RunRejectedError):
            store.read_forecast(tmp_path, 1)


def test_a_file_with_a_hash_that_fits_is_still_checked(tmp_path: Path) -> None:
    path = written(tmp_path, 1)
    wrong = [
        replace(past(1), ends=np.array([5])),
        replace(past(1), values=np.full((2, 2), np.inf)),
        replace(past(1), offsets=np.array([0, 3, 1])),
        replace(past(1), bounds={}),
        past(2),
    ]
    for each in wrong:
        path.write_bytes(checkpoints.sealed(track._encode(each)))
        with pytest.raises(RunRejectedError, match="does not hold a published forecast"):
            store.read_forecast(tmp_path, 1)


def test_links_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, 1)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunRejectedError):
        store.read_forecast(tmp_path, 1)


def test_the_track_is_bounded_in_number_and_bytes_and_keeps_the_newest(tmp_path: Path) -> None:
    size = written(tmp_path, 1, 2, 3, 4, 5).stat().st_size
    with store.lock(tmp_path) as lock:
        store.prune_forecasts(lock, most=4)
        assert store.forecast_numbers(tmp_path) == [2, 3, 4, 5]
        store.prune_forecasts(lock, most_bytes=2 * size)
        assert store.forecast_numbers(tmp_path) == [4, 5]
        store.prune_forecasts(lock, most=1, most_bytes=1)
        assert store.forecast_numbers(tmp_path) == [5]


def test_forecasts_that_are_needed_least_are_removed_first(tmp_path: Path) -> None:
    written(tmp_path, 1, 2, 3, 4, 5)
    with store.lock(tmp_path) as lock:
        store.prune_forecasts(lock, [3, 2, 9], most=4)
        assert store.forecast_numbers(tmp_path) == [1, 2, 4, 5]
        store.prune_forecasts(lock, [5, 2], most=2)
        assert store.forecast_numbers(tmp_path) == [4, 5]


def test_what_is_set_aside_is_not_read_and_its_number_not_used_again(tmp_path: Path) -> None:
    written(tmp_path, 1, 2)
    with store.lock(tmp_path) as lock:
        store.set_forecast_aside(lock, 2)
    assert store.forecast_numbers(tmp_path) == [1]
    assert store.next_forecast_number(tmp_path) == 3
    assert (tmp_path / "forecasts" / "000002.damaged").exists()
