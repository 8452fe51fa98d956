"""forecast runs show"""

from __future__ import annotations

import json
from pathlib import Path

from forecast_cli import store
from tests.commands.helpers import Forecast


def test_runs_list_and_show(forecast: Forecast, airline_store: Path) -> None:
    listed = forecast("runs", "list", "--store", airline_store)
    assert "* " + store.latest(airline_store) in listed.out
    document = json.loads(forecast("runs", "list", "--store", airline_store, "--json").out)
    assert [run["horizon"] for run in document["runs"]] == [12]
    shown = forecast("runs", "show", "--run", "1", "--store", airline_store).out
    assert "repeating the value 12 steps earlier has the smallest error" in shown
    details = json.loads(forecast("runs", "show", "--store", airline_store, "--json").out)
    assert (details["schema"], details["plan"]["seed"]) == ("forecast/runs-show/v1", 3)
