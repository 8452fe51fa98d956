"""forecast check"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from forecast_cli.base import weights
from tests.commands.helpers import Forecast
from tests.conftest import AIRLINE, SAMPLES, Result, monthly


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


# -- the base network --------------------------------------------------------------------------


def base_lines(result: Result) -> list[str]:
    return [line for line in result.out.splitlines() if line.startswith("base ")]


def test_check_says_how_the_base_network_would_have_forecast_the_newest_rows(
    forecast: Forecast,
) -> None:
    (line,) = base_lines(forecast("check", AIRLINE))
    assert re.fullmatch(
        "base +untrained, it forecasts the newest 12 rows with MASE [0-9.]+, "
        "seasonal naive with 1.57",
        line,
    )
    (line,) = base_lines(forecast("check", SAMPLES / "panel.csv", "--horizon", "1"))
    assert " the newest 1 row with MASE " in line


def test_check_scores_the_base_network_as_a_backtest_does(forecast: Forecast) -> None:
    checked = json.loads(forecast("check", SAMPLES / "panel.csv", "--json").out)
    (found,) = [each for each in checked["findings"] if each["name"] == "base"]
    details = found["details"]
    assert (details["horizon"], details["series"], details["metric"]) == (7, 8, "MASE")

    rolled = forecast("backtest", SAMPLES / "panel.csv", "--run", "base", "--origins", "1")
    shown = {line[:19].strip(): float(line.split()[-1]) for line in rolled.out.splitlines()[2:7]}
    assert details["network"] == pytest.approx(shown["this network"], rel=1e-3)
    assert details["seasonal_naive"] == pytest.approx(shown["seasonal naive (7)"], rel=1e-3)


@pytest.mark.parametrize("options", [(), ("--future", "promo"), ("--weight", "promo")])
def test_covariates_are_nothing_to_the_line_about_the_base_network(
    forecast: Forecast, options: tuple[str, ...]
) -> None:
    plain = base_lines(forecast("check", SAMPLES / "panel.csv"))
    assert base_lines(forecast("check", SAMPLES / "panel.csv", *options)) == plain
    assert len(plain) == 1


def test_check_says_nothing_of_the_base_network_where_rows_are_too_few(
    forecast: Forecast, write: Callable[..., Path]
) -> None:
    few = "y\n" + "".join(f"{n}\n" for n in (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5))
    assert base_lines(forecast("check", write(few))) == []
    document = json.loads(forecast("check", write(few), "--json").out)
    assert "base" not in [each["name"] for each in document["findings"]]


def test_of_a_series_that_repeats_itself_the_error_is_an_mae(
    forecast: Forecast, write: Callable[..., Path]
) -> None:
    season = np.tile(np.arange(12.0), 8)
    (line,) = base_lines(forecast("check", write(monthly(season))))
    assert re.search("with MAE [-0-9.e]+, seasonal naive with 0$", line)


def test_of_many_series_some_are_scored(forecast: Forecast, write: Callable[..., Path]) -> None:
    days = [str(np.datetime64("2024-01-01") + n) for n in range(40)]
    random = np.random.default_rng(1)
    rows = [
        f"s{number},{day},{10 + number % 7 + random.normal():.2f}\n"
        for number in range(60)
        for day in days
    ]
    (line,) = base_lines(forecast("check", write("unique_id,ds,y\n" + "".join(rows))))
    assert " the newest 7 rows of 25 of the series with MASE " in line


def test_a_damaged_base_network_is_a_warning_of_check(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(weights, "PATH", tmp_path / "base.safetensors")
    (tmp_path / "base.safetensors").write_bytes(b"damaged")
    result = forecast("check", AIRLINE, "--json")
    (found,) = [each for each in json.loads(result.out)["findings"] if each["name"] == "base"]
    assert (result.code, found["level"]) == (0, "warning")
    assert found["text"].endswith("is damaged: its bytes are not those that were published")
    assert found["details"] == {"hint": "install the package again"}
