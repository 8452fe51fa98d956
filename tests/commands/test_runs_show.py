"""forecast runs show"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forecast_cli import store
from forecast_cli.evaluation import metrics
from tests.commands.helpers import Forecast


def test_runs_list_and_show(forecast: Forecast, airline_store: Path) -> None:
    listed = forecast("runs", "list", "--store", airline_store)
    assert "* " + store.latest(airline_store) in listed.out
    document = json.loads(forecast("runs", "list", "--store", airline_store, "--json").out)
    assert [run["horizon"] for run in document["runs"]] == [12]
    shown = forecast("runs", "show", "--run", "1", "--store", airline_store).out
    assert "differences to the value 12 steps earlier" in shown
    details = json.loads(forecast("runs", "show", "--store", airline_store, "--json").out)
    assert (details["schema"], details["plan"]["seed"]) == ("forecast/runs-show/v1", 3)


def test_a_metric_that_is_newer_than_a_run_is_left_out(
    forecast: Forecast, airline_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = metrics.Metric("bias", lambda actual, predicted, _: 0.0)
    monkeypatch.setitem(metrics.METRICS, "bias", newer)
    shown = forecast("runs", "show", "--store", airline_store).out
    scores = [line for line in shown.splitlines() if line.startswith("test: seasonal naive")]
    assert [line.split("  ")[-1] for line in scores] == [
        "MAE 47.83, RMSE 50.71, sMAPE 10.57, MASE 1.571"
    ]
