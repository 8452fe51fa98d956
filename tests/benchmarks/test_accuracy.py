"""What benchmarks/accuracy.py writes for the tool, and what it reads of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import accuracy
from benchmarks.commands import bounded
from benchmarks.suites import Suite
from tests.conftest import HANG

PANEL = Suite(
    "made-up",
    {"a": np.array([1.0, np.nan, 3.0]), "b": np.array([4.5])},
    {"a": np.array([5.0]), "b": np.array([6.0])},
    1,
    7,
    "7",
)
SINGLE = Suite(
    "made-up", {"": np.array([1.0, 2.0])}, {"": np.array([3.0])}, 1, 1, times=["Mo", "Tu", "We"]
)


def test_a_panel_is_written_as_a_long_file_with_its_gaps(tmp_path: Path) -> None:
    accuracy.write_training(tmp_path / "train.csv", PANEL)
    lines = (tmp_path / "train.csv").read_text().splitlines()
    assert lines == ["unique_id,y", "a,1.0", "a,", "a,3.0", "b,4.5"]
    assert accuracy.roles(PANEL) == ["--id", "unique_id", "--target", "y", "--season", "7"]


def test_the_tool_never_sees_the_test_part_of_a_single_series(tmp_path: Path) -> None:
    accuracy.write_training(tmp_path / "train.csv", SINGLE)
    assert (tmp_path / "train.csv").read_text() == "time,y\nMo,1.0\nTu,2.0\n"
    assert accuracy.roles(SINGLE) == ["--target", "y"]


def test_forecasts_and_bounds_are_read_by_series() -> None:
    printed = b"""unique_id,step,forecast,lo-80,hi-80,lo-95,hi-95
b,1,5,4,6,3,
a,1,1,0,2,-1,3
"""
    forecasts, bounds = accuracy.parse_forecast(PANEL, printed)
    assert {name: values.tolist() for name, values in forecasts.items()} == {"b": [5], "a": [1]}
    assert bounds["80"][0]["a"].tolist() == [0]
    assert np.isnan(bounds["95"][1]["b"]).all()


@pytest.mark.parametrize("origins", [1, 3])
def test_the_base_network_is_scored_without_a_training(origins: int) -> None:
    month = np.arange(60)
    values = 100 + 20 * np.sin(2 * np.pi * month / 12)
    times = (np.datetime64("2000-01", "M") + month).astype(str).tolist()
    history = len(values) - 6 * origins
    training, test = {"": values[:history]}, {"": values[history:]}
    suite = Suite("made-up", training, test, 6, 12, "12", times, origins)

    figure = accuracy.forecast_by_base(suite)
    words = "predict train.csv --run base --target y --season 12 --horizon 6"
    assert (figure["method"], figure["command"]) == ("base", f"forecast {words}")
    assert figure["rmse"] < 8
    assert set(figure["coverage_percent"]) == {"80", "95"}


def test_the_last_line_has_the_last_figure_of_each_set() -> None:
    lines = [{"suite": "nn5", "mase": 1.0}, {"suite": "nn5", "mase": 0.9}]
    printed = "\n".join(map(json.dumps, lines))
    assert accuracy.main_figures("nn5", printed, "") == {"nn5 mase": 0.9}
    assert accuracy.main_figures("nn5", "", "stopped after 3 s") == {"nn5": "stopped after 3 s"}


def test_a_process_that_hangs_is_stopped_with_all_that_it_started() -> None:
    printed, failure = bounded(["sh", "-c", "echo 1; sleep 1000; echo 2"], 2)
    assert (printed, failure) == ("1\n", "stopped after 2 s")


def test_why_a_process_failed_is_its_last_line() -> None:
    printed, failure = bounded([sys.executable, "-c", "print(2); raise ValueError('odd')"], HANG)
    assert (printed, failure) == ("2\n", "ValueError: odd")
