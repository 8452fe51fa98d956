"""forecast check"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.helpers import Forecast
from tests.conftest import AIRLINE, SAMPLES


def test_check_says_what_a_file_is_and_the_line_to_type(forecast: Forecast) -> None:
    Path("my data.csv").write_text(AIRLINE.read_text().replace("Month,", "my month,"))
    result = forecast("check", "my data.csv", "--time", "my month", "--horizon", "6")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[-1] == "forecast train 'my data.csv' --time 'my month' --horizon 6"
    assert "shape       1 series of 144 steps" in lines
    assert "auto        horizon 6: as given on the command line" in lines
    assert "auto        lookback 12: one season of 12" in lines
    assert not Path("forecast_runs").exists()


def test_check_json_is_one_document(forecast: Forecast) -> None:
    Path("forecast.toml").write_text("epochs = 7\n")
    result = forecast("check", SAMPLES / "panel.csv", "--json", "--config", "forecast.toml")
    document = json.loads(result.out)
    assert (result.code, document["schema"], document["series"]) == (0, "forecast/check/v1", 8)
    assert [f["name"] for f in document["findings"]][:4] == [
        "shape",
        "columns",
        "frequency",
        "span",
    ]
    assert document["train"] == f"forecast train {SAMPLES}/panel.csv --config forecast.toml"
    assert {
        "name": "epochs",
        "value": 7,
        "why": "as given in forecast.toml",
        "from": "file",
    } in document["settings"]


@pytest.mark.parametrize(
    ("text", "code", "name", "message", "hint"),
    [
        ("t,y\n2024-01-01,1\n2024-01-02,x\n2024-01-03,3\n", 20, "reading", "d.csv:3: column 'y': 'x' is not a number", "name missing values with --null (besides empty, NA, NaN and null), correct these cells, or use --bad-rows skip"),
        ("y\n1\n2\n3\n", 21, "training", "3 rows are too few for horizon 1: at least 5 are needed (2 to look back on, 1 to learn from, 1 for validation, 1 held out)", "give more rows, or a smaller --horizon, --validation or --test"),
    ],
)  # fmt: skip
def test_check_ends_as_training_would_refuse(
    forecast: Forecast, text: str, code: int, name: str, message: str, hint: str
) -> None:
    Path("d.csv").write_text(text)
    result = forecast("check", "d.csv")
    assert (result.code, result.err) == (code, "")
    of_name = "" if name == "reading" else f"{name} "
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    at = lines.index(f"{of_name}error: {message}")
    assert lines[at + 1] == f"hint: {hint}"
    assert "found" not in lines
    document = json.loads(forecast("check", "d.csv", "--json").out)
    assert (document["exit_code"], document["error"], document["hint"], document["train"]) == (
        code,
        message,
        hint,
        None,
    )
    assert document["findings"][-1] == {
        "name": name,
        "text": message,
        "level": "error",
        "details": {"hint": hint},
    }
    assert forecast("train", "d.csv").code == code


def test_the_line_that_check_gives_is_the_line_that_trains(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shlex

    monkeypatch.setenv("FORECAST_EPOCHS", "1")
    monkeypatch.setenv("FORECAST_REFIT", "no")
    line = forecast("check", AIRLINE, "--horizon", "3", "--past", "").out.splitlines()[-1]
    words = shlex.split(line)
    assert words[:2] == ["forecast", "train"]
    monkeypatch.delenv("FORECAST_EPOCHS")
    monkeypatch.delenv("FORECAST_REFIT")
    document = json.loads(forecast(*words[1:], "--units", "4", "--json").out)
    assert (document["plan"]["epochs"], document["plan"]["refit"], document["plan"]["horizon"]) == (
        1,
        False,
        3,
    )
