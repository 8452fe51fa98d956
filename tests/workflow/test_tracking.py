"""The track: reading it, and the record of what is published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import forecasting, store
from forecast_cli.errors import RunRejectedError
from forecast_cli.panel import Panel, head, values_of
from forecast_cli.store import Run
from forecast_cli.workflow import tracking
from forecast_cli.workflow.tracking import last_refresh, read_track, removal_order
from tests.workflow.helpers import recorded, recorded_forecast, with_more, with_values

HORIZON = 12


@pytest.fixture(scope="module")
def run(airline_store: Path) -> Run:
    return store.load(airline_store)


def kept(past: store.PastForecast, row: int = 0) -> np.ndarray:
    return past.truth[past.offsets[row] : past.offsets[row + 1]]


def written(root: Path, *track: store.PastForecast) -> None:
    with store.lock(root) as lock:
        for past in track:
            store.write_forecast(lock, past)


def test_a_record_holds_the_forecast_and_the_newest_actual_values(run: Run) -> None:
    past = recorded(run, run.tail)
    forecast = forecasting.forecast(run.tail, run.model, (80.0, 95.0))
    np.testing.assert_array_equal(past.values, forecast.values)
    np.testing.assert_array_equal(past.bounds[95.0][1], forecast.bounds[95.0][1])
    assert past.ends.tolist() == [run.tail.first[0] + len(run.tail.values)]
    np.testing.assert_array_equal(kept(past), values_of(run.tail, 0)[-50:])


def test_rows_that_came_in_a_large_step_leave_no_gap(run: Run) -> None:
    before = recorded(run, run.tail)
    panel = with_more(run.tail, np.arange(1.0, 301.0))
    past = recorded(run, panel, 2, before)
    assert len(kept(past)) == 300
    assert past.ends[0] - len(kept(past)) == before.ends[0]
    assert len(kept(recorded(run, panel, 3, past))) == 50
    assert len(kept(recorded(run, panel, 2))) == 50


def test_a_record_stays_small_however_many_rows_are_new(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = with_more(run.tail, np.arange(1.0, 3_001.0))
    before = recorded(run, run.tail)
    assert len(kept(recorded(run, panel, 2, before))) == 2_000
    monkeypatch.setattr(tracking, "MOST_TRUTH", 90)
    assert len(kept(recorded(run, panel, 2, before))) == 90
    monkeypatch.setattr(tracking, "MOST_TRUTH", 10)
    assert len(kept(recorded(run, panel, 2, before))) == 50


def test_another_frequency_says_nothing_of_what_is_new(run: Run) -> None:
    before = recorded(run, run.tail)
    days = replace(before.record.frequency, size=before.record.frequency.size + 1)
    other = replace(before, record=replace(before.record, frequency=days))
    panel = with_more(run.tail, np.arange(1.0, 301.0))
    assert len(kept(recorded(run, panel, 2, other))) == 50


def test_what_no_network_forecast_and_what_was_filled_in_is_left_out(run: Run) -> None:
    values = values_of(run.tail, 0)
    panel = with_values(run.tail, values, values + 1, values + 2, ids=("a", "b", "c"))
    filled = np.zeros(len(panel.values), bool)
    filled[-1] = True
    panel = replace(panel, filled=filled)
    two = _two_of_three(panel, run)
    past = recorded_forecast(run, panel, two)
    assert np.isnan(past.values).all(axis=1).tolist() == [True, True, False]
    np.testing.assert_array_equal(past.values[2], two.values[1])
    assert np.isnan(kept(past, 2)).tolist() == [False] * 49 + [True]


def _two_of_three(panel: Panel, run: Run) -> forecasting.Forecast:
    """A forecast that lacks the series a, and repeats the last season of b."""
    every = forecasting.forecast(panel, run.model, (80.0,))
    bounds = {level: (low[1:], high[1:]) for level, (low, high) in every.bounds.items()}
    return replace(every, ids=("b", "c"), values=every.values[1:], bounds=bounds, fallback=("b",))


def test_the_track_is_read_oldest_first_and_damaged_records_are_told(
    run: Run, store_copy: Path
) -> None:
    written(store_copy, *(recorded(run, run.tail, number) for number in (1, 2, 3)))
    path = store_copy / "forecasts" / "000002.forecast"
    path.write_bytes(path.read_bytes()[:-1])
    track, damaged, about = read_track(store_copy)
    assert ([past.number for past in track], damaged) == ([1, 3], (2,))
    assert [(note.kind, note.text) for note in about] == [
        (
            "track_damaged",
            f"{path}: its bytes are not those that were written; it is set aside, and nothing is "
            "scored by it",
        )
    ]


def test_the_last_refresh_is_the_newest_record_or_none(run: Run, store_copy: Path) -> None:
    assert last_refresh(store_copy) is None
    panel = head(run.tail, np.array([len(run.tail.values) - 1]))
    written(store_copy, recorded(run, panel, 1), recorded(run, run.tail, 2))
    last = last_refresh(store_copy)
    assert last is not None
    assert last.number == 2


def test_a_last_record_that_was_set_aside_is_an_error(run: Run, store_copy: Path) -> None:
    written(store_copy, recorded(run, run.tail, 1), recorded(run, run.tail, 2))
    with store.lock(store_copy) as lock:
        store.set_forecast_aside(lock, 2)
    with pytest.raises(RunRejectedError) as raised:
        last_refresh(store_copy)
    assert raised.value.message == (
        f"{store_copy}: the record of the last refresh, number 2, was damaged and set aside"
    )


def track_at(run: Run, ends: list[int], horizon: int) -> list[store.PastForecast]:
    """Records of a refresh at each of these ends."""
    past = recorded(run, run.tail)
    track = []
    for number, end in enumerate(ends, start=1):
        record = replace(past.record, number=number, horizon=horizon)
        track.append(replace(past, record=record, ends=np.array([end])))
    return track


def test_records_further_back_than_scores_need_go_first_and_the_newest_never(run: Run) -> None:
    track = track_at(run, [0, 50, 70, 90, 91, 100], horizon=10)
    assert removal_order(track) == [1, 2, 5, 4, 3]
    assert removal_order(track[:1]) == removal_order([]) == []
    other = replace(track[4].record, frequency=replace(track[4].record.frequency, size=77))
    assert removal_order([*track[:4], replace(track[4], record=other), track[5]])[:3] == [1, 2, 5]


@pytest.mark.parametrize("kept", [5, 15])
def test_with_fewer_records_than_steps_in_a_horizon_two_horizons_still_come_true(
    run: Run, kept: int
) -> None:
    horizon = 24
    track: list[store.PastForecast] = []
    scored = []
    for past in track_at(run, list(range(240)), horizon):
        track.append(past)
        if len(track) > kept:
            first = removal_order(track)[0]
            track = [each for each in track if each.number != first]
        steps: set[int] = set()
        for each in track:
            if each.ends[0] + horizon <= past.ends[0]:
                steps |= set(range(each.ends[0], each.ends[0] + horizon))
        scored.append(len(steps))
    assert min(scored[5 * horizon :]) >= 2 * horizon
