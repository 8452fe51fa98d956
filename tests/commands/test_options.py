"""Settings as options: which source wins, and which command takes what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.helpers import Forecast
from tests.conftest import AIRLINE, Result


def test_settings_come_from_the_file_the_environment_and_the_command_line(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("forecast.toml").write_text(
        'horizon = 6\nepochs = 1\nunits = "4"\nstore = "from_file"\nlevels = "50"\n'
    )
    monkeypatch.setenv("FORECAST_HORIZON", "12")
    monkeypatch.setenv("FORECAST_SEED", "1")
    document = json.loads(forecast("train", AIRLINE, "--config", "forecast.toml", "--json").out)
    assert (
        document["plan"]["horizon"],
        document["plan"]["epochs"],
        document["plan"]["levels"],
    ) == (12, 1, [50.0])
    assert Path(document["folder"]).parent == Path("from_file/runs")
    again = json.loads(
        forecast("train", AIRLINE, "--config", "forecast.toml", "--horizon", "8", "--json").out
    )
    assert again["plan"]["horizon"] == 8
    shown = forecast("predict", "--config", "forecast.toml")
    assert (shown.code, shown.out.splitlines()[0]) == (0, "Month,forecast,lo-50,hi-50")
    monkeypatch.setenv("FORECAST_STORE", "from_environment")
    assert forecast("runs", "list", "--config", "forecast.toml").err.startswith(
        "error: no run in from_environment\n"
    )
    assert forecast("runs", "list", "--store", "from_file").code == 0


def test_an_option_typed_with_its_default_still_beats_the_file(forecast: Forecast) -> None:
    Path("forecast.toml").write_text("seed = 9\nrefit = false\n")
    words = ("train", AIRLINE, "--print-config", "--config", "forecast.toml")
    assert "\nseed 9: as given in forecast.toml\n" in forecast(*words).out
    assert "\nseed 1: as given on the command line\n" in forecast(*words, "--seed", "1").out
    assert "\nrefit false: as given in forecast.toml\n" in forecast(*words).out
    assert "\nrefit true: as given on the command line\n" in forecast(*words, "--refit").out


def test_an_unknown_key_is_refused_and_an_unknown_variable_is_not(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch, airline_store: Path
) -> None:
    Path("forecast.toml").write_text("horizn = 3\n")
    for words in (
        ("train", AIRLINE),
        ("predict",),
        ("check", AIRLINE),
        ("runs", "list"),
        ("plot",),
    ):
        result = forecast(*words, "--config", "forecast.toml")
        assert result == Result(
            2, "", "error: forecast.toml: unknown key 'horizn'\nhint: did you mean 'horizon'?\n"
        )
    monkeypatch.setenv("FORECAST_HORIZN", "3")
    result = forecast("predict", "--store", airline_store, "--quiet")
    assert (result.code, result.err) == (
        0,
        "warning: the environment variable FORECAST_HORIZN is not a setting and was ignored; did you mean FORECAST_HORIZON?\n",
    )
