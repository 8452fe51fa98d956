"""One refresh: what is delivered, recorded and said. Nothing is trained here."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import store
from forecast_cli.errors import DivergedError, StoppedError, StorageError
from forecast_cli.forecasting import Forecast
from forecast_cli.progress import Epoch, Event
from forecast_cli.sources import settings_from
from forecast_cli.workflow import predict, refresh, training
from forecast_cli.workflow.refreshing import Refreshed
from tests.conftest import AIRLINE


class Delivered:
    """Takes what is delivered."""

    def __init__(self) -> None:
        self.forecasts: list[Forecast] = []

    def __call__(self, forecast: Forecast) -> None:
        self.forecasts.append(forecast)


def again(root: Path, deliver: Any, **changed: Any) -> Refreshed:
    """A refresh with the settings of the run in the store, so that nothing is due."""
    settings = settings_from(epochs=3, units="8,6", members=1, seed=3, **changed)
    return refresh(AIRLINE, settings, deliver, store_folder=root)


def test_the_forecast_is_delivered_once_and_is_that_of_predict(store_copy: Path) -> None:
    delivered = Delivered()
    done = again(store_copy, delivered, horizon=12, levels="50", digits=1)
    predicted = predict(AIRLINE, store_folder=store_copy, horizon=12, levels=(50.0,), digits=1)
    (forecast,) = delivered.forecasts
    assert forecast is done.forecast
    np.testing.assert_array_equal(forecast.values, predicted.forecast.values)
    np.testing.assert_array_equal(forecast.bounds[50.0], predicted.forecast.bounds[50.0])
    assert (forecast.digits, done.exit_code, done.promoted) == (1, 0, False)


def test_what_it_says_is_what_predict_says(store_copy: Path) -> None:
    done = again(store_copy, Delivered())
    predicted = predict(AIRLINE, store_folder=store_copy)
    said = [note.text for note in done.notes if note.kind != "no_new_rows"]
    assert said == [note.text for note in predicted.notes]
    assert "coverage" in [note.kind for note in done.notes]


def test_a_run_that_goes_on_forecasts_the_horizon_that_is_asked_for(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(*_: object) -> None:
        raise DivergedError("the loss is not finite")

    monkeypatch.setattr(training, "fit_and_publish", diverge)
    done = again(store_copy, Delivered(), horizon=15)
    predicted = predict(AIRLINE, store_folder=store_copy, horizon=15)
    np.testing.assert_array_equal(done.forecast.values, predicted.forecast.values)
    assert done.forecast.values.shape == (1, 15)
    assert done.exit_code == 3
    assert "beyond_horizon" in [note.kind for note in done.notes]


def test_the_record_and_the_report_follow_the_forecast(store_copy: Path) -> None:
    done = again(store_copy, Delivered())
    past = store.read_forecast(store_copy, 1)
    assert (past.record.run, past.record.event.action) == (done.run.name, "reuse")
    assert past.record.settings == {
        "epochs": "3",
        "members": "1",
        "seed": "3",
        "units": "[8, 6]",
    }
    report = json.loads((store_copy / "last_run.json").read_text())
    assert (report["schema"], report["action"]) == ("forecast/refresh/v1", "reused")
    assert report["run"] == done.run.name


def test_a_forecast_that_cannot_be_delivered_is_not_recorded(store_copy: Path) -> None:
    def full(_: Forecast) -> None:
        raise StorageError("cannot write out.csv: No space left on device")

    with pytest.raises(StorageError):
        again(store_copy, full)
    assert store.forecast_numbers(store_copy) == []
    report = json.loads((store_copy / "last_run.json").read_text())
    assert (report["exit_code"], report["error"]) == (
        30,
        "cannot write out.csv: No space left on device",
    )


def test_a_refresh_that_is_stopped_in_its_training_names_no_option_of_train(
    store_copy: Path,
) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Epoch):
            raise StoppedError(signal.SIGTERM)

    settings = settings_from(epochs=3, units="8,6", members=1, seed=3, retrain_after="0")
    with pytest.raises(StoppedError) as caught:
        refresh(AIRLINE, settings, Delivered(), store_folder=store_copy, report=stop)
    said = (
        "stopped by signal 15; nothing was published",
        "run the command again; the training begins anew",
    )
    assert (caught.value.message, caught.value.hint) == said
    report = json.loads((store_copy / "last_run.json").read_text())
    assert (report["error"], report["hint"]) == said


def test_a_forecast_that_cannot_be_recorded_is_published_and_degraded(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError("cannot write: No space left on device")

    monkeypatch.setattr(store, "write_forecast", full)
    delivered = Delivered()
    done = again(store_copy, delivered)
    assert (len(delivered.forecasts), done.exit_code) == (1, 3)
    assert done.reasons == [
        "the forecast is published, but not recorded in the track: "
        "cannot write: No space left on device"
    ]


def test_the_lock_is_free_afterwards(store_copy: Path) -> None:
    again(store_copy, Delivered())
    with store.lock(store_copy):
        pass
