"""What a training would use, and why: --print-config."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forecast_cli import store
from tests.commands.helpers import Forecast
from tests.conftest import AIRLINE


def test_print_config_says_what_would_be_used_and_why(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORECAST_BATCH_SIZE", "16")
    result = forecast("train", AIRLINE, "--print-config", "--lookback", "36")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    for line in (
        "time Month: recognized",
        "target Passengers: recognized",
        "id none: there is none",
        "preset auto: default",
        "horizon 12: one main season (monthly)",
        "seasons 12: monthly, with two full seasons in the training part",
        "lag 12: differences to the value 12 steps earlier",
        "lookback 36: as given on the command line",
        "batch_size 16: as given in the environment (FORECAST_BATCH_SIZE)",
        "learning_rate 0.001: segments of 12",
        "levels 80,95: default",
        "store ./forecast_runs: default",
    ):
        assert line in lines
    assert not Path("forecast_runs").exists()
    assert (
        "lookback 24: 2 seasons of 12"
        in forecast("train", AIRLINE, "--print-config").out.splitlines()
    )


def test_print_config_json_is_one_document(forecast: Forecast) -> None:
    result = forecast("train", AIRLINE, "--print-config", "--json", "--season", "12")
    document = json.loads(result.out)
    assert (document["schema"], document["exit_code"], result.err) == (
        "forecast/print-config/v1",
        0,
        "",
    )
    settings = {entry["name"]: entry for entry in document["settings"]}
    assert settings["seasons"] == {
        "name": "seasons", "value": [12], "why": "as given on the command line", "from": "command line",
    }  # fmt: skip
    assert {entry["from"] for entry in document["settings"]} == {"command line", "rule", "default"}
    assert {"lookback", "units", "dropout", "threads", "refit", "store"} <= settings.keys()


def test_print_config_checks_the_run_to_start_from_and_shows_it(
    forecast: Forecast, airline_store: Path
) -> None:
    name = store.latest(airline_store)
    words = ("train", AIRLINE, "--print-config", "--store", airline_store, "--units", "8,6")
    result = forecast(*words, "--from", "1")
    assert (result.code, result.err) == (0, "")
    assert f"warm_start {name}: as given on the command line" in result.out.splitlines()

    document = json.loads(forecast(*words, "--from", "1", "--json").out)
    assert {
        "name": "warm_start",
        "value": name,
        "why": "as given on the command line",
        "from": "command line",
    } in document["settings"]
    assert "warm_start none: default" in forecast(*words).out.splitlines()


def test_print_config_refuses_a_run_to_start_from_as_a_training_does(
    forecast: Forecast, store_copy: Path
) -> None:
    words = ("train", AIRLINE, "--store", store_copy)
    for more in (("--from", "1", "--units", "3"), ("--from", "9")):
        refused = forecast(*words, *more)
        assert refused.code in (2, 10)
        shown = forecast(*words, *more, "--print-config")
        assert (shown.code, shown.out, shown.err) == (refused.code, "", refused.said)
