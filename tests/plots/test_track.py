"""The picture of the track."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from forecast_cli import store
from forecast_cli.plots import track
from forecast_cli.plots.fonts import Labels
from forecast_cli.store import PastForecast, RefreshEvent, Run, TrackRecord


def past(run: Run, number: int, **event: Any) -> PastForecast:
    """A forecast of two steps, two rows later each time."""
    usual = RefreshEvent(action="reuse", reasons=[], alarm=False)
    record = TrackRecord(
        format="forecast-track",
        schema=1,
        number=number,
        created="20261122T030000Z",
        run=run.name,
        columns=run.config.columns,
        frequency=run.config.frequency,
        ids=[""],
        horizon=2,
        levels=[],
        rows=10,
        settings={},
        event=replace(usual, **event),
    )
    end = int(run.tail.first[0]) + 2 * number
    truth = np.arange(end - 3.0, end)
    values = np.array([[1.0, 2.0]])
    return PastForecast(record, np.array([end]), values, {}, truth, np.array([0, 3]))


def test_it_shows_forecasts_actual_values_alarms_and_promotions(airline_store: Path) -> None:
    run = store.load(airline_store)
    ratios = (None, 1.0, 2.5, 1.2)
    forecasts = [
        past(run, number, ratio=ratio, alarm=ratio == 2.5, promoted=ratio == 2.5)
        for number, ratio in enumerate(ratios, 1)
    ]
    top, bottom = track.figure(run, Labels(), forecasts, None).axes

    truth, *made = top.get_lines()
    assert list(np.asarray(truth.get_ydata())) == list(
        range(int(forecasts[0].ends[0]) - 3, int(forecasts[-1].ends[0]))
    )
    assert [list(np.asarray(line.get_ydata())) for line in made] == [[1.0, 2.0]] * 4
    by_label = {line.get_label(): line for line in bottom.get_lines()}
    assert list(np.asarray(by_label["alarm"].get_ydata())) == [2.5]
    assert "new run promoted" in by_label


def test_steps_that_no_record_holds_are_a_gap(airline_store: Path) -> None:
    run = store.load(airline_store)
    forecasts = [past(run, 1), past(run, 3)]  # of 3 steps each, 4 steps apart

    truth = track.figure(run, Labels(), forecasts, None).axes[0].get_lines()[0]

    missing = np.isnan(np.asarray(truth.get_ydata(), float))
    assert missing.tolist() == [False, False, False, True, False, False, False]
